"""Untrusted bytes -> Submission | Problems: the only parser of prediction files. Pure, bounded in time and memory.

A file is UTF-8 JSON lines, plain or gzip, one case a line. Nothing is repaired and nothing is skipped: every problem is
reported with its line, its case and a stable code, the first 50 in full, all of them counted. The layers below it are
`strict_json` (bytes -> objects), `foreign_frames` (are these native pixels?) and `problems` (codes and their report).
Whatever the bytes, the result is one of the two types and never another exception.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from medground_bench.core.case_ids import case_parts
from medground_bench.core.errors import SHOWN
from medground_bench.core.types import Box, Frame, Prediction, Reference, Track
from medground_bench.submission.foreign_frames import suspicion
from medground_bench.submission.foreign_frames.written_boxes import Quad, Written, is_relative
from medground_bench.submission.problems import Code, Problem, Problems, Refused, Report, kind, shown
from medground_bench.submission.strict_json import json_object, text_lines

__all__ = ["Code", "Problem", "Problems", "Submission", "read_submission"]

MAX_BOXES = 10
MAX_TOKENS = 4096
MAX_CONCEPT_CHARACTERS = 100
MAX_SECONDS = 1e6
LEAST_SIDE_PX = 1e-3
"""A box thinner than this has no area worth the name."""

SLACK_PX = 1e-2
"""Overshoot beyond the picture that is rounding of a scale, not a wrong frame; it is clipped."""

IF_ELSEWHERE = (
    "If yours are in another frame, convert them: from a grid of 0 to 1000 by width / 1000 and height / 1000, from the "
    "model's input by letterbox.to_native()."
)
SEE_FILE = "The problem of the whole file says what yours may be."
"""What to do about a box outside its picture: by itself, and where many of them told the frame."""

NO_LINE = (
    "no line, but the file has others of its track. "
    'Add a line for it; {"boxes": []} says that the method found nothing.'
)

KEYS = {"case_id", "boxes", "concept", "seconds", "tokens"}


@dataclass(frozen=True, slots=True)
class Submission:
    """A file without a problem.

    predictions  in file order, boxes in native frames
    tracks       those with at least one prediction, sorted by LVLM and mode
    missing      cases of these tracks that have no line and will score 0, sorted
    remark       what may be a mistake although it can be meant; None when nothing strikes

    >>> Submission(predictions=(), tracks=(), missing=("vindr/a/mass@medgemma:direct",)).missing
    ('vindr/a/mass@medgemma:direct',)
    """

    predictions: tuple[Prediction, ...]
    tracks: tuple[Track, ...]
    missing: tuple[str, ...]
    remark: str | None = None


def read_submission(
    upload: bytes, references: Iterable[Reference], *, whole_tracks: bool = True
) -> Submission | Problems:
    """Read a prediction file against the benchmark it answers.

    whole_tracks  a case missing from a track that the file touches is a problem (a ranked submission covers whole
                  tracks); False accepts it and lists it in `Submission.missing`

    >>> from medground_bench.core.types import Mode
    >>> native = Frame.native(width=2000, height=1000)
    >>> truth = Reference("c", "vindr", "a", "medgemma", Mode.DIRECT, "mass", native, (Box(0, 0, 9, 9, native),))
    >>> read_submission(b'{"case_id": "c", "boxes": [[10, 20, 110, 120]]}', [truth]).predictions[0].boxes[0].xyxy
    (10.0, 20.0, 110.0, 120.0)
    >>> [problem.code.value for problem in read_submission(b'{"case_id": "c"}', [truth]).shown]
    ['MISSING_KEY']
    """
    benchmark = _benchmark(references)
    report = Report()
    reader = _Reader(benchmark, report)
    with report.catching(None, None):
        for number, line in text_lines(upload):
            reader.read(number, line)
    missing = benchmark.missing(reader.first_line)
    for case in missing if whole_tracks else ():
        report.add(None, case, Code.MISSING_CASE, NO_LINE)
    suspected = suspicion(reader.written)
    for problem in suspected.problems:
        report.add(problem.line, problem.case_id, problem.code, problem.message)
    if report.counts:
        frame_known = any(problem.line is None for problem in suspected.problems)
        report.hint(Code.BOX_OUTSIDE, SEE_FILE if frame_known else IF_ELSEWHERE)
        return report.problems()
    return Submission(
        tuple(reader.predictions), benchmark.tracks(reader.first_line), missing, suspected.remark
    )


@dataclass(frozen=True, slots=True)
class _Benchmark:
    cases: Mapping[str, Reference]
    by_track: Mapping[Track, tuple[str, ...]]
    by_image: Mapping[str, tuple[str, ...]]

    def tracks(self, given: Iterable[str]) -> tuple[Track, ...]:
        return tuple(sorted({self.cases[case].track for case in given}))

    def missing(self, given: Mapping[str, int]) -> tuple[str, ...]:
        wanted = (case for track in self.tracks(given) for case in self.by_track[track])
        return tuple(sorted(case for case in wanted if case not in given))

    def near(self, case: str) -> str:
        """A hint that stays cheap on a large benchmark: only cases of the same picture are compared."""
        same_image = self.by_image.get(_picture_of(case), ())
        near = get_close_matches(case[:300], same_image[:50], n=2, cutoff=0.6)
        if near:
            return f"Did you mean {' or '.join(near)}?"
        example = next(iter(self.cases), None)
        return f"A case id looks like {example}" if example else "This benchmark has no cases."


def _benchmark(references: Iterable[Reference]) -> _Benchmark:
    cases = {reference.case_id: reference for reference in references}
    by_track: dict[Track, list[str]] = defaultdict(list)
    by_image: dict[str, list[str]] = defaultdict(list)
    for case in sorted(cases):
        by_track[cases[case].track].append(case)
        by_image[_picture_of(case)].append(case)
    return _Benchmark(
        cases,
        {track: tuple(members) for track, members in by_track.items()},
        {image: tuple(members) for image, members in by_image.items()},
    )


@dataclass(slots=True)
class _Reader:
    benchmark: _Benchmark
    report: Report
    predictions: list[Prediction] = field(default_factory=list)
    first_line: dict[str, int] = field(default_factory=dict)
    written: list[Written] = field(default_factory=list)

    def read(self, line_number: int, line: str) -> None:
        with self.report.catching(line_number, None):
            entry = json_object(line)
            reference = self._reference(_case_id(entry), line_number)
            before = self.report.counts.total()
            prediction = self._prediction(line_number, reference, entry)
            if self.report.counts.total() == before:
                self.predictions.append(prediction)

    def _reference(self, case: str, line_number: int) -> Reference:
        reference = self.benchmark.cases.get(case)
        if reference is None:
            hint = self.benchmark.near(case) if self.report.counts[Code.UNKNOWN_CASE] < SHOWN else ""
            message = f"this benchmark has no such case. {hint}"
            raise Refused(Code.UNKNOWN_CASE, message, shown(case))
        first = self.first_line.setdefault(case, line_number)
        if first != line_number:
            message = f"the case stands on line {first} already. Keep one line a case."
            raise Refused(Code.DUPLICATE_CASE, message, case)
        return reference

    def _prediction(self, line_number: int, reference: Reference, entry: Mapping[str, object]) -> Prediction:
        case = reference.case_id
        boxes: tuple[Box, ...] = ()
        concept = seconds = tokens = None
        with self.report.catching(line_number, case):
            _demand_known_keys(entry)
        with self.report.catching(line_number, case):
            boxes = self._boxes(line_number, reference, entry)
        with self.report.catching(line_number, case):
            concept = _concept(entry)
        with self.report.catching(line_number, case):
            seconds = _seconds(entry)
        with self.report.catching(line_number, case):
            tokens = _tokens(entry)
        return Prediction(case, boxes, concept, seconds, tokens)

    def _boxes(self, line_number: int, reference: Reference, entry: Mapping[str, object]) -> tuple[Box, ...]:
        if "boxes" not in entry:
            raise Refused(Code.MISSING_KEY, 'there is no "boxes". An empty list says that nothing was found.')
        given = entry["boxes"]
        if not isinstance(given, list):
            raise Refused(Code.WRONG_TYPE, f"boxes is {kind(given)}, not a list of [x0, y0, x1, y1].")
        if len(given) > MAX_BOXES:
            message = f"{len(given)} boxes; at most {MAX_BOXES} a case count. Keep the strongest."
            raise Refused(Code.TOO_MANY_BOXES, message)
        quads: dict[int, Quad] = {}
        boxes: list[Box] = []
        for number, box in enumerate(given, start=1):
            with self.report.catching(line_number, reference.case_id, f"box {number}: "):
                quads[number] = _numbers(box)
                corners = _corners(quads[number])
                if not is_relative(corners):
                    boxes.append(_inside(corners, reference.native))
        if quads:
            self.written.append(_written(line_number, reference, quads))
        return tuple(boxes)


def _written(line_number: int, reference: Reference, quads: Mapping[int, Quad]) -> Written:
    """What is known of the case without its expert boxes."""
    return Written(
        line_number,
        reference.case_id,
        str(reference.track),
        reference.source,
        reference.finding,
        reference.image_id,
        reference.native,
        tuple(quads),
        tuple(quads.values()),
    )


def _case_id(entry: Mapping[str, object]) -> str:
    if "case_id" not in entry:
        raise Refused(Code.MISSING_KEY, 'there is no "case_id".')
    case = entry["case_id"]
    if not isinstance(case, str):
        raise Refused(Code.WRONG_TYPE, f"case_id is {kind(case)}, not text.")
    return case


def _demand_known_keys(entry: Mapping[str, object]) -> None:
    unknown = sorted(entry.keys() - KEYS)
    if unknown:
        names = ", ".join(shown(key) for key in unknown[:5])
        keys = "key" if len(unknown) == 1 else "keys"
        message = f"{len(unknown)} unknown {keys} ({names}). Known: {', '.join(sorted(KEYS))}."
        raise Refused(Code.UNKNOWN_KEY, message)


def _numbers(box: object) -> Quad:
    if not isinstance(box, list):
        raise Refused(Code.WRONG_TYPE, f"{kind(box)}, not a list [x0, y0, x1, y1].")
    if len(box) != 4:
        raise Refused(Code.BOX_SHAPE, f"{len(box)} numbers, not the 4 of [x0, y0, x1, y1].")
    x0, y0, x1, y1 = (_number(name, value) for name, value in zip(("x0", "y0", "x1", "y1"), box, strict=True))
    return x0, y0, x1, y1


def _corners(box: Quad) -> Quad:
    x0, y0, x1, y1 = box
    for low, high, axis in ((x0, x1, "x"), (y0, y1, "y")):
        if high < low:
            message = f"{axis}1 = {high:.10g} is less than {axis}0 = {low:.10g}."
            hint = "Boxes are [x0, y0, x1, y1], not [x, y, width, height]."
            raise Refused(Code.BOX_ORDER, f"{message} {hint}")
        if high - low < LEAST_SIDE_PX:
            message = f"empty: {axis}0 = {low:.10g} and {axis}1 = {high:.10g}. Boxes are half-open."
            raise Refused(Code.BOX_EMPTY, message)
    return box


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refused(Code.WRONG_TYPE, f"{name} is {kind(value)}, not a number.")
    if not math.isfinite(value):
        raise Refused(Code.NOT_FINITE, f"{name} is {value}, not a finite number.")
    return float(value)


def _inside(corners: Quad, native: Frame) -> Box:
    x0, y0, x1, y1 = corners
    for axis, low, high, size, side in (
        ("x", x0, x1, native.width, "width"),
        ("y", y0, y1, native.height, "height"),
    ):
        where = None
        if high > size + SLACK_PX:
            where = f"{axis}1 = {high:.10g} is beyond the image {side} {size} px."
        elif low < -SLACK_PX or low > size - LEAST_SIDE_PX or high < LEAST_SIDE_PX:
            where = f"{axis}0 = {low:.10g} is outside the image, whose {side} is {size} px."
        if where:
            raise Refused(Code.BOX_OUTSIDE, f"{where} Boxes are native pixels, half-open.")
    return Box(
        max(x0, 0.0), max(y0, 0.0), min(x1, float(native.width)), min(y1, float(native.height)), native
    )


def _concept(entry: Mapping[str, object]) -> str | None:
    if "concept" not in entry:
        return None
    concept = entry["concept"]
    if not isinstance(concept, str):
        raise Refused(Code.WRONG_TYPE, f"concept is {kind(concept)}, not text. Leave it out instead.")
    if not 0 < len(concept) <= MAX_CONCEPT_CHARACTERS or not concept.isprintable():
        message = f"concept is not 1 to {MAX_CONCEPT_CHARACTERS} printable characters: {shown(concept)}."
        raise Refused(Code.BAD_CONCEPT, message)
    return concept


def _seconds(entry: Mapping[str, object]) -> float | None:
    if "seconds" not in entry:
        return None
    seconds = _number("seconds", entry["seconds"])
    if not 0 <= seconds <= MAX_SECONDS:
        raise Refused(Code.BAD_SECONDS, f"seconds = {seconds:.10g} is not within 0 and {MAX_SECONDS:.10g}.")
    return seconds


def _tokens(entry: Mapping[str, object]) -> tuple[float, ...] | None:
    if "tokens" not in entry:
        return None
    tokens = entry["tokens"]
    if not isinstance(tokens, list):
        raise Refused(Code.WRONG_TYPE, f"tokens is {kind(tokens)}, not a list of numbers.")
    if len(tokens) > MAX_TOKENS:
        raise Refused(Code.BAD_TOKENS, f"{len(tokens)} tokens; at most {MAX_TOKENS} are read.")
    drops = tuple(_number(f"token {place}", value) for place, value in enumerate(tokens, start=1))
    negative = next((place for place, drop in enumerate(drops, start=1) if drop < 0), None)
    if negative:
        raise Refused(Code.BAD_TOKENS, f"token {negative} is below 0; a drop is at least 0 nats.")
    return drops


def _picture_of(case: str) -> str:
    """The source and image id of a text that may be a case id."""
    parts = case_parts(case)
    return parts.picture if parts else ""
