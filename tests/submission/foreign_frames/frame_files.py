"""Prediction files in every frame that people leave their boxes in, and a reader who does what the checker tells."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from hypothesis import strategies as st

from medground_bench.core.geometry import Letterbox
from medground_bench.core.types import Frame, Mode, Reference
from medground_bench.phantom.pose import Native
from medground_bench.submission.foreign_frames.written_boxes import Pile, Written
from medground_bench.submission.problems import Problem
from medground_bench.submission.read import Problems, Submission, read_submission

PLACES = {
    "cardiomegaly": [(0.35, 0.45, 0.70, 0.75)],
    "pleural effusion": [(0.12, 0.72, 0.35, 0.90), (0.62, 0.70, 0.88, 0.92)],
    "pneumothorax": [(0.60, 0.10, 0.85, 0.50), (0.15, 0.08, 0.40, 0.45)],
    "nodule": [(0.20, 0.30, 0.30, 0.40), (0.70, 0.50, 0.78, 0.58)],
    "pacemaker": [(0.65, 0.12, 0.80, 0.28)],
    "atelectasis": [(0.15, 0.60, 0.40, 0.66), (0.60, 0.62, 0.90, 0.70)],
}
"""Where a finding lies, as shares of the picture, xyxy."""

FILMS = [(2544, 3056), (3056, 2544), (2022, 2022), (2336, 2836), (3050, 2539)]


def one_film(_rng):
    return 2544, 3056


def films(rng):
    return FILMS[int(rng.integers(len(FILMS)))]


def phantoms(rng):
    size = Native.sample(rng)
    return size.width, size.height


def one_phantom(_rng):
    return 280, 320


MANY = 60
"""Cases of a file with enough of them to tell."""

SIZES = {each.__name__: each for each in (one_film, films, phantoms, one_phantom)}


def about_findings(scatter=0.03):
    """A place of a finding, moved by `scatter` of the picture and scaled alike."""

    def draw(rng):
        finding = list(PLACES)[int(rng.integers(len(PLACES)))]
        place = np.array(PLACES[finding][int(rng.integers(len(PLACES[finding])))])
        middle = np.clip((place[:2] + place[2:]) / 2 + rng.normal(0, scatter, 2), 0.03, 0.97)
        half = (place[2:] - place[:2]) / 2 * np.exp(rng.normal(0, 3 * scatter, 2))
        return finding, np.clip([np.r_[middle - half, middle + half]], 0, 1)

    return draw


def anywhere(start=(0.0, 0.7), size=(0.03, 0.4), boxes=1):
    """Boxes with a corner and sides drawn evenly, as shares of the picture."""

    def draw(rng):
        corner = rng.uniform(*start, (boxes, 2))
        return "mass", np.clip(np.c_[corner, corner + rng.uniform(*size, (boxes, 2))], 0, 1)

    return draw


def always(*share):
    """The same box in every picture."""
    return lambda rng: (list(PLACES)[int(rng.integers(len(PLACES)))], np.array([share], float))


corners = st.tuples(
    *[st.floats(0, 0.6), st.floats(0, 0.6), st.floats(0.01, 0.39), st.floats(0.01, 0.39)]
).map(lambda q: (q[0], q[1], q[0] + q[2], q[1] + q[3]))
"""A box with area, as shares of the picture."""


@dataclass(frozen=True)
class Drawn:
    """A case and the boxes that are meant, native pixels (boxes, 4)."""

    reference: Reference
    boxes: np.ndarray

    @property
    def size(self):
        return np.array([self.reference.native.width, self.reference.native.height] * 2)

    @property
    def shares(self):
        return self.boxes / self.size


def drawn(count, size, draw, rng, tracks=1):
    """That many cases on pictures of their own, dealt to so many tracks."""
    cases = []
    for i in range(count):
        width, height = SIZES[size](rng)
        finding, shares = draw(rng)
        native, lvlm = Frame("native", width, height), f"lvlm{i % tracks}"
        case = f"source/{i}/{finding.replace(' ', '-')}@{lvlm}:direct"
        reference = Reference(case, "source", str(i), lvlm, Mode.DIRECT, finding, native, ())
        cases.append(Drawn(reference, shares * [width, height, width, height]))
    return cases


def replace_frame(case, width, height):
    """The case on a picture of another size, its boxes in the same places of it."""
    frame = replace(case.reference.native, width=width, height=height)
    shares = case.shares * [width, height, width, height]
    return replace(case, reference=replace(case.reference, native=frame), boxes=shares)


# Frames, as those write who leave their boxes there.


@dataclass(frozen=True)
class Habit:
    """How somebody writes boxes: a drawn case -> the numbers in the file, (boxes, 4); and the side of their square."""

    convert: Callable[[Drawn], np.ndarray]
    side: float | None = None

    def __call__(self, case):
        return self.convert(case)

    def then(self, change):
        """The same numbers, changed."""
        return Habit(lambda case: change(self.convert(case)), self.side)


def grid(side, whole=False):
    return Habit(lambda case: np.round(case.shares * side) if whole else case.shares * side, side)


def letterboxed(side):
    def convert(case):
        box = Letterbox.fit(case.reference.native, side=side)
        return case.shares * _twice(box.content_width, box.content_height) + _twice(box.left, box.top)

    return Habit(convert, side)


def _twice(across, down):
    return np.array([across, down, across, down])


def scaled(factor):
    return Habit(lambda case: case.boxes * factor)


native = scaled(1)
by_the_other_side = Habit(lambda case: case.shares * case.size[[1, 0, 3, 2]])


def y_first(frame):
    return frame.then(_exchanged)


def _exchanged(numbers):
    return numbers[:, [1, 0, 3, 2]]


def lengths(frame):
    """As x, y, width, height."""
    return frame.then(lambda corners: np.c_[corners[:, :2], corners[:, 2:] - corners[:, :2]])


def centres(frame):
    """As centre x, centre y, width, height."""
    return frame.then(
        lambda corners: np.c_[(corners[:, :2] + corners[:, 2:]) / 2, corners[:, 2:] - corners[:, :2]]
    )


def in_some_boxes(frame, which=lambda number: number == 1):
    """The frame in the boxes whose number, from 1, is picked, the others native."""

    def convert(case):
        chosen = [which(number) for number in range(1, len(case.boxes) + 1)]
        return np.where(np.array(chosen)[:, None], frame(case), case.boxes)

    return Habit(convert, frame.side)


def every_third(place):
    return place % 3 == 0


def checked(cases, frame, where=lambda _place: True) -> Submission | Problems:
    """The file as the checker sees it: cases whose place `where` picks in the frame, the others native."""
    lines = [
        {"case_id": case.reference.case_id, "boxes": (frame if where(place) else native)(case).tolist()}
        for place, case in enumerate(cases)
    ]
    return read_submission("\n".join(map(json.dumps, lines)).encode(), [case.reference for case in cases])


def file_of(cases, frame, where=lambda _place: True) -> Problems:
    """The same, which must be refused."""
    result = checked(cases, frame, where)
    assert isinstance(result, Problems), "the file was accepted"
    return result


def of_the_file(result):
    """What is said of the file or a track, not of a line."""
    return [problem for problem in result.shown if problem.line is None]


def pile_of(cases, frame):
    """The boxes of the cases as the checker has them before their meaning is known."""
    written = [
        Written(
            place,
            case.reference.case_id,
            case.reference.lvlm,
            case.reference.source,
            case.reference.finding,
            case.reference.image_id,
            case.reference.native,
            tuple(range(1, len(case.boxes) + 1)),
            tuple(map(tuple, frame(case).tolist())),
        )
        for place, case in enumerate(cases, start=1)
    ]
    return Pile.of(written)


# What a reader of the advice does with the numbers of a case, (boxes, 4).

Conversion = Callable[[np.ndarray, Frame], np.ndarray]
"""Numbers as written, and the native frame -> native boxes."""


def conversions(problem: Problem, side: float | None = None) -> list[Conversion]:
    """Every conversion that a message tells a reader whose square had that side."""
    said = problem.message
    found: list[Conversion] = []
    if "Multiply x by the image width" in said:
        found.append(lambda numbers, frame: numbers * _twice(frame.width, frame.height))
    sides = re.findall(r"multiply x by width / (\d+) and y by height / \1", said)
    sides += re.findall(r"by (\d+) if your grid ends there", said)
    if _allows(
        side, re.search(r"N x N px or another grid of 0 to N, N is ([^:]+): multiply x by width / N", said)
    ):
        sides.append(side)
    for each in sides:
        found.append(
            lambda numbers, frame, side=float(each): numbers * _twice(frame.width, frame.height) / side
        )
    if _allows(
        side, re.search(r"letterboxed to N x N px, N is ([^:]+): Letterbox\.fit\(native, side=N\)", said)
    ):
        found.append(lambda numbers, frame: _from_letterbox(numbers, frame, side))
    if _allows(side, re.search(r"px and y first, N is ([^:]+): write x before y, then Letterbox\.fit", said)):
        found.append(lambda numbers, frame: _from_letterbox(_exchanged(numbers), frame, side))
    if "wide and high: divide every number by 2" in said:
        found.append(lambda numbers, _frame: numbers / 2)
    if "write x before y and divide every number by 2" in said:
        found.append(lambda numbers, _frame: _exchanged(numbers) / 2)
    if "[y0, x0, y1, x1]: write x before y" in said:
        found.append(lambda numbers, _frame: _exchanged(numbers))
    if "multiply x by width / height and y by height / width" in said:
        found.append(
            lambda numbers, frame: numbers * _twice(frame.width / frame.height, frame.height / frame.width)
        )
    if "needs x written before y" in said:
        found += [lambda n, frame, way=way: way(_exchanged(n), frame) for way in found]
    return found


def _allows(side, told) -> bool:
    """Whether what a message says of N includes a side."""
    if side is None or told is None:
        return False
    if number := re.fullmatch(r"about (\d+)", told[1]):
        return abs(side - int(number[1])) <= 1
    [least] = re.fullmatch(r"(\d+) or more(?:, such as .+)?", told[1]).groups()
    return side >= int(least)


def _from_letterbox(numbers, frame, side):
    box = Letterbox.fit(frame, side=side)
    shares = (numbers - _twice(box.left, box.top)) / _twice(box.content_width, box.content_height)
    return shares * _twice(frame.width, frame.height)


def reorderings(problem: Problem) -> list[Callable[[np.ndarray], np.ndarray]]:
    """Every order of numbers that a message tells, as what it says to write instead."""
    found = []
    if "[x, y, x + width, y + height]" in problem.message:
        found.append(lambda n: np.c_[n[:, :2], n[:, :2] + n[:, 2:]])
    if "[x - width / 2, y - height / 2, x + width / 2, y + height / 2]" in problem.message:
        found.append(lambda n: np.c_[n[:, :2] - n[:, 2:] / 2, n[:, :2] + n[:, 2:] / 2])
    return found


def follows_to_the_truth(cases, frame, result: Problems, *, within=0.006) -> bool:
    """Whether one of the ways that the checker tells gives the boxes that were meant, to a share of the picture."""
    of_file = of_the_file(result)
    orders = [way for problem in of_file for way in reorderings(problem)] or [lambda numbers: numbers]
    frames = [way for problem in of_file for way in conversions(problem, frame.side)] or [
        lambda numbers, _frame: numbers
    ]
    return any(
        all(
            np.abs((convert(reorder(frame(case)), case.reference.native) - case.boxes) / case.size).max()
            <= within
            for case in cases
        )
        for reorder in orders
        for convert in frames
    )
