"""Files that nobody should send: each is refused by its code, in bounded time, and leaves no row, slot or file."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import time
import zipfile
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from medground_bench.core.protocol import PROTOCOL
from medground_bench.core.types import Box
from medground_bench.leaderboard import examining
from medground_bench.leaderboard.examining import Examined, Limits, examined
from medground_bench.leaderboard.register import Register
from medground_bench.leaderboard.replies import SAID, NotAccepted
from medground_bench.leaderboard.scoring_process import examine
from medground_bench.submission.metadata import read_metadata
from tests.kit.desks import boxes, file_of, said, truth, upload

SCORES = f"scores/v{PROTOCOL}-1f2e1f2e1f2e"
KNOWN = truth()
CASE = KNOWN.references[0].case_id
GOOD = boxes(KNOWN)


def line(found, **more):
    return json.dumps({"case_id": CASE, "boxes": found} | more).encode() + b"\n"


def numpy_file():
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3))
    return buffer.getvalue()


def archive():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("../../etc/passwd", "x")
    return buffer.getvalue()


def tar_with_a_link():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as file:
        link = tarfile.TarInfo("boxes.jsonl")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        file.addfile(link)
    return buffer.getvalue()


def raw_box(text):
    return b'{"case_id": "%s", "boxes": [[%s]]}' % (CASE.encode(), text.encode())


FILES = {
    "s1 a pickle": (b"\x80\x04\x95\x0b" + bytes(20), "NOT_JSON_LINES"),
    "s1 a numpy file": (numpy_file(), "NOT_JSON_LINES"),
    "s1 an HDF5 file": (b"\x89HDF\r\n\x1a\n" + bytes(20), "NOT_JSON_LINES"),
    "s1 a torch file, which is a zip archive": (b"PK\x03\x04" + bytes(20), "NOT_JSON_LINES"),
    "s2 NaN": (raw_box("0, NaN, 9, 9"), "NOT_FINITE"),
    "s2 infinity": (raw_box("0, 0, Infinity, 9"), "NOT_FINITE"),
    "s2 a number that overflows": (raw_box("0, 0, 1e999, 9"), "NOT_FINITE"),
    "s3 a key twice": (b'{"case_id": "a", "case_id": "b", "boxes": []}', "DUPLICATE_KEY"),
    "s4 nested 100,000 deep": (b"[" * 100_000, "TOO_DEEP"),
    "s5 an integer of 5,000 digits": (raw_box("0, 0, 9, " + "9" * 5000), "NOT_FINITE"),
    "s7 a gzip bomb": (gzip.compress(bytes(50_000_000)), "GZIP_BOMB"),
    "s7 many gzip members": (gzip.compress(b" ") * 100, "GZIP_BOMB"),
    "s8 a zip archive that climbs out of its folder": (archive(), "NOT_JSON_LINES"),
    "s8 a tar archive with a link": (tar_with_a_link(), "NOT_JSON_LINES"),
    "s9 not UTF-8": (b'{"case_id": "\xff"}', "BAD_UTF8"),
    "s9 UTF-16": ('{"case_id": "a"}'.encode("utf-16"), "NOT_JSON_LINES"),
    "s9 a null byte": (b'{"case_id": "\0"}', "NULL_BYTE"),
    "s10 true as a number": (raw_box("true, 0, 9, 9"), "WRONG_TYPE"),
    "s10 text as a number": (raw_box('"0", 0, 9, 9'), "WRONG_TYPE"),
    "s11 right of left": (line([[9, 0, 3, 9]]), "BOX_ORDER"),
    "s11 no area": (line([[9, 0, 9, 9]]), "BOX_EMPTY"),
    "s11 outside of the picture": (line([[0, 0, 9000, 9]]), "BOX_OUTSIDE"),
    "s12 relative boxes": (file_of({case: [[0.1, 0.1, 0.5, 0.5]] for case in GOOD}), "LOOKS_RELATIVE"),
    "s12 boxes of a grid of 1000": (
        file_of({case: [[100 + n, 200, 900, 990 - n]] for n, case in enumerate(GOOD)}), "LOOKS_RESIZED",
    ),
    "s13 eleven boxes": (line([[0, 0, 9, 9]] * 11), "TOO_MANY_BOXES"),
    "s13 a hundred thousand boxes": (line([[0, 0, 9, 9]] * 100_000), "TOO_LARGE"),
    "s15 a case twice": (line([]) * 2, "DUPLICATE_CASE"),
    "s15 a case that is not there": (b'{"case_id": "phantom/999/nodule@a:direct", "boxes": []}', "UNKNOWN_CASE"),
    "s15 a case without a line": (file_of(dict([*GOOD.items()][1:])), "MISSING_CASE"),
    "s16 easy cases alone": (file_of(dict([*GOOD.items()][:3])), "MISSING_CASE"),
    "a score of one's own": (line([], iou=1.0), "UNKNOWN_KEY"),
}  # fmt: skip


@pytest.mark.usefixtures("scored_here")
@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_an_attack_or_a_mistake_is_refused_by_code_and_leaves_nothing_but_its_hash(
    local, name
):
    content, code = FILES[name]
    desk, started = local.open(scored_per_week=1), time.monotonic()
    reply = desk.submit(upload(content=content))
    snapshot = local.store.look()
    assert reply.status == "refused" and any(f"[{code}]" in problem for problem in reply.problems)
    assert time.monotonic() - started < 60
    assert not [each for each in snapshot.names if each.startswith(("submissions/", "scores/"))]
    assert not Register.read(snapshot.log).submissions
    assert "Traceback" not in "".join(reply.problems)


@pytest.mark.usefixtures("scored_here")
def test_s6_a_file_of_more_bytes_than_the_cap_is_refused_before_it_is_read(local):
    (problem,) = local.open().submit(upload(content=b" " * (32 * 2**20 + 1))).problems
    assert "[TOO_LARGE]" in problem


@pytest.mark.usefixtures("scored_here")
@pytest.mark.parametrize("prefix", [b"\xef\xbb\xbf", b""])
def test_s9_a_byte_order_mark_and_windows_line_ends_are_accepted(local, prefix):
    content = prefix + file_of(GOOD).replace(b"\n", b"\r\n")
    assert local.open().submit(upload(content=content)).status == "scored"


def whole_image():
    return {
        each.case_id: [[0, 0, each.native.width, each.native.height]]
        for each in KNOWN.references
        if each.lvlm == "a"
    }


def tiled():
    """Ten strips that make one box."""
    tiles = {}
    for case, ((x0, y0, x1, y1),) in GOOD.items():
        edges = np.linspace(x0, x1, 11).tolist()
        tiles[case] = [[left, y0, right, y1] for left, right in pairwise(edges)]
    return tiles


def of_file(desk, reply, name):
    snapshot = desk.store.look()
    return json.loads(snapshot.read(f"{name}/{reply.receipt.id}.json"))


@pytest.mark.usefixtures("scored_here")
def test_s14_boxes_that_tile_a_shape_are_scored_and_counted(local):
    desk = local.open()
    reply = desk.submit(upload(content=file_of(tiled())))
    kept = of_file(desk, reply, SCORES)
    assert reply.status == "scored" and {line[5] for line in kept["scores"]} == {10}


@pytest.mark.usefixtures("scored_here")
def test_s17_s18_the_whole_image_everywhere_is_scored_normally_and_flagged(local):
    desk = local.open()
    reply = desk.submit(upload(content=file_of(whole_image())))
    kept = of_file(desk, reply, SCORES)
    assert reply.status == "scored" and kept["flags"] == ["answer-independent"]
    assert {line[6] for line in kept["scores"]} == {1.0}


@pytest.mark.usefixtures("scored_here")
def test_s18_the_same_boxes_for_every_lvlm_are_flagged_and_others_are_not(local):
    desk = local.open()
    same = {case.replace("@a:", f"@{lvlm}:"): found for case, found in GOOD.items() for lvlm in "ab"}
    both = desk.submit(upload(content=file_of(same), lvlms="ab"))
    own = desk.submit(upload("bob", content=file_of(boxes(KNOWN, 3, "ab")), method="Other", lvlms="ab"))
    assert of_file(desk, both, SCORES)["flags"] == ["answer-independent"]
    assert of_file(desk, own, SCORES)["flags"] == []


@pytest.mark.parametrize(
    "method",
    [
        "<script>alert(1)</script>", "[click](https://evil.example)", "javascript:alert(1)",
        "gpj.\N{RIGHT-TO-LEFT OVERRIDE}exe", "M\N{CYRILLIC SMALL LETTER IE}dFocus", "x" * 10_000, "=HYPERLINK(1)",
        "@SUM(1)", "+1", "-1", "\tx", "a\nb", "a\x1b[2J", "../../etc/passwd", "",
    ],
)  # fmt: skip
def test_s24_s25_s26_s27_a_name_is_plain_characters_that_no_page_table_log_or_path_takes_for_more(method):
    (problem,) = read_metadata(said(method))
    assert problem.code == "BAD_NAME" and problem.message.isascii() and len(problem.message) < 400


@pytest.mark.parametrize(
    "code",
    [
        "javascript:alert(1)", "http://github.com/a/b", "https://evil.example/a", "https://github.com@evil.example/a",
        "https://github.com.evil.example/a", "https://127.0.0.1/a", "https://github.com/a b",
        "https://github.com/" + "a" * 300,
        "file:///etc/passwd", "https://github.com:8080/a",
    ],
)  # fmt: skip
def test_s24_s29_a_link_goes_to_a_known_host_by_https_or_nowhere_and_is_never_fetched(code):
    (problem,) = read_metadata(said(code=code))
    assert problem.code == "BAD_LINK"


@pytest.mark.usefixtures("scored_here")
def test_s26_whatever_is_sent_the_log_is_lines_of_ascii(local):
    desk = local.open()
    desk.submit(upload(content=b'{"case_id": "\\u001b[2J\\n{}", "boxes": []}'))
    desk.submit(upload(about="caf\N{LATIN SMALL LETTER E WITH ACUTE} {} \\n"))
    log = local.store.look().log
    assert log.isascii() and all(byte >= 32 or byte == 10 for byte in log)
    assert len(log.splitlines()) == len(Register.read(log).entries)


@pytest.mark.usefixtures("scored_here")
def test_s27_no_name_of_a_file_comes_from_a_submitter(local):
    desk = local.open()
    reply = desk.submit(upload(method="A.b (2)", about="../../x"))
    names = {name for name in local.store.look().names if "/" in name}
    assert names == {
        f"cases/v{PROTOCOL}-1f2e1f2e1f2e.json",
        f"submissions/{reply.receipt.id}.json",
        f"{SCORES}/{reply.receipt.id}.json",
    }


def moved_truth():
    """The same cases and pictures with other expert boxes."""
    return replace(
        KNOWN,
        references=tuple(
            replace(each, boxes=(Box(1.0, 1.0, 9.0, 9.0, each.native),)) for each in KNOWN.references
        ),
    )


@pytest.mark.usefixtures("scored_here")
@pytest.mark.parametrize("name", FILES)
def test_s38_what_is_said_of_a_file_is_the_same_whatever_the_expert_boxes_are(name):
    content, _code = FILES[name]
    first, other = (examined(content, known, scored=True) for known in (KNOWN, moved_truth()))
    assert first == other and first.counts


@pytest.mark.usefixtures("scored_here")
def test_s19_s38_a_reply_is_of_a_fixed_list_and_has_neither_a_score_nor_a_case(local):
    reply = local.open().submit(upload())
    assert reply.said in SAID.values()
    told = json.dumps(reply.receipt.as_json())
    assert "@a:direct" not in told and "iou" not in told.lower()
    assert not any(char.isdigit() for said_of in SAID.values() for char in said_of)


def test_s39_how_long_scoring_took_is_told_in_whole_steps_alone(monkeypatch):
    monkeypatch.setattr(examining, "WAITS_S", 4.0)
    for known in (KNOWN, moved_truth()):
        start = time.monotonic()
        assert examined(file_of(GOOD), known, scored=True).scores
        assert (time.monotonic() - start) % 4 < 1


def test_s32_a_scorer_that_runs_out_of_time_or_memory_is_our_fault_and_never_a_zero(local, monkeypatch):
    desk = local.open(scored_per_week=1)
    short = type(desk)(desk.store, desk.truth, desk.clock, limits=Limits(memory_bytes=2**25))
    with pytest.raises(NotAccepted, match="The fault is ours"):
        short.submit(upload())
    endless = ("-c", "import time; time.sleep(600)")
    monkeypatch.setattr(examining, "PROGRAM", endless)
    with pytest.raises(examining.ScorerDied):
        examined(b"{}", KNOWN, scored=False, limits=Limits(seconds=1))
    assert not Register.read(local.store.look().log).submissions


def test_the_scoring_process_gets_no_token_writes_no_file_and_answers_as_this_process_does(
    monkeypatch, tmp_path
):
    monkeypatch.setenv("HF_TOKEN", "hf_" + "secret")
    (tmp_path / "probe.py").write_text(
        "import json, os, sys\n"
        "from medground_bench.leaderboard.scoring_process import _bind\n"
        "_bind(2**31, 60)\n"
        "try:\n    with open(sys.argv[0] + '.out', 'w') as file:\n        file.write('x' * 10)\n    wrote = True\n"
        "except OSError:\n    wrote = False\n"
        "print(json.dumps({'problems': [str(wrote), *sorted(os.environ)], 'counts': {'X': 1}}))\n"
    )
    monkeypatch.setattr(examining, "PROGRAM", (str(tmp_path / "probe.py"),))
    found = examined(b"", KNOWN, scored=False)
    assert found.problems[0] == "False" and not {"HF_TOKEN", "HOME", "PATH"} & set(found.problems)
    monkeypatch.undo()
    real = examined(file_of(GOOD), KNOWN, scored=True)
    monkeypatch.setattr(examining, "_answer", in_this_process)
    assert examined(file_of(GOOD), KNOWN, scored=True) == real
    assert isinstance(real, Examined) and len(real.scores) == len(GOOD)


def in_this_process(question, _limits):
    return json.dumps(examine(json.loads(question))).encode()
