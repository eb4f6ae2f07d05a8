"""What may be published, by source and level. Pure: names and bytes in, an inspection out; what is unknown is refused.

Every file is looked into by its content, whatever its name says. A refusal names the file, the row, the column and the
rule, and never the value: the value may be what must not be told.

    inspection = inspect(files_of(folder), Level.KEYS)
    inspection.demand()  # Unpublishable, in one paragraph
    paper = statement(inspection)  # bytes, for publish.json beside the folder
    demand_unchanged(files_of(folder), paper)
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cache

from builder.publish import columns, patterns
from builder.publish.columns import (
    COLUMNS,
    CREDENTIALED,
    HIGHEST,
    NAMES,
    TABLE_FILE,
    TEXT_FILES,
)
from builder.publish.contents import CARD, RULES, Hit, Kind, kind_of, masked, text_findings
from builder.publish.folder_files import FolderFile
from builder.publish.levels import Level
from builder.publish.tables import inspect_table
from medground_bench.benchmark.rows import TABLES
from medground_bench.core.errors import MedgroundError, told
from medground_bench.storage.whole_files import fingerprint, sha256

SHARE = "a statement of the right to share"
"""Where a refusal speaks of one, in the place of a file."""

LEAST_REASON = 10
"""Characters of a reason that says something."""


class Unpublishable(MedgroundError):
    """A folder that holds something that must not be published, or that is not what was inspected."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a file is refused, without the value.

    file    its name, with what looks like a value taken out
    row     the first, counted from 1; of a text the line; None for the whole file
    column  None where the file has none
    rows    how many rows the rule speaks of
    """

    file: str
    rule: str
    row: int | None = None
    column: str | None = None
    rows: int = 1

    def __str__(self) -> str:
        """As it is told."""
        column = f", column {self.column}" if self.column else ""
        row = f", row {self.row}" if self.row else ""
        more = f" and {self.rows - 1:,} more" if self.rows > 1 else ""
        return f"{self.file}{column}{row}{more}: {self.rule}, {RULES[self.rule]}"


@dataclass(frozen=True, slots=True)
class Inspected:
    """A file as it was when it was looked into; `rows` is None for a text."""

    name: str
    sha256: str
    size: int
    rows: int | None


@dataclass(frozen=True, slots=True)
class Inspection:
    """Of a folder: its files, the sources of its rows, and all that speaks against publishing it."""

    level: Level
    shares: Mapping[str, str]
    sources: tuple[str, ...]
    files: tuple[Inspected, ...]
    refusals: tuple[Refusal, ...]

    def demand(self) -> None:
        """Unpublishable, with the first refusals, unless there is none."""
        if self.refusals:
            problems = told([str(each) for each in self.refusals])
            raise Unpublishable(
                f"this folder may not be published at level {self.level}: {problems}. "
                "Nothing was sent. The values are not repeated here; look them up in your own copy."
            )

    def without(self, names: Collection[str]) -> Inspection:
        """The same, less some of its files."""
        return replace(self, files=tuple(file for file in self.files if file.name not in names))

    def with_more(self, other: Inspection) -> Inspection:
        """The same and what was found in other files of the folder."""
        return replace(
            self,
            sources=tuple(sorted({*self.sources, *other.sources})),
            files=self.files + other.files,
            refusals=self.refusals + other.refusals,
        )


@cache
def policy_version() -> str:
    """Of the rules: it changes when a pattern, a column or a level does."""
    listed = {name: str(allowed) for name, allowed in COLUMNS.items()}
    shapes = [*map(str, patterns.PATTERNS), *TEXT_FILES, TABLE_FILE, str(HIGHEST), str(columns.IMAGE_IDS)]
    return fingerprint(columns=listed, shapes=shapes, rules=RULES)[:16]


def inspect(files: Iterable[FolderFile], level: Level, shares: Mapping[str, str] | None = None) -> Inspection:
    """Look into every file of a folder.

    shares  source -> the reason why its boxes may be shared; level `boxes` needs one for every credentialed source
    """
    inspected, refusals, sources = [], [], set[str]()
    for file in files:
        looked = _look(file, level)
        inspected.append(looked.file)
        sources.update(looked.sources)
        refusals += [Refusal(masked(file.name), *_place(found)) for found in looked.found]
    refusals += _share_refusals(level, shares or {}, sources)
    return Inspection(level, dict(shares or {}), tuple(sorted(sources)), tuple(inspected), tuple(refusals))


def statement(inspection: Inspection) -> bytes:
    """What was inspected, as JSON signed by its own hash; Unpublishable where something was refused.

    `signature` is the SHA-256 of all else in it, keys sorted, without spaces.
    """
    inspection.demand()
    body = {
        "policy": policy_version(),
        "level": inspection.level.value,
        "sources": list(inspection.sources),
        "shares": dict(sorted(inspection.shares.items())),
        "files": [asdict(file) for file in sorted(inspection.files, key=lambda file: file.name)],
    }
    return (json.dumps(body | {"signature": fingerprint(**body)}, indent=1) + "\n").encode("utf-8")


def demand_unchanged(files: Iterable[FolderFile], paper: bytes) -> None:
    """Unpublishable unless these are the files that a statement was written for, under the rules of today."""
    listed = _signed(paper)
    found = {file.name: None if file.content is None else sha256(file.content) for file in files}
    names = sorted(found.keys() | listed.keys())
    other = [masked(name) for name in names if found.get(name) is None or listed.get(name) != found[name]]
    if other:
        raise Unpublishable(
            f"the folder is not the one that was inspected: {told(other)} that changed, came or went. Inspect it again."
        )


@dataclass(frozen=True, slots=True)
class _Looked:
    file: Inspected
    found: list[Hit]
    sources: tuple[str, ...] = ()


def _place(found: Hit) -> tuple[str, int | None, str | None, int]:
    return found.rule, found.row, found.column, found.rows


def _look(file: FolderFile, level: Level) -> _Looked:
    """Look into one file: its name first, then its content by what it is."""
    content = file.content
    if content is None:
        return _Looked(Inspected(file.name, sha256(b""), 0, None), [Hit("NOT_A_FILE")])
    kind, table = kind_of(content), _columns_of(file.name)
    topics = CARD if table is None else NAMES
    named = text_findings(file.name.encode("utf-8", "backslashreplace"), topics)
    found = [Hit(each.rule) for each in named]
    rows, sources = None, tuple[str, ...]()
    expected = kind is Kind.TEXT and file.name in TEXT_FILES
    if kind is Kind.PARQUET and table is not None:
        report = inspect_table(content, table, level)
        rows, sources, expected = report.rows, report.sources, True
        found += report.found
    elif kind is Kind.TEXT:
        found += text_findings(content)
    else:
        found.append(Hit(Kind.DATA_FILE if kind is Kind.PARQUET else kind))
    if not expected:
        found.append(Hit("UNEXPECTED_FILE"))
    return _Looked(Inspected(file.name, sha256(content), len(content), rows), found, sources)


def _columns_of(name: str) -> list[str] | None:
    """The columns of the table whose file has this name; None for any other file."""
    folder, _, file = name.partition("/")
    known = {table.name: [field.name for field in fields(table.row)] for table in TABLES}
    return known.get(folder) if re.fullmatch(TABLE_FILE, file) else None


def _share_refusals(level: Level, shares: Mapping[str, str], sources: Iterable[str]) -> Iterator[Refusal]:
    for source, reason in sorted(shares.items()):
        place = f"{SHARE} {masked(source)}"
        if source not in CREDENTIALED or len(reason.strip()) < LEAST_REASON:
            yield Refusal(place, "SHARE")
        yield from (Refusal(place, found.rule) for found in text_findings(reason.encode("utf-8", "replace")))
    if level is Level.BOXES:
        missing = sorted(source for source in sources if source in CREDENTIALED and source not in shares)
        yield from (Refusal(f"{SHARE} {source}", "SHARE_NOT_STATED") for source in missing)


def _signed(paper: bytes) -> dict[str, str]:
    """Name -> digest of the files of a statement; Unpublishable for one that is damaged or of other rules."""
    try:
        body = json.loads(paper)
        signature = body.pop("signature")
        listed = {str(file["name"]): str(file["sha256"]) for file in body["files"]}
        genuine = signature == fingerprint(**body)
    except (ValueError, TypeError, KeyError, AttributeError):
        genuine, listed, body = False, {}, {}
    if not genuine:
        raise Unpublishable(
            "the statement of what was inspected is damaged or was changed. Inspect the folder again."
        )
    if body["policy"] != policy_version():
        raise Unpublishable(
            f"the folder was inspected under the rules {body['policy']}, and those of today are {policy_version()}. "
            "Inspect it again."
        )
    return listed
