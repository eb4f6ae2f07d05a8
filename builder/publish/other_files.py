"""What the tables of a folder have to do with those of a repository: the same rows, ids by the same key. Pure."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from builder.publish.columns import OPAQUE
from medground_bench.benchmark.rows import QUESTIONS
from medground_bench.core.errors import MedgroundError

ID = "question_id"


class OtherKey(MedgroundError):
    """Rows about questions that the dataset does not have: their ids were made by another key, or of another build."""


def demand_recurring(what: str, old: bytes, new: bytes) -> None:
    """OtherKey where a file of the dataset would change and none of its opaque ids comes again.

    Another key gives every picture another id: what readers have kept would be about nothing.
    """
    before, after = _opaque(old), _opaque(new)
    if len(before) and len(after) and not pc.any(pc.is_in(after, before)).as_py():
        raise OtherKey(
            f"{what}: not one of its opaque ids would stay, so they were made by another key. Take that of whoever "
            "published first, by --id-key. Nothing was sent."
        )


def same_rows(one: bytes, other: bytes) -> bool:
    """Whether two files are tables of the same rows, whatever version of the builder wrote them."""
    try:
        return bool(pq.read_table(pa.BufferReader(one)).equals(pq.read_table(pa.BufferReader(other))))
    except pa.ArrowException:
        return False


def demand_one_key(dataset: Path) -> None:
    """OtherKey where the dataset has questions of a source, and rows about others of it."""
    asked = _ids(sorted((dataset / QUESTIONS.name).glob("*.parquet")))
    known = pa.array(pc.unique(asked[ID]))
    sources = pa.array(pc.unique(asked["source"]))
    for path in sorted(dataset.glob("*/*.parquet")):
        rows = _ids([path])
        about = rows.filter(pc.and_(pc.is_in(rows["source"], sources), pc.is_valid(rows[ID])))
        strange = pc.invert(pc.is_in(about[ID], known))
        if pc.any(strange).as_py():
            lost = about.filter(strange)
            raise OtherKey(
                f"{path.parent.name}/{path.name}: {lost.num_rows:,} of its rows are about questions of "
                f"{', '.join(sorted(set(lost['source'].to_pylist())))} that are not in the dataset. Either its ids "
                "were made by another key: take that of whoever published first, by --id-key. Or the questions are of "
                "another build: build them from the same files. Nothing was sent."
            )


def _opaque(content: bytes) -> pa.Array:
    """The opaque ids in the rows of a table; none of a file that is none."""
    try:
        ids = pq.read_table(pa.BufferReader(content), columns=["image_id"])["image_id"]
    except (pa.ArrowException, KeyError):
        return pa.array([], pa.string())
    return pa.array(
        pc.unique(ids.filter(pc.fill_null(pc.match_substring_regex(ids, rf"\A(?:{OPAQUE})\z"), False)))
    )


def _ids(paths: list[Path]) -> pa.Table:
    columns = [ID, "source"]
    schema = pa.schema([(name, pa.string()) for name in columns])
    return pa.concat_tables([schema.empty_table(), *(pq.read_table(path, columns=columns) for path in paths)])
