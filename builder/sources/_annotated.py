"""From what experts annotated to questions: boxes of a finding together, checked against the picture, in native pixels.

All these questions are answered yes. The paper keeps samples with abnormalities alone, and so does the authors' code;
a "no" has no box, so the causal filter, which edits boxes, has nothing to say about it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from builder.ledger import Entry, Fault, Ledger
from builder.sources import SourceQuestion
from builder.sources._pictures import PictureFiles
from builder.sources._tables import Corners
from medground_bench.core.case_ids import finding_slug
from medground_bench.core.errors import BadPicture
from medground_bench.core.types import Answer, Box, Frame, Question

BEYOND_PX = 1.0
"""How far a box may reach beyond its picture without a word; the authors round to whole pixels."""


@dataclass(slots=True)
class Annotated:
    """A finding in a picture, as a source's files have it.

    row       where it stands first
    position  in the authors' order of questions; None where that is not known
    corners   of its boxes, x0 < x1 and y0 < y1, with their rows
    relative  whether they are shares of the picture's sides instead of native pixels
    denied    whether it is only said not to be there: the authors ask about it, here it is no question
    """

    image_id: str
    finding: str
    row: int
    position: int | None = None
    patient_id: str | None = None
    corners: list[tuple[int, Corners]] = field(default_factory=list)
    relative: bool = False
    denied: bool = False

    @property
    def identity(self) -> tuple[str, str]:
        """What makes it one question: picture and finding, as question ids spell it."""
        return self.image_id, finding_slug(self.finding)


@dataclass(frozen=True, slots=True)
class Copy:
    """What questions are made with: the source's name, that of its table, its pictures and its ledger."""

    source: str
    table: str
    pictures: PictureFiles
    ledger: Ledger


def asked(found: Iterable[Annotated]) -> Mapping[str, int]:
    """Finding -> how many the authors ask about, those that are denied too, sorted."""
    return dict(sorted(Counter(each.finding for each in found).items()))


def questions_of(found: Iterable[Annotated], copy: Copy) -> Iterator[SourceQuestion]:
    """The questions in the given order; what has no picture or no box in it goes to the ledger."""
    for each in _together((each for each in found if not each.denied), copy):
        frame = _frame(each, copy)
        boxes = () if frame is None else _boxes(each, frame, copy)
        if frame is not None and boxes:
            question = Question(copy.source, each.image_id, each.finding, Answer.YES, frame, boxes)
            yield SourceQuestion(question, patient_id=each.patient_id, release_index=each.position)


def of_first_pictures(questions: Iterable[SourceQuestion], pictures: int | None) -> Iterator[SourceQuestion]:
    """The questions about the first so many pictures; all for None. Those of a picture stand together."""
    seen: set[str] = set()
    for known in questions:
        seen.add(known.question.image_id)
        if pictures is not None and len(seen) > pictures:
            return
        yield known


def _together(found: Iterable[Annotated], copy: Copy) -> list[Annotated]:
    """A finding that the authors ask about twice in one picture is one question, with all its boxes.

    The findings of a picture stand together, pictures in the order in which they come first.
    """
    merged: dict[tuple[str, str], Annotated] = {}
    for each in found:
        first = merged.get(each.identity)
        if first is None:
            merged[each.identity] = each
            continue
        known = {corners for _row, corners in first.corners}
        more = [pair for pair in each.corners if pair[1] not in known]
        merged[each.identity] = replace(first, corners=[*first.corners, *more])
        words = (
            f"{each.finding} stands in row {first.row} for the same picture: one question, with all its boxes"
        )
        copy.ledger.note(Entry(copy.table, each.row, Fault.DUPLICATE, words))
    pictures = {image_id: place for place, (image_id, _slug) in reversed(list(enumerate(merged)))}
    return sorted(merged.values(), key=lambda each: pictures[each.image_id])


def _frame(each: Annotated, copy: Copy) -> Frame | None:
    path = copy.pictures.path_of(each.image_id)
    if not copy.pictures.is_there(each.image_id):
        fault, words = Fault.MISSING_PICTURE, f"{each.finding}: its picture is not in the copy"
    else:
        try:
            return copy.pictures.frame(each.image_id)
        except BadPicture as problem:
            fault, words = Fault.UNREADABLE_PICTURE, f"{each.finding}: its picture {problem}"
    copy.ledger.note(Entry(copy.table, each.row, fault, words, path.as_posix()))
    return None


def _boxes(each: Annotated, frame: Frame, copy: Copy) -> tuple[Box, ...]:
    """Native boxes cut to the picture, each once."""
    boxes: dict[Box, None] = {}
    for row, corners in each.corners:
        x0, y0, x1, y1 = _native(corners, frame) if each.relative else corners
        box = _cut((x0, y0, x1, y1), frame)
        beyond = max(-x0, -y0, x1 - frame.width, y1 - frame.height)
        if box is None or beyond > BEYOND_PX:
            what = (
                "lies outside its picture, left out"
                if box is None
                else "reaches beyond its picture, cut to it"
            )
            words = f"{each.finding}: a box {what} ({frame.width} x {frame.height} px)"
            copy.ledger.note(Entry(copy.table, row, Fault.BOX_OUTSIDE, words))
        if box in boxes:
            words = f"{each.finding}: the same box again"
            copy.ledger.note(Entry(copy.table, row, Fault.DUPLICATE, words))
        if box is not None:
            boxes[box] = None
    return tuple(boxes)


def _native(shares: Corners, frame: Frame) -> Corners:
    """To a thousandth of a pixel: a share is written in decimals, and a whole pixel shall come back as one."""
    x0, y0, x1, y1 = shares
    return (
        round(x0 * frame.width, 3),
        round(y0 * frame.height, 3),
        round(x1 * frame.width, 3),
        round(y1 * frame.height, 3),
    )


def _cut(corners: Corners, frame: Frame) -> Box | None:
    x0, y0 = max(0.0, corners[0]), max(0.0, corners[1])
    x1, y1 = min(float(frame.width), corners[2]), min(float(frame.height), corners[3])
    return Box(x0, y0, x1, y1, frame) if x0 < x1 and y0 < y1 else None
