"""What a build asked and edited, what it took from the store, and what a filter that is not lazy would have asked."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields

from builder.place import Place
from medground_bench.benchmark.rows import ORIGINAL
from medground_bench.core.causal_filter import Edit

FILTER_PICTURES = frozenset({ORIGINAL, *(edit.value for edit in Edit)})


@dataclass(slots=True)
class Counters:
    """One build of one track over one source. Calls are responses of the LVLM, to one picture each.

    calls, edits  those that the causal filter needs; counterfactuals of known causes are counted as cause calls
    made          done by this build; reused: found in the store; lost: in quarantine
    halvings      batches that did not fit into memory and were split in half
    seconds       of the LVLM or editor at work on what this build made, wherever that was; several may work at once
    """

    questions: int = 0
    positives: int = 0
    calls_made: int = 0
    calls_reused: int = 0
    calls_lost: int = 0
    edits_made: int = 0
    edits_reused: int = 0
    edits_lost: int = 0
    cause_calls_made: int = 0
    cause_calls_reused: int = 0
    cause_calls_lost: int = 0
    pictures_lost: int = 0
    halvings: int = 0
    call_seconds: float = 0.0
    edit_seconds: float = 0.0

    @property
    def seconds_a_call(self) -> float | None:
        """Of those that were made, also for known causes; None where none was."""
        made = self.calls_made + self.cause_calls_made
        return self.call_seconds / made if made else None

    @property
    def seconds_an_edit(self) -> float | None:
        """Of those that were made; None where none was."""
        return self.edit_seconds / self.edits_made if self.edits_made else None

    @property
    def calls(self) -> int:
        """What the causal filter needed of the LVLM."""
        return self.calls_made + self.calls_reused + self.calls_lost

    @property
    def edits(self) -> int:
        """What the causal filter needed of the editor."""
        return self.edits_made + self.edits_reused + self.edits_lost

    @property
    def naive_calls(self) -> int:
        """Of a filter that asks four times about every positive question; a negative one has nothing to edit."""
        return self.questions + self.naive_edits

    @property
    def naive_edits(self) -> int:
        """Of a filter that makes every edit of every positive question."""
        return len(Edit) * self.positives

    def count(self, kind: str, how: str, number: int = 1) -> None:
        """So many more units; `kind` is calls, edits, cause_calls or pictures, `how` is made, reused or lost."""
        name = f"{kind}_{how}"
        setattr(self, name, getattr(self, name) + number)

    def took(self, kind: str, seconds: float) -> None:
        """So many seconds more at work on units of a kind."""
        if kind == "edits":
            self.edit_seconds += seconds
        else:
            self.call_seconds += seconds


def kind_of_call(picture: str) -> str:
    """As what a response to that picture counts."""
    return "calls" if picture in FILTER_PICTURES else "cause_calls"


@dataclass(frozen=True, slots=True)
class BuildRecord:
    """The counters of one build; `started` is a UTC time, by which the builds of a track are told apart."""

    started: str
    source: str
    editor: str
    lvlm: str
    lvlm_revision: str
    mode: str
    whole: bool
    counters: Counters

    def as_json(self) -> dict[str, object]:
        """Plain values, with what follows from the counters."""
        named = ("calls", "edits", "naive_calls", "naive_edits")
        derived = {name: getattr(self.counters, name) for name in named}
        return asdict(self) | {"counters": asdict(self.counters) | derived}


def write_record(place: Place, name: str, record: BuildRecord) -> None:
    """Keep the counters of a build as they are by now."""
    place.write(f"{name}.json", json.dumps(record.as_json(), indent=1).encode())


def read_records(place: Place) -> list[BuildRecord]:
    """Of all builds with this store, the oldest first."""
    found = [json.loads(place.read(name)) for name in place.names(".json")]
    return sorted(map(_record, found), key=lambda record: (record.started, record.lvlm, record.mode))


def _record(plain: dict[str, object]) -> BuildRecord:
    counters = plain.pop("counters")
    assert isinstance(counters, dict)
    own = {each.name: counters[each.name] for each in fields(Counters)}
    return BuildRecord(**plain, counters=Counters(**own))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class TrackWork:
    """All builds of one track over one source: the last one, and what they made together."""

    last: BuildRecord
    builds: int
    calls_made: int
    edits_made: int


def by_track(records: Iterable[BuildRecord]) -> list[TrackWork]:
    """Sorted by source, LVLM and mode; other weights or another editor are another track."""
    tracks: dict[tuple[str, ...], list[BuildRecord]] = {}
    for each in records:
        key = (each.source, each.lvlm, each.mode, each.lvlm_revision, each.editor)
        tracks.setdefault(key, []).append(each)
    return [_work(tracks[key]) for key in sorted(tracks)]


def _work(builds: list[BuildRecord]) -> TrackWork:
    last = max(builds, key=lambda record: record.started)
    calls, edits = (
        sum(getattr(each.counters, f"{kind}_made") for each in builds) for kind in ("calls", "edits")
    )
    return TrackWork(last, len(builds), calls, edits)
