"""What may be pushed with a program, the metric's Space or the main one. Pure: names and bytes in, an inspection out.

A program is a closed list of files: its own code and texts, results, and pictures and weights known by their digest.
Whatever else lies there is refused by name and rule, without a word of what it says.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator, Mapping

import pyarrow as pa
import pyarrow.parquet as pq

from builder.publish.contents import Hit, Kind, kind_of, masked, text_findings
from builder.publish.folder_files import FolderFile
from builder.publish.levels import Level
from builder.publish.patterns import Pattern, Topic, compiled, distinct_patterns
from builder.publish.policy import Inspected, Inspection, Refusal
from medground_bench.core.case_ids import case_parts
from medground_bench.leaderboard.case_scores import CASES, SCORES
from medground_bench.phantom.region_edits import PHANTOM
from medground_bench.storage.whole_files import sha256

CODE = r"(?:medground_bench/(?:[a-z][a-z0-9_]*/)*)?[a-z_][a-z0-9_]*\.py"
TEXTS = (
    r"README\.md|LICENSE|requirements\.txt|medground_bench/py\.typed",
    r"medground_bench/(?:[a-z][a-z0-9_]*/)+[A-Za-z0-9_]+\.(?:json|jinja|yaml|md|txt|sha256)",
    r"medground_bench/leaderboard/front/[a-z_]+\.(?:css|js)",
    r"examples/films\.json|front/[a-z_]+\.(?:html|css|js)",
    r"results/(?:board|cases)\.json|results/tuned/[A-Za-z0-9][A-Za-z0-9._:@+-]*(?:/[A-Za-z0-9._:@+-]+)*\.json",
)
"""What the files of a program are called; those that are no text stand in the list of known digests."""

TABLES = tuple(f"results/{name}" for name in (CASES, SCORES))
"""What the board's tables rest on: words and numbers, no list of bytes."""

WRITTEN_PASSWORD = Pattern(
    "PASSWORD", "a password", Topic.SECRETS,
    r"(?i:\w{0,30}(?:password|passwd|pwd|passphrase|secret|token|api_?key|access_?key)\w{0,20})[\"']?\s{0,3}[=:]\s{0,3}"
    r"[bfru]{0,2}[\"'][^\"'\s{}<>]*[0-9a-z][^\"'\s{}<>]*[\"']",
)  # fmt: skip
"""In a program, where `token = words[0]` is innocent, and so is the name of an environment variable."""

SPOKEN = ("STRING", "FSTRING_MIDDLE", "COMMENT")
"""The tokens of Python that hold words; the second is how 3.12 and later have the words of an f-string."""


def inspect_program(files: Iterable[FolderFile], known: Mapping[str, str]) -> Inspection:
    """Look into every file of a program, which has neither rows nor boxes and so the lowest level.

    known  name -> SHA-256 of the pictures and weights that belong to the program
    """
    inspected, refusals = [], []
    for file in files:
        content = file.content or b""
        inspected.append(Inspected(file.name, sha256(content), len(content), None))
        refusals += [
            Refusal(masked(file.name), hit.rule, hit.row, rows=hit.rows) for hit in _look(file, known)
        ]
    return Inspection(Level.KEYS, {}, (), tuple(inspected), tuple(refusals))


def _look(file: FolderFile, known: Mapping[str, str]) -> Iterator[Hit]:
    content = file.content
    yield from (Hit(each.rule) for each in text_findings(file.name.encode("utf-8", "backslashreplace")))
    if content is None:
        yield Hit("NOT_A_FILE")
        return
    kind, is_code = kind_of(content), re.fullmatch(CODE, file.name)
    if kind is Kind.PARQUET and file.name in TABLES:
        yield from _table_findings(content)
        return
    if kind is not Kind.TEXT:
        if known.get(file.name) != sha256(content):
            yield Hit("DATA_FILE" if kind is Kind.PARQUET else kind)
        return
    if not is_code and not any(re.fullmatch(name, file.name) for name in TEXTS):
        yield Hit("UNEXPECTED_FILE")
    yield from _code_findings(content) if is_code else text_findings(content)


def _table_findings(content: bytes) -> Iterator[Hit]:
    """Of a table of words and numbers: in its words all that no text may hold; a column of anything else is refused.

    So is each row of a case that is no phantom's: from what known boxes score on it the expert's can be worked out.
    """
    table = pq.read_table(io.BytesIO(content))
    told = [row for row, each in enumerate(_whose(table), 1) if not _is_of_a_phantom(each)]
    if told:
        yield Hit("HIDDEN_TRUTH", told[0], rows=len(told))
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_string(column.type):
            words = "\n".join(sorted({name, *(word for word in column.unique().to_pylist() if word)}))
            yield from (Hit(each.rule) for each in text_findings(words.encode("utf-8")))
        elif column.type not in (pa.float64(), pa.list_(pa.float64())):
            yield Hit("DATA_FILE")


def _whose(table: pa.Table) -> list[dict[str, str | None]]:
    """Source and case id of every row, of which the scores have the second alone."""
    columns = [name for name in ("source", "case_id") if name in table.column_names]
    rows: list[dict[str, str | None]] = table.select(columns).to_pylist()
    return rows


def _is_of_a_phantom(row: Mapping[str, str | None]) -> bool:
    parts = case_parts(row.get("case_id") or "")
    return parts is not None and parts.source == PHANTOM == row.get("source", PHANTOM)


def _code_findings(content: bytes) -> Iterator[Hit]:
    """Of a Python file: in its words all that no text may hold, in the whole of it what has one meaning anywhere."""
    words = code = content.decode("utf-8")
    try:
        ast.parse(code)
        words = spoken(code)
    except (SyntaxError, RecursionError, tokenize.TokenError):
        yield Hit("UNREADABLE")
    found = {hit.rule: hit for hit in text_findings(words.encode("utf-8"))}
    for pattern in (*distinct_patterns(), WRITTEN_PASSWORD):
        match = compiled(pattern).search(content)
        if match and pattern.rule not in found:
            found[pattern.rule] = Hit(pattern.rule, content.count(b"\n", 0, match.start()) + 1)
    yield from found.values()


def spoken(code: str) -> str:
    """The strings and comments of a program where they stand, with blanks in the place of all else."""
    lines = io.StringIO(code).readlines()  # by line ends alone, as Python counts its lines
    kept = [["\n" if letter == "\n" else " " for letter in line] for line in lines]
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        if tokenize.tok_name[token.type] in SPOKEN:
            (first, start), (last, end) = token.start, token.end
            for row in range(first, last + 1):
                at = slice(start if row == first else 0, end if row == last else None)
                kept[row - 1][at] = lines[row - 1][at]
    return "".join("".join(line) for line in kept)
