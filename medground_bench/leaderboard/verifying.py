"""Whether a store is what it says: its chain whole, every file the one that was written, the board what follows.

Without the expert boxes that is all that can be told; with them every score is made again from the boxes on record.
"""

from __future__ import annotations

from dataclasses import dataclass

from medground_bench.core.errors import MedgroundError, told
from medground_bench.leaderboard import audit
from medground_bench.leaderboard.keeping import rescored
from medground_bench.leaderboard.published import board_content
from medground_bench.leaderboard.records import scores_name
from medground_bench.leaderboard.register import Register
from medground_bench.leaderboard.replies import demand_edition
from medground_bench.leaderboard.store import BOARD, MUTABLE, SETTINGS, Snapshot
from medground_bench.leaderboard.truth import Truth
from medground_bench.storage.whole_files import sha256

OTHER_FILES = {"README.md"}
"""What a repository of the hub may hold beside a store."""


class NotVerified(MedgroundError):
    """A store that is not what its log says."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found to be true; `head` is the hash of the newest entry, to be compared with another time's."""

    entries: int
    rows: int
    rescored: int
    head: str


def verify(snapshot: Snapshot, truth: Truth | None = None) -> Verified:
    """Check a store; NotVerified tells everything that does not hold, BrokenLog where the chain breaks."""
    register = Register.read(snapshot.log)
    problems = _files(snapshot, register)
    if not problems and snapshot.read(BOARD) != board_content(snapshot):
        problems.append(f"{BOARD} is not the board that follows from the other files")
    rows = register.rows
    if truth is not None and not problems:
        demand_edition(register, truth.edition)
        problems += [
            f"{row.id} does not score what is kept of it"
            for row in rows
            if snapshot.read(scores_name(row.id, truth.edition)) != rescored(snapshot, row, truth)
        ]
    if problems:
        raise NotVerified(f"the store is not what its log says: {told(problems)}.")
    head = register.entries[-1].hash if register.entries else audit.FIRST
    return Verified(len(register.entries), len(rows), len(rows) if truth is not None else 0, head)


def _files(snapshot: Snapshot, register: Register) -> list[str]:
    """Files that are missing, that changed, or that no entry names."""
    named = register.files
    problems = [f"{name} is missing" for name in sorted(named.keys() - snapshot.names)]
    problems += [
        f"{name} was changed"
        for name in sorted(named.keys() & snapshot.names)
        if sha256(snapshot.read(name)) != named[name]
    ]
    strangers = snapshot.names - named.keys() - MUTABLE - OTHER_FILES
    problems += [f"{name} is in no entry of the log" for name in sorted(strangers)]
    missing = {BOARD, SETTINGS} - snapshot.names
    return problems + [f"{name} is missing" for name in sorted(missing - named.keys())]
