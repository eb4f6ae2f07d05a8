"""The card as a whole: what the policy, the hub's clients and `datasets` make of it, and that it is always the same."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from datasets import load_dataset, load_dataset_builder
from huggingface_hub import DatasetCard, DatasetCardData

from builder.publish.card.about import About
from builder.publish.card.files import card_files
from builder.publish.card.gate import fields
from builder.publish.card.sources import SOURCES, source_of
from builder.publish.columns import CREDENTIALED, FREE, HIGHEST, TEXT_FILES
from builder.publish.folder_files import files_of
from builder.publish.levels import Level
from builder.publish.policy import inspect
from medground_bench.benchmark.folder import DatasetFolder
from medground_bench.benchmark.rows import ANSWERS, QUESTIONS, TABLES, VERDICTS
from medground_bench.core.errors import SourceMissing, UnknownName
from tests.hub.clients import api_of, said_by, surroundings
from tests.kit.publishing import LVLM, SHARES, raw_rows
from tests.kit.release_folders import REPOSITORY, about_of, published_folder, with_card

LOADS = """
import json, sys
import datasets

name, *configs = sys.argv[1:]
print(json.dumps({config: len(datasets.load_dataset(name, config, split="test")) for config in configs}))
"""
CLASSES = ("license", "language", "annotations_creators", "task_categories", "size_categories", "pretty_name")
"""What `DatasetCardData` has fields for; the hub reads the rest as it stands."""


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")


@pytest.fixture(scope="module", params=Level)
def release(request, tmp_path_factory):
    """A folder with its card, at each level."""
    level = request.param
    folder = published_folder(
        tmp_path_factory.mktemp(level) / "medground-bench", level, lvlms=(LVLM, "gemma3_4b")
    )
    files = with_card(folder, about_of(level, changes=("v2: adds gemma3_4b", "v1: first release")))
    return level, folder, files


def lines_of(folder, config: str) -> list:
    return folder.read(next(table for table in TABLES if table.name == config), "test")


def metadata(files) -> dict:
    return yaml.safe_load(files["README.md"].decode().split("---\n")[1])


def test_every_source_that_may_be_published_has_its_terms_here():
    assert {each.key for each in SOURCES} == set(HIGHEST)
    assert {each.key for each in SOURCES if each.terms} == set(CREDENTIALED)
    assert not source_of("phantom").citations
    assert all(each.citations and each.signed and each.copies for each in SOURCES if each.terms)


def test_the_policy_accepts_the_folder_with_its_card(release):
    level, folder, files = release
    inspection = inspect(files_of(folder.path), level, SHARES if level is Level.BOXES else {})
    assert not inspection.refusals, [str(each) for each in inspection.refusals]
    assert set(files) <= set(TEXT_FILES) and set(files) <= {each.name for each in inspection.files}


def test_the_same_rows_give_the_same_bytes_wherever_they_are_and_however_files_are_listed(
    release, tmp_path, monkeypatch
):
    level, folder, files = release
    elsewhere = DatasetFolder(tmp_path / "another name")
    shutil.copytree(folder.path, elsewhere.path)
    about = about_of(level, changes=("v2: adds gemma3_4b", "v1: first release"))
    assert card_files(elsewhere, about) == files
    listed = Path.glob
    monkeypatch.setattr(Path, "glob", lambda self, pattern: reversed(list(listed(self, pattern))))
    assert card_files(elsewhere, about) == files
    elsewhere.file(QUESTIONS, "test", "phantom").unlink()
    assert card_files(elsewhere, about)["README.md"] != files["README.md"]


def test_a_card_reads_neither_pictures_nor_responses(release, monkeypatch):
    level, folder, files = release
    read, asked = pq.read_table, set()
    monkeypatch.setattr(
        pq, "read_table", lambda *words, **how: asked.update(how["columns"]) or read(*words, **how)
    )
    assert card_files(folder, about_of(level)).keys() == files.keys()
    assert asked and not asked & {"image", "response", "response_tokens", "response_token_ids", "boxes"}


def test_the_clients_read_every_field_of_the_yaml(release):
    _level, folder, files = release
    card, said = DatasetCard.load(folder.path / "README.md"), metadata(files)
    assert card.data.to_dict() == said
    assert isinstance(card.data, DatasetCardData)
    assert all(getattr(card.data, name) == said[name] for name in CLASSES)
    assert said["pretty_name"] == "MedGround-Bench" and said["language"] == ["en"]
    assert said["size_categories"] == ["n<1K"]
    again = DatasetCard(str(card))
    assert again.data.to_dict() == said and again.text == card.text


def test_the_licence_is_the_hubs_where_all_is_ours_and_a_file_where_sources_bind(release):
    level, _folder, files = release
    said = metadata(files)
    if level is Level.FULL:
        assert said["license"] == "apache-2.0" and "license_link" not in said and "LICENSE" not in files
    else:
        assert (said["license"], said["license_link"]) == ("other", "LICENSE")
        assert said["license_name"] == "medground-bench-and-terms-of-sources"
        text = files["LICENSE"].decode()
        assert all(
            source_of(key).licence in text and source_of(key).terms.page in text for key in CREDENTIALED
        )


def test_the_notice_of_the_authors_release_goes_with_its_rows(tmp_path):
    folder = published_folder(tmp_path / "bench", Level.KEYS, ("vindr_cxr",))
    assert "MIT License" not in card_files(folder, about_of(Level.KEYS))["LICENSE"].decode()
    (row,) = folder.read(VERDICTS, "test")
    folder.write(VERDICTS, "test", row.lvlm, [replace(row, lvlm_revision=None)])
    files = with_card(folder, about_of(Level.KEYS))
    assert "Copyright (c) 2026 The MedFocus Authors" in files["LICENSE"].decode()
    assert "not said in the authors' release" in files["README.md"].decode()
    assert not inspect(files_of(folder.path), Level.KEYS).refusals


def test_datasets_loads_every_config_from_the_folder_and_each_has_the_digest_of_its_content(
    release, monkeypatch
):
    _level, folder, files = release
    monkeypatch.chdir(folder.path.parent)
    for config in metadata(files)["configs"]:
        builder = load_dataset_builder("medground-bench", config["config_name"])
        assert builder.config.description == config["description"]
        assert config["description"].startswith("sha256-")
        (split,) = config["data_files"]
        assert len(load_dataset("medground-bench", config["config_name"], split=split["split"])) > 0
    assert load_dataset_builder("medground-bench").config.name == "direct"


def test_the_hub_takes_the_card_and_a_reader_loads_from_it(release, hub, org, tmp_path):
    _level, folder, files = release
    name, writer = f"{org}/medground-bench", api_of(hub, f"hf_{org}-writer")
    writer.create_repo(name, repo_type="dataset")
    writer.upload_folder(repo_id=name, repo_type="dataset", folder_path=folder.path)
    DatasetCard.load(name).validate(repo_type="dataset")
    assert writer.dataset_info(name).card_data.to_dict() == metadata(files)
    configs = [config["config_name"] for config in metadata(files)["configs"]]
    loaded = said_by(LOADS, surroundings(hub.address, tmp_path / "reader"), name, *configs)
    assert loaded == {config: len(lines_of(folder, config)) for config in configs}


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"license": "ours"}, "license"),
        ({"license": "other", "license_link": ""}, "license_name"),
        ({"task_categories": ["visual-attribution"]}, "task_categories"),
        ({"size_categories": ["few"]}, "size_categories"),
        ({"language": ["English"]}, "language"),
        ({"extra_gated_fields": {"Country": "nation"}}, "extra_gated_fields"),
        ({"extra_gated_fields": {"Use": {"type": "select"}}}, "extra_gated_fields"),
        ({"configs": [{"config_name": "direct"}, {"config_name": "direct"}]}, "config"),
    ],
)
@pytest.mark.usefixtures("hub")
def test_the_loopback_hub_refuses_what_the_hub_would(release, change, rule):
    _level, folder, _files = release
    card = DatasetCard.load(folder.path / "README.md")
    for name, value in change.items():
        card.data[name] = value
    with pytest.raises(ValueError, match=rule):
        card.validate(repo_type="dataset")


@pytest.mark.parametrize("sources", [CREDENTIALED, FREE, ("padchest_gr",), ("vindr_cxr", "phantom")])
def test_the_form_asks_only_for_what_the_sources_in_the_folder_need(sources, tmp_path):
    folder = published_folder(tmp_path / "bench", Level.KEYS, sources)
    said = metadata(card_files(folder, about_of(Level.KEYS)))
    asked = said["extra_gated_fields"]
    assert asked == fields([source_of(key) for key in sorted(sources)])
    assert ("PhysioNet user name" in asked) == bool({"imagenome", "vindr_cxr"} & set(sources))
    boxes = [name for name, kind in asked.items() if kind == "checkbox"]
    assert {source_of(key).signed for key in CREDENTIALED if key in sources} <= set(boxes)
    assert not {source_of(key).signed for key in CREDENTIALED if key not in sources} & set(boxes)
    assert asked["Country"] == "country" and asked["Intended use"]["type"] == "select"
    assert "I will not use this data, or what was made with it, for clinical decisions" in boxes
    assert said["extra_gated_prompt"] and said["extra_gated_heading"] and said["extra_gated_button_content"]


def test_a_source_of_a_single_row_anywhere_is_in_the_form(tmp_path):
    folder = published_folder(tmp_path / "bench", Level.KEYS, FREE)
    folder.write(ANSWERS, "tune", "another", raw_rows("padchest_gr")["answers"])
    asked = metadata(card_files(folder, about_of(Level.KEYS)))["extra_gated_fields"]
    assert source_of("padchest_gr").signed in asked


def test_rows_whose_terms_are_not_known_and_folders_without_rows_get_no_card(tmp_path):
    folder = published_folder(tmp_path / "bench", Level.KEYS, FREE)
    (row,) = folder.read(ANSWERS, "test")
    folder.write(ANSWERS, "test", "strange", [replace(row, source="strange")])
    with pytest.raises(UnknownName, match="strange"):
        card_files(folder, about_of(Level.KEYS))
    empty = DatasetFolder(tmp_path / "empty")
    empty.write(QUESTIONS, "test", "phantom", [])
    with pytest.raises(SourceMissing, match="no table has a row"):
        card_files(empty, about_of(Level.KEYS))
    with pytest.raises(SourceMissing, match="is no benchmark folder"):
        card_files(DatasetFolder(tmp_path / "nothing"), About(REPOSITORY, Level.KEYS))


def test_eval_yaml_has_a_task_for_every_mode_with_cases_and_no_unregistered_framework(release, tmp_path):
    _level, _folder, files = release
    said = yaml.safe_load(files["eval.yaml"])
    assert said.keys() == {"name", "description", "tasks"}
    assert said["tasks"] == [{"id": "direct", "config": "direct", "split": "test"}]
    without = published_folder(tmp_path / "bench", Level.KEYS, FREE)
    shutil.rmtree(without.path / "direct")
    assert "eval.yaml" not in card_files(without, about_of(Level.KEYS))
