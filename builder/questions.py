"""The questions of a source as rows: every picture is read once, ahead and by threads, and what is known is not read.

Where a source's pictures are files and may not be shown, all that a row needs of one is its digest. It is kept in the
store under the state of the file, so that a build that goes on decodes no picture again before its first question.
"""

from __future__ import annotations

import inspect
import os
from collections import deque
from collections.abc import Collection, Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Protocol, runtime_checkable

from builder.assemble import question_row
from builder.ledger import Entry, Fault
from builder.place import Place
from builder.sources import Source, SourceQuestion
from builder.sources._pictures import PictureFiles
from builder.store import Store
from medground_bench.benchmark.folder import DatasetFolder
from medground_bench.benchmark.rows import ANSWERS, QUESTIONS, QuestionRow
from medground_bench.core.errors import BadPicture, MedgroundError, SourceMissing, one_line
from medground_bench.core.progress import Progress
from medground_bench.core.types import Question, Track
from medground_bench.pictures import picture_digest, stored_png
from medground_bench.pictures.reader_code import reader_code
from medground_bench.storage.whole_files import fingerprint, sha256

AHEAD = 32
"""Pictures that are read before they are needed; of each a digest is left, and its PNG where it may be shown."""

KEPT_AT_ONCE = 128
"""Digests that become one shard of the store; a kill loses fewer."""

WORDS = "a picture has a good header and cannot be read; its questions are left out"
Known = tuple[SourceQuestion, QuestionRow]


class OtherQuestions(MedgroundError):
    """A folder whose other tracks belong to another set of questions."""


@runtime_checkable
class OfPictureFiles(Protocol):
    """A source whose pictures are files of a user's copy."""

    @property
    def files(self) -> PictureFiles:
        """Of its pictures, by their ids."""
        ...


def question_rows(
    source: Source, limit: int | None, place: Place | None, progress: Progress
) -> dict[str, list[Known]]:
    """Split -> what is known of each of its questions, with its row; nothing is written but digests.

    A question whose picture cannot be read is left out, and the source's ledger says so.

    limit  at most so many pictures, None for all
    place  the store in which digests are kept; None keeps none
    """
    listed = {split: _by_picture(source, split, limit) for split in source.splits()}
    rows: dict[str, list[Known]] = {split: [] for split in listed}
    reader = _Reader(source, _Digests.of(source, place))
    with progress(source.name, sum(map(len, listed.values())), "pictures") as advance:
        for split, groups in listed.items():
            with closing(reader.read(groups)) as read:
                for group, seen in read:
                    if isinstance(seen, BadPicture):
                        told = one_line(seen)
                        source.ledger.note(Entry(source.name, None, Fault.UNREADABLE_PICTURE, WORDS, told))
                    else:
                        rows[split] += [
                            (known, question_row(known, seen.content, seen.digest, source.levels))
                            for known in group
                        ]
                    advance(1)
    return rows


def demand_same_questions(
    folder: DatasetFolder, source: str, rows: Mapping[str, Sequence[QuestionRow]], tracks: Collection[Track]
) -> None:
    """OtherQuestions where these rows would leave answers of other tracks without their questions.

    SourceMissing where there is none at all, or none of a split of which the folder has some.

    tracks  those that will be built again, so that they may be of other questions
    """
    for split, own in rows.items():
        before = {row.question_id: row for row in folder.read(QUESTIONS, split, source)}
        if before and not own:
            raise SourceMissing(
                f"{source} gives no question of the split {split}, of which {folder.path} has {len(before)}; they are "
                "left as they are. Check that its pictures can be reached, or give another --out."
            )
        after = {row.question_id: row for row in own}
        others = {row.track for row in folder.read(ANSWERS, split) if row.source == source} - set(tracks)
        if others and before != after:
            missing, new = len(before.keys() - after.keys()), len(after.keys() - before.keys())
            differ = sum(before[each] != after[each] for each in before.keys() & after.keys())
            raise OtherQuestions(
                f"{folder.path} holds tracks over another set of {source} questions: "
                f"{', '.join(map(str, sorted(others)))}. Of its {len(before)} in the split {split}, {missing} are "
                f"missing now and {differ} differ; {new} are new. Give the same copy, whole, and the same limit, build "
                "these tracks again at the same time, or give another --out."
            )
    if not any(rows.values()):
        raise SourceMissing(
            f"{source} gives no question at all, so nothing was written. Check that its pictures can be reached."
        )


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a row says of a picture; the content is its PNG where it may be shown."""

    digest: str
    content: bytes | None = None


@dataclass(slots=True)
class _Digests:
    """Digests of pictures that were read before, kept in the store."""

    files: PictureFiles
    levels: str
    store: Store
    new: dict[str, bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, source: Source, place: Place | None) -> _Digests | None:
        """None where they would be of no use: of pictures that are drawn, or that are needed themselves."""
        if place is None or source.may_show or not isinstance(source, OfPictureFiles):
            return None
        return cls(source.files, source.levels.value, Store(place / "pictures"))

    def key(self, question: Question) -> str | None:
        """Of the file as it is now, and of all that makes greys of it; None where there is no file.

        The time of the last change of its entry is among it, because a file that is copied again may keep its size and
        the time of its content.
        """
        path = self.files.path_of(question.image_id).absolute()
        try:
            state = path.stat()
        except OSError:
            return None
        return fingerprint(
            path=str(path),
            state=[state.st_size, state.st_mtime_ns, state.st_ctime_ns],
            native=[question.native.width, question.native.height],
            levels=self.levels,
            code=_code(),
        )

    def get(self, key: str | None) -> _Seen | None:
        """What is known of a file."""
        digest = None if key is None else self.store.get(key)
        return None if digest is None else _Seen(digest.decode("ascii"))

    def keep(self, key: str | None, seen: _Seen) -> None:
        """Remember it; some at once are written."""
        if key is not None:
            self.new[key] = seen.digest.encode("ascii")
        if len(self.new) >= KEPT_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Write what is not yet written."""
        if self.new:
            self.store.put(self.new)
            self.new = {}


@dataclass(frozen=True, slots=True)
class _Waiting:
    """The questions of a picture, the key of its file where its digest is to be kept, and what is or will be seen."""

    group: list[SourceQuestion]
    key: str | None
    seen: _Seen | Future[_Seen | BadPicture]


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the pictures of a source."""

    source: Source
    digests: _Digests | None

    def read(
        self, groups: Sequence[list[SourceQuestion]]
    ) -> Generator[tuple[list[SourceQuestion], _Seen | BadPicture], None, None]:
        """Every group, of one picture each, with what is seen of it; in order."""
        ahead: deque[_Waiting] = deque()
        with ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="pictures") as readers:
            try:
                for group in groups:
                    ahead.append(self._begun(group, readers))
                    if len(ahead) > AHEAD:
                        yield self._done(ahead.popleft())
                while ahead:
                    yield self._done(ahead.popleft())
            finally:
                for each in ahead:
                    if isinstance(each.seen, Future):
                        each.seen.cancel()
                if self.digests is not None:
                    self.digests.flush()

    def _begun(self, group: list[SourceQuestion], readers: ThreadPoolExecutor) -> _Waiting:
        question, key = group[0].question, None
        if self.digests is not None:
            key = self.digests.key(question)
            known = self.digests.get(key)
            if known is not None:
                return _Waiting(group, None, known)
        return _Waiting(group, key, readers.submit(self._see, question))

    def _done(self, one: _Waiting) -> tuple[list[SourceQuestion], _Seen | BadPicture]:
        seen = one.seen.result() if isinstance(one.seen, Future) else one.seen
        if self.digests is not None and isinstance(seen, _Seen):
            self.digests.keep(one.key, seen)
        return one.group, seen

    def _see(self, question: Question) -> _Seen | BadPicture:
        try:
            picture = self.source.picture(question)
        except BadPicture as problem:
            return problem
        return _Seen(picture_digest(picture), stored_png.encode(picture) if self.source.may_show else None)


def _by_picture(source: Source, split: str, limit: int | None) -> list[list[SourceQuestion]]:
    groups: dict[str, list[SourceQuestion]] = {}
    for known in source.questions(split, limit):
        groups.setdefault(known.question.image_id, []).append(known)
    return list(groups.values())


@cache
def _code() -> str:
    """Of what makes greys of a file."""
    return fingerprint(
        pictures=reader_code(), files=sha256(Path(str(inspect.getsourcefile(PictureFiles))).read_bytes())
    )
