"""All files of a fetch: tables first, then pictures by a few connections; a killed one goes on where it was.

What was checked once stands in a journal by the state of its file, so it is neither asked for nor read again.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue

from medground_bench.core.errors import MedgroundError
from medground_bench.core.progress import Progress, silently
from medground_bench.fetching.download import (
    Flaw,
    demand_space,
    download,
    drop,
    flaw_of,
    private_folder,
    put,
)
from medground_bench.fetching.remote import SUMS, Project, ProjectFile, WantedPicture
from medground_bench.fetching.server import NotThere, Server
from medground_bench.storage.journal import Journal, opened_journal
from medground_bench.storage.whole_files import fingerprint

CONNECTIONS = 3
GRACE_S = 1.0
"""For a connection to notice that the run is over; one that waits for the server is left behind."""

JOURNAL = ".medground-fetch.jsonl"


class BadDownload(MedgroundError):
    """Files that came, twice, as they should not be."""


@dataclass(frozen=True, slots=True, order=True)
class Unfit:
    """A file that is not there now, by its path, and why."""

    path: str
    words: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one picture: whether it was fetched now, and why it is not there."""

    new: bool = False
    unfit: Unfit | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a fetch did: how many files came now, how many were there before, and those that are not there now."""

    new: int
    before: int
    unfit: tuple[Unfit, ...]


@dataclass(slots=True)
class Fetch:
    """A fetch into a folder, which it holds; make it with `opened_fetch`."""

    server: Server
    root: Path
    journal: Journal
    alone: threading.Lock = field(default_factory=threading.Lock)
    sums: dict[Project, dict[str, str]] = field(default_factory=dict)

    def tables(self, files: Iterable[ProjectFile]) -> None:
        """Fetch files without which nothing goes on; BadDownload where one is not as published."""
        for file in files:
            if self._is_kept(file) or self._from_disk(file):
                continue
            flaw = self._fetched(file)
            if flaw:
                raise BadDownload(
                    f"{file.path} of {file.project} came twice, and {flaw.words}. Try later; if that does not help, "
                    "PhysioNet has another version than the one that the benchmark was made with."
                )

    def pictures(self, pictures: Sequence[WantedPicture], progress: Progress = silently) -> Fetched:
        """Fetch pictures, so many at once; one that does not come, or not as it should be, is told."""
        missing = [each for each in pictures if not self._is_kept(each.file, each)]
        for project in {each.file.project: None for each in missing}:
            self._listed(project)
        absent = [each.file.project for each in missing if not self._place(each.file).is_file()]
        demand_space(self.root, sum(project.picture_bytes for project in absent))
        outcomes = [
            self._picture(each) for each in missing[:1]
        ]  # alone: the server may ask who it is, and refuse
        with (
            progress("pictures", len(pictures), "picture") as advance,
            closing(self._each(missing[1:])) as others,
        ):
            advance(len(pictures) - len(missing[1:]))
            for outcome in others:
                outcomes.append(outcome)
                advance(1)
        new = sum(each.new for each in outcomes)
        unfit = sorted(each.unfit for each in outcomes if each.unfit)
        return Fetched(new, len(pictures) - new - len(unfit), tuple(unfit))

    def _each(self, pictures: Sequence[WantedPicture]) -> Generator[Outcome, None, None]:
        """What comes of pictures, by so many connections at once; the first error ends all."""
        todo, done = deque(pictures), SimpleQueue[Future[Outcome]]()

        def work() -> None:
            with suppress(IndexError):
                while True:
                    done.put(_tried(self._picture, todo.popleft()))

        started: list[threading.Thread] = []
        try:
            for _ in range(CONNECTIONS):
                thread = threading.Thread(target=work, daemon=True)
                thread.start()
                started.append(thread)
            for _ in pictures:
                yield done.get().result()
        except BaseException:
            todo.clear()
            self.server.pace.stop()
            raise
        finally:
            for each in started:
                each.join(GRACE_S)

    def _picture(self, picture: WantedPicture) -> Outcome:
        file = picture.file
        if self._from_disk(file, picture):
            return Outcome()
        try:
            flaw = self._fetched(file, picture)
        except NotThere:
            return Outcome(unfit=Unfit(str(file.place), "PhysioNet does not have it"))
        return Outcome(unfit=Unfit(str(file.place), flaw.words)) if flaw else Outcome(new=True)

    def _fetched(self, file: ProjectFile, picture: WantedPicture | None = None) -> Flaw | None:
        """Fetch a file, if need be twice, and put it in its place; what is wrong with it where it stays bad."""
        place = self._place(file)
        flaw = None
        for _ in range(2):
            part = download(self.server, file, place)
            flaw = flaw_of(part, self._sha256(file), picture)
            if flaw is None:
                put(part, place)
                self._keep(file, picture)
                return None
            drop(part)
            if not flaw.again:
                break
        return flaw

    def _from_disk(self, file: ProjectFile, picture: WantedPicture | None = None) -> bool:
        """Whether a file that was not fetched by us, or that has changed since, is there as it should be."""
        place = self._place(file)
        if not place.is_file() or flaw_of(place, self._sha256(file), picture):
            return False
        self._keep(file, picture)
        return True

    def _is_kept(self, file: ProjectFile, picture: WantedPicture | None = None) -> bool:
        place = self._place(file)
        return place.is_file() and self._key(file, picture) in self.journal.known

    def _keep(self, file: ProjectFile, picture: WantedPicture | None) -> None:
        with self.alone:
            self.journal.once(self._key(file, picture), dict)

    def _key(self, file: ProjectFile, picture: WantedPicture | None) -> str:
        state = self._place(file).stat()
        greys = sorted(picture.greys) if picture else []
        return fingerprint(
            place=str(file.place),
            size=state.st_size,
            changed=state.st_mtime_ns,
            sha256=file.sha256,
            greys=greys,
        )

    def _place(self, file: ProjectFile) -> Path:
        return self.root / file.place

    def _sha256(self, file: ProjectFile) -> str | None:
        return file.sha256 or self._listed(file.project).get(file.path)

    def _listed(self, project: Project) -> dict[str, str]:
        """Path -> checksum, as the project's own list has it; empty where it has none."""
        if project not in self.sums:
            file = ProjectFile(project, SUMS)
            place = self._place(file)
            try:
                if not place.is_file():
                    put(download(self.server, file, place), place)
                self.sums[project] = _sums_in(place)
            except NotThere:
                self.sums[project] = {}
        return self.sums[project]


def _tried(make: Callable[[WantedPicture], Outcome], picture: WantedPicture) -> Future[Outcome]:
    """What came of a picture, or the error, for whoever waits in another thread."""
    future: Future[Outcome] = Future()
    try:
        future.set_result(make(picture))
    except BaseException as error:  # noqa: BLE001  raised again where it is waited for
        future.set_exception(error)
    return future


def _sums_in(path: Path) -> dict[str, str]:
    """What `sha256sum` wrote: a digest and a path a line."""
    sums = {}
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            digest, _, name = line.strip().partition(" ")
            sums[name.strip().removeprefix("*").removeprefix("./")] = digest.lower()
    return sums


@contextmanager
def opened_fetch(server: Server, root: Path) -> Iterator[Fetch]:
    """A fetch into a folder that no other one holds, made for its user alone if it is not there."""
    private_folder(root)
    (root / JOURNAL).touch(mode=0o600)
    with closing(server), opened_journal(root / JOURNAL) as journal:
        yield Fetch(server, root, journal)
