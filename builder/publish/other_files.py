"""The files of a repository that a folder lacks: those of other maintainers, which stay as they are."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from builder.publish.shipment import Remote
from medground_bench.benchmark.rows import QUESTIONS
from medground_bench.core.errors import MedgroundError
from medground_bench.storage.hub_calls import HubCalls
from medground_bench.storage.whole_files import write_whole

ID = "question_id"


class OtherKey(MedgroundError):
    """Rows about questions that the dataset does not have: their ids were made by another key, or of another build."""


def take_over(name: str, remote: Remote, dataset: Path, written: Iterable[str], calls: HubCalls) -> set[str]:
    """Bring the repository's files into the folder as they are; the names of those that were brought.

    written  files that are made anew each time, and are not brought

    A file whose rows are the folder's, in bytes that another version of the builder wrote, is brought as well: it does
    not change.
    """
    brought = set()
    for file, there in remote.own.items():
        here = dataset / file
        if file in written or (here.exists() and there.is_as(here)):
            continue
        content = fetched(name, file, remote.head, calls)
        if not here.exists() or _same_rows(here, content):
            write_whole(here, content)
            brought.add(file)
    return brought


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


def fetched(name: str, file: str, commit: str, calls: HubCalls) -> bytes:
    """A file of the dataset at a commit."""
    path = calls.asked(
        f"read {file} of {name}",
        lambda api: api.hf_hub_download(name, file, repo_type="dataset", revision=commit),
    )
    return Path(path).read_bytes()


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
