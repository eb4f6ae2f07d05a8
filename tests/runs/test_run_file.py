from __future__ import annotations

import json

import pytest

from medground_bench.core.types import Prediction
from medground_bench.runs.run_file import predictions_of, read_run, run_file
from medground_bench.storage.whole_files import sha256

WRITTEN = tuple(Prediction(name, ()) for name in "abc")


@pytest.fixture
def file(tmp_path):
    """A prediction file and its run file, which says that the method failed on case b."""
    path = tmp_path / "p.jsonl.gz"
    path.write_bytes(b"content")
    made = {"sha256": sha256(b"content"), "failures": [{"case_id": "b", "error": "MethodFailed: NaN"}]}
    run_file(path).write_text(json.dumps(made))
    return path


def kept(file) -> str:
    return "".join(each.case_id for each in predictions_of(file, WRITTEN))


def test_the_run_file_stands_beside_the_file_under_its_whole_name(file):
    assert run_file(file).name == "p.jsonl.gz.run.json"


def test_a_case_on_which_the_method_failed_is_not_predicted(file):
    assert kept(file) == "ac"


def test_a_file_without_a_run_file_is_taken_as_it_is_written(file):
    run_file(file).unlink()
    assert (read_run(file), kept(file)) == (None, "abc")


def test_the_run_file_of_other_bytes_says_nothing_about_a_changed_file(file):
    file.write_bytes(b"content, mended")
    assert (read_run(file), kept(file)) == (None, "abc")


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\x00", b"[]", b"3", b'{"sha256": null}'])
def test_a_damaged_run_file_belongs_to_no_file(file, content):
    run_file(file).write_bytes(content)
    assert (read_run(file), kept(file)) == (None, "abc")
