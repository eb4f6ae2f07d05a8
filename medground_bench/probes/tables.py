"""What was measured -> the rows of the tables. Pure: values in, rows out.

Of every mode, for each LVLM and for all together, a row a method. A mean is over the cases that have the number;
intervals are by image (`core.intervals`), of shares on the log-odds scale, of what may be negative as it is. A method
is pooled over LVLMs only where it was run on all of them, so that rows compare like with like.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from medground_bench.core.intervals import ImageMeans, difference_ends, sums_per_image
from medground_bench.core.ranks import places
from medground_bench.core.types import Reference
from medground_bench.leaderboard.rows import ALL
from medground_bench.probes import ProbeKind, protocol, randomisation
from medground_bench.probes.randomisation import ShuffleStage
from medground_bench.probes.run import TrackProbes
from medground_bench.runs.method_groups import MethodGroup, group_of
from medground_bench.storage.journal import Entry

Record: TypeAlias = dict[str, "str | int | float | bool | None"]
"""A row of a table by column."""

SIGNED = frozenset({"order", "deletion", "insertion", *(f"rho, {stage}" for stage in ShuffleStage)})
"""Measures that may be below 0."""

NATS = frozenset({"deletion", "insertion"})
"""Measures without an interval: they have no bounds to keep it in."""

MEASURES: Mapping[ProbeKind, tuple[str, ...]] = {
    ProbeKind.REMOVAL: ("flipped", "unreadable", "area"),
    ProbeKind.INSERTION: ("order", "deletion", "insertion"),
    ProbeKind.RANDOMISATION: tuple(
        f"{measure}, {stage}" for measure in ("rho", "iou") for stage in ShuffleStage
    ),
    ProbeKind.KNOWN_CAUSE: ("marker", "finding", "marker covered", "area"),
    ProbeKind.PROTOCOL: (protocol.PREDICTED, *(variant.name for variant in protocol.VARIANTS)),
    ProbeKind.POINTING: ("pointing", "energy", "even"),
}
"""Probe -> the columns of its table."""

LEADING = {what: measures[0] for what, measures in MEASURES.items()} | {
    ProbeKind.PROTOCOL: protocol.PREDICTED,
    ProbeKind.RANDOMISATION: f"rho, {list(ShuffleStage)[-1]}",
}
"""Probe -> the measure that sorts its table, the highest first; of equals the smaller area."""


@dataclass(frozen=True, slots=True)
class ProbedView:
    """The cases of one mode of one LVLM, or of all, by case id, and what every method got on them."""

    mode: str
    lvlm: str
    references: Sequence[Reference]
    methods: Mapping[str, Mapping[str, Entry]]


def views_of(what: ProbeKind, tracks: Sequence[TrackProbes]) -> Iterator[ProbedView]:
    """Of each mode that was probed: each LVLM, then all together where there are several."""
    there = [track for track in tracks if what in track.measured]
    for mode in sorted({track.track.mode.value for track in there}):
        of_mode = [track for track in there if track.track.mode.value == mode]
        for lvlm in sorted({track.track.lvlm for track in of_mode}):
            yield _view(what, mode, lvlm, [track for track in of_mode if track.track.lvlm == lvlm])
        if len(of_mode) > 1:
            yield _view(what, mode, ALL, of_mode)


def _view(what: ProbeKind, mode: str, lvlm: str, tracks: Sequence[TrackProbes]) -> ProbedView:
    names = set.intersection(*(set(track.measured[what]) for track in tracks))
    methods = {
        name: {case: numbers for track in tracks for case, numbers in track.measured[what][name].items()}
        for name in sorted(names)
    }
    cases = {case for of_method in methods.values() for case in of_method}
    known = {case: truth for track in tracks for case, truth in track.truth.items()}
    return ProbedView(mode, lvlm, [known[case] for case in sorted(cases)], methods)


def records_of(what: ProbeKind, tracks: Sequence[TrackProbes]) -> list[Record]:
    """The table of one probe, in each view the best first by its first measure."""
    records: list[Record] = []
    for view in views_of(what, tracks):
        rows = [_record(what, view, name) for name in view.methods]
        if what is ProbeKind.PROTOCOL:
            _add_places(view, rows)
        rows.sort(key=partial(_place, LEADING[what]))
        records += rows
    return records


def _place(leading: str, row: Record) -> tuple[bool, float, float, str]:
    value = row[leading]
    return value is None, -_number(value), _number(row.get("area")), str(row["method"])


def columns_of(what: ProbeKind, records: Sequence[Record]) -> list[str]:
    """Every column of any row, in order."""
    return list(dict.fromkeys(column for row in records for column in row))


def _record(what: ProbeKind, view: ProbedView, method: str) -> Record:
    numbers = view.methods[method]
    record: Record = {
        "mode": view.mode,
        "lvlm": view.lvlm,
        "method": method,
        "control": is_control(method),
        "cases": len(view.references),
        "images": len({each.image_id for each in view.references}),
    }
    ends: dict[str, float | None] = {}
    for measure in MEASURES[what]:
        known = [
            (each, value) for each in view.references if (value := numbers[each.case_id][measure]) is not None
        ]
        ends |= _mean(measure, known)
    record |= ends
    record["measured"] = sum(numbers[each.case_id][LEADING[what]] is not None for each in view.references)
    if what is ProbeKind.RANDOMISATION:
        last = LEADING[what]
        record["keeps its map"] = randomisation.keeps_its_map(ends[last], ends[f"{last} low"])
    return record


def _mean(measure: str, known: Sequence[tuple[Reference, float]]) -> dict[str, float | None]:
    """A mean and the ends of its interval, which stay empty where images are too few."""
    low = high = None
    mean = float(np.mean([value for _each, value in known])) if known else None
    if known and measure not in NATS:
        found = _image_means([each for each, _value in known], np.array([[value] for _each, value in known]))
        if measure in SIGNED:
            lows, highs = difference_ends(found.means, np.diag(found.covariance), found.freedom)
        else:
            lows, highs = found.ends()
        low, high = (None if np.isnan(end[0]) else float(end[0]) for end in (lows, highs))
    if measure in NATS:
        return {measure: mean}
    return {measure: mean, f"{measure} low": low, f"{measure} high": high}


def _add_places(view: ProbedView, rows: Sequence[Record]) -> None:
    """Of every variant the place by mean IoU, and the places that the cases leave open; controls have none."""
    ranked = [
        row for row in rows if not row["control"] and row["measured"] == row["cases"] and row["measured"]
    ]
    for variant in MEASURES[ProbeKind.PROTOCOL] if ranked else ():
        ious = np.array(
            [
                [view.methods[str(row["method"])][each.case_id][variant] for row in ranked]
                for each in view.references
            ]
        )
        order = np.argsort(-ious.mean(axis=0), kind="stable")
        place = {int(row): number + 1 for number, row in enumerate(order)}
        for number, (row, ranks) in enumerate(
            zip(ranked, places(_image_means(view.references, ious)), strict=True)
        ):
            row[f"{variant} place"], row[f"{variant} places"] = place[number], str(ranks)


def _image_means(references: Sequence[Reference], values: NDArray[np.float64]) -> ImageMeans:
    return ImageMeans.of(*sums_per_image([(each.source, each.image_id) for each in references], values))


def is_control(method: str) -> bool:
    """Whether a method is one of our controls; a name that we do not know is none."""
    return group_of(method) is MethodGroup.CONTROL


def _number(value: str | float | bool | None) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
