"""How a store changes: look, decide, write if nothing else came first; otherwise look and decide again."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from medground_bench.leaderboard import audit
from medground_bench.leaderboard.audit import Event, LogEntry
from medground_bench.leaderboard.published import board_content
from medground_bench.leaderboard.register import Register
from medground_bench.leaderboard.store import BOARD, Snapshot, StoreAway, SubmissionStore
from medground_bench.storage.hub_calls import Moved
from medground_bench.storage.whole_files import sha256

TRIES = 60
LONGEST_PAUSE_S = 1.0
ON_THE_BOARD = (Event.OPENED, Event.SCORED, Event.WITHDRAWN, Event.REMOVED, Event.RESCORED)
"""What changes the board, which then changes with it in one step."""

_JITTER = secrets.SystemRandom()
"""Two who were in each other's way do not come back together."""

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class StoreChange:
    """New entries, and the files that they name."""

    entries: tuple[LogEntry, ...]
    files: Mapping[str, bytes]


Decide = Callable[[Snapshot, Register], StoreChange | None]
"""What is to change, given what is there; None for nothing. It may be asked again, and may refuse by an error."""


def change(store: SubmissionStore, decide: Decide, clock: Clock) -> Register:
    """Decide and write; the log as it is then. StoreAway where others were faster too often."""
    for attempt in range(TRIES):
        snapshot = store.look()
        register = Register.read(snapshot.log)
        wanted = decide(snapshot, register)
        if wanted is None:
            return register
        files = _with_log_and_board(snapshot, wanted, clock())
        title = ", ".join(f"{entry.event}: {entry.subject}" for entry in wanted.entries[:3])
        try:
            store.commit(files, after=snapshot, title=title)
        except Moved:
            time.sleep(_JITTER.uniform(0, min(LONGEST_PAUSE_S, 0.02 * 2**attempt)))
            continue
        return Register.read(files[audit.FILE])
    raise StoreAway("the store is busy: other changes came first again and again. Try again.")


def digests(files: Mapping[str, bytes]) -> dict[str, str]:
    """What an entry says of the files that come with it."""
    return {name: sha256(content) for name, content in sorted(files.items())}


def now() -> datetime:
    """The clock of whoever keeps a store."""
    return datetime.now(UTC)


def _with_log_and_board(snapshot: Snapshot, wanted: StoreChange, at: datetime) -> dict[str, bytes]:
    files = dict(wanted.files)
    files[audit.FILE] = audit.extended(
        snapshot.log, wanted.entries, at.astimezone(UTC).isoformat(timespec="seconds")
    )
    if any(entry.event in ON_THE_BOARD for entry in wanted.entries):
        files[BOARD] = board_content(snapshot.with_files(files))
    return files
