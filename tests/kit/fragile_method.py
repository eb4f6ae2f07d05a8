"""A method that fails where a test wants it to, and the run it stands in for."""

from __future__ import annotations

from medground_bench.core.errors import MethodFailed
from medground_bench.core.types import Attribution, Box, Mode, TokenDrop
from medground_bench.runs.predict import Run

RANDOM = Run("random_box", Mode.DIRECT, seed=3)


class Fragile:
    """Fails on one case, or on "all"; `seen` are the cases it was asked about."""

    needs = frozenset()

    def __init__(
        self,
        broken: str = "",
        error: Exception | None = None,
        missing: tuple[str, ...] = (),
        checks=(),
        refused=(),
    ) -> None:
        self.broken, self.seen, self.missing, self.refused = broken, [], missing, refused
        self.checks = dict(checks)
        self.error = error or MethodFailed("out of\nluck")

    def __repr__(self) -> str:
        return "Fragile()"

    def attribute(self, lvlm, case, rng):
        self.seen.append(case.case_id)
        if self.broken in (case.case_id, "all"):
            raise self.error
        box = Box(50, 50, 60 + rng.uniform(), 70, case.study)
        return Attribution(
            boxes=(box,),
            concept="left lung",
            token_drops=(TokenDrop("Yes", 0.5),),
            missing_concepts=self.missing[: len(self.seen)],
            self_checks={name: values[len(self.seen) - 1] for name, values in self.checks.items()},
            refused=self.refused if len(self.seen) == 1 else (),
        )
