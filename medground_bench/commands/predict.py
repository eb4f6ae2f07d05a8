"""`medground predict`: prediction files of methods over one track."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medground_bench.commands.console import progress
from medground_bench.commands.options import (
    TUNED,
    BenchmarkOption,
    LvlmOption,
    ModeOption,
    NewestOption,
    demand_name,
    open_benchmark,
)
from medground_bench.core.errors import MethodFailed

if TYPE_CHECKING:
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
    newest: NewestOption = False,
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
    from medground_bench.lvlms import key_of, open_lvlm, pinned
    from medground_bench.methods import open_method
    from medground_bench.runs.parallel import method_names
    from medground_bench.runs.predict import Run, predict_several

    opened, lvlm = open_benchmark(benchmark), pinned(lvlm, newest=newest)
    opened.references(lvlm=key_of(lvlm), mode=mode)
    loaded = open_lvlm(lvlm, newest=newest)
    names = method_names(loaded) if ALL_METHODS in method else list(dict.fromkeys(method))
    for name in names:
        open_method(name, loaded)
    runs = [Run(name, mode) for name in names]
    _report(predict_several(opened, loaded, runs, out, tuned=tuned, progress=progress))


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
