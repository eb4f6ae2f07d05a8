"""Open a benchmark, a folder or a dataset of the hub, and read its tracks, cases and references."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from medground_bench.benchmark.copies import Copies, Roots
from medground_bench.benchmark.folder import DatasetFolder
from medground_bench.benchmark.joined_rows import joined_rows, wanted_by
from medground_bench.benchmark.parquet import Columns
from medground_bench.benchmark.rows import (
    CASES,
    QUESTIONS,
    SPLITS,
    VERDICTS,
    AnyRow,
    CaseRow,
    ContentColumns,
    KeyColumns,
    QuestionRow,
    Table,
    TrackColumns,
    TruthColumns,
    stored_picture,
)
from medground_bench.core.errors import SourceMissing, UnknownName
from medground_bench.core.progress import Progress, silently
from medground_bench.core.types import Case, Mode, Picture, Reference, Track
from medground_bench.storage import hub
from medground_bench.storage.whole_files import fingerprint


def open_benchmark(
    location: str | Path, roots: Roots | None = None, *, progress: Progress = silently
) -> Benchmark:
    """The benchmark in a folder, or that of a hub id: `org/medground-bench@<commit>`, without a commit the newest.

    Whichever it was, its `revision` says the commit that was opened.

    roots     source, or part of one -> the folder of the user's own copy, or several; what a published benchmark may
              not show of a source, boxes and pictures, is then read from there, each picture verified by its digest
    progress  for that: the digests of a copy are made once and kept beside it

    >>> open_benchmark("no/such/folder/here")
    Traceback (most recent call last):
    medground_bench.core.errors.SourceMissing: no/such/folder/here: there is no such folder. Check the path, or ...
    """
    copies = Copies(roots, progress) if roots else None
    folder, revision = Path(location), None
    if not folder.is_dir():
        repository = _hub_id(str(location))
        folder, revision = hub.fetched(repository), repository.commit
    if not DatasetFolder(folder).is_one():
        raise SourceMissing(
            f"{folder.resolve()} is no benchmark: it has neither of the folders {QUESTIONS.name} and "
            f"{VERDICTS.name}. Give the folder that a build wrote (usually called medground-bench) or a hub id "
            "such as org/medground-bench."
        )
    return Benchmark(folder.resolve(), revision, copies)


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A benchmark on this machine, as `open_benchmark` opens it.

    revision  the hub's commit, None for a folder
    copies    the user's own of its sources

    >>> Benchmark(Path("medground-bench")).dataset.path.name
    'medground-bench'
    """

    folder: Path
    revision: str | None = None
    copies: Copies | None = None

    @property
    def dataset(self) -> DatasetFolder:
        """Its folder, table by table."""
        return DatasetFolder(self.folder)

    def columns(
        self, table: Table[AnyRow], split: str, kind: type[Columns], where: Mapping[str, str] | None = None
    ) -> list[Columns]:
        """A few columns of a table's rows, what they lack filled in from the user's copies, where there are any.

        raises  SourceMissing, with a table, when there are and a row that lacks something cannot be joined
        """
        rows = list(self.dataset.columns(table, split, kind, where))
        if self.copies is None:
            return rows
        keys = list(self.dataset.columns(table, split, KeyColumns, where))
        return joined_rows(rows, keys, self.copies)

    def picture(self, row: CaseRow | QuestionRow, name: str) -> Picture:
        """The native picture of a row, which an error calls by `name`; of a user's copy where the row has none."""
        if row.image is not None or self.copies is None:
            return stored_picture(row, name)
        found = self.copies.find(wanted_by(row, name), read=True)
        if found.question is None:
            raise SourceMissing(f"{name}: {found.outcome.value}.")
        return self.copies.picture(found.question)

    def tracks(self, split: str = "test") -> Mapping[Track, int]:
        """Every track that was asked, sorted, and how many retained cases it has; it can have none."""
        asked = {row.track: 0 for row in self.dataset.columns(VERDICTS, split, TrackColumns)}
        for table in CASES.values():
            for row in self.dataset.columns(table, split, TrackColumns):
                asked[row.track] = asked.get(row.track, 0) + 1
        return dict(sorted(asked.items()))

    def references(
        self,
        *,
        lvlm: str | None = None,
        mode: Mode | None = None,
        source: str | None = None,
        split: str = "test",
    ) -> tuple[Reference, ...]:
        """What the scorer knows of the retained cases, by case id; None takes all."""
        self._demand(lvlm, mode, split)
        where = _where(lvlm, source)
        rows = [row for table in _tables(mode) for row in self.columns(table, split, TruthColumns, where)]
        return tuple(row.reference() for row in sorted(rows, key=lambda row: row.case_id))

    def cases(
        self,
        *,
        lvlm: str | None = None,
        mode: Mode | None = None,
        source: str | None = None,
        split: str = "test",
    ) -> Iterator[Case]:
        """The retained cases as an attribution method sees them, by case id, pictures in the study frame."""
        self._demand(lvlm, mode, split)
        where = _where(lvlm, source)
        rows = [row for table in _tables(mode) for row in self.columns(table, split, CaseRow, where)]
        return (
            row.case(self.picture(row, f"case {row.case_id}"))
            for row in sorted(rows, key=lambda row: row.case_id)
        )

    def content_digest(self, track: Track, split: str = "test") -> str:
        """Changes when any case of a track changes, or the boxes it is scored against."""
        self._demand(track.lvlm, track.mode, split)
        table, where = CASES[track.mode], _where(track.lvlm, None)
        rows = sorted(self.columns(table, split, ContentColumns, where), key=lambda row: row.case_id)
        return fingerprint(cases=[asdict(row) for row in rows])

    def _demand(self, lvlm: str | None, mode: Mode | None, split: str) -> None:
        if split not in SPLITS:
            raise UnknownName("split", split, SPLITS)
        tracks = self.tracks(split)
        if lvlm is not None and not tracks:
            raise SourceMissing(
                f"{self.folder} holds no answers yet in its split {split}. Add {lvlm} with the "
                "builder's command add-lvlm."
            )
        if lvlm is not None and lvlm not in {track.lvlm for track in tracks}:
            raise UnknownName(f"LVLM of {self.folder.name}", lvlm, {track.lvlm for track in tracks})
        if lvlm is not None and mode is not None and Track(lvlm, mode) not in tracks:
            raise SourceMissing(f"{self.folder} has no track of {lvlm} in mode {mode}, split {split}.")


def _tables(mode: Mode | None) -> list[Table[CaseRow]]:
    return [CASES[mode]] if mode else list(CASES.values())


def _where(lvlm: str | None, source: str | None) -> dict[str, str]:
    return {name: value for name, value in (("lvlm", lvlm), ("source", source)) if value}


def _hub_id(location: str) -> hub.Repository:
    """A hub id at its commit, the newest where it names none."""
    repository = hub.Repository.parse(location, kind="dataset")
    if repository is None:
        raise SourceMissing(
            f"{location}: there is no such folder. Check the path, or give a hub id such as org/name."
        )
    return repository if repository.commit else hub.newest(repository)
