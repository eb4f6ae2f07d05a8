"""`medground predict`: prediction files of methods over one track."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medground_bench.commands.console import progress
from medground_bench.commands.options import (
    TUNED,
    AddressOption,
    BenchmarkOption,
    EngineName,
    EngineOption,
    GpusOption,
    LvlmOption,
    ModeOption,
    NewestOption,
    RootOption,
    WorkersOption,
    demand_name,
    open_joined,
    refuse_ray_options,
)
from medground_bench.core.errors import MethodFailed
from medground_bench.core.modes import Mode

if TYPE_CHECKING:
    from medground_bench.benchmark.opening import Benchmark
    from medground_bench.runs.case_engines import CaseEngine
    from medground_bench.runs.predict import PredictionFile

ALL_METHODS = "all"


def predict(
    benchmark: BenchmarkOption,
    lvlm: LvlmOption,
    method: Annotated[
        list[str],
        typer.Option("--method", help="A name of `medground list methods`; may be given again, or `all`."),
    ],
    mode: ModeOption,
    out: Annotated[
        Path,
        typer.Option("--out", help="The prediction file, .jsonl or .jsonl.gz; a folder for several methods."),
    ],
    tuned: Annotated[Path, typer.Option("--tuned", help="Folder of what `medground tune` chose.")] = TUNED,
    root: RootOption = None,
    newest: NewestOption = False,
    engine: EngineOption = EngineName.LOCAL,
    workers: WorkersOption = None,
    gpus: GpusOption = None,
    address: AddressOption = None,
) -> None:
    """Write the prediction file of one method, or of several.

    Runs over one track: one LVLM in one mode. Can be stopped at any time; the same command goes on where it was.
    Settings that `medground tune` chose for the LVLM and mode are used, and recorded beside the file.

    Example: medground predict --benchmark medground-bench --lvlm phantom_gemma3 --method medfocus --mode direct
    --out medfocus.jsonl
    """
    for name in method:
        if name != ALL_METHODS:
            demand_name("methods", name)
    from medground_bench.lvlms import key_of, pinned

    opened, lvlm = open_joined(benchmark, root), pinned(lvlm, newest=newest)
    opened.references(lvlm=key_of(lvlm), mode=mode)
    with _engine(engine, lvlm, newest, workers, gpus, address) as working:
        _predict(working, opened, method, mode, out, tuned)


def _predict(
    engine: CaseEngine, benchmark: Benchmark, methods: list[str], mode: Mode, out: Path, tuned: Path
) -> None:
    from medground_bench.methods import open_method
    from medground_bench.runs.parallel import method_names
    from medground_bench.runs.predict import Run, predict_several

    names = method_names(engine.lvlm) if ALL_METHODS in methods else list(dict.fromkeys(methods))
    for name in names:
        open_method(name, engine.lvlm)
    runs = [Run(name, mode) for name in names]
    _report(predict_several(engine, benchmark, runs, out, tuned=tuned, progress=progress))


@contextmanager
def _engine(
    name: EngineName,
    lvlm: str,
    newest: bool,
    workers: int | None,
    gpus: float | None,
    address: str | None,
) -> Iterator[CaseEngine]:
    """The engine that the options name, with the LVLM open."""
    if name is EngineName.LOCAL:
        refuse_ray_options(workers, gpus, address)
        from medground_bench.lvlms import open_lvlm
        from medground_bench.runs.case_engines import LocalCases

        yield LocalCases(open_lvlm(lvlm, newest=newest))
        return
    from medground_bench.runs.ray_cases import RayCases
    from medground_bench.runs.ray_cluster import Cluster

    with closing(RayCases(lvlm, Cluster(workers, gpus, address), newest=newest)) as engine:
        yield engine


def _report(files: Iterable[PredictionFile]) -> None:
    """Say how each run went as it ends; MethodFailed names those of which every case failed."""
    useless = []
    for written in files:
        typer.echo(written.as_text())
        for failure in written.failures[:5]:
            typer.echo(f"  {failure.case_id}: {failure.error}", err=True)
        useless += [str(written.file)] if written.all_failed else []
    if useless:
        raise MethodFailed(f"the method failed on every case of {', '.join(useless)}.")
