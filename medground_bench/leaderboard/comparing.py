"""Two rows of the board on the cases of one view: which is better, by how much, where, and on which cases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from urllib.parse import parse_qsl, urlencode

import numpy as np

from medground_bench.core.comparison import Difference, compare
from medground_bench.core.errors import MedgroundError
from medground_bench.core.intervals import FEWEST_IMAGES, holm
from medground_bench.core.scoring import CaseScore
from medground_bench.leaderboard.board import ALL
from medground_bench.leaderboard.case_book import CaseBook
from medground_bench.leaderboard.case_choice import by_interest, choices, not_shown
from medground_bench.leaderboard.case_views import nothing_sentence
from medground_bench.storage.tables import as_csv, harmless

MOST_CHANGED = 8
"""Cases that are named on each side."""

VIEW = ("lvlm", "mode", "source")
COLUMNS = ("case_id", "source", "image_id", "lvlm", "mode", "finding")


@dataclass(frozen=True, slots=True, kw_only=True)
class RowPair:
    """Two methods and the view in which they are compared: one mode, as on the board; `ALL` pools LVLMs or sources."""

    first: str
    second: str
    mode: str
    lvlm: str = ALL
    source: str = ALL

    def address(self) -> str:
        """The query of the page's address."""
        told = [(name, getattr(self, name)) for name in VIEW if getattr(self, name) != ALL]
        return urlencode([("tab", "compare"), *told, ("first", self.first), ("second", self.second)])


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseChange:
    """One case scored for both: IoU 0..1."""

    score: CaseScore
    first: float
    second: float

    @property
    def change(self) -> float:
        """First minus second."""
        return self.first - self.second


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupDifference:
    """The difference on the cases of one finding or source; `p_corrected` by Holm, for all findings or sources."""

    name: str
    difference: Difference
    p_corrected: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two rows compared; cases by falling change. `first_mean` and `second_mean` are those of the board.

    names       of both for people, as on the board
    difference  with the p of this one comparison, which is corrected for no other, as the board's ranks are
    """

    pair: RowPair
    names: tuple[str, str]
    first_mean: float
    second_mean: float
    difference: Difference
    cases: tuple[CaseChange, ...]
    by_finding: tuple[GroupDifference, ...]
    by_source: tuple[GroupDifference, ...]

    @property
    def verdict(self) -> str:
        """For people: which is better, or that it cannot be told."""
        (first, second), found = self.names, self.difference
        if found.low is None or found.high is None:
            few = found.images < FEWEST_IMAGES
            return (
                f"{found.images} images are too few to separate the two" if few else "the same on every image"
            )
        if found.low <= 0 <= found.high:
            return f"{first} and {second} are not separable on these cases"
        better, worse = (first, second) if found.low > 0 else (second, first)
        return f"{better} is better than {worse} on these cases"

    @property
    def better_first(self) -> tuple[CaseChange, ...]:
        """The cases on which the first is better by most."""
        return tuple(each for each in self.cases[:MOST_CHANGED] if each.change > 0)

    @property
    def better_second(self) -> tuple[CaseChange, ...]:
        """The cases on which the second is better by most."""
        return tuple(each for each in self.cases[: -MOST_CHANGED - 1 : -1] if each.change < 0)

    def as_csv(self) -> bytes:
        """A line a case, by falling difference; texts that a spreadsheet would run are made texts."""
        rows = [
            {name: harmless(getattr(each.score, name)) for name in COLUMNS}
            | {"iou_first": each.first, "iou_second": each.second, "difference": each.change}
            for each in self.cases
        ]
        return as_csv([*COLUMNS, "iou_first", "iou_second", "difference"], rows)


def comparable(book: CaseBook, view: RowPair) -> tuple[str, ...]:
    """The methods that have a score in a view, as on the board; those that are looked at first lead.

    One was run on every case of the view, and is applicable: it gave a box somewhere, or failed. Where a source has
    nothing to show they are those of all sources.
    """
    if nothing_sentence(book, view.source):
        view = replace(view, source=ALL)
    cases = (
        case for case in book.cases if all(_in(getattr(view, name), getattr(case, name)) for name in VIEW)
    )
    tracks = {case.track for case in cases}
    found = {name: [book.run_on(name, track) for track in tracks] for name in by_interest(book)}
    return tuple(
        name for name, runs in found.items() if all(runs) and any(run.applicable for run in runs if run)
    )


def views_of(book: CaseBook) -> dict[str, tuple[str, ...]]:
    """What a view can be set to, the usual first: a mode is always chosen, of LVLMs and sources all."""
    return {name: choices(book, name)[1 if name == "mode" else 0 :] for name in VIEW}


def pair_of(book: CaseBook, query: str) -> RowPair:
    """The pair in an address; for what the book does not have it has another, of which `missing` tells."""
    said = dict(parse_qsl(query.removeprefix("?")))
    view = {
        name: value if (value := said.get(name)) in offered else next(iter(offered), "")
        for name, offered in views_of(book).items()
    }
    return fitting(book, RowPair(first=said.get("first", ""), second=said.get("second", ""), **view))


def missing(book: CaseBook, query: str) -> str:
    """A sentence on what an address names and its view does not have; empty where all is there."""
    return not_shown(query, {name: str(each) for name, each in asdict(pair_of(book, query)).items()})


def fitting(book: CaseBook, pair: RowPair) -> RowPair:
    """The pair with rows that are in its view: those that are not give way to the first that are."""
    known = comparable(book, pair)
    first = pair.first if pair.first in known else _next(known, pair.second)
    second = pair.second if pair.second in known and pair.second != first else _next(known, first)
    return RowPair(first=first, second=second, lvlm=pair.lvlm, mode=pair.mode, source=pair.source)


def compared(book: CaseBook, pair: RowPair) -> Comparison:
    """Both rows on the cases of their view; MedgroundError where there is none, or one was not run on all of them."""
    if why := nothing_sentence(book, pair.source):
        raise MedgroundError(why)
    known = comparable(book, pair)
    if pair.first == pair.second or not {pair.first, pair.second} <= set(known):
        raise MedgroundError(
            f"{pair.first or 'no method'} and {pair.second or 'no method'} cannot be compared. Give two methods that "
            f"were run on every case of this choice. There are: {', '.join(known) or 'none'}."
        )
    first, second = (_scores(book, method, pair) for method in (pair.first, pair.second))
    changes = [
        CaseChange(score=one, first=one.overlap.iou, second=other.overlap.iou)
        for one, other in zip(first, second, strict=True)
    ]
    return Comparison(
        pair=pair,
        names=(book.shown[pair.first], book.shown[pair.second]),
        first_mean=float(np.mean([each.first for each in changes])),
        second_mean=float(np.mean([each.second for each in changes])),
        difference=compare(first, second),
        cases=tuple(sorted(changes, key=lambda each: (-each.change, each.score.case_id))),
        by_finding=_groups(first, second, lambda score: score.finding),
        by_source=_groups(first, second, lambda score: score.source),
    )


def _in(wanted: str, value: str) -> bool:
    return wanted in (ALL, value)


def _next(known: Sequence[str], taken: str) -> str:
    return next((name for name in known if name != taken), "")


def _scores(book: CaseBook, method: str, pair: RowPair) -> list[CaseScore]:
    """A method's scores in the view, by case id."""
    scores = book.scores(method)
    inside = (
        score
        for score in scores.values()
        if all(_in(getattr(pair, name), getattr(score, name)) for name in VIEW)
    )
    return sorted(inside, key=lambda score: score.case_id)


def _groups(
    first: Sequence[CaseScore], second: Sequence[CaseScore], group_of: Callable[[CaseScore], str]
) -> tuple[GroupDifference, ...]:
    found = []
    for name in sorted({group_of(score) for score in first}):
        one, other = ([score for score in scores if group_of(score) == name] for scores in (first, second))
        found.append((name, compare(one, other)))
    worth = holm(np.array([np.nan if each.p_value is None else each.p_value for _name, each in found]))
    return tuple(
        GroupDifference(name=name, difference=each, p_corrected=None if np.isnan(p) else float(p))
        for (name, each), p in zip(found, worth, strict=True)
    )
