"""Units that cannot be done: each is tried a few times, then set aside, and the build goes on without it.

A file in the store each, one JSON line, called by the unit's key. Nothing is guessed for a unit in quarantine: its
question has no verdict.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, replace

from builder.place import Place
from medground_bench.core.errors import MedgroundError, UnknownName, told

SUFFIX = ".jsonl"


class InQuarantine(MedgroundError):
    """A build that had to leave units out."""


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A unit in quarantine.

    what      `question` (its picture), `edit` or `LVLM` (its response)
    by        the source, editor or LVLM that failed
    of        the id of the question
    picture   which picture it is about: `original`, an edit, or a counterfactual
    error     the traceback of the last try
    raised    name of the exception's type; empty where there was none, since the worker was killed
    accepted  whether a maintainer takes the benchmark without it
    """

    key: str
    what: str
    by: str
    of: str
    picture: str
    error: str
    raised: str = ""
    accepted: bool = False

    def __str__(self) -> str:
        """For people. Ids and messages stay in the file: they may name a patient, a picture or its path."""
        return (
            f"{self.key[:12]}: {self.what} {self.by} ({self.picture}): {self.raised or 'killed its worker'}"
        )


class Quarantine:
    """The units of a store that are in quarantine.

    retry  try again what is there; it leaves when it succeeds
    """

    def __init__(self, place: Place, *, retry: bool = False) -> None:
        self.place = place
        place.prepare()
        entries = [Quarantined(**json.loads(place.read(name))) for name in place.names(SUFFIX)]
        self.entries = {entry.key: entry for entry in entries}
        self._again = set(self.entries) if retry else set()
        self._met: set[str] = set()

    def holds(self, key: str) -> bool:
        """Whether a unit is not to be tried; a unit that is asked for belongs to this build."""
        if key in self.entries and key not in self._again:
            self._met.add(key)
            return True
        return False

    def add(self, entry: Quarantined) -> None:
        """Set a unit aside."""
        self._again.discard(entry.key)
        self._met.add(entry.key)
        self._write(entry)

    def release(self, keys: Iterable[str]) -> None:
        """Units that were done after all."""
        for key in sorted(self._again.intersection(keys)):
            self._again.remove(key)
            del self.entries[key]
            self.place.remove(f"{key}{SUFFIX}")

    def accept_all(self, names: Iterable[str]) -> None:
        """Take the benchmark without these units; a name is a unit's key, or the beginning of it."""
        for name in names:
            keys = [key for key in self.entries if name and key.startswith(name)]
            if len(keys) != 1:
                raise UnknownName("unit in quarantine", name, [key[:12] for key in self.entries])
            self._write(replace(self.entries[keys[0]], accepted=True))

    def met(self) -> list[Quarantined]:
        """Those that this build needed, by question."""
        return sorted((self.entries[key] for key in self._met), key=lambda entry: (entry.of, entry.key))

    def demand_empty(self) -> None:
        """InQuarantine when this build needed units that are in it and not accepted."""
        self._demand_accepted(self.met())

    def demand_accepted(self, questions: Collection[str]) -> None:
        """InQuarantine when units of these questions, by their ids, are in it and not accepted."""
        self._demand_accepted([entry for entry in self.entries.values() if entry.of in questions])

    def _demand_accepted(self, entries: Iterable[Quarantined]) -> None:
        waiting = [entry for entry in entries if not entry.accepted]
        if waiting:
            counts = Counter(entry.what for entry in waiting)
            kinds = ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))
            questions = len({entry.of for entry in waiting})
            raise InQuarantine(
                f"{len(waiting)} units are in quarantine ({kinds}), so {questions} questions have no verdict. "
                f"{told([str(entry) for entry in waiting])}. Their questions and tracebacks are in {self.place}. Mend "
                "what failed and give --retry-quarantine, or take the benchmark without a unit by --accept-quarantine "
                "KEY."
            )

    def _write(self, entry: Quarantined) -> None:
        self.entries[entry.key] = entry
        self.place.write(f"{entry.key}{SUFFIX}", f"{json.dumps(asdict(entry))}\n".encode())
