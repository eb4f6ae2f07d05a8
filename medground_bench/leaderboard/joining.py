"""Our own rows and a store's submissions on one board. Pure.

They stand together where they answer the same cases of our sources under one protocol, so that every pair of rows can
be compared; of a source that we have no scores on, the tables are those of submissions alone. Where they do not, the
board is that of our rows and says in one sentence why the others are not on it.
"""

from __future__ import annotations

from dataclasses import replace

from medground_bench.leaderboard.board import Board
from medground_bench.leaderboard.case_scores import CaseScores
from medground_bench.leaderboard.entries import BoardEntry
from medground_bench.runs.method_groups import MethodGroup


def joined(results: Board, submissions: Board) -> Board:
    """The rows of both, each with its badge; a control that both have stands there once, as we ran it."""
    theirs = submissions.scores
    if not theirs.entries:
        return results
    if results.protocol != submissions.protocol:
        told = f"scored under protocol {submissions.protocol}, and these rows under {results.protocol}"
        return _apart(results, theirs, told)
    sources = {case.source for case in results.scores.cases}
    if tuple(case for case in theirs.cases if case.source in sources) != results.scores.cases:
        return _apart(results, theirs, _other_cases(results.scores, theirs))
    controls = {_control(entry) for entry in results.scores.entries} - {""}
    others = {case.source for case in theirs.cases} - sources
    doubled = theirs.of_rows(lambda entry: _control(entry) in controls).of_sources(others)
    new = theirs.of_rows(lambda entry: _control(entry) not in controls)
    ours = {column.key for column in results.columns}
    return replace(
        results,
        scores=results.scores.among(theirs.cases).beside(new).beside(doubled.among(theirs.cases)),
        tracks=results.tracks or submissions.tracks,
        columns=(*results.columns, *(each for each in submissions.columns if each.key not in ours)),
    )


def _control(entry: BoardEntry) -> str:
    """By what a control is known again; empty for what is none."""
    return entry.method.casefold() if entry.family is MethodGroup.CONTROL else ""


def _apart(results: Board, theirs: CaseScores, told: str) -> Board:
    rows = len(theirs.entries)
    note = f"{rows} row{'' if rows == 1 else 's'} of submissions cannot be compared with these and stand apart: {told}."
    return replace(results, notes=(*results.notes, note))


def _other_cases(ours: CaseScores, theirs: CaseScores) -> str:
    own, others = ({case.case_id for case in scores.cases} for scores in (ours, theirs))
    if own == others:
        return "they answer the same cases of another revision, whose facts differ"
    return f"they answer {len(others)} cases and these rows {len(own)}, of which {len(own & others)} are the same"
