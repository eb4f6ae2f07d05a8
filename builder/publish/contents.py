"""Looking into a file and into text: what it is by its first bytes, and which patterns its text holds."""

from __future__ import annotations

import html
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote_to_bytes

from builder.publish.patterns import (
    ARCHIVE_STARTS,
    DATA_STARTS,
    PATTERNS,
    Pattern,
    Topic,
    compiled,
    is_picture,
    starts,
)
from medground_bench.pictures.content import DICOM, container_of

STRUCTURE = {
    "PICTURE": "a picture or a volume",
    "PHANTOM_PICTURE": "a picture that is not the phantom's own, as it is drawn from its number",
    "PICTURE_PATH": "where a picture came from",
    "ARCHIVE": "an archive, which is not opened. Publish what is in it, or leave it out",
    "DATA_FILE": "rows or arrays in a file that is no table of the benchmark",
    "UNREADABLE": "bytes that are neither text nor a table, so nobody can look into them",
    "UNEXPECTED_FILE": "a file that is none of the benchmark's",
    "NOT_A_FILE": "a link or a device",
    "DAMAGED_TABLE": "a parquet file that cannot be read",
    "UNEXPECTED_COLUMN": "a column that no level has",
    "COLUMNS": "columns of other names, types or order than the table has",
    "METADATA": "key-value metadata beyond the features of the columns",
    "STATISTICS": "statistics of columns, which may hold values of rows that are gone",
    "NOT_CANONICAL": "bytes beyond its rows. Write it again with this version of the builder",
    "LEVEL": "a column that this level does not have",
    "SOURCE_LEVEL": "rows of a source that has no such level",
    "FREE_ONLY": "a column that only the phantom has",
    "SHAPE": "a value of another form than the column has",
    "IMAGE_ID": "an image id that is not opaque",
    "DERIVED": "a value that does not follow from the row's other columns",
    "RANGE": "a number outside of what the column can have",
    "HIDDEN_TRUTH": "scores of cases that are no phantom's, from which their expert boxes can be worked out",
    "SHARE_NOT_STATED": "rows of a source whose boxes nobody has stated the right to share",
    "SHARE": "a statement of the right to share about no credentialed source, or without a reason",
}
"""Rules about files and tables -> what each means; those about text are in `patterns`."""

RULES = STRUCTURE | {pattern.rule: pattern.what for pattern in PATTERNS}
INVISIBLE = "[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]"
CARD = tuple(topic for topic in Topic if topic is not Topic.RECENT_DATES)
"""What the text of a file is searched for: a card tells its own dates."""


class Kind(StrEnum):
    """What a file is."""

    PICTURE = "PICTURE"
    ARCHIVE = "ARCHIVE"
    PARQUET = "parquet"
    DATA_FILE = "DATA_FILE"
    TEXT = "text"
    UNREADABLE = "UNREADABLE"


@dataclass(frozen=True, slots=True)
class Hit:
    """Where a rule speaks, never what it met: the first row (or line), counted from 1, and how many there are."""

    rule: str
    row: int | None = None
    column: str | None = None
    rows: int = 1


def kind_of(content: bytes) -> Kind:
    """What a file is, by its content; text is UTF-8 without control characters."""
    if is_picture(content) or container_of(content) == DICOM:
        return Kind.PICTURE
    if starts(content, ARCHIVE_STARTS):
        return Kind.ARCHIVE
    if content.startswith(b"PAR1"):
        return Kind.PARQUET
    if starts(content, DATA_STARTS):
        return Kind.DATA_FILE
    return Kind.TEXT if _is_text(content) else Kind.UNREADABLE


def patterns_of(topics: Iterable[Topic]) -> tuple[Pattern, ...]:
    """The patterns that are about these."""
    wanted = frozenset(topics)
    return tuple(pattern for pattern in PATTERNS if pattern.topic in wanted)


def text_findings(content: bytes, topics: Iterable[Topic] = CARD) -> list[Hit]:
    """What a text holds, with the first line and the number of lines of each rule.

    It is read as it stands, and as a page or a program would: entities, percent signs, the strings of a JSON file,
    look-alikes of letters, letters that cannot be seen.
    """
    lines: dict[str, set[int]] = {}
    for text in _readings(content):
        for pattern in patterns_of(topics):
            for match in compiled(pattern).finditer(text):
                lines.setdefault(pattern.rule, set()).add(text.count(b"\n", 0, match.start()) + 1)
    return [Hit(rule, min(where), rows=len(where)) for rule, where in lines.items()]


def masked(text: str) -> str:
    """A name with all that a pattern meets, and letters that cannot be printed, taken out."""
    content = text.encode("utf-8", "backslashreplace")
    for pattern in PATTERNS:
        content = compiled(pattern).sub(b"[...]", content)
    shown = content.decode("utf-8", "replace")
    return "".join(letter if letter.isprintable() else "?" for letter in shown)[:200]


def _readings(content: bytes) -> Iterator[bytes]:
    yield content
    text = content.decode("utf-8", "replace")
    plain = re.sub(INVISIBLE, "", unicodedata.normalize("NFKC", html.unescape(text))).encode("utf-8")
    spoken = unquote_to_bytes(plain)
    yield from {each for each in (plain, spoken) if each != content}
    try:
        strings = "\n".join(_strings(json.loads(text))) if text.lstrip()[:1] in ("{", "[") else ""
    except (ValueError, RecursionError):
        strings = ""
    if strings:
        yield strings.encode("utf-8", "backslashreplace")


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from (key, *_strings(each))
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)


def _is_text(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return not re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", content)
