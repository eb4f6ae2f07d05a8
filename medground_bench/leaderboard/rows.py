"""The rows of a view of the board: every method's scores there, and between which places each of them stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from medground_bench.core.intervals import FEWEST_IMAGES, TOO_FEW
from medground_bench.core.ranks import RankSet, rank_sets, separable
from medground_bench.core.scoring import By, CaseScore, table

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
    if not ranks:
        return ""
    images = rows[0].images
    if images < FEWEST_IMAGES:
        return f"{images} images: {TOO_FEW}."
    if not separable(ranks):
        return f"{images} images: no two methods are separable."
    return f"{images} images; a rank is a set: `1 to 3` of 9 says that no method is better and six are worse."


@dataclass(frozen=True, slots=True)
class ScoredMethod:
    """One method's scores, of every seed, on the tracks on which it was run.

    mean   every case with the mean of its seeds
    tuned  LVLM and mode -> what its settings were chosen on there
    """

    method: str
    shown: str
    control: bool
    seeds: Sequence[Sequence[CaseScore]]
    mean: Sequence[CaseScore]
    tuned: Mapping[tuple[str, str], TunedOn]


Names = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _OfGroup:
    """A method's scores in one group of a view; `ious` are its mean IoU under every seed."""

    method: ScoredMethod
    scores: Sequence[CaseScore]
    ious: Sequence[float]

    @property
    def applicable(self) -> bool:
        """Not where there is no box on any case although nothing failed, as where an LVLM cannot write boxes."""
        return any(score.boxes or not score.predicted for score in self.scores)


def names_in(view: Sequence[By], of: object) -> Names:
    """What a case, or its score, is called in a view."""
    return tuple(str(getattr(of, by.value)) for by in view)


def view_rows(
    methods: Sequence[ScoredMethod], view: Sequence[By], cases: Mapping[Names, int]
) -> list[BoardRow]:
    """Every group's rows, of the methods that were run on all of its cases.

    cases  group -> how many it has
    """
    groups: dict[Names, list[_OfGroup]] = {}
    for method in methods:
        of_seeds = [_ious(scores, view) for scores in method.seeds]
        for names, scores in _grouped(method.mean, view).items():
            if len(scores) == cases[names]:
                found = _OfGroup(method, scores, [ious[names] for ious in of_seeds])
                groups.setdefault(names, []).append(found)
    return [row for _names, members in sorted(groups.items()) for row in _group_rows(members, view)]


def _grouped(scores: Sequence[CaseScore], view: Sequence[By]) -> dict[Names, list[CaseScore]]:
    found: dict[Names, list[CaseScore]] = {}
    for score in scores:
        found.setdefault(names_in(view, score), []).append(score)
    return found


def _ious(scores: Sequence[CaseScore], view: Sequence[By]) -> dict[Names, float]:
    """Group -> mean IoU."""
    groups = _grouped(scores, view).items()
    return {names: float(np.mean([score.overlap.iou for score in own])) for names, own in groups}


def _group_rows(members: Sequence[_OfGroup], view: Sequence[By]) -> list[BoardRow]:
    ranked = {
        each.method.method: each.scores for each in members if each.applicable and not each.method.control
    }
    ranks = rank_sets(ranked)
    return [_board_row(each, view, ranks.get(each.method.method)) for each in members]


def _board_row(found: _OfGroup, view: Sequence[By], rank: RankSet | None) -> BoardRow:
    [row] = table(found.scores, by=view)
    group = {by: name for by, name in row.group}
    given = row if found.applicable else None
    tuned = _least_tuned(found)
    return BoardRow(
        method=found.method.method,
        shown=found.method.shown,
        control=found.method.control,
        mode=group[By.MODE],
        source=group.get(By.SOURCE, ALL),
        lvlm=group.get(By.LVLM, ALL),
        best_rank=rank.best if rank else None,
        last_rank=rank.last if rank else None,
        iou=given.mean.iou if given else None,
        iou_low=given.iou_ends[0] if given else None,
        iou_high=given.iou_ends[1] if given else None,
        spread_low=given.spread.low if given else None,
        spread_high=given.spread.high if given else None,
        f1=given.mean.f1 if given else None,
        precision=given.mean.precision if given else None,
        recall=given.mean.recall if given else None,
        cases=row.coverage.cases,
        failed=row.coverage.failed,
        without_boxes=row.without_boxes,
        images=row.images,
        boxes=row.boxes,
        covered=row.covered,
        seeds=len(found.ious),
        seed_sd=float(np.std(found.ious, ddof=1)) if len(found.ious) > 1 else None,
        tuned_cases=tuned.cases if tuned else None,
        tuned_pictures=tuned.pictures if tuned else None,
        tuned_candidates=tuned.candidates if tuned else None,
    )


def _least_tuned(found: _OfGroup) -> TunedOn | None:
    """Of the tracks of a group, what the one with the fewest cases was tuned on."""
    tracks = {(score.lvlm, score.mode) for score in found.scores}
    tuned = [on for track, on in found.method.tuned.items() if track in tracks]
    return min(tuned, key=lambda on: (on.cases, on.pictures, on.candidates), default=None)
