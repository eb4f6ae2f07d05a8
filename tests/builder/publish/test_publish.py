"""`python -m builder publish` against the hub on this machine: what it sends, and what readers get."""

from __future__ import annotations

import json

import pytest

from builder.commands.options import NotAgreed
from builder.publish.policy import Unpublishable
from medground_bench.benchmark.folder import DatasetFolder
from medground_bench.benchmark.parquet import decoded
from medground_bench.benchmark.rows import DIRECT, VERDICTS
from tests.kit.publishable import SHARE, publish, raw_folder
from tests.kit.publishing import LVLM, image_id, opaque_id

OTHER = "gemma3_4b"


@pytest.fixture
def name(hub, org, monkeypatch):
    """Where a maintainer of the organisation publishes."""
    monkeypatch.setenv("HF_TOKEN", f"hf_{org}-writer")
    return f"{org}/medground-bench"


@pytest.fixture
def repository(hub, name):
    """As the hub has it, once it is there."""
    return lambda: hub.state.repositories["dataset", name]


@pytest.fixture
def folder(tmp_path) -> DatasetFolder:
    return raw_folder(tmp_path / "medground-bench")


def test_a_first_publication_is_gated_visible_tagged_and_whole(folder, name, repository):
    code, said = publish(folder, name, "--yes")
    assert code == 0 and "is published as v1, and was read back" in said
    made = repository()
    assert (made.private, made.gated) == (False, "manual")
    assert [commit.title for commit in made.history("main")] == ["v1: first release", "initial commit"]
    assert made.tags == {"v1": made.branches["main"]}
    assert set(made.at("main").files) >= {
        "README.md",
        f"direct/test-{LVLM}.parquet",
        "questions/test-imagenome.parquet",
    }


def test_what_is_sent_has_opaque_ids_and_no_box(folder, name, repository, tmp_path):
    publish(folder, name, "--yes")
    (tmp_path / "read.parquet").write_bytes(
        repository().at("main").files[f"direct/test-{LVLM}.parquet"].content
    )
    rows = decoded(tmp_path / "read.parquet", DIRECT.row)
    assert {row.image_id for row in rows} == {opaque_id("imagenome")}
    assert {row.boxes for row in rows} == {None}
    everything = b"".join(file.content for file in repository().at("main").files.values())
    assert image_id("imagenome").encode() not in everything


def test_it_is_private_until_the_files_and_the_gate_are_there(hub, folder, name):
    publish(folder, name, "--yes")
    pages = ("repos/create", "/_lfs/", "commit/main", "settings", "tag/")
    changes = [asked for asked in hub.requests if asked.startswith(("POST", "PUT"))]
    assert list(dict.fromkeys(page for asked in changes for page in pages if page in asked)) == list(pages)


def test_a_dry_run_changes_nothing_and_shows_every_file(hub, folder, name):
    code, said = publish(folder, name, "--dry-run")
    assert code == 0 and ("dataset", name) not in hub.state.repositories
    assert f"direct/test-{LVLM}.parquet" in said and "make the dataset" in said
    assert not [asked for asked in hub.requests if asked.split()[0] not in ("GET", "HEAD")]


def test_nobody_at_a_terminal_and_no_yes_sends_nothing(hub, folder, name):
    with pytest.raises(NotAgreed, match="give --yes"):
        publish(folder, name)
    assert ("dataset", name) not in hub.state.repositories


def test_the_same_folder_again_changes_nothing(folder, name, repository):
    publish(folder, name, "--yes")
    before = repository().branches["main"]
    code, said = publish(folder, name, "--yes")
    assert code == 0 and "is up to date" in said and repository().branches["main"] == before


def test_another_lvlm_adds_its_files_in_one_commit_and_changes_the_card_alone(
    folder, name, repository, tmp_path
):
    publish(folder, name, "--yes")
    before = repository().at("main").files
    both = raw_folder(tmp_path / "more" / "medground-bench", lvlms=(LVLM, OTHER))
    publish(both, name, "--yes")
    after = repository().at("main").files
    new = set(after) - set(before)
    assert new == {f"{table}/test-{OTHER}.parquet" for table in ("answers", "direct", "verdicts")}
    changed = {file for file in before if before[file].oid != after[file].oid}
    assert changed <= {"README.md", "croissant.json"}
    titles = [commit.title for commit in repository().history("main")]
    assert titles[0] == f"v2: adds {OTHER} (answers, direct, verdicts)" and set(repository().tags) == {
        "v1",
        "v2",
    }


def test_a_folder_with_one_lvlm_alone_leaves_the_others_where_they_are(folder, name, repository, tmp_path):
    publish(folder, name, "--yes")
    publish(raw_folder(tmp_path / "own" / "medground-bench", lvlms=(OTHER,)), name, "--yes")
    files = repository().at("main").files
    assert {f"verdicts/test-{LVLM}.parquet", f"verdicts/test-{OTHER}.parquet"} <= set(files)
    card = files["README.md"].content.decode()
    assert "v2: adds" in card and "v1: first release" in card


def test_files_that_are_gone_go_away_only_when_asked_for(folder, name, repository, tmp_path):
    publish(folder, name, "--yes")
    other = raw_folder(tmp_path / "own" / "medground-bench", lvlms=(OTHER,))
    code, said = publish(other, name, "--remove-gone", "--yes")
    assert code == 0 and "gone" in said
    assert f"verdicts/test-{LVLM}.parquet" not in repository().at("main").files


def test_boxes_need_a_statement_for_every_source_which_goes_into_the_log(folder, name, repository, tmp_path):
    with pytest.raises(Unpublishable, match="SHARE_NOT_STATED"):
        publish(folder, name, "--level", "boxes", "--yes")
    code, _ = publish(folder, name, "--level", "boxes", "--i-may-share", f"imagenome={SHARE}", "--yes")
    assert code == 0
    log = (tmp_path / "medground-bench.publish" / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["did"] for line in log] == ["begin", "published"]
    assert SHARE in json.loads(json.loads(log[-1])["statement"])["shares"].values()


def test_full_is_for_the_phantom_alone(name, repository, tmp_path):
    mixed = raw_folder(tmp_path / "medground-bench", sources=("phantom", "imagenome"))
    publish(mixed, name, "--level", "full", "--yes")
    files = repository().at("main").files
    assert "questions/test-imagenome.parquet" not in files
    (tmp_path / "read.parquet").write_bytes(files[f"verdicts/test-{LVLM}.parquet"].content)
    assert {row.source for row in decoded(tmp_path / "read.parquet", VERDICTS.row)} == {"phantom"}
