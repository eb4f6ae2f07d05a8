"""Looking into a parquet file of the benchmark: every column, every value, and whatever else the bytes could hold.

Columns are searched by RE2, each different value once. The last check is the strongest: the file must be what our
writer makes of its rows, to the byte, so nothing hides between pages, in statistics or in metadata.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from builder.publish.columns import (
    COLUMNS,
    FREE,
    HIGHEST,
    IMAGE_IDS,
    LARGEST,
    LARGEST_TOKEN_ID,
    Allowed,
)
from builder.publish.contents import INVISIBLE, Hit, patterns_of
from builder.publish.levels import Level
from builder.publish.phantom_pictures import picture_findings
from medground_bench.benchmark.parquet import encoded_table, schema_of
from medground_bench.core.case_ids import finding_slug
from medground_bench.core.prompts import prompt, question
from medground_bench.core.types import Mode

METADATA_KEYS = {b"ARROW:schema", b"huggingface"}
APART = "\x1f"


@dataclass(frozen=True, slots=True)
class TableReport:
    """What was found in a file, how many rows it has, and of which sources."""

    found: tuple[Hit, ...]
    rows: int = 0
    sources: tuple[str, ...] = ()


def inspect_table(content: bytes, columns: Sequence[str], level: Level) -> TableReport:
    """Everything that speaks against a file of a table with these columns at this level."""
    schema = schema_of(columns)
    try:
        file = pq.ParquetFile(pa.BufferReader(content))
        rows = _read(
            file
        )  # first: of a damaged file pyarrow's reader says so, its metadata may end the process
        outside = list(_outside(file, schema))
        if any(each.rule in ("UNEXPECTED_COLUMN", "COLUMNS") for each in outside):
            return TableReport(tuple(outside), rows.num_rows)
    except (pa.ArrowException, OSError, ValueError):
        return TableReport((Hit("DAMAGED_TABLE"),))
    sources = tuple(sorted(pc.drop_null(pc.unique(rows["source"])).to_pylist()))
    found = [*outside, *_inside(rows, level)]
    if not found and encoded_table(pa.table(rows.columns, schema=schema)) != content:
        found.append(Hit("NOT_CANONICAL"))
    return TableReport(tuple(found), rows.num_rows, sources)


def _read(file: pq.ParquetFile) -> pa.Table:
    """All rows, each column in one piece; an ArrowException where the bytes are not what their types say."""
    rows = file.read().combine_chunks()
    rows.validate(full=True)
    return rows


def _outside(file: pq.ParquetFile, schema: pa.Schema) -> Iterator[Hit]:
    """What speaks against a file beside its rows."""
    metadata, own = file.metadata, file.schema_arrow
    unknown = [number for number, name in enumerate(own.names, start=1) if name not in schema.names]
    for number in unknown:
        yield Hit("UNEXPECTED_COLUMN", column=f"number {number}")
    if not unknown and not own.equals(schema, check_metadata=False):
        yield Hit("COLUMNS")
    extra = set(metadata.metadata or ()) - METADATA_KEYS
    if extra or (own.metadata or {}) != (schema.metadata or {}) or any(each.metadata for each in own):
        yield Hit("METADATA")
    chunks = (
        metadata.row_group(group).column(column)
        for group in range(metadata.num_row_groups)
        for column in range(metadata.num_columns)
    )
    if any(chunk.is_stats_set or chunk.has_column_index for chunk in chunks):
        yield Hit("STATISTICS")


def _inside(rows: pa.Table, level: Level) -> Iterator[Hit]:
    """What speaks against the values; a column is asked for its rules in `columns`."""
    yield from _where("SHAPE", "source", pc.is_null(rows["source"]))
    free = pc.is_in(rows["source"], value_set=pa.array(FREE))
    low = [source for source, highest in HIGHEST.items() if highest.height < level.height]
    yield from _where(
        "SOURCE_LEVEL", "source", pc.is_in(rows["source"], value_set=pa.array(low, pa.string()))
    )
    for name in rows.column_names:
        allowed, there = COLUMNS.get(name), pc.is_valid(rows[name])
        if allowed is None or level.height < allowed.level.height:
            yield from _where("LEVEL", name, there)
            continue
        if allowed.free:
            yield from _where("FREE_ONLY", name, pc.and_(there, pc.invert(free)))
        yield from _column(rows[name], name, allowed)
    yield from _identities(rows)
    yield from _tokens(rows)
    yield from _boxes(rows)
    yield from picture_findings(rows)


def _column(values: pa.ChunkedArray, name: str, allowed: Allowed) -> Iterator[Hit]:
    if allowed.shape is not None:
        yield from _where("SHAPE", name, pc.invert(_matches(values, allowed.shape)))
    if name in LARGEST:
        inside = pc.and_(pc.greater_equal(values, 0), pc.less_equal(values, LARGEST[name]))
        yield from _where("RANGE", name, pc.invert(inside))
    if not allowed.topics:
        return
    if pa.types.is_list(values.type):
        for rule, bad in bad_texts(pc.list_flatten(values), allowed):
            parents = pc.list_parent_indices(values)
            yield from _rows(rule, name, parents.filter(pc.is_in(pc.list_flatten(values), value_set=bad)))
        values = pc.binary_join(values, "")
    for rule, bad in bad_texts(values, allowed):
        yield from _where(rule, name, pc.is_in(values, value_set=bad))


def bad_texts(values: pa.ChunkedArray, allowed: Allowed) -> Iterator[tuple[str, pa.Array]]:
    """Of a column's texts those that hold what the column is searched for, by rule."""
    texts = pc.drop_null(pc.unique(values))
    plain = pc.utf8_normalize(pc.replace_substring_regex(texts, INVISIBLE, ""), form="NFKC")
    changed = pc.not_equal(texts, plain)
    readings = [(texts, texts), (texts.filter(changed), plain.filter(changed))]
    for pattern in patterns_of(allowed.topics):
        bad = [
            stored.filter(pc.match_substring_regex(read, pattern.regex))
            for stored, read in readings
            if len(read)
        ]
        if any(map(len, bad)):
            yield pattern.rule, pa.concat_arrays(bad)


def _identities(rows: pa.Table) -> Iterator[Hit]:
    """Ids have the form that the source's pictures have, and ids and questions follow from the other columns."""
    source, image = rows["source"], rows["image_id"]
    for name, shape in IMAGE_IDS.items():
        wrong = pc.invert(_matches(image, shape))
        yield from _where("IMAGE_ID", "image_id", pc.and_kleene(pc.equal(source, name), wrong))
    finding, mode = rows["finding"], rows["mode"] if "mode" in rows.column_names else None
    slug = _mapped(finding, finding_slug)
    made = {"question_id": pc.binary_join_element_wise(source, image, slug, "/")}
    if "question" in rows.column_names:
        made["question"] = _mapped(finding, question)
    if mode is not None and "prompt" in rows.column_names:
        made["prompt"] = _mapped(pc.binary_join_element_wise(finding, mode, APART), _prompt)
        case = pc.binary_join_element_wise(rows["question_id"], rows["lvlm"], "@")
        made["case_id"] = pc.binary_join_element_wise(case, mode, ":")
    for name, expected in made.items():
        same = pc.fill_null(pc.equal(rows[name], expected), False)
        both_null = pc.and_(pc.is_null(rows[name]), pc.is_null(expected))
        yield from _where("DERIVED", name, pc.invert(pc.or_(same, both_null)))


def _prompt(finding_and_mode: str) -> str:
    finding, _, mode = finding_and_mode.rpartition(APART)
    return prompt(finding, Mode(mode)) if mode in list(Mode) else ""


def _tokens(rows: pa.Table) -> Iterator[Hit]:
    """Every token has an id, and an id is one of a vocabulary."""
    if "response_token_ids" not in rows.column_names:
        return
    ids, tokens = rows["response_token_ids"], rows["response_tokens"]
    lengths = [pc.fill_null(pc.list_value_length(each), -1) for each in (ids, tokens)]
    yield from _where("DERIVED", "response_token_ids", pc.not_equal(*lengths))
    flat = pc.list_flatten(ids)
    outside = pc.or_(pc.less(flat, 0), pc.greater(flat, LARGEST_TOKEN_ID))
    yield from _rows(
        "RANGE", "response_token_ids", pc.list_parent_indices(ids).filter(pc.fill_null(outside, True))
    )


def _boxes(rows: pa.Table) -> Iterator[Hit]:
    """Finite corners in order, within the picture."""
    if "boxes" not in rows.column_names:
        return
    boxes = rows["boxes"].combine_chunks()
    parents = np.asarray(pc.list_parent_indices(boxes))
    corners = np.asarray(boxes.flatten().flatten(), np.float64).reshape(-1, 4)
    if len(corners) != len(parents):
        yield Hit("RANGE", column="boxes")
        return
    sizes = [np.asarray(pc.fill_null(rows[side], 0), np.float64)[parents] for side in ("width", "height")]
    x0, y0, x1, y1 = corners.T
    inside = (x0 >= 0) & (x0 < x1) & (x1 <= sizes[0]) & (y0 >= 0) & (y0 < y1) & (y1 <= sizes[1])
    yield from _rows("RANGE", "boxes", pa.array(parents[~inside]))


def _matches(values: pa.ChunkedArray, shape: str) -> pa.ChunkedArray:
    return pc.match_substring_regex(values, rf"\A(?:{shape})\z")


def _mapped(values: pa.ChunkedArray, function: Callable[[str], str]) -> pa.Array:
    """A function of every text, asked once for each different one."""
    coded = values.combine_chunks().dictionary_encode()
    results: Iterable[str] = map(function, coded.dictionary.to_pylist())
    return pa.array(results, pa.string()).take(coded.indices)


def _where(rule: str, column: str, bad: pa.ChunkedArray) -> Iterator[Hit]:
    """The rows where a mask is true; none for null."""
    many = pc.sum(bad).as_py() or 0
    if many:
        yield Hit(rule, pc.index(bad, True).as_py() + 1, column, many)


def _rows(rule: str, column: str, numbers: pa.Array) -> Iterator[Hit]:
    """Rows by their numbers, counted from 0, each once or several times."""
    different = pc.unique(numbers)
    if len(different):
        yield Hit(rule, pc.min(different).as_py() + 1, column, len(different))
