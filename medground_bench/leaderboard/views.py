"""Cases -> one table of the board: the one function that every page, file and command line takes its numbers from.

A row is in a table only when it was run on all of the table's cases, so that a table compares like with like. What a
paper reports stands below, unranked: it was measured on other cases.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medground_bench.core.intervals import FEWEST_IMAGES, ImageMeans, sums_per_image
from medground_bench.core.ranks import RankSet, places
from medground_bench.leaderboard.case_scores import SIZES, CaseScores
from medground_bench.leaderboard.columns import IOU, NOT_APPLICABLE, Column, Pooling, Unit
from medground_bench.leaderboard.entries import Badge, BoardEntry, ReportedRow, tuned_on
from medground_bench.leaderboard.query import CASE_FIELDS, BoardQuery
from medground_bench.leaderboard.rows import ALL, told_apart
from medground_bench.leaderboard.rows_elsewhere import rows_elsewhere
from medground_bench.phantom.region_edits import PHANTOM
from medground_bench.runs.method_groups import MethodGroup
from medground_bench.submission.metadata import LINK

CHANCE = "random_box"
"""The control that says what boxes without any reason get."""

DIGITS, HIDDEN_DIGITS = 6, 3
"""Of every number in a table, whoever shows it; the second of scores against hidden expert boxes: a tenth of a percent,
as on the page, so that the mean of many cases tells little of each."""

WITHHELD = (
    f"the expert boxes are hidden, and scores of fewer than {FEWEST_IMAGES} such images would tell of single ones, so "
    "none are shown."
)
NO_ROW = "We have scored no row on all cases of this choice."
NONE_PASSES = "No row that we have scored passes the filters of rows. Set one back to all."
"""Where there are rows on all cases of the choice, and `ROW_FIELDS` leave out each."""

Value = float | int | str | None
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardTableRow:
    """One row of a table.

    rank        its places among what is no control and applicable; None for the others
    values      field of a column -> number or words; None where there is none
    spread      least and greatest mean IoU of an image, where images are too few for an interval
    applicable  not where it gave no box on any case although it failed on none, as where an LVLM cannot write boxes
    """

    method: str
    shown: str
    family: MethodGroup
    badge: Badge
    rank: RankSet | None
    values: Mapping[str, Value]
    spread: tuple[float, float] | None = None
    applicable: bool = True

    def number(self, field: str) -> float | None:
        """A field that is a number; None where there is none."""
        value = self.values.get(field)
        return float(value) if isinstance(value, int | float) else None

    def text(self, column: Column) -> str:
        """A cell for people."""
        if not self.applicable and column.is_of_boxes:
            return NOT_APPLICABLE
        return column.as_text(self.values.get(column.key))

    def link(self, column: Column) -> str:
        """Where a cell leads, to a host that is known; empty where it is text alone."""
        said = self.values.get(column.key)
        return said if column.unit is Unit.LINK and isinstance(said, str) and LINK.fullmatch(said) else ""

    def interval(self, column: Column) -> str:
        """The interval below a score, for people, or the spread where images are too few; empty where there is none."""
        low, high = (self.values.get(field) for field in (f"{column.key}_low", f"{column.key}_high"))
        if low is not None and high is not None:
            return f"{column.as_text(low)} to {column.as_text(high)}"
        if self.spread and column.key == IOU:
            least, greatest = self.spread
            return f"spread {column.as_text(least)} to {column.as_text(greatest)}"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardTable:
    """The answer to a query: columns, rows in order, what they rest on; `ranks` also of rows that are left out.

    withheld   whether rows of ours are left out because they would tell of single hidden boxes
    elsewhere  sentences on the rows that answered some LVLMs of the choice alone, and where they are
    """

    query: BoardQuery
    columns: tuple[Column, ...]
    rows: tuple[BoardTableRow, ...]
    cases: int
    images: int
    ranks: tuple[RankSet, ...]
    withheld: bool = False
    elsewhere: tuple[str, ...] = ()

    @property
    def ours(self) -> tuple[BoardTableRow, ...]:
        """The rows that we scored."""
        return tuple(row for row in self.rows if row.badge is not Badge.REPORTED)

    @property
    def reported(self) -> tuple[BoardTableRow, ...]:
        """The rows that a paper reports."""
        return tuple(row for row in self.rows if row.badge is Badge.REPORTED)

    @property
    def caption(self) -> str:
        """What the table covers, and what it cannot tell."""
        if self.withheld:
            return f"{_counted(self.cases, 'case')} on {_counted(self.images, 'image')}: {WITHHELD}"
        if not self.cases:
            return NO_ROW
        if not self.ours:
            return NONE_PASSES
        return f"{_counted(self.cases, 'case')} on {told_apart(self.ranks, self.images)}"


def table_of(
    scores: CaseScores,
    columns: Sequence[Column],
    reported: Sequence[ReportedRow],
    query: BoardQuery,
    hidden: Collection[str] = (),
) -> BoardTable:
    """The table that a query asks for.

    hidden  sources whose expert boxes nobody may learn: a table of fewer than `FEWEST_IMAGES` of their images has no
            scores, also where others are among them, which anybody could take off again; of more they are told to
            `HIDDEN_DIGITS`
    """
    chosen = chosen_cases(scores, query)
    whole = (
        [int(row) for row in np.flatnonzero(scores.was_run[:, chosen].all(axis=1))] if chosen.any() else []
    )
    shown = {scores.images[int(place)] for place in np.flatnonzero(chosen)} if whole else set()
    hidden_images = sum(source in hidden for source, _image in shown)
    withheld = 0 < hidden_images < FEWEST_IMAGES
    rows: list[BoardTableRow] = []
    if whole and not withheld:
        digits = HIDDEN_DIGITS if hidden_images else DIGITS
        rows = _Part.of(scores, whole, chosen, digits).rows(columns)
    ranks = tuple(row.rank for row in rows if row.rank)
    rows += [_reported(row, columns) for row in reported if _is_asked(row, query)]
    rows = [row for row in rows if query.family in (ALL, row.family) and query.badge in (ALL, row.badge)]
    return BoardTable(
        query=query,
        columns=tuple(columns),
        rows=tuple(_sorted(rows, query.sort)),
        cases=int(chosen.sum()) if whole else 0,
        images=len(shown),
        ranks=ranks,
        withheld=withheld,
        elsewhere=rows_elsewhere(scores, chosen) if query.lvlm == ALL else (),
    )


def chosen_cases(scores: CaseScores, query: BoardQuery) -> NDArray[np.bool_]:
    """Whether each case is one that a query asks for."""
    chosen = np.ones(len(scores.cases), dtype=bool)
    for name in CASE_FIELDS:
        wanted = getattr(query, name)
        if wanted != ALL:
            chosen &= scores.facts[name] == wanted
    return chosen


def choices_of(
    scores: CaseScores, columns: Sequence[Column], reported: Sequence[ReportedRow]
) -> dict[str, tuple[str, ...]]:
    """Filter or `sort` -> what there is to choose from, `all` aside."""
    found = {name: {str(value) for value in np.unique(scores.facts[name])} for name in CASE_FIELDS}
    for name in ("mode", "source", "lvlm"):
        found[name] |= {getattr(row, name) for row in reported} - {ALL}
    in_order = {name: tuple(sorted(values)) for name, values in found.items()}
    in_order["size"] = tuple(size for size in SIZES if size in found["size"])
    families = {entry.family for entry in scores.entries} | {row.family for row in reported}
    badges = {entry.badge for entry in scores.entries} | ({Badge.REPORTED} if reported else set())
    in_order["family"] = tuple(family.value for family in MethodGroup if family in families)
    in_order["badge"] = tuple(badge.value for badge in Badge if badge in badges)
    in_order["sort"] = ("method", *(column.key for column in columns))
    return in_order


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """The rows and cases of one table.

    tracks  LVLM and mode of every case
    iou     the mean of every row, with what they share
    digits  of the scores that are told; ranks are made of these as they are
    """

    entries: tuple[BoardEntry, ...]
    measures: Mapping[str, Floats]
    seeds: Mapping[int, Floats]
    images: Sequence[tuple[str, str]]
    tracks: frozenset[tuple[str, str]]
    iou: ImageMeans
    is_phantom: bool
    digits: int

    @classmethod
    def of(cls, scores: CaseScores, rows: Sequence[int], chosen: NDArray[np.bool_], digits: int) -> _Part:
        places = [int(place) for place in np.flatnonzero(chosen)]
        images = [scores.images[place] for place in places]
        measures = {name: values[np.ix_(rows, places)] for name, values in scores.measures.items()}
        return cls(
            entries=tuple(scores.entries[row] for row in rows),
            measures=measures,
            seeds={new: scores.seeds[row][:, places] for new, row in enumerate(rows) if row in scores.seeds},
            images=images,
            tracks=frozenset((scores.cases[place].lvlm, scores.cases[place].mode) for place in places),
            iou=_means(images, measures[IOU]),
            is_phantom=all(source == PHANTOM for source, _image in images),
            digits=digits,
        )

    def rows(self, columns: Sequence[Column]) -> list[BoardTableRow]:
        """One of every entry."""
        pooled = {field: values for column in columns for field, values in self._pooled(column).items()}
        applicable = (self.measures["boxed"] > 0).any(axis=1) | (self.measures["predicted"] == 0).any(axis=1)
        of_boxes = {field for column in columns if column.is_of_boxes for field in column.fields}
        ranks, spreads = self._ranks(applicable), self._spreads()
        return [
            BoardTableRow(
                method=entry.method,
                shown=entry.shown,
                family=entry.family,
                badge=entry.badge,
                rank=ranks.get(place),
                values={
                    field: values[place] if applicable[place] or field not in of_boxes else None
                    for field, values in pooled.items()
                },
                spread=spreads[place] if applicable[place] else None,
                applicable=bool(applicable[place]),
            )
            for place, entry in enumerate(self.entries)
        ]

    def _ranks(self, applicable: NDArray[np.bool_]) -> dict[int, RankSet]:
        """Of what is no control and applicable."""
        ranked = [
            place
            for place, entry in enumerate(self.entries)
            if applicable[place] and entry.family is not MethodGroup.CONTROL
        ]
        if not ranked:
            return {}
        return dict(zip(ranked, places(_means(self.images, self.measures[IOU][ranked])), strict=True))

    def _spreads(self) -> list[tuple[float, float] | None]:
        if self.iou.images >= FEWEST_IMAGES:
            return [None] * len(self.entries)
        sums, counts = sums_per_image(self.images, self.measures[IOU].T)
        of_images = sums / counts[:, None]
        ends = zip(of_images.min(axis=0), of_images.max(axis=0), strict=True)
        return [
            (round(float(least), self.digits), round(float(greatest), self.digits))
            for least, greatest in ends
        ]

    def _pooled(self, column: Column) -> dict[str, list[Value]]:
        """Field -> the values of all rows."""
        if column.pooling is Pooling.TUNING:
            return {column.key: [self._tuned(entry) for entry in self.entries]}
        if column.pooling is Pooling.SAID:
            return {column.key: [dict(entry.said).get(column.key) for entry in self.entries]}
        if column.pooling is Pooling.COUNT:
            return {column.key: [len(self.images)] * len(self.entries)}
        values = self.measures.get(column.of)
        if values is None:
            return {field: [None] * len(self.entries) for field in column.fields}
        if column.pooling is Pooling.SCORE:
            found = _means(self.images, values)
            ends = zip(column.fields, (found.means, *found.ends()), strict=True)
            return {field: _plain(each, self.digits) for field, each in ends}
        digits = self.digits if column.is_of_scores else DIGITS
        return {column.key: _plain(self._numbers(column, values), digits)}

    def _numbers(self, column: Column, values: Floats) -> Floats:
        if column.pooling is Pooling.OF_CHANCE:
            return self._of_chance(values.mean(axis=1))
        if column.pooling is Pooling.SEEDS:
            of_seeds = {row: seeds.mean(axis=1).std(ddof=1) for row, seeds in self.seeds.items()}
            return np.array([of_seeds.get(row, np.nan) for row in range(len(self.entries))])
        if column.pooling is Pooling.LACKING:
            return np.asarray((values == 0).mean(axis=1))
        return _over_known(np.nanmedian if column.pooling is Pooling.MEDIAN else np.nanmean, values)

    def _of_chance(self, means: Floats) -> Floats:
        chance = [entry.method == CHANCE for entry in self.entries]
        floor = means[chance].max(initial=0.0)
        if not self.is_phantom or not any(chance) or floor >= 1:
            return np.full(len(means), np.nan)
        return np.asarray((means - floor) / (1 - floor))

    def _tuned(self, entry: BoardEntry) -> str | None:
        return tuned_on([each.on for each in entry.tuned if (each.lvlm, each.mode) in self.tracks])


def _means(images: Sequence[tuple[str, str]], values: Floats) -> ImageMeans:
    """Of every row, (rows, cases)."""
    return ImageMeans.of(*sums_per_image(images, values.T))


def _reported(row: ReportedRow, columns: Sequence[Column]) -> BoardTableRow:
    """What the paper has no word of is None."""
    said = {name: getattr(row, name) for name in ("iou", "f1", "precision", "recall", "seconds")}
    values = {field: said.get(field) for column in columns for field in column.fields}
    return BoardTableRow(
        method=row.method, shown=row.method, family=row.family, badge=Badge.REPORTED, rank=None, values=values
    )


def _is_asked(row: ReportedRow, query: BoardQuery) -> bool:
    """A paper's row stands where exactly its cases are asked for."""
    return (row.mode, row.source, row.lvlm, ALL, ALL) == (
        query.mode,
        query.source,
        query.lvlm,
        query.finding,
        query.size,
    )


def _sorted(rows: Sequence[BoardTableRow], sort: str) -> list[BoardTableRow]:
    """By a field, rows without one last and a paper's below ours; of equals by name."""
    field, falls = sort.removeprefix("-"), sort.startswith("-")
    by_name = sorted(rows, key=lambda row: (row.method, row.badge.value))
    if field == "method":
        ordered = by_name[::-1] if falls else by_name
    else:
        known = [row for row in by_name if row.values.get(field) is not None]
        known.sort(key=lambda row: _comparable(row.values[field]), reverse=falls)
        ordered = known + [row for row in by_name if row.values.get(field) is None]
    return sorted(ordered, key=lambda row: row.badge is Badge.REPORTED)


def _comparable(value: Value) -> tuple[float, str]:
    return (0.0, value) if isinstance(value, str) else (float(value or 0), "")


def _over_known(mean: Callable[..., Floats], values: Floats) -> Floats:
    """Of every row over the cases that have a value; NaN where none has."""
    pooled = np.full(len(values), np.nan)
    known = ~np.isnan(values).all(axis=1)
    if known.any():
        pooled[known] = mean(values[known], axis=1)
    return pooled


def _plain(values: Floats, digits: int) -> list[Value]:
    """Numbers as they are told anywhere; None for NaN."""
    return [None if np.isnan(value) else round(float(value), digits) + 0.0 for value in values]


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
