"""`medground_bench.join`: a published dataset with the pictures and boxes of the user's own copies of its sources.

Pictures are decoded when a row is read and never kept. What is read stays in memory: `with_transform` writes nothing
into the cache of `datasets`, and neither does a stream. A `map` that returns boxes or pictures would write them; give
it `keep_in_memory=True`.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from PIL import Image

from medground_bench.benchmark.copies import Copies, Roots, Wanted
from medground_bench.benchmark.join_report import JoinOutcome, JoinReport
from medground_bench.benchmark.joined_rows import LACKED, told_of
from medground_bench.benchmark.parquet import features_of
from medground_bench.core.errors import MedgroundError, SourceMissing
from medground_bench.core.progress import Advance, Progress
from medground_bench.core.types import Question

if TYPE_CHECKING:
    from datasets import Dataset, IterableDataset

FILLED = (*LACKED, "image")
"""The columns that are filled where they are null; a table that has none of them gets all."""

CHECKED_BY = ("release_index", "image_sha256")
KEYS = ("source", "finding", *CHECKED_BY, "case_id", "question_id", "lvlm", "mode")
"""What of a row says which question it is about, and what the row is called."""

AT_ONCE = 1000
"""Rows that are looked through at once before any is read."""

Joinable = TypeVar("Joinable")


@dataclass(frozen=True, slots=True)
class Joined(Generic[Joinable]):
    """A dataset joined with a user's copies, and what became of its rows so far: `print(joined.report)`.

    >>> str(Joined([], JoinReport()).report)
    'rows  source  what became of them  for example'
    """

    dataset: Joinable
    report: JoinReport


@contextmanager
def _bar_of_datasets(label: str, total: int | None, unit: str) -> Iterator[Advance]:
    """Progress as `datasets` itself shows it, and as it is switched off there."""
    from datasets.utils import tqdm

    with tqdm(desc=label, total=total, unit=f" {unit}") as bar:
        yield lambda done: bar.update(done) and None


def join(
    dataset: Joinable, roots: Roots, *, strict: bool = False, progress: Progress = _bar_of_datasets
) -> Joined[Joinable]:
    """A dataset whose rows have boxes, sizes and pictures from the user's own copies, read when a row is read.

    dataset  a Dataset, an IterableDataset, or a dictionary of them by split
    roots    source, or part of one -> the folder of the user's copy, or several: imagenome or its two parts
             chest_imagenome and mimic_cxr_jpg, vindr_cxr, padchest_gr
    strict   whether a row that cannot be joined is an error; else it stays as it is, and the report tells it

    `boxes` are native pixels, half-open, `image` is a grey PIL picture; only what is null is filled. A row is joined
    only if the picture in the copy has its `image_sha256`. The digest of each picture is made once and kept beside the
    copy; without the column `image` no picture is decoded for anything else. Ids stay those of the dataset, so that
    predictions can be scored. A format or transform that the dataset has is replaced.

    >>> from datasets import Dataset
    >>> rows = {"source": ["phantom"], "finding": ["mass"], "release_index": [None], "image_sha256": ["1f2e"]}
    >>> joined = join(Dataset.from_dict({"case_id": ["a"], **rows, "boxes": [[[1, 2, 3, 4]]]}), roots={})
    >>> joined.dataset[0]["boxes"]
    [[1, 2, 3, 4]]
    """
    copies = Copies(roots, progress)
    report = JoinReport(copies.notes)
    joined: Joinable = _joined(dataset, _Filling(copies, report, strict))  # type: ignore[assignment]
    copies.keep()
    if strict:
        report.demand_all()
    elif report.failed:
        words = f"{report.sentence()}; they stay as they are. print(joined.report) says why."
        warnings.warn(words, stacklevel=2)
    return Joined(joined, report)


@dataclass(eq=False)
class _Filling:
    """Fills rows; what `datasets` calls. A process that works on rows makes its own, with a report of its own."""

    copies: Copies
    report: JoinReport
    strict: bool

    def __deepcopy__(self, _memory: object) -> _Filling:
        return self

    def __reduce__(self) -> tuple[object, tuple[Copies, bool]]:
        return _filling, (self.copies, self.strict)

    def row(self, row: Mapping[str, object]) -> dict[str, object]:
        """What a row lacks, filled; null where it cannot be joined."""
        lacked, wanted = _lacked(row), _wanted_by(row)
        if not lacked:
            self.report.note(wanted.name, wanted.source, JoinOutcome.WHOLE)
            return {}
        found = self.copies.find(wanted, read=True)
        self.report.note(wanted.name, wanted.source, found.outcome)
        if found.question is None:
            if self.strict:
                raise SourceMissing(f"{wanted.name}: {found.outcome.value}.")
            return dict.fromkeys(lacked)
        filled = _told_of(found.question)
        if "image" in lacked:
            filled["image"] = Image.fromarray(self.copies.picture(found.question))
        return {name: filled[name] for name in lacked}

    def example(self, row: Mapping[str, object]) -> dict[str, object]:
        """A row of a stream."""
        _demand_keys(row)
        return self.row(row if set(FILLED) & set(row) else {**dict.fromkeys(FILLED), **row})

    def batch(self, columns: Mapping[str, list[object]]) -> dict[str, list[object]]:
        """Columns of a dataset; its indices and selections are those of `datasets`."""
        _demand_keys(columns)
        filled = {name: list(values) for name, values in columns.items()}
        for place in range(len(filled["source"])):
            row = {name: values[place] for name, values in filled.items()}
            for name, value in self.row(row).items():
                filled[name][place] = value
        return filled

    def look_through(self, dataset: Dataset) -> None:
        """Note what is known of every row before any picture is decoded."""
        for batch in dataset.with_format("arrow").iter(AT_ONCE):
            keys = {name: batch[name].to_pylist() for name in KEYS if name in batch.column_names}
            null = {name: batch[name].is_null().to_pylist() for name in FILLED if name in batch.column_names}
            for place in range(batch.num_rows):
                wanted = _wanted_by({name: values[place] for name, values in keys.items()})
                lacks = any(values[place] for values in null.values())
                outcome = self.copies.find(wanted, read=False).outcome if lacks else JoinOutcome.WHOLE
                self.report.note(wanted.name, wanted.source, outcome)


def _filling(copies: Copies, strict: bool) -> _Filling:
    return _Filling(copies, JoinReport(copies.notes), strict)


def _joined(dataset: object, filling: _Filling) -> object:
    from datasets import Dataset, DatasetDict, IterableDataset, IterableDatasetDict

    if isinstance(dataset, DatasetDict | IterableDatasetDict):
        return type(dataset)({split: _joined(rows, filling) for split, rows in dataset.items()})
    if isinstance(dataset, IterableDataset):
        return _joined_stream(dataset, filling)
    if isinstance(dataset, Dataset):
        return _joined_table(dataset, filling)
    raise MedgroundError(
        f"a {type(dataset).__name__} cannot be joined. Give what datasets.load_dataset gives: a Dataset, an "
        "IterableDataset, or a dictionary of them by split."
    )


def _joined_stream(dataset: IterableDataset, filling: _Filling) -> IterableDataset:
    if dataset.features is None:
        return dataset.map(filling.example)
    _demand_keys(dataset.features)
    features = dataset.features.copy()
    if not set(FILLED) & set(features):
        features.update(features_of(FILLED))
    return dataset.map(filling.example, features=features)


def _joined_table(dataset: Dataset, filling: _Filling) -> Dataset:
    _demand_keys(dataset.column_names)
    if not set(FILLED) & set(dataset.column_names):
        for name, feature in features_of(FILLED).items():
            dataset = dataset.add_column(name, [None] * len(dataset), feature=feature)
    filling.look_through(dataset)
    return dataset.with_transform(filling.batch)


def _demand_keys(columns: Collection[str]) -> None:
    """MedgroundError for rows that do not say which question they are about."""
    lacking = [name for name in ("source", "finding") if name not in columns]
    lacking += [] if set(CHECKED_BY) & set(columns) else [" or ".join(CHECKED_BY)]
    if lacking:
        raise MedgroundError(
            f"rows without the column {' and '.join(lacking)} cannot be joined. Keep these columns; of the benchmark, "
            "the configs direct, reason, questions and verdicts have them."
        )


def _wanted_by(row: Mapping[str, object]) -> Wanted:
    """What a row says of its question; it is called by its case id, or as its case id would be."""
    source, finding, index, digest, case, question, lvlm, mode = (row.get(name) for name in KEYS)
    asked = f"@{lvlm}:{mode}" if lvlm else ""
    name = case or f"{question or f'{source}, release_index {index}'}{asked}"
    return Wanted(
        str(name),
        str(source),
        None if finding is None else str(finding),
        index if isinstance(index, int) else None,
        None if digest is None else str(digest),
    )


def _lacked(row: Mapping[str, object]) -> list[str]:
    return [name for name in (*FILLED, "finding") if name in row and row[name] is None]


def _told_of(question: Question) -> dict[str, object]:
    """As `datasets` has it: lists."""
    told = told_of(question) | {"finding": question.finding}
    return told | {"boxes": [list(box.xyxy) for box in question.boxes]}
