"""The files of a repository that a folder lacks: those of other maintainers, which stay as they are."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from builder.publish.columns import OPAQUE
from builder.publish.shipment import Remote, fetched
from medground_bench.benchmark.rows import QUESTIONS
from medground_bench.core.errors import MedgroundError
from medground_bench.storage.hub_calls import HubCalls
from medground_bench.storage.whole_files import write_whole

ID = "question_id"
Harmless = Callable[[str, bytes], bool]


class OtherKey(MedgroundError):
    """Rows about questions that the dataset does not have: their ids were made by another key, or of another build."""


def take_over(
    name: str, remote: Remote, dataset: Path, calls: HubCalls, *, unless: Collection[str], harmless: Harmless
) -> set[str]:
    """Bring the repository's files into the folder as they are; the names of those that were brought.

    unless    files that are made anew each time
    harmless  whether nothing hides in the bytes of a file beside its rows

    A file whose rows are the folder's, in bytes that another version of the builder wrote, is brought as well: it does
    not change.
    """
    brought = set()
    for file, there in remote.own.items():
        here = dataset / file
        if file in unless or (here.exists() and there.is_as(here)):
            continue
        content = fetched(calls, "dataset", name, file, remote.head)
        if not here.exists() or (_same_rows(here, content) and harmless(file, content)):
            write_whole(here, content)
            brought.add(file)
    return brought


def demand_recurring(name: str, remote: Remote, dataset: Path, calls: HubCalls) -> None:
    """OtherKey where a file of the dataset would change and none of its opaque ids comes again.

    Another key gives every picture another id: what readers have kept would be about nothing.
    """
    for file, there in remote.own.items():
        here = dataset / file
        if here.suffix != ".parquet" or not here.exists() or there.is_as(here):
            continue
        old = _opaque(fetched(calls, "dataset", name, file, remote.head))
        new = _opaque(here.read_bytes())
        if len(old) and len(new) and not pc.any(pc.is_in(new, old)).as_py():
            raise OtherKey(
                f"{file} of {name}: not one of its opaque ids would stay, so they were made by another key. Take that "
                "of whoever published first, by --id-key. Nothing was sent."
            )


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


def _same_rows(here: Path, content: bytes) -> bool:
    if here.suffix != ".parquet":
        return False
    try:
        return bool(pq.read_table(here).equals(pq.read_table(pa.BufferReader(content))))
    except pa.ArrowException:
        return False


def _ids(paths: list[Path]) -> pa.Table:
    columns = [ID, "source"]
    schema = pa.schema([(name, pa.string()) for name in columns])
    return pa.concat_tables([schema.empty_table(), *(pq.read_table(path, columns=columns) for path in paths)])
