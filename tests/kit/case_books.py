"""Books of cases: a small phantom build with methods that are right, half right and wrong, and texts that mean harm."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple, replace
from pathlib import Path

from medground_bench.benchmark.folder import DatasetFolder
from medground_bench.benchmark.opening import open_benchmark
from medground_bench.core.scoring import CaseScore, score_cases
from medground_bench.core.types import Box, Prediction, Reference
from medground_bench.leaderboard.board import MethodRun
from medground_bench.leaderboard.case_book import BookCase, BookRun, CaseBook
from medground_bench.leaderboard.truth import Truth

HARM = "${window.harmed = 1} <img src=x onerror=\"window.harmed=2\"> \\u0000 \\ `{{value}}` 'a' & b"
"""Runs, or spoils the page, wherever a text is not kept a text."""

HARMFUL_METHOD = "=${window.harmed=3}<b>x</b>"
FAILED_ON = 1
"""Of every track, the first cases on which `occlusion` failed."""


def runs_on(references: Sequence[Reference]) -> list[MethodRun]:
    """On every track: `medfocus` is the expert, `occlusion` half as high, two give the whole image, one no box."""
    tracks = sorted({each.track for each in references})
    runs = []
    for track in tracks:
        own = [each for each in references if each.track == track]
        runs += [
            MethodRun("medfocus", track, tuple(Prediction(each.case_id, each.boxes) for each in own)),
            MethodRun(
                "occlusion", track, tuple(Prediction(each.case_id, _half(each)) for each in own[FAILED_ON:])
            ),
            MethodRun("whole_image", track, tuple(Prediction(each.case_id, _all(each)) for each in own)),
            MethodRun(HARMFUL_METHOD, track, tuple(Prediction(each.case_id, _all(each)) for each in own)),
            MethodRun("prompting", track, tuple(Prediction(each.case_id, ()) for each in own)),
            MethodRun("random_box", track, tuple(Prediction(each.case_id, _all(each)) for each in own)),
        ]
    return runs


def book_of(folder: DatasetFolder) -> CaseBook:
    """The book of a benchmark with these runs."""
    benchmark = open_benchmark(folder.path)
    return CaseBook.of(benchmark, runs_on(benchmark.references()))


def book_on(of: Truth, runs: Iterable[MethodRun]) -> CaseBook:
    """The book of a truth that no benchmark folder holds, with runs on it."""
    cases = [
        BookCase(
            case_id=each.case_id, source=each.source, image_id=each.image_id, lvlm=each.lvlm, mode=each.mode.value,
            finding=each.finding, prompt=f"Is there a {each.finding}?", response="Yes.",
            boxes=tuple(box.xyxy for box in each.boxes), width=each.native.width, height=each.native.height,
            image_sha256="", answers=(), known_cause=None,
        )
        for each in of.references
    ]  # fmt: skip
    kept = [
        BookRun(
            method=run.method, shown=run.method, lvlm=run.track.lvlm, mode=run.track.mode.value, draws=1,
            boxes={each.case_id: tuple(box.xyxy for box in each.boxes) for each in run.predictions},
            scores={each.case_id: (*astuple(each.overlap), each.covered) for each in _scored(of, run)},
        )
        for run in runs
    ]  # fmt: skip
    return CaseBook(tuple(sorted(cases, key=lambda case: case.case_id)), tuple(kept))


def _scored(of: Truth, run: MethodRun) -> tuple[CaseScore, ...]:
    own = [each for each in of.references if each.track == run.track]
    return tuple(score_cases(own, run.predictions))


def with_harm(book: CaseBook) -> CaseBook:
    """With a first case whose response means harm, and a case of a source whose pictures may not be shown."""
    first, *others = book.cases
    foreign = of_another_source(first)
    boxes = {foreign.case_id: first.boxes}
    scores = {foreign.case_id: (1.0, 1.0, 1.0, 1.0, 0.1)}
    runs = tuple(
        replace(run, boxes={**run.boxes, **boxes}, scores={**run.scores, **scores})
        if run.track == first.track
        else run
        for run in book.runs
    )
    cases = sorted([replace(first, response=HARM), *others, foreign], key=lambda case: case.case_id)
    return CaseBook(tuple(cases), runs, {"padchest_gr": 3})


def of_another_source(case: BookCase) -> BookCase:
    """The same case as if its picture were of a credentialed source."""
    name = case.case_id.replace("phantom/", "vindr_cxr/", 1)
    return replace(case, case_id=name, source="vindr_cxr", known_cause=None)


def saved(book: CaseBook, folder: Path) -> Path:
    """The folder, with the book in it."""
    book.save(folder)
    return folder


def _half(each: Reference) -> tuple[Box, ...]:
    return tuple(Box(box.x0, box.y0, box.x1, (box.y0 + box.y1) / 2, box.frame) for box in each.boxes)


def _all(each: Reference) -> tuple[Box, ...]:
    return (Box(0, 0, each.native.width, each.native.height, each.native),)
