"""What chance scores: controls whose file says `DRAWS` are scored on so many draws, not on the one that was run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import cast

import numpy as np

from medground_bench import plugins
from medground_bench.core.geometry import Letterbox
from medground_bench.core.scoring import CaseScore, score_cases
from medground_bench.core.types import Box, Case, Frame, Picture, Prediction, Reference, Response
from medground_bench.lvlms import Lvlm
from medground_bench.methods import Method, explain

NOBODY = cast(Lvlm, None)
"""Whom a control asks."""

SILENCE = Response("", (), ())


def draws_of(method: str) -> int | None:
    """How many draws of a method a board averages; None for one whose runs are taken as they are.

    >>> draws_of("random_box"), draws_of("occlusion")
    (100, None)
    """
    draws = plugins.literal("methods", method, "DRAWS")
    return draws if isinstance(draws, int) else None


def chance_scores(name: str, references: Sequence[Reference]) -> list[tuple[CaseScore, ...]]:
    """Scores of every draw on all cases.

    A draw is the same for all pictures of one size, and what it scores for all cases with the same truth: tracks share
    their questions, so most of it is worked out once.

    >>> native = Frame.native(width=100, height=100)
    >>> from medground_bench.core.types import Mode
    >>> truth = Reference("c", "vindr", "i", "medgemma", Mode.DIRECT, "mass", native, (Box(0, 0, 50, 100, native),))
    >>> means = [scores[0].overlap.iou for scores in chance_scores("random_box", [truth])]
    >>> len(means), 0.2 < sum(means) / 100 < 0.4
    (100, True)
    """
    method: Method = plugins.load("methods", name)()

    @cache
    def boxes(draw: int, native: Frame) -> tuple[Box, ...]:
        side = Letterbox.fit(native).study.width
        blank: Picture = np.zeros((side, side), np.uint8)
        case = Case("chance", "", "", SILENCE, blank, native)
        return explain(method, NOBODY, case, np.random.default_rng(draw)).boxes

    distinct = list({(each.native, each.boxes): each for each in references}.values())

    def scores(draw: int) -> tuple[CaseScore, ...]:
        drawn = [Prediction(each.case_id, boxes(draw, each.native)) for each in distinct]
        truth = {each.case_id: (each.native, each.boxes) for each in distinct}
        of_truth = {truth[score.case_id]: score for score in score_cases(distinct, drawn)}
        return tuple(_of_case(of_truth[each.native, each.boxes], each) for each in references)

    return [scores(draw) for draw in range(draws_of(name) or 1)]


def _of_case(score: CaseScore, case: Reference) -> CaseScore:
    return replace(
        score,
        case_id=case.case_id,
        source=case.source,
        image_id=case.image_id,
        lvlm=case.lvlm,
        mode=case.mode.value,
        finding=case.finding,
    )
