"""The book of cases: every retained case with its answers, and the boxes of every method that was run on it.

It is what pages about single cases need of a benchmark folder and of prediction files, in one file beside the board. It
holds no picture: a phantom is drawn again, and no other picture may be shown.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from medground_bench.benchmark.counted import ShownColumns
from medground_bench.benchmark.opening import Benchmark
from medground_bench.benchmark.rows import ANSWERS, CASES, VERDICTS, TruthColumns
from medground_bench.core.case_ids import case_id
from medground_bench.core.errors import SourceMissing
from medground_bench.core.scoring import CaseScore, mean_over_seeds, score_cases
from medground_bench.core.types import Corners, Mode, Reference, Track
from medground_bench.core.unions import Overlap
from medground_bench.leaderboard.board import MethodRun, shown_name
from medground_bench.leaderboard.case_scores import hidden_sources
from medground_bench.leaderboard.chance import chance_scores, draws_of
from medground_bench.storage.whole_files import write_whole

CASES_FILE = "cases.json"
SPLIT = "test"
Numbers = tuple[float, ...]
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenAnswer:
    """What an LVLM said to one picture of a question; `picture` and `editor` as in `AnswerRow`."""

    picture: str
    said: str
    response: str
    editor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BookCase:
    """A retained case: what was asked and answered, and where the experts say that the finding is.

    boxes         native pixels
    image_sha256  of the original's greys
    answers       to the original, to the edits, and to exact counterfactuals, sorted by picture
    known_cause   what the answer rests on; None where that is not known
    """

    case_id: str
    source: str
    image_id: str
    lvlm: str
    mode: str
    finding: str
    prompt: str
    response: str
    boxes: tuple[Corners, ...]
    width: int
    height: int
    image_sha256: str
    answers: tuple[GivenAnswer, ...]
    known_cause: str | None

    @property
    def track(self) -> Track:
        """Who answered, and how it was asked."""
        return Track(self.lvlm, Mode(self.mode))

    def reference(self) -> Reference:
        """The truth, for scoring."""
        columns = {name: getattr(self, name) for name in TruthColumns.__dataclass_fields__}
        return TruthColumns(**columns).reference()


@dataclass(frozen=True, slots=True, kw_only=True)
class BookRun:
    """One method on one track: the boxes it gave, by case id; a case on which it failed is missing.

    shown   the method's name for people, as on the board
    draws   how many seeds or draws the scores are the mean of; the boxes are those of the first
    scores  of every case of the track: IoU, precision, recall, F1, and the share of the picture that is covered
    """

    method: str
    shown: str
    lvlm: str
    mode: str
    draws: int
    boxes: Mapping[str, tuple[Corners, ...]]
    scores: Mapping[str, Numbers]

    @property
    def track(self) -> Track:
        """On which it was run."""
        return Track(self.lvlm, Mode(self.mode))

    @property
    def applicable(self) -> bool:
        """Not where there is no box on any case although nothing failed, as where an LVLM cannot write boxes."""
        return any(self.boxes.values()) or len(self.boxes) < len(self.scores)

    def score(self, case: BookCase) -> CaseScore:
        """Its score on a case of the track."""
        *overlap, covered = self.scores[case.case_id]
        boxes = self.boxes.get(case.case_id)
        return CaseScore(
            case_id=case.case_id,
            source=case.source,
            image_id=case.image_id,
            lvlm=case.lvlm,
            mode=case.mode,
            finding=case.finding,
            overlap=Overlap(*overlap),
            predicted=boxes is not None,
            boxes=len(boxes or ()),
            covered=covered,
        )


@dataclass(frozen=True)
class CaseBook:
    """Cases by case id, runs by method and track.

    withheld  source -> how many retained cases this copy of the benchmark has without their expert boxes
    hidden    source -> how many are left out because their expert boxes are not for everybody
    """

    cases: tuple[BookCase, ...]
    runs: tuple[BookRun, ...] = ()
    withheld: Mapping[str, int] = field(default_factory=dict)
    hidden: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, benchmark: Benchmark, runs: Iterable[MethodRun]) -> CaseBook:
        """The book of a benchmark and of what methods predicted on it; cases without expert boxes are counted alone."""
        tables = (benchmark.columns(table, SPLIT, ShownColumns) for table in CASES.values())
        rows = [row for table in tables for row in table]
        shown = {row.case_id: row for row in rows if row.boxes is not None and row.width and row.height}
        withheld = Counter(row.source for row in rows if row.case_id not in shown)
        answers, causes = _answers(benchmark, shown), _causes(benchmark)
        cases = [_case(shown[each], answers.get(each, []), causes.get(each)) for each in sorted(shown)]
        by_track: dict[tuple[str, Track], list[MethodRun]] = {}
        by_method: dict[str, list[MethodRun]] = {}
        for run in runs:
            by_track.setdefault((run.method, run.track), []).append(run)
            by_method.setdefault(run.method, []).append(run)
        shown_as = {method: shown_name(of_method) for method, of_method in by_method.items()}
        kept = [_run(of_track, cases, shown_as[key[0]]) for key, of_track in sorted(by_track.items())]
        return cls(tuple(cases), tuple(kept), dict(sorted(withheld.items())))

    @cached_property
    def methods(self) -> tuple[str, ...]:
        """Every method that was run on any track, sorted."""
        return tuple(sorted({run.method for run in self.runs}))

    @cached_property
    def shown(self) -> Mapping[str, str]:
        """Method -> its name for people."""
        return {run.method: run.shown for run in self.runs}

    @cached_property
    def by_id(self) -> Mapping[str, BookCase]:
        """The cases by their ids."""
        return {case.case_id: case for case in self.cases}

    def without(self, sources: Collection[str]) -> CaseBook:
        """The book without the cases of some sources, which are counted as hidden."""
        cases = tuple(case for case in self.cases if case.source not in sources)
        hidden = Counter(self.hidden) + Counter(case.source for case in self.cases if case.source in sources)
        return CaseBook(cases, self._runs_on(cases), self.withheld, dict(sorted(hidden.items())))

    def for_everybody(self) -> CaseBook:
        """What anybody may look at: the cases of phantoms; of the others there is their number."""
        return self.without(hidden_sources(case.source for case in self.cases))

    def beside(self, sources: Iterable[str]) -> CaseBook:
        """With the cases of sources that it knows nothing of counted as hidden, given as the source of each."""
        known = {case.source for case in self.cases} | {*self.hidden, *self.withheld}
        more = Counter(source for source in sources if source not in known)
        return replace(self, hidden=dict(sorted((Counter(self.hidden) + more).items())))

    def counts(self) -> Mapping[str, int]:
        """Source -> how many of its cases are not in the book, for either reason."""
        return dict(sorted((Counter(self.withheld) + Counter(self.hidden)).items()))

    def _runs_on(self, cases: Sequence[BookCase]) -> tuple[BookRun, ...]:
        own, tracks = {case.case_id for case in cases}, {case.track for case in cases}
        return tuple(
            replace(run, boxes=_part(run.boxes, own), scores=_part(run.scores, own))
            for run in self.runs
            if run.track in tracks
        )

    def run_on(self, method: str, track: Track) -> BookRun | None:
        """A method on a track; None where it was not run there."""
        return next((run for run in self.runs if run.method == method and run.track == track), None)

    def scores(self, method: str) -> Mapping[str, CaseScore]:
        """Every case of the tracks on which a method was run, as on the board; remembered."""
        if method not in self._scored:
            runs = [run for run in self.runs if run.method == method]
            self._scored[method] = {
                case: run.score(self.by_id[case]) for run in runs for case in sorted(run.scores)
            }
        return self._scored[method]

    @cached_property
    def _scored(self) -> dict[str, Mapping[str, CaseScore]]:
        return {}

    def save(self, folder: Path) -> None:
        """Write `cases.json`, a line a case and a line a run; same book, same bytes."""
        cases, runs = (",\n".join(_line(each) for each in several) for several in (self.cases, self.runs))
        withheld, hidden = (json.dumps(dict(each), sort_keys=True) for each in (self.withheld, self.hidden))
        text = f'{{"withheld": {withheld},\n"hidden": {hidden},\n"cases": [\n{cases}\n],\n"runs": [\n{runs}\n]}}\n'
        write_whole(folder / CASES_FILE, text.encode())

    @classmethod
    def read(cls, folder: Path) -> CaseBook:
        """The book that `save` wrote; SourceMissing when it is not there or not one."""
        file = folder / CASES_FILE
        try:
            saved = json.loads(file.read_text("utf-8"))
            cases = [
                BookCase(**each | {"boxes": _corners(each["boxes"]), "answers": _given(each["answers"])})
                for each in saved["cases"]
            ]
            runs = [
                BookRun(
                    **each
                    | {
                        "boxes": {case: _corners(boxes) for case, boxes in each["boxes"].items()},
                        "scores": {case: tuple(numbers) for case, numbers in each["scores"].items()},
                    }
                )
                for each in saved["runs"]
            ]
            return cls(tuple(cases), tuple(runs), saved["withheld"], saved.get("hidden", {}))
        except FileNotFoundError as error:
            raise SourceMissing(
                f"{folder} holds no cases: it has no {CASES_FILE}. Make it with medground demo --out {folder}"
            ) from error
        except (ValueError, KeyError, TypeError) as error:
            raise SourceMissing(
                f"{file} is no such book of this version ({error}). Make it again with medground demo --out {folder}"
            ) from error


def _answers(benchmark: Benchmark, shown: Mapping[str, ShownColumns]) -> Mapping[str, list[GivenAnswer]]:
    """What was said to every picture of a case's question, by case id."""
    given: dict[str, list[GivenAnswer]] = {}
    for row in benchmark.dataset.read(ANSWERS, SPLIT):
        if (case := case_id(row.question_id, row.track)) in shown:
            answer = GivenAnswer(picture=row.picture, said=row.said, response=row.response, editor=row.editor)
            given.setdefault(case, []).append(answer)
    return given


def _causes(benchmark: Benchmark) -> Mapping[str, str | None]:
    """The known cause by case id; rows of the authors' release that are joined with no source have no id."""
    rows = benchmark.dataset.read(VERDICTS, SPLIT)
    return {case_id(row.question_id, row.track): row.known_cause for row in rows if row.question_id}


def _case(row: ShownColumns, answers: Sequence[GivenAnswer], known_cause: str | None) -> BookCase:
    assert row.boxes is not None and row.width and row.height
    columns = {name: getattr(row, name) for name in ShownColumns.__dataclass_fields__}
    ordered = tuple(sorted(answers, key=lambda answer: answer.picture))
    return BookCase(**columns, answers=ordered, known_cause=known_cause)


def _run(runs: Sequence[MethodRun], cases: Sequence[BookCase], shown_as: str) -> BookRun:
    """Of one method on one track, under one seed or several."""
    first = min(runs, key=lambda run: run.seed)
    truth = [case.reference() for case in cases if case.track == first.track]
    own = {each.case_id for each in truth}
    given = {run.seed: [each for each in run.predictions if each.case_id in own] for run in runs}
    draws = chance_scores(first.method, truth) if draws_of(first.method) else None
    seeds = draws or [score_cases(truth, given[seed]) for seed in sorted(given)]
    shown = sorted(given[first.seed], key=lambda each: each.case_id)
    return BookRun(
        method=first.method,
        shown=shown_as,
        lvlm=first.track.lvlm,
        mode=first.track.mode.value,
        draws=len(seeds),
        boxes={each.case_id: tuple(box.xyxy for box in each.boxes) for each in shown},
        scores={score.case_id: (*astuple(score.overlap), score.covered) for score in mean_over_seeds(seeds)},
    )


def _part(of_cases: Mapping[str, Value], own: Collection[str]) -> dict[str, Value]:
    return {case: value for case, value in of_cases.items() if case in own}


def _line(each: BookCase | BookRun) -> str:
    return json.dumps(asdict(each), allow_nan=False, separators=(",", ":"))


def _corners(saved: Iterable[Sequence[float]]) -> tuple[Corners, ...]:
    return tuple((x0, y0, x1, y1) for x0, y0, x1, y1 in saved)


def _given(saved: Iterable[Mapping[str, str]]) -> tuple[GivenAnswer, ...]:
    return tuple(GivenAnswer(**answer) for answer in saved)
