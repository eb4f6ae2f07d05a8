"""The board of a store, a pure function of its files: log, settings, list of cases, scores.

Every method is a row with the badge "scored by us"; what it scored on every case is what is kept of its submissions.
`board.json` is the board's own file, so that it can be made again from nothing, the same to the byte.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

import numpy as np

from medground_bench.leaderboard.board import Board
from medground_bench.leaderboard.case_numbers import NUMBERS
from medground_bench.leaderboard.case_scores import CaseScores, Floats, RowScores
from medground_bench.leaderboard.columns import COLUMNS, SAID
from medground_bench.leaderboard.entries import Badge, BoardEntry
from medground_bench.leaderboard.kept_files import MadeOnce
from medground_bench.leaderboard.records import (
    CASE_LISTS,
    BadRecord,
    Json,
    SubmissionRecord,
    record_name,
    scores_name,
)
from medground_bench.leaderboard.register import Register, Standing
from medground_bench.leaderboard.store import Snapshot, StoreSettings
from medground_bench.leaderboard.truth import CaseList
from medground_bench.runs.method_groups import MethodGroup
from medground_bench.storage.whole_files import Plain, fingerprint
from medground_bench.submission.metadata import Metadata


def scores_content(identity: str, scores: Iterable[Sequence[object]], flags: Iterable[str]) -> bytes:
    """What is kept of a submission's scores: a line a case, so that a board is rebuilt without the expert boxes."""
    lines = ",\n".join(json.dumps(line) for line in scores)
    head = f'"submission": {json.dumps(identity)}, "flags": {json.dumps(sorted(flags))}'
    return f'{{{head}, "scores": [\n{lines}\n]}}\n'.encode("ascii")


@dataclass(frozen=True, slots=True, eq=False)
class KeptScores:
    """What a file of scores holds: what was noted of the boxes, and the `NUMBERS` of every case, (cases, numbers)."""

    flags: tuple[str, ...]
    case_ids: tuple[str, ...]
    numbers: Floats

    @classmethod
    def of(cls, content: bytes) -> KeptScores:
        """What `scores_content` wrote; BadRecord for anything else."""
        try:
            file: Json = json.loads(content)
            lines = file["scores"]
            ids = tuple(sys.intern(line[0]) for line in lines)  # all files of a benchmark have the same ones
            numbers = np.array([line[1:] for line in lines], dtype=np.float64).reshape(len(ids), len(NUMBERS))
            return cls(tuple(map(str, file["flags"])), ids, numbers)
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise BadRecord(
                f"a file of scores in the store is damaged ({type(error).__name__}: {error})."
            ) from error


CASES, SCORES, WORDS = MadeOnce(CaseList.of), MadeOnce(KeptScores.of), MadeOnce(SubmissionRecord.said)
"""A board is made again with every row that is added to it, of files that but for one were read before."""


def board_of(snapshot: Snapshot) -> Board:
    """The board of the edition that is open; BadRecord or FileMissing as of `rows_of`."""
    listed, scored, protocol = rows_of(snapshot)
    made = Board.of(CaseScores.of(listed.cases, scored), listed.tracks, protocol=protocol)
    return replace(made, columns=(*COLUMNS, *SAID))


def rows_of(snapshot: Snapshot) -> tuple[CaseList, dict[BoardEntry, RowScores], int]:
    """What a board is made of: cases, rows and protocol.

    BadRecord where no edition was ever opened, or where a file is damaged, FileMissing where one is gone.
    """
    register = Register.read(snapshot.log)
    opening, edition = register.opening, register.edition
    if opening is None or edition is None:
        raise BadRecord("the store was never opened: its log has no edition.")
    listed = CASES.of(snapshot, register, next(name for name in opening.files if name.startswith(CASE_LISTS)))
    known = {case.case_id for case in listed.cases}
    controls = {name.casefold() for name in StoreSettings.of(snapshot).controls}
    scored: dict[BoardEntry, RowScores] = {}
    for method, identities in methods_of(register.rows).items():
        kept = [SCORES.of(snapshot, register, scores_name(identity, edition)) for identity in identities]
        said = [WORDS.of(snapshot, register, record_name(identity)) for identity in identities]
        entry = _entry(method, kept, is_control=method.casefold() in controls)
        scored[replace(entry, said=_said(said))] = _scored(kept, known)
    return listed, scored, edition.protocol


def board_key(snapshot: Snapshot) -> str:
    """What a board depends on, by name: as long as it stays, so does the board, whatever else the log says."""
    register = Register.read(snapshot.log)
    edition = register.edition
    rows: list[Plain] = [row.id for row in register.rows]
    controls: list[Plain] = [*StoreSettings.of(snapshot).controls]
    return fingerprint(edition=edition.key if edition else "", rows=rows, controls=controls)


def board_content(snapshot: Snapshot) -> bytes:
    """What `board.json` of a store is to be."""
    return board_of(snapshot).content()


def methods_of(rows: Iterable[Standing]) -> dict[str, list[str]]:
    """The methods on a board, by name, each with its submissions: one may have come in several files."""
    spelled: dict[str, str] = {}
    made_of: dict[str, list[str]] = {}
    for row in rows:
        method = spelled.setdefault(row.accepted.method.casefold(), row.accepted.method)
        made_of.setdefault(method, []).append(row.id)
    return dict(sorted(made_of.items()))


def _entry(method: str, kept: Sequence[KeptScores], *, is_control: bool) -> BoardEntry:
    """A row; what was noted of its boxes stands behind its name."""
    flags = sorted({flag for file in kept for flag in file.flags})
    return BoardEntry(
        method=method,
        shown=f"{method} ({', '.join(flags)})" if flags else method,
        badge=Badge.SCORED,
        family=MethodGroup.CONTROL if is_control else MethodGroup.EXTRA,
    )


def _said(of_files: Sequence[Metadata]) -> tuple[tuple[str, str], ...]:
    """What the files of one method say, by column; all of it where they differ."""
    words = {column.key: [each.as_json().get(column.key) for each in of_files] for column in SAID}
    told = {key: sorted({str(each) for each in given if each is not None}) for key, given in words.items()}
    return tuple((key, ", ".join(each)) for key, each in told.items() if each)


def _scored(kept: Sequence[KeptScores], known: AbstractSet[str]) -> RowScores:
    """What a method scored; BadRecord where it is no score of these cases."""
    case_ids = [case_id for file in kept for case_id in file.case_ids]
    if not known >= set(case_ids):
        raise BadRecord("a file of scores in the store has a case that is not in its list of cases.")
    return RowScores.of(case_ids, np.concatenate([file.numbers for file in kept]))
