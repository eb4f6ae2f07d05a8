"""The folder as users meet it: through `datasets`, from its parent."""

from __future__ import annotations

import io
import shutil

import numpy as np
import pandas as pd
import pytest
from datasets import Image, List, Value, get_dataset_config_names, load_dataset
from PIL import Image as PilImage

from builder.assemble import source_question
from builder.build import write_questions
from builder.sources.phantom import Phantom
from medground_bench.benchmark.folder import DatasetFolder
from medground_bench.benchmark.rows import DIRECT, QUESTIONS, TABLES, VERDICTS, CaseRow, VerdictRow
from medground_bench.core.types import Response
from medground_bench.pictures import picture_digest
from tests.kit.builds import SHARED_LIMIT, build, bytes_of
from tests.kit.fakes import RuleLvlm

CASE_COLUMNS = {
    *(
        "case_id",
        "question_id",
        "source",
        "image_id",
        "lvlm",
        "mode",
        "finding",
        "question",
        "prompt",
        "answer",
    ),
    *("response", "boxes", "width", "height", "image", "image_sha256", "release_index"),
}


@pytest.fixture
def parent(built, monkeypatch):
    monkeypatch.chdir(built.path.parent)


@pytest.mark.usefixtures("parent")
def test_every_config_loads_from_the_parent_of_the_folder(built):
    assert get_dataset_config_names("medground-bench")[0] == "direct"
    for config in ("direct", "reason", "questions", "verdicts", "answers"):
        for split, loaded in load_dataset("medground-bench", config).items():
            assert len(loaded) == len(built.read(_table(config), split)) > 0
    assert (
        load_dataset("medground-bench")["test"][:]
        == load_dataset("medground-bench", "direct", split="test")[:]
    )
    assert load_dataset("medground-bench", "questions").keys() == {"test", "tune"}


@pytest.mark.usefixtures("parent")
def test_a_case_has_its_columns_plain_strings_boxes_of_four_and_its_picture(built):
    cases = load_dataset("medground-bench", split="test")
    assert set(cases.features) >= CASE_COLUMNS
    assert cases.features["boxes"] == List(List(Value("float64"), length=4))
    assert cases.features["image"] == Image()
    for column in ("case_id", "finding", "answer", "mode", "source"):
        assert cases.features[column] == Value("string")
    for case, row in zip(cases, built.read(DIRECT, "test"), strict=True):
        assert case["case_id"] == row.case_id
        assert case["image"].size == (case["width"], case["height"])
        assert picture_digest(np.array(PilImage.open(io.BytesIO(row.image)))) == case["image_sha256"]
        assert [tuple(box) for box in case["boxes"]] == list(row.boxes)


@pytest.mark.usefixtures("parent")
def test_questions_have_pictures_and_the_marker():
    questions = load_dataset("medground-bench", "questions", split="test")
    assert {type(marker) for marker in questions["marker"][:]} == {bool}
    assert all(
        bool(boxes) == (answer == "yes")
        for boxes, answer in zip(questions["boxes"], questions["answer"], strict=True)
    )
    assert questions[0]["image"].mode == "L"


def test_questions_about_one_picture_share_its_bytes_on_the_disk(built):
    rows = built.read(QUESTIONS, "test")
    distinct = sum(len(image) for image in {row.image for row in rows})
    assert sum(len(row.image) for row in rows) > 3 * distinct
    assert built.file(QUESTIONS, "test", "phantom").stat().st_size < 1.3 * distinct


def test_a_rebuild_with_other_questions_is_not_hidden_by_the_cache_of_datasets(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for limit in (2, 3):
        folder = build(tmp_path / "medground-bench", limit=limit)
        loaded = load_dataset("medground-bench", "questions", split="test")
        assert loaded["question_id"][:] == [row.question_id for row in folder.read(QUESTIONS, "test")]


class NayLvlm(RuleLvlm):
    """Says no to everything."""

    def generate(self, pictures, prompts, *, max_new_tokens=512):
        return [Response("No.", (1, 2), ("No", "."))] * len(pictures)


def test_an_lvlm_without_a_retained_case_gives_a_valid_empty_file(built, tmp_path, monkeypatch):
    folder = DatasetFolder(tmp_path / "medground-bench")
    shutil.copytree(built.path, folder.path)
    monkeypatch.chdir(tmp_path)
    build(folder.path, lvlm=NayLvlm(key="nay"), limit=SHARED_LIMIT)
    assert {row.group for row in folder.read(VERDICTS, "test", "nay")} == {"incorrect"}
    empty = pd.read_parquet(folder.file(DIRECT, "test", "nay"))
    assert len(empty) == 0 and set(empty.columns) >= CASE_COLUMNS
    assert set(load_dataset("medground-bench", split="test")["lvlm"]) == {"rule_lvlm"}
    assert set(load_dataset("medground-bench", "verdicts", split="test")["lvlm"]) == {"rule_lvlm", "nay"}


def test_a_split_without_any_row_does_not_keep_the_others_from_loading(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = build(tmp_path / "medground-bench", lvlm=NayLvlm(key="nay"), limit=1)
    assert load_dataset("medground-bench", "verdicts").keys() == {"test", "tune"}
    folder.write(VERDICTS, "tune", "nay", [])
    folder.write_card()
    assert load_dataset("medground-bench", "verdicts").keys() == {"test"}


def default_rows(folder):
    """What `datasets` gives when no config is named."""
    loaded = load_dataset(folder.path.name)
    return {split: loaded[split].column_names for split in loaded}


def test_a_folder_with_cases_of_the_reason_mode_alone_loads_them_when_nothing_is_named(
    built, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    folder = DatasetFolder(tmp_path / "medground-bench")
    shutil.copytree(built.path, folder.path, ignore=shutil.ignore_patterns("direct"))
    folder.write_card()
    assert default_rows(folder)["test"] == list(CaseRow.__dataclass_fields__)
    readme = (folder.path / "README.md").read_text()
    assert readme.count("default: true") == 1
    assert 'load_dataset("medground-bench", "reason", split="test")' in readme


def test_a_folder_of_released_verdicts_alone_loads_them_when_nothing_is_named(built, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = DatasetFolder(tmp_path / "released")
    folder.write(VERDICTS, "test", "rule_lvlm", built.read(VERDICTS, "test"))
    folder.write_card()
    assert default_rows(folder) == {"test": list(VerdictRow.__dataclass_fields__)}


def test_a_folder_that_was_never_asked_about_loads_its_questions_when_nothing_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = DatasetFolder(tmp_path / "questions-only")
    write_questions(folder, Phantom(), 1, [])
    assert set(default_rows(folder)) == {"test", "tune"}


def test_nothing_but_the_tables_and_the_readme_lies_in_the_folder(built):
    names = set(bytes_of(built))
    owners = {f"{split}-{owner}.parquet" for split in ("test", "tune") for owner in ("rule_lvlm", "phantom")}
    assert all(name == "README.md" or name.split("/")[1] in owners for name in names)


def test_pictures_are_lossless(built):
    row = built.read(QUESTIONS, "test")[0]
    stored = np.array(PilImage.open(io.BytesIO(row.image)))
    assert np.array_equal(stored, Phantom().picture(source_question(row).question))


def _table(config):
    return next(table for table in TABLES if table.name == config)
