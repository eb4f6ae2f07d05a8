"""The second step: what pushing a shipment would change, file by file, before anything is sent. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from builder.publish.shipment import Remote, Shipment


class Fate(StrEnum):
    """What becomes of a file."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """A file of the shipment or of the repository; `size` in bytes, of what is there afterwards or was before."""

    name: str
    fate: Fate
    size: int
    rows: int | None


@dataclass(frozen=True, slots=True)
class PushPlan:
    """A shipment beside what the repository holds now."""

    shipment: Shipment
    remote: Remote
    files: tuple[PlannedFile, ...]

    @property
    def changes(self) -> tuple[PlannedFile, ...]:
        """The files that are not the same."""
        return tuple(file for file in self.files if file.fate is not Fate.SAME)

    @property
    def sent(self) -> tuple[PlannedFile, ...]:
        """The files whose content is sent."""
        return tuple(file for file in self.files if file.fate in (Fate.NEW, Fate.CHANGED))

    @property
    def sent_bytes(self) -> int:
        """How much is sent."""
        return sum(file.size for file in self.sent)

    @property
    def tag(self) -> str | None:
        """The name of the release that the commit will be; None where it is none, or no new one."""
        release, remote = self.shipment.release, self.remote
        return None if release in (None, *remote.tags, *remote.releases) else release

    @property
    def done(self) -> bool:
        """Whether the hub has all of it already, to be seen by whom it should."""
        remote, gate = self.remote, self.shipment.gate
        settled = remote.there and not remote.private and (remote.gate or False) == gate
        return settled and not self.changes and not remote.untagged

    def steps(self) -> Iterator[str]:
        """What pushing does, in its order, a sentence each."""
        remote, shipment = self.remote, self.shipment
        if not remote.there:
            yield f"make the {shipment.kind} {shipment.name}, private"
        if shipment.gate and remote.gate != shipment.gate:
            yield f"set its gate to {shipment.gate}"
        if self.changes:
            counts = {fate: sum(file.fate is fate for file in self.files) for fate in Fate}
            told = ", ".join(f"{counts[fate]} {fate}" for fate in Fate if counts[fate])
            yield f"one commit on {remote.head[:12] or 'nothing'}: files {told}; {self.sent_bytes:,} bytes"
        if not remote.there or remote.private:
            yield "make it visible"
        for name in (*remote.untagged, *filter(None, [self.tag])):
            yield f"call it {name}"


def plan_of(shipment: Shipment, remote: Remote) -> PushPlan:
    """Every file of both, sorted by name."""
    ours, theirs = shipment.files(), remote.own
    names = sorted(ours.keys() | theirs.keys())
    return PushPlan(
        shipment, remote, tuple(_planned(name, ours.get(name), shipment, remote) for name in names)
    )


def _planned(name: str, ours: Path | None, shipment: Shipment, remote: Remote) -> PlannedFile:
    theirs = remote.own.get(name)
    if ours is None:
        return PlannedFile(name, Fate.GONE, remote.own[name].size, None)
    fate = Fate.NEW if theirs is None else Fate.SAME if theirs.is_as(ours) else Fate.CHANGED
    return PlannedFile(name, fate, ours.stat().st_size, shipment.rows.get(name))
