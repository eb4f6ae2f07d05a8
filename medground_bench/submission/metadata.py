"""What a submitter says about a prediction file: untrusted text -> Metadata | FieldProblems. Pure.

All problems are told at once, each with its field and a stable code. Nothing is repaired. Text is plain text: whoever
shows it shows its characters, never a page, a link or a formula made of it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from medground_bench.submission.problems import Refused, kind, shown
from medground_bench.submission.strict_json import json_object

MOST_CHARACTERS = 20_000
"""Of all that is said about a file."""

HINT = 'One object: {"method": ..., "training_data": ..., "lvlm_revisions": {...}}.'

METHOD = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ._+()-]{0,58}[A-Za-z0-9.+)])?")
"""A name of plain characters alone: no script in which two names look the same, no way into a page or a table."""

BADGE_WORDS = ("by us", "official", "ours", "reported", "reproduced")
"""What a row says of who measured it, and nobody may say by a name."""

MOST_ABOUT = 500
HOSTS = (
    "bitbucket.org", "codeberg.org", "doi.org", "github.com", "gitlab.com", "huggingface.co", "osf.io", "zenodo.org",
)  # fmt: skip
LINK = re.compile(rf"https://(?:{'|'.join(map(re.escape, HOSTS))})/[A-Za-z0-9._~/?=&%+#:-]{{1,180}}")
WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+:/@-]{0,149}")
"""A package, a version, a revision, an LVLM's key."""

MOST_ENTRIES = 30
LARGEST_SEED = 2**63 - 1


class TrainingData(StrEnum):
    """What is said about training data: that none of the benchmark's pictures was in it, that some were, or nothing.

    >>> TrainingData("overlap").name
    'OVERLAP'
    """

    CLEAN = "disclosed-clean"
    OVERLAP = "overlap"
    UNDISCLOSED = "undisclosed"


class FieldCode(StrEnum):
    """Stable names of what can be wrong with what is said about a file.

    >>> FieldCode.BAD_LINK.value
    'BAD_LINK'
    """

    NOT_READ = "NOT_READ"
    MISSING_FIELD = "MISSING_FIELD"
    UNKNOWN_FIELD = "UNKNOWN_FIELD"
    WRONG_FIELD_TYPE = "WRONG_FIELD_TYPE"
    BAD_NAME = "BAD_NAME"
    BADGE_IN_NAME = "BADGE_IN_NAME"
    BAD_TEXT = "BAD_TEXT"
    BAD_LINK = "BAD_LINK"
    BAD_CHOICE = "BAD_CHOICE"
    BAD_SEED = "BAD_SEED"
    BAD_ENTRY = "BAD_ENTRY"
    LVLM_DIFFERS = "LVLM_DIFFERS"
    OTHER_DATASET = "OTHER_DATASET"
    NAME_TAKEN = "NAME_TAKEN"
    QUOTA_SPENT = "QUOTA_SPENT"
    TOO_MANY_REFUSED = "TOO_MANY_REFUSED"


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One thing to mend in what is said about a file.

    >>> str(FieldProblem("seed", FieldCode.BAD_SEED, "seed = -1 is not within 0 and 9."))
    'seed: seed = -1 is not within 0 and 9. [BAD_SEED]'
    """

    name: str
    code: FieldCode
    message: str

    def __str__(self) -> str:
        """One paragraph: where, what, what to do, and the code."""
        return f"{self.name}: {self.message} [{self.code}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What is said about a file; every field but the first three may be left out.

    method            what its row is called
    training_data     of the method and of whatever it uses
    lvlm_revisions    LVLM's key -> the weights that answered, one entry for each LVLM of the file
    about             a sentence or two, plain text
    code              link to the code, https, on one of `HOSTS`
    dataset_revision  of the benchmark that was answered, if known; another one is refused
    seed              None where nothing is drawn
    versions          package -> version

    >>> said = Metadata(method="Mine", training_data=TrainingData.CLEAN, lvlm_revisions={"phantom_gemma3": "1f2e"})
    >>> said.as_json()
    {'method': 'Mine', 'training_data': 'disclosed-clean', 'lvlm_revisions': {'phantom_gemma3': '1f2e'}}
    """

    method: str
    training_data: TrainingData
    lvlm_revisions: Mapping[str, str]
    about: str | None = None
    code: str | None = None
    dataset_revision: str | None = None
    seed: int | None = None
    versions: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        """What JSON says of it; what was left out is left out, mappings are sorted."""
        given: dict[str, object] = {
            "method": self.method,
            "training_data": self.training_data.value,
            "lvlm_revisions": dict(sorted(self.lvlm_revisions.items())),
            "about": self.about,
            "code": self.code,
            "dataset_revision": self.dataset_revision,
            "seed": self.seed,
            "versions": dict(sorted(self.versions.items())) or None,
        }
        return {name: value for name, value in given.items() if value is not None}


def read_metadata(text: str) -> Metadata | tuple[FieldProblem, ...]:
    """What a JSON object says about a file, or everything that is wrong with it.

    >>> read_metadata('{"method": "Mine", "training_data": "overlap", "lvlm_revisions": {"a": "1f2e"}}').method
    'Mine'
    >>> [problem.code.value for problem in read_metadata('{"method": "<b>", "lvlm_revisions": {"a": "1f2e"}}')]
    ['BAD_NAME', 'MISSING_FIELD']
    """
    if len(text) > MOST_CHARACTERS:
        message = f"{len(text):,} characters; at most {MOST_CHARACTERS:,} are read."
        return (FieldProblem("metadata", FieldCode.NOT_READ, message),)
    try:
        given = json_object(text, HINT)
    except Refused as refusal:
        return (FieldProblem("metadata", FieldCode.NOT_READ, refusal.message),)
    read: dict[str, object] = {}
    problems: list[FieldProblem] = []
    for name, reader in READERS.items():
        if name not in given:
            if name in NEEDED:
                problems.append(FieldProblem(name, FieldCode.MISSING_FIELD, f"it is missing. {NEEDED[name]}"))
            continue
        try:
            read[name] = reader(given[name])
        except _Bad as bad:
            problems.append(FieldProblem(name, bad.code, bad.message))
    for name in sorted(given.keys() - READERS.keys()):
        known = f"Known: {', '.join(READERS)}. Scores are never accepted: they are made here."
        problems.append(
            FieldProblem(shown(name), FieldCode.UNKNOWN_FIELD, f"there is no such field. {known}")
        )
    return tuple(problems) or Metadata(**read)  # type: ignore[arg-type]


class _Bad(Exception):
    """A field that cannot be used, on its way to the report."""

    def __init__(self, code: FieldCode, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _Bad(FieldCode.WRONG_FIELD_TYPE, f"{kind(value)}, not text.")
    return value


def _method(value: object) -> str:
    name = _text(value)
    if not METHOD.fullmatch(name):
        raise _Bad(
            FieldCode.BAD_NAME,
            f"{shown(name)} is no name. Take 1 to 60 of the characters A-Z a-z 0-9 space . _ + ( ) -, a letter or a "
            "digit first.",
        )
    words = f" {' '.join(re.findall('[a-z0-9]+', name.casefold()))} "
    claimed = next((each for each in BADGE_WORDS if f" {each} " in words), None)
    if claimed:
        raise _Bad(
            FieldCode.BADGE_IN_NAME,
            f'{name} says "{claimed}", and who measured a row is for the board to say. Take a name without it.',
        )
    return name


def _about(value: object) -> str:
    text = _text(value)
    if len(text) > MOST_ABOUT:
        raise _Bad(FieldCode.BAD_TEXT, f"{len(text):,} characters; at most {MOST_ABOUT} are kept.")
    hidden = next((letter for letter in text if unicodedata.category(letter)[0] == "C"), None)
    if hidden is not None:
        raise _Bad(
            FieldCode.BAD_TEXT,
            f"U+{ord(hidden):04X} is a character that cannot be seen, or that turns others round. Write plain text in "
            "one line.",
        )
    if unicodedata.normalize("NFKC", text) != text:
        raise _Bad(
            FieldCode.BAD_TEXT,
            "some characters only look like others (as a full-width A does). Write it in the normal form NFKC.",
        )
    return text


def _code(value: object) -> str:
    link = _text(value)
    if not LINK.fullmatch(link):
        raise _Bad(
            FieldCode.BAD_LINK,
            f"{shown(link)} is no link that is shown. Give https:// on one of {', '.join(HOSTS)}, at most 200 "
            "characters, or leave it out. Nothing is fetched from it.",
        )
    return link


def _training_data(value: object) -> TrainingData:
    text = _text(value)
    try:
        return TrainingData(text)
    except ValueError:
        raise _Bad(FieldCode.BAD_CHOICE, f"{shown(text)} is none of {', '.join(TrainingData)}.") from None


def _word(value: object) -> str:
    word = _text(value)
    if not WORD.fullmatch(word):
        raise _Bad(
            FieldCode.BAD_ENTRY,
            f"{shown(word)} is neither a name nor a revision: up to 150 of the characters A-Z a-z 0-9 . _ + : / @ -.",
        )
    return word


def _words(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise _Bad(FieldCode.WRONG_FIELD_TYPE, f'{kind(value)}, not an object {{"name": "revision"}}.')
    if len(value) > MOST_ENTRIES:
        raise _Bad(FieldCode.BAD_ENTRY, f"{len(value)} entries; at most {MOST_ENTRIES} are kept.")
    return {_word(name): _word(revision) for name, revision in value.items()}


def _seed(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _Bad(
            FieldCode.WRONG_FIELD_TYPE, f"{kind(value)}, not a whole number. Without a seed, leave it out."
        )
    if not 0 <= value <= LARGEST_SEED:
        raise _Bad(FieldCode.BAD_SEED, f"{value} is not within 0 and {LARGEST_SEED}.")
    return value


READERS: Mapping[str, Callable[[object], object]] = {
    "method": _method,
    "training_data": _training_data,
    "lvlm_revisions": _words,
    "about": _about,
    "code": _code,
    "dataset_revision": _word,
    "seed": _seed,
    "versions": _words,
}
"""Every field, in the order in which problems are told."""

NEEDED = {
    "method": "Say what the row is to be called.",
    "training_data": f"Say one of {', '.join(TrainingData)}.",
    "lvlm_revisions": 'Say which weights answered: {"<LVLM of the benchmark>": "<commit or digest>"}.',
}
"""What may not be left out, and what to do."""
