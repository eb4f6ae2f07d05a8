"""A row of a view of the board, for cards and whoever wants numbers rather than a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from medground_bench.core.intervals import FEWEST_IMAGES, TOO_FEW
from medground_bench.core.ranks import RankSet, separable

ALL = "all"


@dataclass(frozen=True, slots=True)
class TunedOn:
    """What a method's settings were chosen on: so many candidates, on so many cases of so many pictures.

    >>> TunedOn(cases=24, pictures=8, candidates=20).pictures
    8
    """

    cases: int
    pictures: int
    candidates: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardRow:
    """One method in one view; `source` and `lvlm` are `ALL` where they are pooled. Scores are fractions 0..1.

    shown                   the method's name for people, which says what it had to do without
    badge                   who measured it, a `Badge`
    iou, f1, precision, recall  None where a method gave no box on any case and failed on none: it is not applicable
    iou_low, iou_high       95 % interval, by image; None where images are too few or all alike
    spread_low, spread_high  least and greatest mean IoU of an image
    best_rank, last_rank    places by IoU among what is no control and applicable; None for the others
    without_boxes           cases on which it did not fail and gave no box
    boxes, covered          mean number of boxes of a case, median share of the picture that they cover
    seeds, seed_sd          how many seeds were averaged, and the standard deviation of their IoU; None for one
    tuned_cases ...         what its settings were chosen on, where on the fewest cases; None where nothing was
    """

    method: str
    shown: str
    badge: str
    control: bool
    mode: str
    source: str
    lvlm: str
    best_rank: int | None
    last_rank: int | None
    iou: float | None
    iou_low: float | None
    iou_high: float | None
    spread_low: float | None
    spread_high: float | None
    f1: float | None
    precision: float | None
    recall: float | None
    cases: int
    failed: int
    without_boxes: int
    images: int
    boxes: float
    covered: float
    seeds: int
    seed_sd: float | None
    tuned_cases: int | None
    tuned_pictures: int | None
    tuned_candidates: int | None

    @property
    def applicable(self) -> bool:
        """Whether it could answer at all."""
        return self.iou is not None

    @property
    def rank(self) -> RankSet | None:
        """Between which places it stands."""
        places = self.best_rank, self.last_rank
        return None if places[0] is None or places[1] is None else RankSet(places[0], places[1])


def what_is_apart(rows: Sequence[BoardRow]) -> str:
    """One sentence under a view: whether its images can tell any two methods apart; empty where nothing is ranked.

    >>> what_is_apart([])
    ''
    """
    ranks = [row.rank for row in rows if row.rank]
    return told_apart(ranks, rows[0].images) if ranks else ""


def told_apart(ranks: Sequence[RankSet], images: int) -> str:
    """The same of ranks.

    >>> told_apart([RankSet(1, 1), RankSet(2, 2)], images=4)
    '4 images: too few images to separate any two.'
    """
    if images < FEWEST_IMAGES:
        return f"{images} image{'' if images == 1 else 's'}: {TOO_FEW}."
    if not separable(ranks):
        return f"{images} images: no two methods are separable."
    return f"{images} images; a rank is a set: 1 to 3 of 9 says that no method is better and six are worse."
