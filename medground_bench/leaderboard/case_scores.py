"""What every row scored on every case: the ground on which all tables of the board stand.

Kept beside the board as two files of parquet: the cases, and a line for every case of every row. Neither has a box in
it: of the expert's boxes there is only the class of their size.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from medground_bench.benchmark.parquet import encoded_table
from medground_bench.core.errors import SourceMissing
from medground_bench.core.geometry import cover_areas
from medground_bench.core.types import Reference
from medground_bench.leaderboard.case_numbers import NUMBERS
from medground_bench.leaderboard.entries import BoardEntry
from medground_bench.phantom.region_edits import PHANTOM
from medground_bench.storage.whole_files import write_whole

CASES, SCORES = "board_cases.parquet", "case_scores.parquet"
SIZES = {"small": 0.0, "medium": 0.05, "large": 0.15}
"""Class of the expert's boxes -> the share of the picture from which on they are in it, smallest first."""

COVERS_ALL = 0.99
"""Boxes that cover this share of a picture point at the whole of it."""

SEEDS = "iou_of_seeds"
SEPARATOR = "\n"
Floats = NDArray[np.float64]


def hidden_sources(sources: Iterable[str]) -> tuple[str, ...]:
    """Those whose expert boxes nobody may learn from scores: all but phantoms, which anybody draws with their truth.

    >>> hidden_sources(["vindr_cxr", "phantom", "vindr_cxr"])
    ('vindr_cxr',)
    """
    return tuple(sorted({*sources} - {PHANTOM}))


@dataclass(frozen=True, slots=True)
class BoardCase:
    """A case without its truth: what tables are filtered by."""

    case_id: str
    source: str
    image_id: str
    lvlm: str
    mode: str
    finding: str
    size: str

    @classmethod
    def of(cls, reference: Reference) -> BoardCase:
        """What of a reference may be told."""
        area = reference.native.width * reference.native.height
        share = cover_areas(reference.boxes, ()).first / area
        return cls(
            case_id=reference.case_id,
            source=reference.source,
            image_id=reference.image_id,
            lvlm=reference.lvlm,
            mode=reference.mode.value,
            finding=reference.finding,
            size=[name for name, least in SIZES.items() if share >= least][-1],
        )


@dataclass(frozen=True, slots=True, eq=False)
class RowScores:
    """What one row scored: a value a case of every measure, NaN where it does not apply, as seconds nobody took.

    seeds  (cases, seeds): IoU of every run where a row is the mean of several
    """

    case_ids: Sequence[str]
    measures: Mapping[str, Floats]
    seeds: Floats | None = None

    @classmethod
    def of(cls, case_ids: Sequence[str], numbers: Floats, seeds: Floats | None = None) -> RowScores:
        """From the `NUMBERS` of every case, (cases, numbers); ValueError for any others."""
        iou, precision, recall, f1, boxes, covered, seconds = numbers.reshape(len(case_ids), len(NUMBERS)).T
        predicted = ~np.isnan(boxes)
        measures = {
            "iou": iou,
            "f1": f1,
            "precision": precision,
            "recall": recall,
            "predicted": predicted.astype(np.float64),
            "boxed": (boxes > 0).astype(np.float64),
            "empty": (boxes == 0).astype(np.float64),
            "boxes": boxes,
            "covered": np.where(predicted, covered, np.nan),
            "whole_image": np.where(predicted, covered >= COVERS_ALL, np.nan),
            "seconds": seconds,
        }
        return cls(case_ids, measures, seeds)


@dataclass(frozen=True, eq=False)
class CaseScores:
    """Rows x cases of every measure; NaN where a measure does not apply.

    cases     by case id
    was_run   (rows, cases)
    measures  name -> (rows, cases)
    seeds     row -> its IoU of every seed, (seeds, cases), of rows that are means over several
    """

    entries: tuple[BoardEntry, ...]
    cases: tuple[BoardCase, ...]
    was_run: NDArray[np.bool_]
    measures: Mapping[str, Floats]
    seeds: Mapping[int, Floats]

    @classmethod
    def of(cls, cases: Iterable[BoardCase], scored: Mapping[BoardEntry, RowScores]) -> CaseScores:
        """From the cases of every row."""
        ordered = tuple(sorted(cases, key=lambda case: case.case_id))
        entries = tuple(sorted(scored, key=lambda entry: entry.key))
        place = {case.case_id: number for number, case in enumerate(ordered)}
        names = sorted({name for of_row in scored.values() for name in of_row.measures})
        was_run = np.zeros((len(entries), len(ordered)), dtype=bool)
        measures = {name: np.full(was_run.shape, np.nan) for name in names}
        seeds = {
            row: np.full((entry.seeds, len(ordered)), np.nan)
            for row, entry in enumerate(entries)
            if entry.seeds > 1
        }
        for row, entry in enumerate(entries):
            of_row = scored[entry]
            at = np.array([place[case_id] for case_id in of_row.case_ids], dtype=np.intp)
            was_run[row, at] = True
            for name, values in of_row.measures.items():
                measures[name][row, at] = values
            if of_row.seeds is not None:
                seeds[row][:, at] = of_row.seeds.T
        return cls(entries, ordered, was_run, measures, seeds)

    def beside(self, other: CaseScores) -> CaseScores:
        """Rows of both, on the same cases; of two rows with one key that of `other`."""
        assert self.cases == other.cases
        found = {
            entry.key: (entry, scores, row)
            for scores in (self, other)
            for row, entry in enumerate(scores.entries)
        }
        parts = [found[key] for key in sorted(found)]
        shape, blank = (len(parts), len(self.cases)), np.full(len(self.cases), np.nan)
        names = sorted(self.measures.keys() | other.measures.keys())
        measures = {
            name: np.array([of.measures[name][row] if name in of.measures else blank for _, of, row in parts])
            for name in names
        }
        return CaseScores(
            entries=tuple(entry for entry, _, _ in parts),
            cases=self.cases,
            was_run=np.array([of.was_run[row] for _, of, row in parts], dtype=bool).reshape(shape),
            measures={name: values.reshape(shape) for name, values in measures.items()},
            seeds={new: of.seeds[row] for new, (_, of, row) in enumerate(parts) if row in of.seeds},
        )

    def of_rows(self, kept: Callable[[BoardEntry], bool]) -> CaseScores:
        """Some of the rows."""
        rows = [row for row, entry in enumerate(self.entries) if kept(entry)]
        return CaseScores(
            entries=tuple(self.entries[row] for row in rows),
            cases=self.cases,
            was_run=self.was_run[rows],
            measures={name: values[rows] for name, values in self.measures.items()},
            seeds={new: self.seeds[row] for new, row in enumerate(rows) if row in self.seeds},
        )

    def of_sources(self, sources: Collection[str]) -> CaseScores:
        """The cases of some sources, and the rows that were run on any of them."""
        at = [place for place, case in enumerate(self.cases) if case.source in sources]
        ran = {self.entries[row] for row in np.flatnonzero(self.was_run[:, at].any(axis=1))}
        part = CaseScores(
            entries=self.entries,
            cases=tuple(self.cases[place] for place in at),
            was_run=self.was_run[:, at],
            measures={name: values[:, at] for name, values in self.measures.items()},
            seeds={row: values[:, at] for row, values in self.seeds.items()},
        )
        return part.of_rows(lambda entry: entry in ran)

    def among(self, cases: Sequence[BoardCase]) -> CaseScores:
        """The same rows among more cases, by case id, of which none was run on the others."""
        return CaseScores.of(cases, {entry: self._of_row(row) for row, entry in enumerate(self.entries)})

    def _of_row(self, row: int) -> RowScores:
        at = np.flatnonzero(self.was_run[row])
        return RowScores(
            [self.cases[place].case_id for place in at],
            {name: values[row, at] for name, values in self.measures.items()},
            self.seeds[row][:, at].T if row in self.seeds else None,
        )

    @cached_property
    def facts(self) -> Mapping[str, NDArray[np.str_]]:
        """What tables are filtered by, of every case."""
        columns = zip(*(astuple(case) for case in self.cases), strict=True) if self.cases else iter([()] * 7)
        names = [field.name for field in fields(BoardCase)]
        return {name: np.array(column, dtype=np.str_) for name, column in zip(names, columns, strict=True)}

    @cached_property
    def images(self) -> Sequence[tuple[str, str]]:
        """Source and image id of every case."""
        return [(case.source, case.image_id) for case in self.cases]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CaseScores) and self.files() == other.files()

    __hash__ = None  # type: ignore[assignment]  # as of whatever is compared by content and holds arrays

    def save(self, folder: Path) -> None:
        """Write both files; same scores, same bytes."""
        for name, content in self.files().items():
            write_whole(folder / name, content)

    def files(self) -> dict[str, bytes]:
        """Name -> content of both files."""
        cases = pa.table(
            {name: pa.array(column.tolist(), pa.string()) for name, column in self.facts.items()}
        )
        rows, columns = np.nonzero(self.was_run)
        scores: dict[str, pa.Array] = {
            "method": pa.array([self.entries[row].method for row in rows], pa.string()),
            "badge": pa.array([self.entries[row].badge.value for row in rows], pa.string()),
            "case_id": pa.array([self.cases[column].case_id for column in columns], pa.string()),
        }
        for name, values in sorted(self.measures.items()):
            scores[name] = pa.array(values[rows, columns], pa.float64(), from_pandas=True)
        of_seeds = [
            self.seeds[row][:, column].tolist() if row in self.seeds else None
            for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
        ]
        scores[SEEDS] = pa.array(of_seeds, pa.list_(pa.float64()))
        return {CASES: encoded_table(cases), SCORES: encoded_table(pa.table(scores))}

    @classmethod
    def read(cls, folder: Path, entries: Sequence[BoardEntry]) -> CaseScores:
        """What `save` wrote; SourceMissing where it is not there or not of these rows."""
        try:
            cases = pq.read_table(folder / CASES).to_pydict()
            scores = pq.read_table(folder / SCORES)
            facts = tuple(
                BoardCase(*each)
                for each in zip(*(cases[field.name] for field in fields(BoardCase)), strict=True)
            )
            rows = {SEPARATOR.join(entry.key): number for number, entry in enumerate(entries)}
            place = {case.case_id: number for number, case in enumerate(facts)}
            keys = pc.binary_join_element_wise(scores["method"], scores["badge"], SEPARATOR)
            at = _numbered(keys, rows), _numbered(scores["case_id"], place)
        except (OSError, KeyError, pa.ArrowException, TypeError, ValueError) as error:
            raise SourceMissing(
                f"{folder} holds no scores of its board's cases ({type(error).__name__}: {str(error)[:200]}). Make "
                f"them again with medground demo --out {folder}"
            ) from error
        was_run = np.zeros((len(entries), len(facts)), dtype=bool)
        was_run[at] = True
        measures = {}
        for name in set(scores.column_names[3:]) - {SEEDS}:
            measures[name] = np.full(was_run.shape, np.nan)
            measures[name][at] = scores[name].to_numpy()
        return cls(tuple(entries), facts, was_run, measures, _seeds(scores[SEEDS], entries, at, len(facts)))


def _numbered(words: pa.ChunkedArray, numbers: Mapping[str, int]) -> NDArray[np.intp]:
    """The number of every word; each distinct one is looked up once."""
    encoded = words.combine_chunks().dictionary_encode()
    found = np.array([numbers[word] for word in encoded.dictionary.to_pylist()], dtype=np.intp)
    return np.asarray(found[encoded.indices.to_numpy()])


def _seeds(
    told: pa.ChunkedArray,
    entries: Sequence[BoardEntry],
    at: tuple[NDArray[np.intp], NDArray[np.intp]],
    cases: int,
) -> dict[int, Floats]:
    """What `CaseScores.seeds` was; `at` are row and case of every line."""
    found: dict[int, Floats] = {}
    for row, entry in enumerate(entries):
        lines = np.flatnonzero(at[0] == row)
        if entry.seeds > 1 and len(lines):
            values = told.take(lines).combine_chunks().flatten().to_numpy().reshape(len(lines), entry.seeds)
            found[row] = np.full((entry.seeds, cases), np.nan)
            found[row][:, at[1][lines]] = values.T
    return found
