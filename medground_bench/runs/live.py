"""One picture, one question, several methods, one step at a time: for a page that shows each as it is done.

A run goes on only as long as somebody wants it: a file says so, which may be taken away from another process. It is
looked for before every pass through the model, so a run ends after the pass that is going on.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from medground_bench import localizers
from medground_bench.core.errors import CaseFailed, MedgroundError, attempted, one_line
from medground_bench.lvlms import Lvlm, open_lvlm
from medground_bench.lvlms.engine.passes import Passes
from medground_bench.methods import open_method
from medground_bench.pictures import picture_name
from medground_bench.runs.explain import AnsweredCase, Explanation, Film, Query, ask, explain_by, read_film
from medground_bench.runs.sweep import tuned_method

if TYPE_CHECKING:
    from medground_bench.lvlms.engine.local import LocalLvlm

LVLMS_KEPT = 2
_OPEN: OrderedDict[str, Lvlm] = OrderedDict()
_OPENING = threading.Lock()


class NoLongerWanted(MedgroundError):
    """The run was stopped by whoever wanted it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveQuery:
    """What is wanted; plain values, so that it can be sent to another process.

    tuned   folder of the sweeps that `medground tune` wrote
    wanted  the file without which the run ends
    """

    picture: Path
    query: Query
    lvlm: str
    methods: Sequence[str]
    tuned: Path
    wanted: Path


@dataclass(frozen=True, slots=True, eq=False)
class AnswerStep:
    """The film as it was read, and the LVLM's answer."""

    film: Film
    answered: AnsweredCase
    seconds: float


@dataclass(frozen=True, slots=True)
class StartStep:
    """A method begins."""

    method: str


@dataclass(frozen=True, slots=True, eq=False)
class MethodStep:
    """A method is done; `tuned_on` counts the cases that its settings were chosen on, None for its defaults."""

    explanation: Explanation
    tuned_on: int | None


@dataclass(frozen=True, slots=True)
class FailureStep:
    """A method failed on this picture."""

    method: str
    why: str


LiveStep = AnswerStep | StartStep | MethodStep | FailureStep


def live_steps(wanted: LiveQuery) -> Iterator[LiveStep]:
    """The answer, then every method in turn: that it begins, and what came of it.

    What is wrong with the picture, the question or a method's kept settings is raised before the LVLM is asked; after
    that, a method that fails on the picture is a step, and the others go on. NoLongerWanted ends the run.
    """
    film = read_film(wanted.picture, called=wanted.picture.name)
    lvlm = _while_wanted(kept_lvlm(wanted.lvlm), wanted.wanted)
    tuned = {name: tuned_method(name, lvlm, wanted.query.mode, wanted.tuned) for name in wanted.methods}
    methods = {name: made.method if made else open_method(name, lvlm) for name, made in tuned.items()}
    start = time.perf_counter()
    answered = ask(lvlm, film, wanted.query, name=picture_name(wanted.picture))
    yield AnswerStep(film, answered, time.perf_counter() - start)
    for name, method in methods.items():
        yield StartStep(name)
        done = attempted(partial(explain_by, name, lvlm, answered.case, settings=method))
        if isinstance(done, CaseFailed):
            yield FailureStep(name, one_line(done))
        else:
            yield MethodStep(done, made.sweep.cases if (made := tuned[name]) else None)


def kept_lvlm(key: str) -> Lvlm:
    """The LVLM, opened once for all runs; the last two that were asked stay open."""
    with _OPENING:
        if key in _OPEN:
            _OPEN.move_to_end(key)
        else:
            _OPEN[key] = open_lvlm(key)
            while len(_OPEN) > LVLMS_KEPT:
                _OPEN.popitem(last=False)
        return _OPEN[key]


def forget_pictures() -> None:
    """Let go of everything that LVLMs and localizers kept of pictures to be quick at a second question."""
    localizers.forget()
    for lvlm in tuple(_OPEN.values()):
        if (here := _here(lvlm)) is not None:
            here.memory.forget()


@dataclass(slots=True)
class _WantedPasses(Passes):
    """Refuses the next pass when the file is gone."""

    wanted: Path = Path()

    def encode(self, pictures: int, *, backward: bool) -> None:
        self._look()

    def read(self, rows: int, *, continued: bool) -> None:
        self._look()

    def _look(self) -> None:
        if not self.wanted.is_file():
            raise NoLongerWanted("The run was stopped.")


def _while_wanted(lvlm: Lvlm, wanted: Path) -> Lvlm:
    """The LVLM as long as the file is there; one that runs elsewhere is asked to the end of a method."""
    here = _here(lvlm)
    return lvlm if here is None else here.watched_by(_WantedPasses(wanted=wanted))


def _here(lvlm: Lvlm) -> LocalLvlm | None:
    """The LVLM if it runs in this process; its engine takes seconds to import, for which no page is to wait."""
    from medground_bench.lvlms.engine.local import LocalLvlm

    return lvlm if isinstance(lvlm, LocalLvlm) else None
