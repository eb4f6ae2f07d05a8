"""Choose a method's layer, head or baseline for one LVLM and mode, on the split `tune`, by mean IoU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medground_bench import plugins
from medground_bench.benchmark.opening import Benchmark
from medground_bench.core.errors import CaseFailed, MethodFailed, SourceMissing, Unsupported, attempted
from medground_bench.core.intervals import ImageMeans, sums_per_image
from medground_bench.core.progress import Progress, silently
from medground_bench.core.randomness import case_rng
from medground_bench.core.ranks import places
from medground_bench.core.scoring import overlap
from medground_bench.core.types import Case, Mode, Reference, Track
from medground_bench.drawing.heat_maps import HeatMap, HeatMaps
from medground_bench.lvlms import Lvlm
from medground_bench.lvlms.engine.cached import CachedLvlm
from medground_bench.methods import Method, Tunable, explain, open_method
from medground_bench.runs.sweep import (
    SPLIT,
    Candidate,
    MadeFrom,
    Sweep,
    candidates_of,
    file_of,
    settings_of,
    spelled,
)
from medground_bench.storage.whole_files import Plain, write_whole


def tune(benchmark: Benchmark, lvlm: Lvlm, name: str, mode: Mode, *, progress: Progress = silently) -> Sweep:
    """Try every candidate of a method on every case of the split `tune`.

    A case's candidates share what they ask of the LVLM: all heads of all layers come from one pass.
    """
    method = open_method(name, lvlm)
    if not isinstance(method, Tunable):
        raise Unsupported(f"method {name} has nothing to tune. These have: {', '.join(tunable_names())}.")
    candidates = candidates_of(method, lvlm)
    track = Track(lvlm.key, mode)
    references = benchmark.references(lvlm=lvlm.key, mode=mode, split=SPLIT)
    if not references:
        raise SourceMissing(
            f"{benchmark.folder} has no case of {lvlm.key}, mode {mode}, in its split {SPLIT}."
        )
    scores = np.full((len(candidates), len(references)), np.nan)
    cases = benchmark.cases(lvlm=lvlm.key, mode=mode, split=SPLIT)
    with progress(f"tune {name} {track}", len(references), "cases") as advance:
        for place, (reference, case) in enumerate(zip(references, cases, strict=True)):
            scores[:, place] = _ious(candidates, lvlm, case, reference)
            advance(1)
    if np.isnan(scores).all():
        raise MethodFailed(
            f"{name} failed on every case of {track} with every setting, so there is none to choose."
        )
    images = [(reference.source, reference.image_id) for reference in references]
    means = ImageMeans.of(*sums_per_image(images, np.nan_to_num(scores).T))
    return Sweep(
        method=name,
        lvlm=lvlm.key,
        mode=mode,
        **asdict(MadeFrom.now(benchmark, lvlm, name, mode)),
        cases=len(references),
        pictures=means.images,
        as_good=sum(place.best == 1 for place in places(means)),
        candidates=tuple(map(_tried, candidates, scores)),
    )


def _tried(candidate: Method, ious: NDArray[np.float64]) -> Candidate:
    mean = round(float(np.nan_to_num(ious).mean()), 6)
    return Candidate(settings_of(candidate), mean, int(np.isnan(ious).sum()))


@dataclass(frozen=True, slots=True)
class SweepFiles:
    """A sweep and where it is kept: its choice as JSON, its heat map as PNG."""

    sweep: Sweep
    choice: Path
    picture: Path


def tune_to(
    folder: Path, benchmark: Benchmark, lvlm: Lvlm, name: str, mode: Mode, *, progress: Progress = silently
) -> SweepFiles:
    """`tune`, with the choice as JSON and the heat map as PNG in a folder.

    What is there of the same cases, weights, candidates and code is kept.
    """
    track = Track(lvlm.key, mode)
    file = file_of(folder, track, name)
    picture = file.with_suffix(".png")
    sweep = _still_valid(file, benchmark, track, lvlm)
    if sweep is None or not picture.is_file():
        sweep = tune(benchmark, lvlm, name, mode, progress=progress)
        write_whole(picture, heat_map(sweep).png())
        sweep.save(folder)
    return SweepFiles(sweep, file, picture)


def heat_map(sweep: Sweep) -> HeatMaps:
    """The sweep as a table: mean IoU of every candidate, darker is better, the choice framed.

    Rows are the first setting that varies (the layer), columns the second (the head); with one, there is one column.
    """
    nothing: tuple[str, list[Plain]] = ("", [None])
    (down, rows), (across, columns) = [*sweep.varying.items(), nothing, nothing][:2]
    places = [
        (rows.index(each.settings.get(down)), columns.index(each.settings.get(across)))
        for each in sweep.candidates
    ]
    ious: dict[tuple[int, int], float] = {
        place: each.iou for place, each in zip(places, sweep.candidates, strict=True)
    }
    table = HeatMap(
        title=f"{sweep.method}, {sweep.lvlm}, {sweep.mode}: mean IoU in percent, {sweep.cases} cases",
        down=down,
        across=across,
        rows=[spelled(value) if down else "" for value in rows],
        columns=[spelled(value) if across else "" for value in columns],
        shares=[[ious.get((row, column)) for column in range(len(columns))] for row in range(len(rows))],
        chosen=places[sweep.candidates.index(sweep.chosen)],
    )
    return HeatMaps(tables=[[table]], span=(0.0, sweep.chosen.iou))


def tunable_names() -> list[str]:
    """Methods that offer candidates, sorted."""
    names = [plugin.name for plugin in plugins.available("methods")]
    return [name for name in names if hasattr(plugins.load("methods", name), "candidates")]


def _still_valid(file: Path, benchmark: Benchmark, track: Track, lvlm: Lvlm) -> Sweep | None:
    try:
        sweep = Sweep.read(file)
    except SourceMissing:
        return None
    now = MadeFrom.now(benchmark, lvlm, sweep.method, track.mode)
    return sweep if sweep.made_from == now else None


def _ious(candidates: Sequence[Method], lvlm: Lvlm, case: Case, reference: Reference) -> NDArray[np.float64]:
    """IoU of every candidate on one case; NaN where it failed."""
    once, ious = CachedLvlm(lvlm), np.full(len(candidates), np.nan)
    for place, candidate in enumerate(candidates):
        explained = attempted(partial(explain, candidate, once, case, case_rng(0, case.case_id)))
        if not isinstance(explained, CaseFailed):  # counted, as in predict
            ious[place] = overlap(explained.boxes, reference.boxes).iou
    return ious
