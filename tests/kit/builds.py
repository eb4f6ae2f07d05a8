"""Small phantom builds by the rule LVLM."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from builder.build import bench_at, build_track, open_source, write_questions, writing
from medground_bench.benchmark.folder import DatasetFolder
from medground_bench.core.types import Mode, Track
from tests.kit.fakes import RuleLvlm

SHARED_LIMIT = 12
"""Pictures of the build that tests share: of so many, the rule LVLM keeps cases on six."""


def build(
    out: Path,
    *,
    lvlm: RuleLvlm | None = None,
    modes=(Mode.DIRECT,),
    limit: int = 6,
    store=None,
    **choices,
) -> DatasetFolder:
    """What `python -m builder build` does, with the rule LVLM; choices are those of `bench_at`."""
    lvlm = lvlm or RuleLvlm()
    folder, source = DatasetFolder(out), open_source("phantom")
    with writing(folder), bench_at(store or out.with_name(f"{out.name}.store"), source, **choices) as bench:
        write_questions(folder, source, limit, [Track(lvlm.key, mode) for mode in modes])
        for mode in modes:
            build_track(folder, lvlm, mode, bench)
    return folder


def two_builds_at_once(folder: Path, store: str) -> tuple[DatasetFolder, DatasetFolder]:
    """Of the same questions in two modes, which each takes in another order, by two threads with one store."""
    orders = {"a": tuple(Mode), "b": tuple(reversed(Mode))}
    with ThreadPoolExecutor(2) as builders:
        first, second = builders.map(
            lambda name: build(folder / name, modes=orders[name], limit=3, store=store), orders
        )
    return first, second


def bytes_of(folder: DatasetFolder) -> dict[str, bytes]:
    """Every file of a folder, hidden ones too."""
    files = [path for path in sorted(folder.path.rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder.path)): path.read_bytes() for path in files}
