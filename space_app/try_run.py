"""One run of "Try it": from what the visitor chose to what the page shows, one step at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from example_pictures import is_phantom
from results_folder import results_folder
from templates import Shown
from try_view import shown_answer, shown_film, shown_method, shown_status, shown_trials
from visits import FinishedRun, Visit
from zero_gpu import on_gpu

from medground_bench.cards.costs import Accelerator
from medground_bench.commands.demo_stages import TUNED
from medground_bench.core.errors import MedgroundError
from medground_bench.core.types import Mode
from medground_bench.lvlms import embedded
from medground_bench.runs.explain import LEARNED_NOTE, PHANTOM_NOTE, Explanation, Query
from medground_bench.runs.explanation_folder import Attributed
from medground_bench.runs.live import (
    AnswerStep,
    FailureStep,
    LiveQuery,
    LiveStep,
    MethodStep,
    NoLongerWanted,
    StartStep,
    kept_lvlm,
    live_steps,
)
from medground_bench.runs.trials import Trial, trials_of

STOPPED: Shown = {"text": "Stopped. What was done stays here."}
BOX_COLUMNS = ("Method", "Concept", "x0", "y0", "x1", "y1")


def seconds_wanted(wanted: LiveQuery) -> int:
    """For which a GPU is asked."""
    return Accelerator.shipped().enough_s(wanted.methods, wanted.query.mode.value)


STEPS = on_gpu(live_steps, seconds_wanted)


def query_of(about: str, mode: str) -> Query:
    """A question where it ends as one, otherwise a finding."""
    about = about.strip()
    if not about:
        raise MedgroundError(
            "There is no finding and no question yet. Choose a finding, or write a question."
        )
    return Query(Mode(mode), question=about) if about.endswith("?") else Query(Mode(mode), finding=about)


@dataclass(slots=True)
class TryRun:
    """What a run made so far, as the page shows it, and as it is downloaded."""

    wanted: LiveQuery
    status: Shown = field(default_factory=dict)
    answer: Shown | None = None
    film: Shown | None = None
    methods: list[Shown] = field(default_factory=list)
    charts: list[Shown] = field(default_factory=list)
    first: AnswerStep | None = None
    explanations: list[Explanation] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    trials: dict[str, list[Trial]] = field(default_factory=dict)

    def steps(self) -> Iterator[None]:
        """Go on to the next step, until all are done or nobody wants more."""
        self._say(f"{self.wanted.lvlm} reads the picture")
        yield
        kept_lvlm(self.wanted.lvlm)  # where a GPU is lent, its process begins with what is open here
        try:
            for step in STEPS(self.wanted):
                self._take(step)
                yield
        except NoLongerWanted:
            self.status = STOPPED
        else:
            self._say("Done", running=False)
        yield

    @property
    def results(self) -> Shown | None:
        """Every method's picture, why others failed, and the trials of those that hide regions."""
        if self.film is None:
            return None
        failures = [f"{name}: {why}" for name, why in self.failures.items()]
        return self.film | {"methods": self.methods[:], "failures": failures, "trials": self.charts[:]}

    def boxes(self) -> pd.DataFrame:
        """All boxes, native pixels."""
        cells = [
            [each.method, each.explained.attribution.concept or "", *(round(value, 1) for value in box.xyxy)]
            for each in self.explanations
            for box in each.explained.boxes
        ]
        return pd.DataFrame(cells, columns=list(BOX_COLUMNS))

    def finished(self) -> FinishedRun | None:
        """What can be downloaded; None before there is an answer."""
        if self.first is None:
            return None
        lvlm = kept_lvlm(self.wanted.lvlm)
        name, how = Path(self.wanted.picture.name), self.first.film.how
        made = Attributed(
            name, how, lvlm.key, lvlm.revision, self.first.answered, self.explanations, self.failures
        )
        return FinishedRun(made, self.trials)

    def _say(self, text: str, *, running: bool = True) -> None:
        done = len(self.explanations) + len(self.failures)
        self.status = shown_status(text, done=done, total=len(self.wanted.methods), running=running)

    def _take(self, step: LiveStep) -> None:
        if isinstance(step, AnswerStep):
            self.first, self.answer = step, shown_answer(step, self._limits())
            self.film = shown_film(step)
        elif isinstance(step, StartStep):
            self._say(step.method)
        elif isinstance(step, FailureStep):
            self.failures[step.method] = step.why
        else:
            self._add(step)

    def _add(self, step: MethodStep) -> None:
        assert self.first is not None
        method = step.explanation.method
        self.explanations.append(step.explanation)
        self.methods.append(shown_method(step, self.first))
        trials = trials_of(step.explanation, self.first.answered.case)
        if trials:
            self.trials[method] = trials
            self.charts.append(shown_trials(step.explanation, trials))

    def _limits(self) -> list[str]:
        lvlm = self.wanted.lvlm
        if not embedded(lvlm):
            return []
        notes = [] if is_phantom(self.wanted.picture) else [PHANTOM_NOTE.format(lvlm=lvlm)]
        return [*notes, LEARNED_NOTE.format(lvlm=lvlm)]


def run_of(visit: Visit, picture: Path, query: Query, lvlm: str, methods: list[str]) -> TryRun:
    """A run that begins."""
    visit.begin()
    return TryRun(
        LiveQuery(
            picture=picture,
            query=query,
            lvlm=lvlm,
            methods=tuple(methods),
            tuned=results_folder() / TUNED,
            wanted=visit.wanted,
        )
    )
