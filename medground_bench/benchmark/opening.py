"""Open a benchmark, a folder or a dataset of the hub, and read its tracks, cases and references."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from medground_bench.benchmark.folder import DatasetFolder
from medground_bench.benchmark.rows import (
    CASES,
    QUESTIONS,
    SPLITS,
    VERDICTS,
    CaseRow,
    ContentColumns,
    Table,
    TrackColumns,
    TruthColumns,
)
from medground_bench.core.errors import SourceMissing, UnknownName
from medground_bench.core.types import Case, Mode, Reference, Track
from medground_bench.storage import hub
from medground_bench.storage.whole_files import fingerprint


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A benchmark on this machine; `revision` is the hub's commit, None for a folder.

    >>> Benchmark(Path("medground-bench")).dataset.path.name
    'medground-bench'
    """

    folder: Path
    revision: str | None = None

    @classmethod
    def open(cls, location: str | Path) -> Benchmark:
        """The benchmark in a folder, or that of a hub id: `org/medground-bench@<commit>`, without a commit the newest.

        Whichever it was, `revision` says the commit that was opened.
        """
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
        return cls(folder.resolve(), revision)

    @property
    def dataset(self) -> DatasetFolder:
        """Its folder, table by table."""
        return DatasetFolder(self.folder)

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
        rows = [
            row for table in _tables(mode) for row in self.dataset.columns(table, split, TruthColumns, where)
        ]
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
        rows = [row for table in _tables(mode) for row in self.dataset.columns(table, split, CaseRow, where)]
        return (row.case() for row in sorted(rows, key=lambda row: row.case_id))

    def content_digest(self, track: Track, split: str = "test") -> str:
        """Changes when any case of a track changes, or the boxes it is scored against."""
        self._demand(track.lvlm, track.mode, split)
        table, where = CASES[track.mode], _where(track.lvlm, None)
        rows = sorted(self.dataset.columns(table, split, ContentColumns, where), key=lambda row: row.case_id)
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
