from __future__ import annotations

import json

import pytest

from builder.release import BadRelease, import_release, read_release
from medground_bench.benchmark.folder import DatasetFolder
from medground_bench.benchmark.rows import VERDICTS
from medground_bench.benchmark.statistics import Statistics
from medground_bench.core.errors import SourceMissing

LVLMS = ("qwen2_5_vl_3b", "qwen2_5_vl_7b", "gemma3_4b", "gemma3_12b", "medgemma_4b", "medgemma1_5_4b")
TABLE_4 = {
    "imagenome": (105, 55, 42, 97, 279, 226),
    "vindr_cxr": (30, 44, 107, 80, 93, 79),
    "padchest_gr": (64, 43, 73, 105, 190, 168),
}


def entry(**changes):
    case = {
        "model": "gemma3_4b",
        "dataset": "imagenome",
        "index": 7,
        "answer": "Yes",
        "prediction_cot": "There is a shadow, so the answer is yes.",
        "prediction_edited_cot": "The answer is no.",
        "prediction_edited_kept_cot": "Yes.",
        "prediction_edited_kept_normal_cot": "Yes.\n",
    }
    return case | changes


def released(tmp_path, *entries):
    file = tmp_path / "reasoning.json"
    file.write_text(json.dumps(entries))
    return file


def test_the_released_split_has_the_counts_of_table_4(medground_release, tmp_path):
    folder = DatasetFolder(tmp_path / "medground-bench")
    assert len(import_release(medground_release / "direct.json", folder)) == 1880
    groups = Statistics.of(folder, "test").groups
    counted = {(row.source, row.lvlm): row.grounded for row in groups if row.finding == "all"}
    wanted = {
        (source, lvlm): count
        for source, counts in TABLE_4.items()
        for lvlm, count in zip(LVLMS, counts, strict=True)
    }
    assert counted == wanted
    assert all(row.incorrect == row.ungrounded == 0 for row in groups)


def test_the_reasoning_file_is_read_and_the_position_kept(tmp_path):
    (case,) = read_release(released(tmp_path, entry()))
    row = case.verdict_row()
    assert (row.mode, row.release_index, row.question_id) == ("reason", 7, None)
    assert (row.original, row.foreground, row.background, row.background_normal) == (
        "yes",
        "no",
        "yes",
        "yes",
    )
    assert row.group == "grounded"


def test_a_released_row_is_judged_by_our_own_filter(tmp_path):
    (case,) = read_release(released(tmp_path, entry(prediction_edited_kept_cot="Hard to say.")))
    row = case.verdict_row()
    assert (row.group, row.reason) == ("ungrounded", "UNREADABLE_ANSWER")


def test_an_import_replaces_an_earlier_one_of_its_mode_and_nothing_else(tmp_path):
    folder = DatasetFolder(tmp_path / "medground-bench")
    direct = {key.replace("_cot", "_direct"): value for key, value in entry().items()}
    import_release(released(tmp_path, direct), folder)
    for index in (1, 2):
        import_release(released(tmp_path, entry(index=index)), folder)
    rows = folder.read(VERDICTS, "test")
    assert [(row.mode, row.release_index) for row in rows] == [("direct", 7), ("reason", 2)]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"index": True}, "entry 1: index is True"),
        ({"dataset": "other"}, "not one of imagenome"),
        ({"prediction_edited_cot": None}, "prediction_edited_cot is None"),
        ({"answer": "perhaps"}, "not yes or no"),
    ],
)
def test_what_is_wrong_with_an_entry_is_said(tmp_path, changes, message):
    with pytest.raises(BadRelease, match=message):
        read_release(released(tmp_path, entry(**changes)))


def test_a_file_that_is_no_release_is_refused(tmp_path):
    for text in ("[1, 2", "{}", "[]", "[3]", "[{}]"):
        file = tmp_path / "x.json"
        file.write_text(text)
        with pytest.raises(BadRelease):
            read_release(file)
    with pytest.raises(BadRelease, match="twice"):
        read_release(released(tmp_path, entry(), entry()))
    with pytest.raises(SourceMissing, match="not there"):
        read_release(tmp_path / "none.json")
