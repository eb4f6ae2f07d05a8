"""A user's own copies of sources: which folder holds which, and the question there that a row of a benchmark means.

Sources are plug-ins of the kind `sources`, called by their names or by those of their parts. A row names its question
by finding and position in the authors' own list, where copy and row both know the position, else by finding and digest
of the picture. Either way the question is taken only when its picture in the copy has the row's digest. A row without a
digest is taken at its position from the very files that the authors had, and from no others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Protocol, TypeAlias

from medground_bench import plugins
from medground_bench.benchmark.join_report import JoinOutcome
from medground_bench.benchmark.picture_index import PictureIndex
from medground_bench.core.case_ids import finding_slug
from medground_bench.core.errors import BadPicture, SourceMissing, UnknownName
from medground_bench.core.progress import Progress, silently
from medground_bench.core.types import Picture, Question
from medground_bench.pictures import Levels, picture_digest
from medground_bench.storage.whole_files import sha256

Roots: TypeAlias = "Mapping[str, str | Path | Sequence[str | Path]]"
"""Source, or part of one -> the folder of the user's copy, or several."""

RELEASED_SPLIT = "test"


class _Asked(Protocol):
    @property
    def question(self) -> Question: ...

    @property
    def release_index(self) -> int | None: ...


class _Files(Protocol):
    @property
    def path_of(self) -> Callable[[str], Path]: ...


class _Counted(Protocol):
    def counts(self) -> Mapping[str, int]: ...


class _Source(Protocol):
    """What is used of a source of files."""

    name: str
    levels: Levels
    ledger: _Counted

    @property
    def files(self) -> _Files: ...

    def splits(self) -> tuple[str, ...]: ...

    def questions(self, split: str, limit: int | None) -> Iterator[_Asked]: ...

    def picture(self, question: Question) -> Picture: ...

    def asked(self, split: str) -> Mapping[str, int]: ...

    def expected(self, split: str) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a row says of its question.

    name          by which the row is told: its case id, its question id or its position
    finding       None in a row of the authors' release that knows its position alone
    image_sha256  None in a table without digests

    >>> Wanted("a", "vindr_cxr", "Nodule/Mass", release_index=7).slug
    'nodule-mass'
    """

    name: str
    source: str
    finding: str | None
    release_index: int | None = None
    image_sha256: str | None = None

    @property
    def slug(self) -> str | None:
        """The finding as ids spell it."""
        return None if self.finding is None else finding_slug(self.finding)


@dataclass(frozen=True, slots=True)
class FoundQuestion:
    """What became of a row, and its question in the copy where it was joined.

    >>> FoundQuestion(JoinOutcome.NO_COPY).question is None
    True
    """

    outcome: JoinOutcome
    question: Question | None = None


class Copies:
    """The copies that a user has, opened; nothing of them is written anywhere but to the index of their pictures.

    >>> Copies({}).find(Wanted("a case", "vindr_cxr", "mass", 7), read=True).outcome.name
    'NO_COPY'
    """

    def __init__(self, roots: Roots, progress: Progress = silently) -> None:
        self._roots = roots
        self._copies = {name: _opened(name, folders, progress) for name, folders in _by_source(roots).items()}
        self._progress = progress

    def __reduce__(self) -> tuple[type[Copies], tuple[Roots]]:
        """A process that works on the rows opens the copies itself."""
        return Copies, (self._roots,)

    def find(self, wanted: Wanted, *, read: bool) -> FoundQuestion:
        """The question of a row.

        read  False leaves a row `FOUND` whose picture would have to be decoded; where positions are not known, all
              pictures of the copy are decoded once all the same
        """
        copy = self._copies.get(wanted.source)
        if copy is None:
            return FoundQuestion(JoinOutcome.NO_COPY)
        if wanted.release_index is None and wanted.image_sha256 is None:
            return FoundQuestion(JoinOutcome.NO_KEY)
        candidates = copy.candidates(wanted)
        if not candidates:
            return FoundQuestion(JoinOutcome.NOT_IN_COPY)
        if wanted.image_sha256 is None:
            return copy.by_position_alone(candidates)
        return copy.by_picture(candidates, wanted.image_sha256, read=read)

    def picture(self, question: Question) -> Picture:
        """The native picture of a question that was found; questions about one picture in a row decode it once."""
        return self._copies[question.source].picture(question)

    def check(self, rows: Iterable[Wanted]) -> None:
        """Digest now, with progress, every picture that these rows need and whose digest is not known."""
        unknown: dict[tuple[str, str], Question] = {}
        for wanted in rows:
            found = self.find(wanted, read=False)
            if found.outcome is JoinOutcome.FOUND:
                for question in self._copies[wanted.source].candidates(wanted):
                    unknown[question.source, question.image_id] = question
        if unknown:
            with self._progress("check pictures", len(unknown), "pictures") as advance:
                for question in unknown.values():
                    self._copies[question.source].digest(question, read=True)
                    advance(1)
        self.keep()

    def keep(self) -> None:
        """Write the digests that are new."""
        for copy in self._copies.values():
            copy.index.write()

    def notes(self) -> list[str]:
        """What the copies could not give as their files have it, and which of their files are of another version."""
        return [note for copy in self._copies.values() for note in copy.notes()]


def told_apart(folders: Sequence[Path]) -> dict[str, list[Path]]:
    """Source -> those of the folders that hold something of it, by what is in them.

    SourceMissing for a folder that is not there or holds nothing of any source.

    >>> told_apart([])
    {}
    """
    found: dict[str, list[Path]] = {}
    for folder in folders:
        if not folder.is_dir():
            raise SourceMissing(f"{folder} is no folder. Check the path.")
        held = [name for name in _sources() if plugins.load("sources", name).holds(folder)]
        if not held:
            expected = "; ".join(
                f"{name}: {plugins.load('sources', name).terms.layout}" for name in _sources()
            )
            raise SourceMissing(f"{folder} holds nothing of any source. Expected in a folder: {expected}.")
        for name in held:
            found.setdefault(name, []).append(folder)
    return found


def _sources() -> dict[str, tuple[str, ...]]:
    """Every source of files with the names of its parts, which a user may have in folders of their own."""
    names = [plugin.name for plugin in plugins.available("sources")]
    of_files = [name for name in names if hasattr(plugins.load("sources", name), "parts")]
    return {name: plugins.literal("sources", name, "PARTS") or () for name in of_files}


def _by_source(roots: Roots) -> dict[str, tuple[Path, ...]]:
    """Source -> its folders, each once; UnknownName for a name that is neither a source nor a part of one."""
    sources = _sources() if roots else {}
    whole = {part: name for name, parts in sources.items() for part in (name, *parts)}
    folders: dict[str, dict[Path, None]] = {}
    for name, given in roots.items():
        if name not in whole:
            raise UnknownName("source", name, whole)
        places = [given] if isinstance(given, str | Path) else given
        folders.setdefault(whole[name], {}).update(
            dict.fromkeys(Path(place).expanduser() for place in places)
        )
    return {name: tuple(places) for name, places in folders.items()}


def _opened(name: str, folders: tuple[Path, ...], progress: Progress) -> _Copy:
    """A copy of a source; SourceMissing says which of its parts the folders lack."""
    kind = plugins.load("sources", name)
    parts = kind.parts(folders)
    lacking = [part.what for part in parts if part.needed and part.state == "missing"]
    if lacking:
        raise SourceMissing(
            f"{name}: {', '.join(map(str, folders)) or 'no folder'} lacks {' and '.join(lacking)}. It takes: "
            f"{kind.terms.agreement}, at {kind.terms.page}. Expected in a folder: {kind.terms.layout}."
        )
    others = tuple(f"{name}: {part.what}: {part.words}" for part in parts if part.state == "another version")
    return _Copy(kind(folders), folders, others, progress)


@dataclass(eq=False)
class _Copy:
    """One copy, with its questions by what rows name them by.

    others  its files of another version, a sentence each
    bad     files by their state that hold no picture
    last    the picture that was read last, with the state of its file
    """

    source: _Source
    folders: tuple[Path, ...]
    others: tuple[str, ...]
    progress: Progress
    bad: dict[str | None, BadPicture] = field(default_factory=dict)
    last: tuple[str | None, Picture] | None = None

    @cached_property
    def index(self) -> PictureIndex:
        """Beside the pictures."""
        code = plugins.source("sources", self.source.name)
        reader = f"{self.source.levels} {sha256(code.read_bytes()) if code else ''}"
        places = (self.source.files.path_of(each.question.image_id) for each in self._questions[:1])
        beside = (folder for place in places for folder in self.folders if place.is_relative_to(folder))
        return PictureIndex(next(beside, self.folders[0]), reader)

    def candidates(self, wanted: Wanted) -> Sequence[Question]:
        """The questions that a row may mean, before pictures are looked at."""
        if wanted.release_index is not None and self._by_position:
            there = self._by_position.get(wanted.release_index, ())
            return [each for each in there if wanted.slug in (None, finding_slug(each.finding))]
        return self._by_digest.get((wanted.image_sha256, wanted.slug), ())

    def by_position_alone(self, candidates: Sequence[Question]) -> FoundQuestion:
        """What a row without a digest means."""
        if not self._are_the_authors_files:
            return FoundQuestion(JoinOutcome.OTHER_FILES)
        if len(candidates) > 1:
            return FoundQuestion(JoinOutcome.SEVERAL)
        return FoundQuestion(JoinOutcome.JOINED, candidates[0])

    def by_picture(self, candidates: Sequence[Question], digest: str, *, read: bool) -> FoundQuestion:
        """That one of them whose picture has the digest."""
        seen = [self.digest(question, read=read) for question in candidates]
        for question, own in zip(candidates, seen, strict=True):
            if own == digest:
                return FoundQuestion(JoinOutcome.JOINED, question)
        if None in seen:
            return FoundQuestion(JoinOutcome.FOUND)
        unreadable = any(isinstance(own, BadPicture) for own in seen)
        return FoundQuestion(JoinOutcome.UNREADABLE if unreadable else JoinOutcome.OTHER_PICTURE)

    def digest(self, question: Question, *, read: bool) -> str | BadPicture | None:
        """Of a question's picture, or why it has none; None where it is not known and nothing may be read."""
        key = self.index.key(self.source.files.path_of(question.image_id))
        known = self.bad.get(key) or self.index.get(key)
        if known is not None or not read:
            return known
        try:
            made = picture_digest(self.picture(question))
        except BadPicture as problem:
            self.bad[key] = problem
            return problem
        self.index.keep(key, made)
        return made

    def picture(self, question: Question) -> Picture:
        """The native picture; that of the question before is still there."""
        key = self.index.key(self.source.files.path_of(question.image_id))
        if self.last is None or key is None or self.last[0] != key:
            picture = self.source.picture(question)
            picture.setflags(write=False)
            self.last = key, picture
        return self.last[1]

    def notes(self) -> list[str]:
        """What is to be told of it, a line each."""
        faults = [f"{fault} {count:,}" for fault, count in self.source.ledger.counts().items()]
        faults += [f"{len(self.bad):,} pictures that cannot be read"] if self.bad else []
        return [*self.others, *([f"{self.source.name}: {', '.join(faults)}"] if faults else [])]

    @cached_property
    def _questions(self) -> list[_Asked]:
        splits = self.source.splits()
        return [each for split in splits for each in self.source.questions(split, None)]

    @cached_property
    def _by_position(self) -> dict[int, list[Question]]:
        found: dict[int, list[Question]] = {}
        for each in self._questions:
            if each.release_index is not None:
                found.setdefault(each.release_index, []).append(each.question)
        return found

    @cached_property
    def _by_digest(self) -> dict[tuple[str | None, str | None], list[Question]]:
        """By picture and finding; every picture of the copy about which there is a question is digested for it."""
        found: dict[tuple[str | None, str | None], list[Question]] = {}
        with self.progress(f"digest pictures of {self.source.name}", len(self._questions), "questions") as on:
            for each in self._questions:
                digest = self.digest(each.question, read=True)
                if isinstance(digest, str):
                    found.setdefault((digest, finding_slug(each.question.finding)), []).append(each.question)
                on(1)
        self.index.write()
        return found

    @cached_property
    def _are_the_authors_files(self) -> bool:
        """Whether its positions are theirs."""
        return sum(self.source.asked(RELEASED_SPLIT).values()) == self.source.expected(RELEASED_SPLIT)
