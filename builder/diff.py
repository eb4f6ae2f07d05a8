"""Two builds of a benchmark: which retained cases the new one gained and lost, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum

from medground_bench.benchmark.folder import DatasetFolder
from medground_bench.benchmark.rows import QUESTIONS, SPLITS, VERDICTS, VerdictRow, is_released
from medground_bench.core.causal_filter import Edit
from medground_bench.core.types import Group

FIELDS = ("original", *(edit.value for edit in Edit))


class WhyChanged(StrEnum):
    """The first of these that holds."""

    QUESTION = "question is new, or gone"
    TRACK = "track is new, or gone"
    NO_VERDICT = "no verdict on the other side"
    RELEASE = "one side is the authors' release"
    WEIGHTS = "other weights answered otherwise"
    EDITOR = "edits of another editor were answered otherwise"
    ANSWER = "an answer changed"
    DECIDED = "same answers, decided otherwise"


@dataclass(frozen=True, slots=True)
class Change:
    """A retained case that is only in one of two builds.

    case      question and track; a released case goes by its position
    gained    it is in the new one
    before    group and reason in the old build, None without a verdict; after, in the new one
    answers   those that changed, such as `foreground: no -> yes`; one that was not asked is -
    """

    split: str
    case: str
    gained: bool
    why: WhyChanged
    before: str | None
    after: str | None
    answers: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        """Plain values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Side:
    """One split of one build: its questions, its tracks, and its verdicts by case."""

    questions: frozenset[str]
    tracks: frozenset[str]
    verdicts: Mapping[str, VerdictRow]

    @classmethod
    def of(cls, folder: DatasetFolder, split: str) -> _Side:
        rows = folder.read(VERDICTS, split)
        released = frozenset(_question(row) for row in rows if row.question_id is None)
        asked = frozenset(row.question_id for row in folder.read(QUESTIONS, split))
        verdicts = {f"{_question(row)}@{row.track}": row for row in rows}
        return cls(asked | released, frozenset(str(row.track) for row in rows), verdicts)

    def retained(self) -> set[str]:
        return {case for case, row in self.verdicts.items() if row.group == Group.GROUNDED}


def changes(old: DatasetFolder, new: DatasetFolder) -> list[Change]:
    """Every retained case that only one of them has, by split and case."""
    for folder in (old, new):
        folder.demand()
    return [change for split in SPLITS for change in _of_split(old, new, split)]


def _of_split(old: DatasetFolder, new: DatasetFolder, split: str) -> Iterator[Change]:
    before, after = _Side.of(old, split), _Side.of(new, split)
    for case in sorted(before.retained() ^ after.retained()):
        first, second = before.verdicts.get(case), after.verdicts.get(case)
        row = first or second
        assert row is not None
        changed = tuple(_changed(first, second)) if first and second else ()
        yield Change(
            split=split,
            case=case,
            gained=case in after.retained(),
            why=_why(row, (before, after), changed, first, second),
            before=_said(first),
            after=_said(second),
            answers=changed,
        )


def _why(
    row: VerdictRow,
    sides: tuple[_Side, _Side],
    changed: tuple[str, ...],
    first: VerdictRow | None,
    second: VerdictRow | None,
) -> WhyChanged:
    if first is None or second is None:
        if not all(_question(row) in side.questions for side in sides):
            return WhyChanged.QUESTION
        return (
            WhyChanged.NO_VERDICT
            if all(str(row.track) in side.tracks for side in sides)
            else WhyChanged.TRACK
        )
    if not changed:
        return WhyChanged.DECIDED
    if is_released(first) != is_released(second):
        return WhyChanged.RELEASE
    if first.lvlm_revision != second.lvlm_revision:
        return WhyChanged.WEIGHTS
    edited_otherwise = first.editor != second.editor and first.original == second.original
    return WhyChanged.EDITOR if edited_otherwise else WhyChanged.ANSWER


def _changed(first: VerdictRow, second: VerdictRow) -> Iterator[str]:
    for name in FIELDS:
        was, now = getattr(first, name), getattr(second, name)
        if was != now:
            yield f"{name}: {was or '-'} -> {now or '-'}"


def _question(row: VerdictRow) -> str:
    return row.question_id or f"{row.source}#{row.release_index}"


def _said(row: VerdictRow | None) -> str | None:
    if row is None:
        return None
    return row.group if row.reason is None else f"{row.group}: {row.reason}"
