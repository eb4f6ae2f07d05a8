"""Submissions beside our own methods in the book of cases: their boxes and scores, as a store keeps them.

Of sources that the book does not show there is nothing of them in it either, but for the number of cases.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from medground_bench.core.types import Corners, Track
from medground_bench.leaderboard.board import Board
from medground_bench.leaderboard.case_book import BookRun, CaseBook
from medground_bench.leaderboard.case_scores import BoardCase
from medground_bench.leaderboard.entries import BoardEntry
from medground_bench.leaderboard.published import methods_of
from medground_bench.leaderboard.records import Edition, SubmissionRecord, record_name, scores_name
from medground_bench.leaderboard.register import Register
from medground_bench.leaderboard.store import Snapshot
from medground_bench.runs.method_groups import MethodGroup


@dataclass(frozen=True, slots=True)
class _Sent:
    """The boxes and the scores of one submission, by case id."""

    boxes: Mapping[str, tuple[Corners, ...]]
    scores: Mapping[str, tuple[float, ...]]

    @classmethod
    def of(cls, record: bytes, scores: bytes, wanted: AbstractSet[str]) -> _Sent:
        """From the two files of it, on some cases."""
        boxes = {
            case: tuple((x0, y0, x1, y1) for x0, y0, x1, y1 in found)
            for case, found in SubmissionRecord.of(record).boxes.items()
            if case in wanted
        }
        numbers = {}
        for case, iou, precision, recall, f1, _boxes, covered, _seconds in json.loads(scores)["scores"]:
            if case in wanted:
                numbers[case] = (iou, precision, recall, f1, covered)
        return cls(boxes, numbers)


@dataclass
class SubmittedCases:
    """Puts the rows of a store into books, and remembers what it has read: a file of a store never changes."""

    _known: dict[str, _Sent] = field(default_factory=dict, repr=False)
    _wanted: AbstractSet[str] = frozenset()

    def beside(self, book: CaseBook, snapshot: Snapshot, board: Board) -> CaseBook:
        """The book with every submission on the tracks whose cases it has as the store has.

        board  of the snapshot
        """
        book = book.beside(case.source for case in board.scores.cases)
        tracks = _shared_tracks(book, board)
        if not tracks:
            return book
        sent = self._read(snapshot, frozenset().union(*tracks.values()))
        runs = [
            run
            for entry in board.scores.entries
            if entry.family is not MethodGroup.CONTROL or entry.method not in book.methods
            for run in _runs(entry, sent[entry.method], tracks, is_taken=entry.method in book.methods)
        ]
        return replace(book, runs=(*book.runs, *runs))

    def _read(self, snapshot: Snapshot, wanted: AbstractSet[str]) -> dict[str, list[_Sent]]:
        if wanted != self._wanted:
            self._known, self._wanted = {}, wanted
        register = Register.read(snapshot.log)
        edition = register.edition
        assert edition is not None, "a board was made of it"
        return {
            method: [self._sent(snapshot, identity, edition) for identity in identities]
            for method, identities in methods_of(register.rows).items()
        }

    def _sent(self, snapshot: Snapshot, identity: str, edition: Edition) -> _Sent:
        name = scores_name(identity, edition)
        if name not in self._known:
            record = snapshot.read(record_name(identity))
            self._known[name] = _Sent.of(record, snapshot.read(name), self._wanted)
        return self._known[name]


def _shared_tracks(book: CaseBook, board: Board) -> dict[Track, set[str]]:
    """Track -> its cases, where book and store have the same ones of the book's sources with the same facts."""
    sources = {case.source for case in book.cases}
    ours: dict[Track, set[BoardCase]] = {}
    for case in book.cases:
        ours.setdefault(case.track, set()).add(BoardCase.of(case.reference()))
    theirs: dict[tuple[str, str], set[BoardCase]] = {}
    for listed in board.scores.cases:
        if listed.source in sources:
            theirs.setdefault((listed.lvlm, listed.mode), set()).add(listed)
    return {
        track: {case.case_id for case in cases}
        for track, cases in ours.items()
        if cases == theirs.get((track.lvlm, track.mode.value))
    }


def _runs(
    entry: BoardEntry, sent: Sequence[_Sent], tracks: Mapping[Track, set[str]], *, is_taken: bool
) -> list[BookRun]:
    """A row's runs, one a track; where a method of ours has its name, its own says that it was sent."""
    boxes = {case: found for each in sent for case, found in each.boxes.items()}
    scores = {case: found for each in sent for case, found in each.scores.items()}
    mark = f" ({entry.badge.value})" if is_taken else ""
    return [
        BookRun(
            method=f"{entry.method}{mark}",
            shown=f"{entry.shown}{mark}",
            lvlm=track.lvlm,
            mode=track.mode.value,
            draws=1,
            boxes={case: boxes[case] for case in sorted(cases)},
            scores={case: scores[case] for case in sorted(cases)},
        )
        for track, cases in sorted(tracks.items())
        if cases <= scores.keys()
    ]
