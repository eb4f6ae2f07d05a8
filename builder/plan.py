"""What a build will cost before anything runs: calls, edits, GPU-hours, storage, from counts and measured unit costs.

How many questions the lazy filter stops early is known beforehand only within bounds. Of the tracks of the paper, Table
3 says which share is answered wrongly (nothing is edited) and which is grounded (every edit is asked). It does not say
how many of the others flipped: at best none of them did, at worst all did, and only the last edit told. Of any other
track nothing is known: at best all its answers are wrong, at worst all are grounded.

An edit is made once for all tracks, so at best the tracks need the same ones, at worst each needs others.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from builder.counters import BuildRecord
from medground_bench.core.causal_filter import Edit
from medground_bench.core.errors import MedgroundError
from medground_bench.core.types import Mode, Track

PAPER_QUESTIONS = {"imagenome": 1405, "vindr_cxr": 2108, "padchest_gr": 2657}
"""Positive questions of the split `test`. Source: paper, section B.1."""

PAPER_LVLMS = (
    "qwen2_5_vl_3b", "qwen2_5_vl_7b", "gemma3_4b", "gemma3_12b", "medgemma_4b", "medgemma1_5_4b",
)  # fmt: skip

TABLE_3: Mapping[tuple[str, Mode], Sequence[tuple[float, float]]] = {
    ("imagenome", Mode.DIRECT): (
        (49.47, 7.47), (58.58, 3.91), (15.30, 2.99), (23.49, 6.90), (42.14, 19.86), (33.67, 16.09),
    ),
    ("imagenome", Mode.REASON): (
        (40.00, 3.99), (55.87, 3.99), (7.97, 4.56), (14.02, 5.55), (48.47, 17.58), (39.36, 20.28),
    ),
    ("vindr_cxr", Mode.DIRECT): (
        (73.86, 1.42), (77.32, 2.09), (41.75, 5.08), (47.01, 3.80), (54.32, 4.41), (50.66, 3.75),
    ),
    ("vindr_cxr", Mode.REASON): (
        (50.52, 3.84), (65.42, 2.18), (13.43, 7.16), (32.78, 3.04), (55.93, 4.60), (53.27, 4.22),
    ),
    ("padchest_gr", Mode.DIRECT): (
        (75.42, 2.41), (82.57, 1.62), (52.24, 2.75), (35.49, 3.95), (43.66, 7.15), (31.80, 6.32),
    ),
    ("padchest_gr", Mode.REASON): (
        (49.12, 4.33), (73.01, 1.73), (22.36, 4.78), (33.50, 4.10), (48.14, 6.32), (50.28, 6.81),
    ),
}  # fmt: skip
"""Percent of the questions that are incorrect and that are grounded, by LVLM as above. Source: paper, Table 3."""


class BadCosts(MedgroundError):
    """A file of unit costs that is not one."""


@dataclass(frozen=True, slots=True)
class Span:
    """At best and at worst."""

    low: float
    high: float

    def __add__(self, other: Span) -> Span:
        return Span(self.low + other.low, self.high + other.high)

    def times(self, factor: float) -> Span:
        """Both bounds, so many times."""
        return Span(self.low * factor, self.high * factor)


NOTHING = Span(0, 0)


@dataclass(frozen=True, slots=True)
class Costs:
    """Of one unit. The bytes are what a store holds of a response and of an edited radiograph of 2,500 x 3,000 px.

    call_s   seconds by track (`medgemma_4b direct`) or by mode; a track without one has no GPU-hours
    edit_s   seconds of one edit, None where it was not measured
    """

    call_s: Mapping[str, float] = field(default_factory=dict)
    edit_s: float | None = None
    call_bytes: float = 1e3
    edit_bytes: float = 5e6

    def seconds_of(self, track: Track) -> float | None:
        """Of one call of that track."""
        return self.call_s.get(str(track), self.call_s.get(track.mode.value))


@dataclass(frozen=True, slots=True)
class TrackPlan:
    """One track over the questions of one source; `hours` is None where a unit was not measured."""

    source: str
    lvlm: str
    mode: Mode
    questions: int
    calls: Span
    naive_calls: int
    hours: Span | None


@dataclass(frozen=True, slots=True)
class SourcePlan:
    """The edits of one source, shared by all tracks; `naive_edits` shares none."""

    source: str
    questions: int
    edits: Span
    naive_edits: int
    hours: Span | None


@dataclass(frozen=True, slots=True)
class BuildPlan:
    """Everything, and the bytes that the store will hold."""

    tracks: list[TrackPlan]
    sources: list[SourcePlan]
    stored_bytes: Span

    @property
    def calls(self) -> Span:
        """Of all tracks."""
        return sum((track.calls for track in self.tracks), NOTHING)

    @property
    def edits(self) -> Span:
        """Of all sources."""
        return sum((source.edits for source in self.sources), NOTHING)

    @property
    def hours(self) -> Span | None:
        """GPU-hours of all calls and edits; None where a unit was not measured."""
        return sum_hours([*self.tracks, *self.sources])

    def as_json(self) -> dict[str, object]:
        """Plain values, with the totals."""
        naive = (
            sum(track.naive_calls for track in self.tracks),
            sum(each.naive_edits for each in self.sources),
        )
        totals = {
            "calls": asdict(self.calls),
            "naive_calls": naive[0],
            "edits": asdict(self.edits),
            "naive_edits": naive[1],
            "hours": None if self.hours is None else asdict(self.hours),
        }
        return asdict(self) | {"total": totals}


@dataclass(frozen=True, slots=True)
class Questions:
    """How many questions a source has, with the finding and without."""

    source: str
    positives: int
    negatives: int = 0


def plan(questions: Sequence[Questions], tracks: Sequence[Track], costs: Costs) -> BuildPlan:
    """Of building these tracks over these questions into an empty store."""
    planned: list[TrackPlan] = []
    sources: list[SourcePlan] = []
    for asked in questions:
        number = asked.positives + asked.negatives
        needs = [_edits(asked, track) for track in tracks]
        for track, need in zip(tracks, needs, strict=True):
            calls = sum(need, Span(number, number))
            naive = number + len(Edit) * asked.positives
            hours = _hours(calls, costs.seconds_of(track))
            planned.append(TrackPlan(asked.source, track.lvlm, track.mode, number, calls, naive, hours))
        edits = sum((_shared(asked, kind) for kind in zip(*needs, strict=True)), NOTHING)
        naive_edits = len(tracks) * len(Edit) * asked.positives
        hours = _hours(edits, costs.edit_s)
        sources.append(SourcePlan(asked.source, number, edits, naive_edits, hours))
    all_calls = sum((each.calls for each in planned), NOTHING)
    all_edits = sum((each.edits for each in sources), NOTHING)
    return BuildPlan(planned, sources, all_calls.times(costs.call_bytes) + all_edits.times(costs.edit_bytes))


def _edits(asked: Questions, track: Track) -> tuple[Span, Span, Span]:
    """How many questions need the foreground edit, the background edit, and the one to "No abnormality"."""
    if is_bounded_alone(asked.source, track):
        foreground, grounded = Span(0, asked.positives), 0
    else:
        shares = TABLE_3[asked.source, track.mode]
        wrong, kept = (percent / 100 for percent in shares[PAPER_LVLMS.index(track.lvlm)])
        right, grounded = asked.positives - round(wrong * asked.positives), round(kept * asked.positives)
        foreground = Span(right, right)
    later = Span(grounded, foreground.high)
    return foreground, later, later


def _shared(asked: Questions, needs: Iterable[Span]) -> Span:
    """Of one kind of edit, by all tracks together."""
    spans = list(needs)
    return Span(max(span.low for span in spans), min(asked.positives, sum(span.high for span in spans)))


def _hours(units: Span, seconds: float | None) -> Span | None:
    return None if seconds is None else units.times(seconds / 3600)


def sum_hours(parts: Iterable[TrackPlan | SourcePlan]) -> Span | None:
    """Of some tracks and sources; None where a unit was not measured."""
    known = [part.hours for part in parts]
    whole = [each for each in known if each is not None]
    return sum(whole, NOTHING) if len(whole) == len(known) else None


def measured_costs(records: Iterable[BuildRecord]) -> Costs:
    """Of what builds made: by track, by mode over all LVLMs, and of one edit over all editors."""
    seconds: dict[str, float] = {}
    calls: Counter[str] = Counter()
    edit_s, edits = 0.0, 0
    for record in records:
        counters = record.counters
        for name in (str(Track(record.lvlm, Mode(record.mode))), record.mode):
            seconds[name] = seconds.get(name, 0.0) + counters.call_seconds
            calls[name] += counters.calls_made + counters.cause_calls_made
        edit_s, edits = edit_s + counters.edit_seconds, edits + counters.edits_made
    by_track = {name: seconds[name] / number for name, number in calls.items() if number}
    return Costs(by_track, edit_s / edits if edits else None)


def is_bounded_alone(source: str, track: Track) -> bool:
    """Whether nothing is known of how a track answers, so that its plan lies between none and all right."""
    return (source, track.mode) not in TABLE_3 or track.lvlm not in PAPER_LVLMS


def read_costs(file: Path) -> Costs:
    """Measured unit costs: a JSON object with any of the fields of `Costs`."""
    try:
        plain = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise BadCosts(f"{file} cannot be read as JSON: {error}.") from error
    known = [each.name for each in fields(Costs)]
    if not isinstance(plain, dict) or not plain.keys() <= set(known):
        raise BadCosts(f"{file} is no object with any of {', '.join(known)}.")
    by_track = plain.get("call_s", {})
    numbers = [value for name, value in plain.items() if name != "call_s"]
    if not isinstance(by_track, dict) or not all(map(_is_cost, [*by_track.values(), *numbers])):
        raise BadCosts(
            f'{file}: a cost is a number of at least 0, and call_s an object such as {{"direct": 0.4, "reason": 6.5, '
            '"gemma3_12b reason": 14}.'
        )
    return Costs(**plain)


def _is_cost(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < float("inf")
