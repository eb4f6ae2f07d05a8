"""The board of a store, a pure function of its files: log, list of cases, scores.

`board.json` holds the board and which submissions each method's rows were made from. When a store changes, only the
rows of methods that changed are made again; made from nothing, the board is the same to the byte.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

from medground_bench.core.scoring import CaseScore
from medground_bench.core.unions import Overlap
from medground_bench.leaderboard.board import BoardRow, rows_of, sorted_board
from medground_bench.leaderboard.records import BadRecord, Edition, cases_name, scores_name
from medground_bench.leaderboard.register import Register, Standing
from medground_bench.leaderboard.store import BOARD, Snapshot, StoreSettings
from medground_bench.leaderboard.truth import CaseFacts, CaseList

MadeOf = Mapping[str, Sequence[str]]
"""Method -> the submissions that its rows are made of."""


def scores_content(identity: str, scores: Iterable[Sequence[object]], flags: Iterable[str]) -> bytes:
    """What is kept of a submission's scores: a line a case, so that a board is rebuilt without the expert boxes."""
    lines = ",\n".join(json.dumps(line) for line in scores)
    head = f'"submission": {json.dumps(identity)}, "flags": {json.dumps(sorted(flags))}'
    return f'{{{head}, "scores": [\n{lines}\n]}}\n'.encode("ascii")


def scores_in(content: bytes, cases: Mapping[str, CaseFacts]) -> list[CaseScore]:
    """The scores in such a file; BadRecord where it is none of these cases."""
    try:
        return [
            _score(cases[line[0]], Overlap(*line[1:5]), line[5], line[6])
            for line in json.loads(content)["scores"]
        ]
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise BadRecord(f"a file of scores in the store is damaged ({error}).") from error


def board_content(snapshot: Snapshot, *, from_nothing: bool = False) -> bytes:
    """What `board.json` is to be; unless it is made from nothing, rows that are there already are taken over."""
    register = Register.read(snapshot.log)
    edition = register.edition
    if edition is None:
        raise BadRecord("the store was never opened: its log has no edition.")
    facts = CaseList.of(snapshot.read(cases_name(edition)))
    made_of = methods_of(register.rows)
    known = {} if from_nothing else _known(snapshot, edition, made_of)
    cases = {case.case_id: case for case in facts.cases}
    rows: list[BoardRow] = []
    controls = StoreSettings.of(snapshot).controls
    for method, identities in made_of.items():
        if method not in known:
            names = [scores_name(identity, edition) for identity in identities]
            scores = [score for name in names for score in scores_in(snapshot.read(name), cases)]
            known[method] = rows_of(method, scores, facts.cases, control=method in controls)
        rows += known[method]
    board = asdict(sorted_board(rows, facts.tracks))
    about = {"edition": asdict(edition), "made_of": made_of}
    return (json.dumps(about | board, indent=1, allow_nan=False) + "\n").encode("ascii")


def methods_of(rows: Iterable[Standing]) -> dict[str, list[str]]:
    """The methods on a board, by name, each with its submissions: one may have come in several files."""
    spelled: dict[str, str] = {}
    made_of: dict[str, list[str]] = {}
    for row in rows:
        method = spelled.setdefault(row.accepted.method.casefold(), row.accepted.method)
        made_of.setdefault(method, []).append(row.id)
    return dict(sorted(made_of.items()))


def _known(snapshot: Snapshot, edition: Edition, made_of: MadeOf) -> dict[str, list[BoardRow]]:
    """The rows on the stored board of methods that rest on the same submissions as then."""
    if BOARD not in snapshot.names:
        return {}
    stored = json.loads(snapshot.read(BOARD))
    if stored["edition"] != asdict(edition):
        return {}
    same = {method for method, of in stored["made_of"].items() if made_of.get(method) == of}
    found: dict[str, list[BoardRow]] = {method: [] for method in sorted(same)}
    for row in stored["rows"]:
        if row["method"] in same:
            found[row["method"]].append(BoardRow(**row))
    return found


def _score(case: CaseFacts, overlap: Overlap, boxes: int, covered: float) -> CaseScore:
    return CaseScore(
        case_id=case.case_id,
        source=case.source,
        image_id=case.image_id,
        lvlm=case.lvlm,
        mode=case.mode,
        finding=case.finding,
        overlap=overlap,
        predicted=True,
        boxes=boxes,
        covered=covered,
    )
