"""Where a method is run on cases: in this process, or by workers (`ray_cases`); what is done for a case is the same."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Protocol

from medground_bench.core.errors import CaseFailed, attempted, one_line
from medground_bench.core.randomness import case_rng
from medground_bench.core.types import Case, Prediction
from medground_bench.lvlms import Lvlm, LvlmDescription
from medground_bench.methods import Method, explain
from medground_bench.storage.journal import Entry


@dataclass(frozen=True, slots=True)
class CaseResult:
    """A prediction, why there is nothing in it when the method failed, and what else the method said of the case."""

    prediction: Entry
    error: str | None
    missing_concepts: Sequence[str] = ()
    self_checks: Mapping[str, float] = field(default_factory=dict)
    refused: Sequence[str] = ()

    @property
    def case_id(self) -> str:
        """Of the prediction."""
        return str(self.prediction["case_id"])


class CaseEngine(Protocol):
    """Runs methods of one LVLM."""

    @property
    def lvlm(self) -> LvlmDescription:
        """The LVLM that is explained."""
        ...

    def results(self, cases: Iterable[Case], method: Method, seed: int) -> Iterator[CaseResult]:
        """Of all cases, in any order, each as it is done. What is no case's fault is raised."""
        ...


@dataclass(frozen=True, slots=True)
class LocalCases:
    """See `CaseEngine`: one case after the other, in this process."""

    lvlm: Lvlm

    def results(self, cases: Iterable[Case], method: Method, seed: int) -> Iterator[CaseResult]:
        """See `CaseEngine`."""
        return (case_result(case, method, self.lvlm, seed) for case in cases)


def case_result(case: Case, method: Method, lvlm: Lvlm, seed: int) -> CaseResult:
    """What a method says of a case; a failure of the case is a part of it, any other error is raised."""
    start = time.perf_counter()
    explained = attempted(partial(explain, method, lvlm, case, case_rng(seed, case.case_id)))
    if isinstance(explained, CaseFailed):
        prediction = Prediction(case.case_id, (), seconds=round(time.perf_counter() - start, 4))
        return CaseResult(prediction.as_json(), one_line(f"{type(explained).__name__}: {explained}"))
    evidence = explained.attribution
    prediction = Prediction(
        case.case_id,
        explained.boxes,
        concept=evidence.concept,
        seconds=round(time.perf_counter() - start, 4),
        tokens=tuple(drop.drop for drop in evidence.token_drops) or None,
    )
    remarks = (evidence.missing_concepts, evidence.self_checks, evidence.refused)
    return CaseResult(prediction.as_json(), None, *remarks)


def entry_of(result: CaseResult) -> Entry:
    """As a journal keeps it."""
    return asdict(result)
