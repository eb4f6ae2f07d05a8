"""Methods run by Ray's workers, case by case: same boxes as in one process; see `ray_workers`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias

from medground_bench import lvlms
from medground_bench.core.types import Case
from medground_bench.lvlms import Lvlm
from medground_bench.methods import Method
from medground_bench.runs.case_engines import CaseResult, case_result
from medground_bench.runs.code_version import method_code
from medground_bench.runs.ray_cluster import ONE_HERE, Cluster, RayTrouble
from medground_bench.runs.ray_workers import Killed, Opening, RayWorkers, RemoteLvlm

Asked: TypeAlias = tuple[Method, int]
"""A method and the seed of its run."""


@dataclass(frozen=True, slots=True)
class CaseWork:
    """What a worker does with cases."""

    lvlm: Lvlm

    def __call__(self, cases: Sequence[Case], asked: Asked) -> list[CaseResult]:
        """A result each."""
        method, seed = asked
        return [case_result(case, method, self.lvlm, seed) for case in cases]


class RayCases:
    """See `CaseEngine`. One worker opens the LVLM at once, so that it is known here; settings as of `RayWorkers`.

    >>> with closing(RayCases("org/name@" + 40 * "0", Cluster(workers=8))) as engine:  # doctest: +SKIP
    ...     predict_by(engine, benchmark, run, file)
    """

    def __init__(
        self,
        location: str,
        cluster: Cluster = ONE_HERE,
        *,
        newest: bool = False,
        opening: Opening = lvlms.open_lvlm,
    ) -> None:
        self._workers: RayWorkers[Case, Asked, list[CaseResult]] = RayWorkers(
            CaseWork, method_code, cluster, opening=opening
        )
        try:
            self.lvlm: RemoteLvlm = self._workers.open(location, newest=newest)
        except BaseException:
            self._workers.close()
            raise

    def results(self, cases: Iterable[Case], method: Method, seed: int) -> Iterator[CaseResult]:
        """See `CaseEngine`. RayTrouble for a case that kills its worker each time: that is not for it to suffer."""
        numbered, at_work = enumerate(cases), dict[int, Case]()
        while True:
            for ticket, case in islice(numbered, self._workers.room - len(at_work)):
                self._workers.start(ticket, [case], (method, seed))
                at_work[ticket] = case
            if not at_work:
                return
            finished = self._workers.finish()
            case_id = at_work.pop(finished.ticket).case_id
            for _, result in finished.parts:
                if isinstance(result, Killed):
                    raise RayTrouble(f"case {case_id}: {result.said}. The same command goes on from there.")
                yield from result

    def close(self) -> None:
        """Stop the workers."""
        self._workers.close()
