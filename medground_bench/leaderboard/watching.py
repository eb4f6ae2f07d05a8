"""A board that follows its files while a Space runs: results and a store's submissions, read again when either changed.

A store in a folder is looked at whenever the board is asked for, one on the hub then too, but for a few seconds after
the last look. Where it cannot be read the board stays as it was, and says so; why, which may name places of the server,
is for its log.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock, Thread

from medground_bench.core.errors import MedgroundError, one_line
from medground_bench.leaderboard.board import FILE, Board
from medground_bench.leaderboard.case_book import CASES_FILE, CaseBook
from medground_bench.leaderboard.hub_store import HubStore
from medground_bench.leaderboard.joining import joined
from medground_bench.leaderboard.published import board_key, board_of
from medground_bench.leaderboard.store import Snapshot, SubmissionStore
from medground_bench.leaderboard.submitted_cases import SubmittedCases

log = logging.getLogger(__name__)
ON_THE_HUB_S = 10.0
"""So long a store on the hub is taken to be as it was."""

PATIENCE_S = 1.0


@dataclass(frozen=True, slots=True)
class SeenStore:
    """A store at one moment, and the board that follows from it."""

    snapshot: Snapshot
    board: Board


@dataclass
class WatchedStore:
    """A store as it was when it last could be read, None where it never could; `is_lost` where it could not since.

    clock  seconds that only grow
    """

    store: SubmissionStore
    clock: Callable[[], float] = time.monotonic
    seen: SeenStore | None = None
    is_lost: bool = False
    _key: str = ""
    _looked_at: float | None = None
    _lock: Lock = field(default_factory=Lock, repr=False)

    def look(self) -> None:
        """Read what has changed; of a hub that is slow nobody waits for more than `PATIENCE_S` once all is read."""
        if not isinstance(self.store, HubStore) or self._looked_at is None:
            self._look()
        elif self.clock() - self._looked_at >= ON_THE_HUB_S:
            self._looked_at = self.clock()
            looking = Thread(target=self._look, daemon=True)
            looking.start()
            looking.join(PATIENCE_S)

    def _look(self) -> None:
        with self._lock:
            try:
                snapshot = self.store.look()
                if self.seen is None or snapshot.head != self.seen.snapshot.head:
                    key = board_key(snapshot)
                    board = self.seen.board if self.seen and key == self._key else board_of(snapshot)
                    self.seen, self._key = SeenStore(snapshot, board), key
                self.is_lost = False
            except MedgroundError as error:
                self.is_lost = True
                log.warning("the store of submissions cannot be read: %s", one_line(error))
            self._looked_at = self.clock()

    def look_again(self) -> None:
        """For whoever has just changed it: the next look is at the store, however short ago the last was."""
        self._looked_at = None

    @property
    def note(self) -> str:
        """A sentence on what cannot be seen; empty where all can."""
        if not self.is_lost:
            return ""
        so = "are shown as they were seen last" if self.seen else "are missing here"
        return f"Submissions {so}: their store cannot be read now."


@dataclass
class WatchedBoard:
    """The board of a folder of results and of a store, of each if it is there.

    results  where the folder is, asked whenever the board is
    """

    results: Callable[[], Path]
    store: WatchedStore | None = None
    _ours: Board | None = None
    _written: tuple[Path, int] | None = None
    _joint: tuple[Board, Board, Board] | None = None
    _lock: Lock = field(default_factory=Lock, repr=False)

    def now(self) -> Board | None:
        """The board as it is now; None where there is neither. MedgroundError where that of the results is damaged."""
        with self._lock:
            ours, theirs, note = self._results(), None, ""
            if self.store is not None:
                self.store.look()
                theirs = self.store.seen.board if self.store.seen else None
                note = self.store.note
            found = self._together(ours, theirs) if ours and theirs else ours or theirs
            return replace(found, notes=(*found.notes, note)) if found and note else found

    def _results(self) -> Board | None:
        file = self.results() / FILE
        written = (file, file.stat().st_mtime_ns) if file.is_file() else None
        if written != self._written:
            self._ours = Board.read(file.parent) if written else None
            self._written = written
        return self._ours

    def _together(self, ours: Board, theirs: Board) -> Board:
        if self._joint is None or self._joint[0] is not ours or self._joint[1] is not theirs:
            self._joint = (ours, theirs, joined(ours, theirs))
        return self._joint[2]


@dataclass
class WatchedBook:
    """The book of cases of a folder of results, with a store's submissions beside our methods if there is one.

    for_everybody  whether anybody looks at it, as on a Space; then nothing but phantoms is ever shown. Whoever has the
                   expert boxes at hand sees the cases of all sources
    """

    results: Callable[[], Path]
    store: WatchedStore | None = None
    for_everybody: bool = False
    _sent: SubmittedCases = field(default_factory=SubmittedCases, repr=False)
    _ours: CaseBook | None = None
    _written: tuple[Path, int] | None = None
    _joint: tuple[CaseBook, Board, CaseBook] | None = None
    _lock: Lock = field(default_factory=Lock, repr=False)

    def now(self) -> CaseBook:
        """The book as it is now; SourceMissing where there is none."""
        with self._lock:
            ours = self._results()
            if self.store is None:
                return ours
            self.store.look()
            return self._together(ours, self.store.seen) if self.store.seen else ours

    def _together(self, ours: CaseBook, seen: SeenStore) -> CaseBook:
        if self._joint is None or self._joint[0] is not ours or self._joint[1] is not seen.board:
            try:
                self._joint = (ours, seen.board, self._sent.beside(ours, seen.snapshot, seen.board))
            except MedgroundError as error:
                log.warning("the boxes of submissions cannot be read: %s", one_line(error))
                return ours
        return self._joint[2]

    def _results(self) -> CaseBook:
        folder = self.results()
        file = folder / CASES_FILE
        written = (file, file.stat().st_mtime_ns) if file.is_file() else None
        if self._ours is None or written != self._written:
            book = CaseBook.read(folder)
            self._ours, self._written = book.for_everybody() if self.for_everybody else book, written
        return self._ours
