"""What was probed, as columns of a board: a measure of every case of its rows, and what each column says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from medground_bench.leaderboard.board import Board
from medground_bench.leaderboard.columns import Column, Direction, Pooling, Unit
from medground_bench.leaderboard.entries import Badge
from medground_bench.probes import ProbeKind
from medground_bench.probes.randomisation import ShuffleStage
from medground_bench.probes.run import TrackProbes


@dataclass(frozen=True, slots=True)
class ProbeColumn:
    """A column, and the number of a probe that it is made of."""

    kind: ProbeKind
    measure: str
    column: Column


def _column(
    kind: ProbeKind, measure: str, name: str, explanation: str, unit: Unit = Unit.PERCENT
) -> ProbeColumn:
    column = Column(
        key=f"probe_{name.lower()}",
        name=name,
        unit=unit,
        direction=Direction.LOWER if kind is ProbeKind.RANDOMISATION else Direction.HIGHER,
        explanation=explanation,
        pooling=Pooling.MEAN,
    )
    return ProbeColumn(kind, measure, column)


PROBE_COLUMNS = (
    _column(
        ProbeKind.REMOVAL,
        "flipped",
        "Removal",
        "Share of the cases whose answer flips when the finding is taken out inside the method's boxes alone; read it "
        "beside the area, the whole picture flips them all.",
    ),
    _column(
        ProbeKind.INSERTION,
        "order",
        "Order",
        "How well the method ranks the picture: 1 where its first cells hold all that the finding is worth to the "
        "response, 0 where its order is of no use.",
        Unit.SHARE,
    ),
    _column(
        ProbeKind.POINTING,
        "pointing",
        "Pointing",
        "Share of the maps whose highest cell lies in the expert's boxes; methods without a map have none.",
    ),
    _column(
        ProbeKind.POINTING,
        "energy",
        "Energy",
        "Share of a map's positive values that lies in the expert's boxes; methods without a map have none.",
    ),
    _column(
        ProbeKind.RANDOMISATION,
        f"rho, {ShuffleStage.IMAGE}",
        "Shuffled",
        "Rank correlation of the map with that of the same LVLM with all weights shuffled, on a few cases; from .2 on "
        "the map does not show what the LVLM learned.",
        Unit.SHARE,
    ),
)


def with_probes(board: Board, tracks: Sequence[TrackProbes]) -> Board:
    """The board with a column of every probe that was run; one of an earlier run of the same probe is replaced.

    Only rows that we ran ourselves get numbers, by the name of their method; a case that was not probed has none.
    """
    ran = {kind for track in tracks for kind in track.measured}
    columns = [each for each in PROBE_COLUMNS if each.kind in ran]
    names = {each.column.key for each in columns}
    measures = {name: values for name, values in board.scores.measures.items() if name not in names}
    for each in columns:
        measures[each.column.key] = _measure(board, each, tracks)
    return replace(
        board,
        scores=replace(board.scores, measures=measures),
        columns=(
            *(column for column in board.columns if column.key not in names),
            *(each.column for each in columns),
        ),
    )


def _measure(board: Board, column: ProbeColumn, tracks: Sequence[TrackProbes]) -> NDArray[np.float64]:
    """(rows, cases); NaN where there is no number."""
    values = np.full(board.scores.was_run.shape, np.nan)
    place = {case.case_id: number for number, case in enumerate(board.scores.cases)}
    row_of: Mapping[str, int] = {
        entry.method: row for row, entry in enumerate(board.scores.entries) if entry.badge is Badge.REPRODUCED
    }
    for track in tracks:
        for method, of_cases in track.measured.get(column.kind, {}).items():
            for case_id, numbers in of_cases.items():
                number = numbers[column.measure]
                if number is not None and method in row_of and case_id in place:
                    values[row_of[method], place[case_id]] = number
    return values
