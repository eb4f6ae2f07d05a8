"""What must not be published, as it looks in text and in the first bytes of a file. The guard of commits takes it too.

Every pattern is read alike by Python's `re` over bytes and by RE2 over columns: no look-around, no back-reference.
A pattern that is `distinct` has a shape that nothing innocent has, so the repository and its history are searched for
it as well. This file imports nothing but the standard library: the guard runs before anything is installed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache


class Topic(StrEnum):
    """What a pattern is about; a column names the topics that it is searched for."""

    IDS = "ids of patients, studies and pictures"
    NUMBERS = "bare numbers that could be ids"
    SECRETS = "passwords and tokens"
    PATHS = "places on a machine"
    DATES = "dates that a study could have"
    RECENT_DATES = "dates since this benchmark exists"
    REPORTS = "text of reports"
    LAYOUT = "sections of reports, as LVLMs write them too"
    ENCODED = "content in disguise"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A shape of text.

    rule      the name by which a refusal calls it
    what      the same in words
    distinct  whether it is looked for in the repository and its history too
    """

    rule: str
    what: str
    topic: Topic
    regex: str
    distinct: bool = False


OLD_YEARS = r"(?:19\d\d|20[01]\d|202[0-4]|2[12]\d\d)"
"""MIMIC's years are shifted to after 2100; the sources' own studies are older than this benchmark."""

RECENT_YEARS = r"(?:202[5-9]|20[3-9]\d)"
MONTHS = (
    r"(?:jan(?:uary|\.)?|feb(?:ruary|\.)?|mar(?:ch|\.)?|apr(?:il|\.)?|may|june?|july?|aug(?:ust|\.)?"
    r"|sep(?:t(?:ember|\.)?|\.)?|oct(?:ober|\.)?|nov(?:ember|\.)?|dec(?:ember|\.)?|(?:de )?(?:enero|febrero|marzo"
    r"|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre)(?: de)?)"
)
_MONTH, _DAY = r"(?:0[1-9]|1[0-2])", r"(?:0[1-9]|[12]\d|3[01])"
_OPEN, _CLOSE = r"(?:\b|_)", r"(?:\b|_|T\d)"


def _dates(years: str) -> str:
    day, month = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])"
    return "|".join(
        (
            rf"{_OPEN}{years}[-/._ ]{month}[-/._ ]{day}{_CLOSE}",
            rf"\b{years}{_MONTH}{_DAY}(?:\b|T\d)",
            rf"\b{day}[./-]{month}[./-]{years}\b",
            rf"\b{month}[/-]{day}[/-]{years}\b",
            rf"(?i:\b{MONTHS} {day}(?:st|nd|rd|th)?,? {years}\b)",
            rf"(?i:\b{day}(?:st|nd|rd|th)? {MONTHS},? {years}\b)",
            rf"(?i:\b{MONTHS},? 2[12]\d\d\b)",
        )
    )


_64 = "[A-Za-z0-9+/]"
_SOURCE_COLUMN = (
    r"(?:subject_id|study_id|dicom_id|patient_id|patientid|studyid|imageid|studydate(?:_dicom)?|studytime"
    r"|studydatetime|patientbirth|patientsex(?:_dicom)?|patientage|patientname|accessionnumber"
    r"|studyinstanceuid|seriesinstanceuid|sopinstanceuid|rad_id|reason_for_exam|sentence_e[ns]|coord_original)"
)
_SPANISH = (
    r"(?:derrame|pinzamiento|aumento de densidad|cardiomegalia|[ií]ndice cardiotor[aá]cico|silueta card[ií]aca"
    r"|senos? costofr[eé]nicos?|par[eé]nquima|hilios?|mediastino|condensaci[oó]n|atelectasia|neumot[oó]rax"
    r"|infiltrados?|signos de|n[oó]dulos?|sin masa|cambios degenerativos|se observ\w+|hallazgos?|t[oó]rax"
    r"|placa|pulmonar(?:es)?|derech[oa]|izquierd[oa])"
)

PATTERNS = (
    Pattern(
        "MIMIC_PATH", "a MIMIC-CXR path", Topic.IDS,
        r"\bp1\d/p1\d{7}\b|\bp1\d{7}/s5\d{7}\b", distinct=True,
    ),
    Pattern(
        "MIMIC_IMAGE_ID", "a MIMIC-CXR image id", Topic.IDS,
        r"(?i:\b[0-9a-f]{8}(?:[-_ ][0-9a-f]{8}){4}(?:\b|_))", distinct=True,
    ),
    Pattern("MIMIC_NUMBER", "a patient or study number of MIMIC-CXR", Topic.IDS, r"(?:\b|_)(?:p1|s5)\d{7}(?:\b|_)"),
    Pattern("VINDR_IMAGE_ID", "a VinDr-CXR image id", Topic.IDS, r"(?i:(?:\b|_)[0-9a-f]{32}(?:\b|_))", distinct=True),
    Pattern(
        "PADCHEST_IMAGE_ID", "a PadChest image id", Topic.IDS,
        r"\b\d{20,}_(?:\d{2}-\d{3}-\d{3}|\d{6})\b", distinct=True,
    ),
    Pattern("PADCHEST_NUMBER", "a study or patient number of PadChest", Topic.IDS, r"\b\d{20,}(?:\b|_)"),
    Pattern(
        "DICOM_UID", "a DICOM UID", Topic.IDS,
        r"\b[0-2]\.\d+(?:\.\d+)*\.\d{6,}(?:\.\d+){2,}\b|\b[0-2]\.\d+(?:\.\d+){2,}\.\d{6,}\b", distinct=True,
    ),
    Pattern(
        "PATIENT_DETAIL", "a detail of a patient", Topic.IDS,
        r"(?i:\b(?:MRN|accession(?: number| no\.?)?)\b\W{0,4}\d{3,})"
        r"|(?i:\b(?:date of birth|DOB|patient(?:'s)? name)\s*:\s*\w)"
        r"|(?i:\b(?:patient|subject|study)[\s_]?(?:id|number|no\.?)?[\s:=#\"']{0,4}\d{5,})",
    ),
    Pattern(
        "SOURCE_COLUMN", "a column of a source", Topic.IDS,
        rf"(?i:[\"']{_SOURCE_COLUMN}[\"']\s*[:,])|(?i:\b{_SOURCE_COLUMN}[,;\t]\s?\w+[,;\t])",
    ),
    Pattern("MIMIC_BARE_NUMBER", "a number like those of MIMIC-CXR", Topic.NUMBERS, r"\b[15]\d{7}\b"),
    Pattern(
        "TOKEN", "an access token", Topic.SECRETS,
        r"\b(?:(?:hf_|api_org_)[A-Za-z0-9]{20,}|(?:AKIA|ASIA)[0-9A-Z]{16}\b|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{30,}"
        r"|glpat-[\w-]{20,}|sk-[A-Za-z0-9_-]{20,}|xox[baprs]-[\w-]{10,}|AIza[\w-]{35}"
        r"|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{5,}|[Bb]earer\s+[A-Za-z0-9._~+/-]{20,})", distinct=True,
    ),
    Pattern("PRIVATE_KEY", "a private key", Topic.SECRETS, r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY", distinct=True),
    Pattern(
        "URL_WITH_PASSWORD", "an address with a password", Topic.SECRETS,
        r"\b[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@\"'{}<>]+:[^\s/@\"'{}<>]+@", distinct=True,
    ),
    Pattern(
        "PASSWORD", "a password", Topic.SECRETS,
        r"(?i:\b\w{0,30}(?:password|passwd|pwd|passphrase|secret|api[_-]?key|access[_-]?key|auth[_-]?token"
        r"|access[_-]?token)\w{0,20}[\"']?\s{0,3}[=:]\s{0,3}[\"']?[^\s\"'<>{}$*]{4,})|(?i:\btoken\s?=\s?[\"']?\S{4,})"
        r"|\b[A-Z][A-Z0-9_]{0,30}PASS\s?=\s?\S{4,}|--pass(?:word|wd)?[ =]\s?[^\s<-]\S{3,}",
    ),
    Pattern(
        "PATH", "a path of a machine", Topic.PATHS,
        r"(?:^|[\s\"'=(\[{,;:<>`|])/[\w.@~+-]+/[\w.@~+-]|(?:^|[\s\"'=(\[`])~/\w|\b[A-Za-z]:[\\]{1,2}\w"
        r"|\b[A-Za-z]:/\w+/|\\\\\w+\\\w|(?i:\b(?:file|s3|gs|gcs|abfss?|wasbs?|hdfs)://)",
    ),
    Pattern("DATE", "a date", Topic.DATES, _dates(OLD_YEARS)),
    Pattern("RECENT_DATE", "a date", Topic.RECENT_DATES, _dates(RECENT_YEARS)),
    Pattern(
        "DEIDENTIFIED", "a mark of de-identification", Topic.REPORTS, r"(?:^|[^_\w])_{3}(?:[^_\w]|$)|\[\*\*[\w ]",
    ),
    Pattern(
        "REPORT", "text of a report", Topic.REPORTS,
        r"(?is:\b(?:EXAMINATION|INDICATION|COMPARISON|(?:CLINICAL )?(?:HISTORY|INFORMATION)|REASON FOR EXAM\w*)"
        r"[*_]{0,3}:.*\b(?:FINDINGS|IMPRESSION)[*_]{0,3}:)"
        r"|(?s:\b(?:FINDINGS|IMPRESSION|FINAL REPORT|WET READ)[*_:]{1,4}\s.{200,})",
    ),
    Pattern(
        "REPORT_LAYOUT", "the sections of a report", Topic.LAYOUT,
        r"(?is:\bFINDINGS?[*_]{0,3}:.{3,}\bIMPRESSIONS?[*_]{0,3}:)",
    ),
    Pattern(
        "SPANISH_REPORT", "text of a report in Spanish", Topic.REPORTS,
        rf"(?is:\b{_SPANISH}\b.*\b{_SPANISH}\b)",
    ),
    Pattern(
        "ENCODED_PICTURE", "a picture written as text", Topic.ENCODED,
        rf"/9j/[A-Za-z0-9+/]{{20}}|\b(?:iVBORw0KGg[o]|(?:SUkqA|SUkrA|TU0AK|UklGR|R0lGOD|XAEAA|AAAADGpQ){_64}{{20}}|A{{160}}"
        rf"|data:(?:image|application)/[\w.+-]{{1,40}};base64,{_64}{{20}}|(?i:89504e470d0a1a0[a]|ffd8ff[ed][0-9a-f]{{24}}"
        rf"|(?:49492a00|4d4d002a|52494646|5c010000)[0-9a-f]{{64}}))", distinct=True,
    ),
    Pattern(
        "ENCODED", "bytes written as text", Topic.ENCODED,
        rf"{_64}{{160}}|(?:{_64}{{60,80}}\r?\n){{3}}|(?:^|[^A-Za-z0-9+/])(?:H4sIA|UEsDB|UEFSMQ|k05VTVBZ){_64}{{20}}",
    ),
)  # fmt: skip
"""A rule may not have the name of another."""

PICTURE_STARTS = (
    (0, b"\x89PNG"), (0, b"\xff\xd8\xff"), (0, b"II*\0"), (0, b"MM\0*"), (0, b"II+\0"), (0, b"MM\0+"), (0, b"RIFF"),
    (0, b"GIF8"), (0, b"\0\0\0\x0cjP"), (0, b"\xff\x4f\xff\x51"), (0, b"\xff\x0a"), (0, b"\0\0\0\x0cJXL"),
    (4, b"ftyp"), (0, b"P2\n"), (0, b"P5\n"), (0, b"P6\n"), (0, b"8BPS"), (128, b"DICM"), (344, b"n+1\0"),
    (344, b"ni1\0"), (4, b"n+2\0"), (0, b"NRRD"), (0, b"ObjectType"), (0, b"\x02\0\0\0UL"),
)  # fmt: skip
"""(offset, bytes) of radiographs, volumes and other pictures."""

ARCHIVE_STARTS = (
    (0, b"PK\3\4"), (0, b"PK\5\6"), (0, b"\x1f\x8b"), (0, b"7z\xbc\xaf"), (0, b"Rar!"), (0, b"BZh"), (0, b"\xfd7zXZ"),
    (0, b"\x28\xb5\x2f\xfd"), (257, b"ustar"), (0, b"\x04\x22\x4d\x18"),
)  # fmt: skip
DATA_STARTS = (
    (0, b"PAR1"), (0, b"ARROW1"), (0, b"FEA1"), (0, b"\x93NUMPY"), (0, b"\x89HDF"), (0, b"SQLite format"),
    (0, b"\x80\4\x95"), (0, b"\x80\5\x95"),
)  # fmt: skip
"""Of files with rows or arrays."""


def starts(content: bytes, table: tuple[tuple[int, bytes], ...]) -> bool:
    """Whether a file begins as one of a table does."""
    return any(content[offset : offset + len(start)] == start for offset, start in table)


def is_picture(content: bytes) -> bool:
    """Whether a file is a picture or a volume by its first bytes."""
    bitmap = content.startswith(b"BM") and content[6:10] == bytes(4)
    return bitmap or starts(content, PICTURE_STARTS)


@cache
def compiled(pattern: Pattern) -> re.Pattern[bytes]:
    """For bytes, where a word is ASCII, as it is to RE2."""
    return re.compile(pattern.regex.encode("utf-8"))


@cache
def distinct_patterns() -> tuple[Pattern, ...]:
    """Those that the repository and its history are searched for."""
    return tuple(pattern for pattern in PATTERNS if pattern.distinct)
