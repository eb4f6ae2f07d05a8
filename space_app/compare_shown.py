"""What the page of two rows shows, as values of its template: points of IoU as text, bars as paths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from templates import Shown

from medground_bench.core.comparison import Difference
from medground_bench.drawing.change_plot import HEIGHT, WIDTH, change_plot
from medground_bench.leaderboard.case_choice import CaseChoice
from medground_bench.leaderboard.comparing import CaseChange, Comparison, GroupDifference, RowPair
from medground_bench.leaderboard.unseen_sources import ToldMeans

MINUS = "\u2212"
NO_INTERVAL, NOT_TOLD = "none", "not told"
OF_MEANS = "Of what is not shown, a difference is that of the two means on the board, so it has no interval."
TOLD = (
    "Points are percent of IoU, the first minus the second on the same cases. Intervals and p are by image, because "
    "questions about one picture stand or fall together; with fewer than six images there are none. This is one "
    "comparison, and its p is not corrected for any other: on the board, whose ranks are corrected for all pairs, the "
    "two may share a place all the same. The p of findings and of sources are corrected for being looked at together "
    "(Holm)."
)


def shown_comparison(
    comparison: Comparison, unseen: Mapping[str, ToldMeans | None], withheld: str, *, navigate: bool
) -> Shown:
    """Two rows; `navigate` when the visitor chose them, so that their address is a step.

    unseen    sources of which no case is shown, with what the board tells of both rows
    withheld  why, in words
    """
    pair, difference = comparison.pair, comparison.difference
    first, second = comparison.names
    return {
        "comparison": {
            "address": pair.address(),
            "navigate": str(navigate).lower(),
            "first": first,
            "second": second,
            "first_mean": _points(comparison.first_mean),
            "second_mean": _points(comparison.second_mean),
            "difference": _signed(difference.mean),
            "verdict": comparison.verdict,
            "interval": _interval(difference),
            "p": _p(difference.p_value),
            "cases": difference.cases,
            "images": difference.images,
            "plot": _plot(comparison),
            "above": sum(each.change > 0 for each in comparison.cases),
            "below": sum(each.change < 0 for each in comparison.cases),
            "alike": sum(each.change == 0 for each in comparison.cases),
            "sides": [
                _side(comparison, f"{first} better", comparison.better_first),
                _side(comparison, f"{second} better", comparison.better_second),
            ],
            "tables": _tables(comparison, unseen),
            "withheld": f"{withheld} {OF_MEANS}" if any(unseen.values()) else withheld,
            "told": TOLD,
        }
    }


def shown_nothing(why: str, pair: RowPair, unseen: Mapping[str, ToldMeans | None]) -> Shown:
    """Why two rows are not compared, with what the board tells of them all the same."""
    told = unseen.get(pair.source)
    if told is None:
        return {"note": why}
    first, second = f"{pair.first} {_points(told.first)}", f"{pair.second} {_points(told.second)}"
    return {
        "note": f"{why} On the board, {first} and {second}: {_signed(told.first - told.second)} points of IoU on "
        f"{told.cases} cases of {told.images} images."
    }


def _tables(comparison: Comparison, unseen: Mapping[str, ToldMeans | None]) -> list[Shown]:
    by_source = [*_rows(comparison.by_source), *(_unseen(source, told) for source, told in unseen.items())]
    return [
        {"title": "By finding", "head": "Finding", "rows": _rows(comparison.by_finding)},
        {"title": "By source", "head": "Source", "rows": by_source},
    ]


def _unseen(source: str, told: ToldMeans | None) -> Shown:
    return {
        "name": source,
        "cases": told.cases if told else NOT_TOLD,
        "images": told.images if told else NOT_TOLD,
        "difference": _signed(told.first - told.second) if told else NOT_TOLD,
        "interval": NOT_TOLD,
        "p": NOT_TOLD,
    }


def _plot(comparison: Comparison) -> Shown:
    plot = change_plot([each.change for each in comparison.cases])
    cases = len(comparison.cases)
    unit = "A bar is a case" if plot.bars == cases else f"{cases} cases in {plot.bars} bars"
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "middle": HEIGHT / 2,
        "above": plot.above,
        "below": plot.below,
        "told": f"{unit}; the height of the figure is {100 * plot.reach:.0f} points to either side.",
        "described": f"Differences in IoU of {cases} cases, sorted from the greatest gain to the greatest loss",
    }


def _side(comparison: Comparison, title: str, changes: Sequence[CaseChange]) -> Shown:
    return {"title": title, "cases": [_change(comparison, each) for each in changes]}


def _change(comparison: Comparison, each: CaseChange) -> Shown:
    pair, score = comparison.pair, each.score
    choice = CaseChoice(lvlm=pair.lvlm, mode=pair.mode, source=pair.source, methods=(pair.first, pair.second))
    return {
        "address": choice.address(score.case_id),
        "finding": score.finding,
        "image": score.image_id,
        "track": f"{score.lvlm}, {score.mode}",
        "change": _signed(each.change),
        "first": _points(each.first),
        "second": _points(each.second),
    }


def _rows(groups: Sequence[GroupDifference]) -> list[Shown]:
    return [
        {
            "name": each.name,
            "cases": each.difference.cases,
            "images": each.difference.images,
            "difference": _signed(each.difference.mean),
            "interval": _interval(each.difference),
            "p": _p(each.p_corrected),
        }
        for each in groups
    ]


def _points(share: float) -> str:
    return f"{100 * share:.1f}"


def _signed(share: float) -> str:
    text = _points(abs(share))
    return text if text == "0.0" else f"{'+' if share > 0 else MINUS}{text}"


def _interval(difference: Difference) -> str:
    low, high = difference.low, difference.high
    return NO_INTERVAL if low is None or high is None else f"{_signed(low)} to {_signed(high)}"


def _p(p: float | None) -> str:
    if p is None:
        return NO_INTERVAL
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
