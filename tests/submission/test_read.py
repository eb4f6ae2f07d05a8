"""The only parser of uploads: what it accepts, every way a file can be wrong, and any bytes at all."""

from __future__ import annotations

import gzip
import json
import re
import time

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from medground_bench.core.errors import SHOWN
from medground_bench.core.geometry import Letterbox
from medground_bench.core.types import Box, Frame, Mode, Prediction, Reference, Track
from medground_bench.submission.read import Code, Problems, Submission, read_submission

NATIVE = Frame.native(width=2544, height=3056)


def reference(image, finding="mass", lvlm="tiny", mode=Mode.DIRECT):
    case = f"phantom/{image}/{finding}@{lvlm}:{mode}"
    truth = (Box(100, 100, 900, 900, NATIVE),)
    return Reference(case, "phantom", image, lvlm, mode, finding, NATIVE, truth)


BENCHMARK = [reference(image) for image in ("a", "b", "c")]
A, B, C = (one.case_id for one in BENCHMARK)
BIG = [reference(f"{i:03}") for i in range(40)]


def lines(*entries):
    return "\n".join(entry if isinstance(entry, str) else json.dumps(entry) for entry in entries).encode()


def line(case=A, boxes=((10, 20, 300, 400),), **more):
    return {"case_id": case, "boxes": [list(box) for box in boxes]} | more


def read(*entries, benchmark=BENCHMARK):
    return read_submission(lines(*entries), benchmark, whole_tracks=False)


def only_problem(result):
    assert isinstance(result, Problems), result
    assert result.total == 1, [str(problem) for problem in result.shown]
    return result.shown[0]


def test_a_good_file_gives_predictions_in_native_frames_in_file_order():
    got = read_submission(
        lines(line(B), line(A, boxes=()), line(C, concept="left lung", seconds=0.5)), BENCHMARK
    )
    assert isinstance(got, Submission)
    assert [one.case_id for one in got.predictions] == [B, A, C]
    assert got.predictions[0].boxes == (Box(10, 20, 300, 400, NATIVE),)
    assert got.predictions[2] == Prediction(C, (Box(10, 20, 300, 400, NATIVE),), "left lung", 0.5)
    assert got.tracks == (Track("tiny", Mode.DIRECT),)
    assert got.missing == ()


def test_what_a_prediction_writes_is_what_the_parser_reads():
    wrote = Prediction(A, (Box(0.5, 1.25, 2544, 3056, NATIVE),), "lungs", 1.5, (0.0, 2.75))
    got = read(wrote.as_json())
    assert got.predictions == (wrote,)


@pytest.mark.parametrize(
    "dress",
    [
        gzip.compress,
        lambda text: b"\xef\xbb\xbf" + text,
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: text + b"\n\n",
        lambda text: b"\n" + text,
        lambda text: gzip.compress(text[:20]) + gzip.compress(text[20:]),
    ],
    ids=["gzip", "BOM", "CRLF", "end of file", "blank line", "two gzip members"],
)
def test_harmless_dress_is_accepted(dress):
    plain = lines(line(A), line(B), line(C))
    assert read_submission(dress(plain), BENCHMARK) == read_submission(plain, BENCHMARK)


def test_a_track_is_whole_or_its_missing_cases_are_named():
    refused = read_submission(lines(line(A)), BENCHMARK)
    assert refused.counts == {Code.MISSING_CASE: 2}
    assert [problem.case_id for problem in refused.shown] == [B, C]
    partial = read_submission(lines(line(A)), BENCHMARK, whole_tracks=False)
    assert partial.missing == (B, C)


def test_only_tracks_that_the_file_touches_must_be_whole():
    other = [reference("a", mode=Mode.REASON), reference("a", lvlm="huge")]
    got = read_submission(lines(line(A), line(B), line(C)), [*BENCHMARK, *other])
    assert got.tracks == (Track("tiny", Mode.DIRECT),)


def short(value):
    """Names of parametrised tests stay short, whatever the upload."""
    return value if isinstance(value, str) and len(value) < 30 else "entry"


def box_line(text):
    return f'{{"case_id": "{A}", "boxes": [[1, 2, 3, 4], {text}]}}'


@pytest.mark.parametrize(
    ("entry", "code", "said"),
    [
        (box_line("[NaN, 2, 3, 4]"), "NOT_FINITE", "box 2: x0 is nan"),
        (box_line("[1, 2, Infinity, 4]"), "NOT_FINITE", "box 2: x1 is inf"),
        (box_line("[1, -Infinity, 3, 4]"), "NOT_FINITE", "box 2: y0 is -inf"),
        (box_line("[1, 2, 3, 1e999]"), "NOT_FINITE", "box 2: y1 is inf"),
        (box_line(f"[1, 2, {'9' * 5000}, 4]"), "NOT_FINITE", "box 2: x1 is inf"),
        (box_line("[true, 2, 3, 4]"), "WRONG_TYPE", "box 2: x0 is a boolean"),
        (box_line('["1", 2, 3, 4]'), "WRONG_TYPE", "box 2: x0 is text"),
        (box_line("[null, 2, 3, 4]"), "WRONG_TYPE", "box 2: x0 is null"),
        (box_line("[[1], 2, 3, 4]"), "WRONG_TYPE", "box 2: x0 is a list"),
        (box_line('{"x0": 1}'), "WRONG_TYPE", "box 2: an object, not a list"),
        (box_line("[1, 2, 3]"), "BOX_SHAPE", "box 2: 3 numbers"),
        (box_line("[1, 2, 3, 4, 5]"), "BOX_SHAPE", "box 2: 5 numbers"),
        (
            box_line("[300, 2, 100, 4]"),
            "BOX_ORDER",
            "x1 = 100 is less than x0 = 300. Boxes are [x0, y0, x1, y1]",
        ),
        (box_line("[1, 9, 3, 4]"), "BOX_ORDER", "y1 = 4 is less than y0 = 9"),
        (box_line("[5, 2, 5, 4]"), "BOX_EMPTY", "x0 = 5 and x1 = 5"),
        (box_line("[5, 2, 5.0000001, 4]"), "BOX_EMPTY", "half-open"),
        (box_line("[5, 2, 2610, 4]"), "BOX_OUTSIDE", "x1 = 2610 is beyond the image width 2544 px."),
        (box_line("[5, 2, 6, 4000]"), "BOX_OUTSIDE", "y1 = 4000 is beyond the image height 3056 px."),
        (box_line("[-5, 2, 6, 40]"), "BOX_OUTSIDE", "x0 = -5 is outside"),
        (box_line("[2544, 2, 2544.005, 40]"), "BOX_OUTSIDE", "letterbox.to_native()"),
        (line(boxes=[(1, 2, 3, 4)] * 11), "TOO_MANY_BOXES", "11 boxes; at most 10"),
        ({"case_id": A}, "MISSING_KEY", '"boxes"'),
        ({"boxes": []}, "MISSING_KEY", '"case_id"'),
        ({"case_id": 7, "boxes": []}, "WRONG_TYPE", "case_id is a number"),
        ({"case_id": A, "boxes": None}, "WRONG_TYPE", "boxes is null"),
        ({"case_id": A, "boxes": {}}, "WRONG_TYPE", "boxes is an object"),
        (line(score=1), "UNKNOWN_KEY", "score"),
        (f'{{"case_id": "{A}", "case_id": "{B}", "boxes": []}}', "DUPLICATE_KEY", "case_id"),
        (f'{{"case_id": "{A}", "boxes": [], "boxes": []}}', "DUPLICATE_KEY", "boxes"),
        (line(concept=""), "BAD_CONCEPT", "printable"),
        (line(concept="x" * 101), "BAD_CONCEPT", "1 to 100"),
        (line(concept="a\nb"), "BAD_CONCEPT", "a\\nb"),
        (line(concept="\u202eright"), "BAD_CONCEPT", "\\u202e"),
        (line(concept="\ud800"), "BAD_CONCEPT", "\\ud800"),
        (line(concept=None), "WRONG_TYPE", "concept is null"),
        (line(seconds=-1), "BAD_SECONDS", "seconds = -1"),
        (line(seconds=1e300), "BAD_SECONDS", "seconds"),
        (line(seconds="1"), "WRONG_TYPE", "seconds is text"),
        (line(seconds=True), "WRONG_TYPE", "seconds is a boolean"),
        (line(tokens=3), "WRONG_TYPE", "tokens is a number"),
        (line(tokens=[0.1, -0.1]), "BAD_TOKENS", "token 2 is below 0"),
        (line(tokens=[0.1, "x"]), "WRONG_TYPE", "token 2 is text"),
        (line(tokens=[0] * 5000), "BAD_TOKENS", "5000 tokens"),
        ("[1, 2]", "NOT_AN_OBJECT", "a list"),
        ("null", "NOT_AN_OBJECT", "null"),
        ("hello", "BAD_JSON", "not JSON at character 1"),
        ('{"case_id": "a" "boxes"}', "BAD_JSON", "character 17"),
        (json.dumps(line()) + " {}", "BAD_JSON", "One object a line"),
        ('{"case_id": "a\tb", "boxes": []}', "BAD_JSON", "control character"),
        ("[" * 100_000, "TOO_DEEP", "nested too deep"),
        ('{"a":' * 40_000, "TOO_DEEP", "nested too deep"),
        (
            line("phantom/zzz/mass@tiny:direct"),
            "UNKNOWN_CASE",
            "A case id looks like phantom/a/mass@tiny:direct",
        ),
        (line("phantom/a/mess@tiny:direct"), "UNKNOWN_CASE", "Did you mean phantom/a/mass@tiny:direct?"),
        (line("\ud800"), "UNKNOWN_CASE", "no such case"),
        (line("x" * 200_000), "UNKNOWN_CASE", "no such case"),
        (" " * 300_000 + json.dumps(line()), "TOO_LARGE", "characters"),
    ],
    ids=short,
)
def test_one_fault_is_one_problem_with_line_code_and_advice(entry, code, said):
    problem = only_problem(read("", entry))
    assert (problem.line, problem.code) == (2, code)
    assert said in problem.message
    if code.startswith("BOX") or code == "NOT_FINITE":
        assert problem.case_id == A
    str(problem).encode()


def test_a_case_may_stand_once():
    problem = only_problem(read(line(A), line(B), line(A)))
    assert (problem.line, problem.case_id, problem.code) == (3, A, Code.DUPLICATE_CASE)
    assert "line 1" in problem.message


def test_all_faults_of_a_line_and_of_a_file_are_told_at_once():
    got = read(
        line(A, boxes=[(5, 5, 1, 9), (0, 0, 9999, 9)], concept="", seconds=-1, extra=1),
        line("nobody"),
        line(B),
    )
    assert [(problem.line, problem.code) for problem in got.shown] == [
        (1, Code.UNKNOWN_KEY),
        (1, Code.BOX_ORDER),
        (1, Code.BOX_OUTSIDE),
        (1, Code.BAD_CONCEPT),
        (1, Code.BAD_SECONDS),
        (2, Code.UNKNOWN_CASE),
    ]


def test_the_first_fifty_problems_are_shown_and_all_are_counted():
    got = read(*(line(f"nobody {i}") for i in range(3000)))
    assert (len(got.shown), got.total) == (SHOWN, 3000)
    assert got.shown[-1].line == SHOWN


def test_the_message_reads_as_one_sentence_with_place_advice_and_code():
    problem = only_problem(read(line(boxes=[(0, 0, 9, 9), (1200, 80, 2610, 900)])))
    assert str(problem) == (
        f"line 1, case {A}: box 2: x1 = 2610 is beyond the image width 2544 px. Boxes are native pixels, "
        "half-open. If yours are in another frame, convert them: from a grid of 0 to 1000 by width / 1000 and height / "
        "1000, from the model's input by letterbox.to_native(). [BOX_OUTSIDE]"
    )


def test_rounding_of_a_scale_is_clipped_not_refused():
    got = read(line(boxes=[(-0.001, 0, 2544.0000001, 10)]))
    assert got.predictions[0].boxes[0].xyxy == (0, 0, 2544, 10)


# The whole file in another frame.


def predictions_of(benchmark, convert):
    rng = np.random.default_rng(5)
    entries = []
    for one in benchmark:
        x, y = rng.uniform(0.05, 0.5, 2)
        native = Box(x * 2544, y * 3056, (x + 0.4) * 2544, (y + 0.4) * 3056, NATIVE)
        entries.append(line(one.case_id, [convert(native)]))
    return entries


def test_relative_boxes_are_recognised_over_the_file():
    relative = predictions_of(BIG, lambda box: (box.x0 / 2544, box.y0 / 3056, box.x1 / 2544, box.y1 / 3056))
    problem = only_problem(read(*relative, benchmark=BIG))
    assert (problem.line, problem.code) == (None, Code.LOOKS_RELATIVE)
    assert "Multiply x by the image width" in problem.message


@pytest.mark.parametrize("side", [224, 448, 896])
def test_boxes_left_in_the_models_input_are_recognised_over_the_file(side):
    letterbox = Letterbox.fit(NATIVE, side=side)
    resized = predictions_of(BIG, lambda box: letterbox.to_study(box).xyxy)
    problem = only_problem(read(*resized, benchmark=BIG))
    assert problem.code is Code.LOOKS_RESIZED
    told = re.search(r"letterboxed to N x N px, N is (\d+) or more, such as (\d+)", problem.message)
    assert int(told[1]) <= side == int(told[2])
    assert "Letterbox.fit(native, side=N).to_native(box)" in problem.message


def test_native_boxes_raise_no_suspicion_and_a_handful_of_small_ones_neither():
    assert isinstance(read(*predictions_of(BIG, lambda box: box.xyxy), benchmark=BIG), Submission)
    assert isinstance(read(*(line(c, [(1, 1, 90, 90)]) for c in (A, B, C))), Submission)


def test_whole_pictures_in_the_models_input_are_recognised_too():
    whole = [line(one.case_id, [(0, 0, 224, 224)]) for one in BIG]
    assert only_problem(read(*whole, benchmark=BIG)).code is Code.LOOKS_RESIZED


def test_a_method_that_always_marks_one_corner_is_no_wrong_frame():
    corner = [line(one.case_id, [(0, 0, 200, 218)]) for one in BIG]
    assert isinstance(read(*corner, benchmark=BIG), Submission)


def test_centre_boxes_raise_no_suspicion():
    centre = [line(one.case_id, [(2544 / 4, 3056 / 4, 2544 * 3 / 4, 3056 * 3 / 4)]) for one in BIG]
    assert isinstance(read(*centre, benchmark=BIG), Submission)


def test_a_file_that_is_no_json_lines_is_one_problem_of_the_whole_file():
    problem = only_problem(read_submission(b"PK\3\4 and more", BENCHMARK))
    assert (problem.line, problem.case_id, problem.code) == (None, None, Code.NOT_JSON_LINES)
    assert "zip archive" in problem.message


def test_hostile_text_comes_back_as_one_printable_line_of_ascii():
    got = read(line("\x1b[31m\nred\u202e"), {"case_id": A, "boxes": [], "\x07bell\n": 1})
    for problem in got.shown:
        assert str(problem).isprintable() and str(problem).isascii()


def test_a_million_boxes_are_refused_in_bounded_time():
    start = time.process_time()
    wide = [line(one.case_id, [(1, 2, 3, 4)] * 15_000) for one in BIG]
    got = read(*wide, benchmark=BIG)
    assert got.counts == {Code.TOO_MANY_BOXES: len(BIG)}
    assert time.process_time() - start < 5


# Anything at all.

numbers = st.one_of(st.floats(), st.integers(), st.sampled_from([0, 1, 224, 2544, 2544.5, -1, 1e300, 1e-300]))
scalars = st.one_of(st.none(), st.booleans(), numbers, st.text(max_size=5))
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)
boxes = st.lists(st.lists(numbers, min_size=4, max_size=4) | values, max_size=12)
entries = st.fixed_dictionaries(
    {"case_id": st.sampled_from([A, B, C, "nobody", "", "\ud800"]) | values, "boxes": boxes | values},
    optional={"concept": values, "seconds": values, "tokens": st.lists(numbers) | values, "more": values},
)


def is_outcome(result):
    if isinstance(result, Submission):
        for prediction in result.predictions:
            json.dumps(prediction.as_json(), allow_nan=False).encode()
            assert all(box.area > 0 and box.frame == NATIVE for box in prediction.boxes)
        return True
    return isinstance(result, Problems) and 0 < len(result.shown) <= result.total


@given(st.binary(max_size=400))
@example(b"\xef\xbb\xbf")
@example(b"\x1f\x8b")
@example(b'{"case_id"')
def test_any_bytes_give_a_submission_or_problems(upload):
    assert is_outcome(read_submission(upload, BENCHMARK))
    assert is_outcome(read_submission(gzip.compress(upload), BENCHMARK))
    assert is_outcome(read_submission(b"\x1f\x8b\x08" + upload, []))


@settings(max_examples=200)
@given(st.lists(entries | values, max_size=4))
def test_any_json_lines_give_a_submission_or_problems(entries):
    upload = lines(*(json.dumps(entry) for entry in entries))
    assert is_outcome(read_submission(upload, BENCHMARK))
    assert is_outcome(read_submission(upload, BENCHMARK, whole_tracks=False))


@given(st.data())
def test_a_damaged_good_file_gives_a_submission_or_problems(data):
    good = lines(line(A, concept="lungs"), line(B, tokens=[0.5]), line(C, boxes=[(0.5, 1, 2e3, 3e3)]))
    start = data.draw(st.integers(0, len(good)))
    end = data.draw(st.integers(start, min(len(good), start + 8)))
    damage = data.draw(st.binary(max_size=6) | st.sampled_from([b"1e999", b"[", b"{", b'"', b"\\u", b"NaN"]))
    assert is_outcome(read_submission(good[:start] + damage + good[end:], BENCHMARK))
