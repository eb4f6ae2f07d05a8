"""Where submissions are kept: files that are added together or not at all, and never changed.

One interface, two homes: a folder of this machine, and a dataset repository of the hub. A change names the head that it
was made from, and fails with `Moved` where another came first, so two who write at once lose nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Protocol

from medground_bench.core.errors import MedgroundError
from medground_bench.leaderboard import audit
from medground_bench.leaderboard.names import own_names
from medground_bench.storage.whole_files import sha256

PEOPLE = "people.json"
SETTINGS = "settings.json"
BOARD = "board.json"
MUTABLE = frozenset((audit.FILE, PEOPLE, SETTINGS, BOARD))
"""The log grows at its end, names may be taken out, settings be changed, and the board is made from all else."""


class StoreAway(MedgroundError):
    """A store that cannot be reached, or that is busy for longer than a submitter waits; nothing was kept."""


class NoStore(MedgroundError):
    """A place that holds no store, or something else."""


class FileMissing(NoStore):
    """A store that lacks one of its files."""


class WouldChange(MedgroundError):
    """A change that would alter or shorten what is kept."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A store at one moment; `reading` gives the content of a file of `names`."""

    head: str
    names: frozenset[str]
    reading: Callable[[str], bytes]

    def read(self, name: str) -> bytes:
        """The content of a file; FileMissing where it is not there."""
        if name not in self.names:
            raise FileMissing(f"the store lacks its file {name}. Check it with: medground board --verify")
        return self.reading(name)

    def with_files(self, files: Mapping[str, bytes]) -> Snapshot:
        """As it would be with these files."""
        return Snapshot(
            self.head,
            self.names | files.keys(),
            lambda name: files[name] if name in files else self.reading(name),
        )

    @property
    def log(self) -> bytes:
        """The log; empty where nothing has happened yet."""
        return self.read(audit.FILE) if audit.FILE in self.names else b""


class SubmissionStore(Protocol):
    """A home of submissions."""

    def look(self) -> Snapshot:
        """What is there now; StoreAway where it cannot be told."""
        ...

    def commit(self, files: Mapping[str, bytes], *, after: Snapshot, title: str) -> None:
        """Add files to what was there then, all or none.

        Moved where another change came first, WouldChange where one would alter what is kept, StoreAway where nobody
        can tell whether it was done: look again.
        """
        ...

    def address(self, name: str) -> str:
        """Where people find a file."""
        ...


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """What an operator chose.

    page             address of the Space, for permanent links; empty for the store's own addresses
    controls         names of methods that never ask the LVLM; their rows are references
    operators        logins whose runs may have a control's name, or a reserved one
    reserved         names that would pass for our own runs, see `names.name_key`; rows that have them already stay
    teams            logins that share one quota
    scored_per_week  submissions of one person, or one team, that are scored within seven days
    refused_per_day  files of one person that are looked into although they turn out to be at fault
    """

    page: str = ""
    controls: tuple[str, ...] = ()
    operators: tuple[str, ...] = ()
    reserved: tuple[str, ...] = field(default_factory=own_names)
    teams: tuple[tuple[str, ...], ...] = ()
    scored_per_week: int = 10
    refused_per_day: int = 30

    def team_of(self, login: str) -> set[str]:
        """All who share a login's quota, itself among them."""
        return {login, *(each for team in self.teams if login in team for each in team)}

    def content(self) -> bytes:
        """Same settings, same bytes."""
        return (json.dumps(asdict(self), indent=1, sort_keys=True) + "\n").encode("ascii")

    @classmethod
    def of(cls, snapshot: Snapshot) -> StoreSettings:
        """Those of a store; what an earlier version did not know is as usual."""
        try:
            saved = json.loads(snapshot.read(SETTINGS))
            lists = {
                name: tuple(saved[name]) for name in ("controls", "operators", "reserved") if name in saved
            }
            return cls(**saved | lists | {"teams": tuple(map(tuple, saved.get("teams", ())))})
        except (ValueError, KeyError, TypeError) as error:
            raise NoStore(f"{SETTINGS} of the store is damaged ({error}).") from error


def demand_only_added(snapshot: Snapshot, files: Mapping[str, bytes]) -> None:
    """WouldChange unless every file is new, the same, or one that may change; the log may only grow.

    One that is damaged may become again what the log says it was.
    """
    for name, content in files.items():
        if name == audit.FILE and not content.startswith(snapshot.log):
            raise WouldChange(f"{name} would lose entries. It only grows.")
        named = json.dumps({name: sha256(content)})[1:-1].encode("ascii")
        if name not in snapshot.names or name in MUTABLE or named in snapshot.log:
            continue
        if snapshot.read(name) != content:
            raise WouldChange(
                f"{name} is there already and would become another. What is kept never changes."
            )


def head_of(log: bytes) -> str:
    """What names a state of a store by its log."""
    return sha256(log)
