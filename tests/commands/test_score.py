"""`medground check` and `medground score` in words: what they say of a file, and with which exit code."""

from __future__ import annotations

import json

import pytest

from medground_bench.benchmark.opening import open_benchmark
from medground_bench.core.errors import SHOWN


@pytest.fixture
def submitted(built, tmp_path):
    """Write boxes for the first so many cases of the track `direct`, and more lines after them."""

    def write(cases: int | None = None, *more: str, boxes=()):
        known = [each for each in open_benchmark(built.path).references() if each.mode == "direct"]
        lines = [json.dumps({"case_id": each.case_id, "boxes": boxes}) for each in known[:cases]]
        file = tmp_path / "p.jsonl"
        file.write_text("\n".join([*lines, *more]) + "\n")
        return file, len(known)

    return write


def test_a_whole_track_passes_and_its_name_is_said(medground, built, submitted):
    file, cases = submitted()
    code, out, _err = medground("check", file, "--benchmark", built.path)
    assert code == 0
    assert out == f"{file}: no problem. {cases} cases; whole tracks: rule_lvlm direct.\n"


def test_a_file_that_may_be_in_another_frame_passes_with_a_note(medground, built, submitted):
    file, _cases = submitted(boxes=[[10, 10, 60, 60]])
    code, out, _err = medground("check", file, "--benchmark", built.path)
    assert code == 0 and "no problem" in out
    assert "note: all boxes of" in out and "upper left quarter of their pictures" in out


def test_all_problems_are_counted_by_code_and_the_first_fifty_told(medground, built, submitted):
    file, cases = submitted(1, *["{}"] * 60)
    code, out, err = medground("check", file, "--benchmark", built.path)
    told = err.splitlines()
    assert (code, out) == (1, "")
    counts = f"MISSING_CASE {cases - 1}, MISSING_KEY 60"
    assert told[0] == f"error: {file} has {cases + 59} problems ({counts}):"
    assert told[1].startswith("  line 2: ") and len(told) == 1 + SHOWN + 1
    assert told[-1] == f"  ... and {cases + 59 - SHOWN} more."


def test_score_takes_a_part_of_a_track_and_counts_the_rest_as_failed(medground, built, submitted):
    file, cases = submitted(1)
    code, out, _err = medground("score", file, "--benchmark", built.path, "--json")
    said = json.loads(out)
    assert code == 0 and said["file"] == str(file)
    [track] = said["tracks"]
    assert (track["cases"], track["predicted"], track["failed"]) == (cases, 1, cases - 1)
    assert (track["lvlm"], track["mode"], track["iou"]) == ("rule_lvlm", "direct", 0)
    _code, table, _err = medground("score", file, "--benchmark", built.path)
    assert "rule_lvlm" in table and "direct" in table and "{" not in table


@pytest.mark.parametrize("command", ["check", "score"])
def test_a_file_that_is_not_there_is_said(medground, built, tmp_path, command):
    code, _out, err = medground(command, tmp_path / "none.jsonl", "--benchmark", built.path)
    assert code == 1 and "none.jsonl: there is no such file. Check the path." in err
