"""`python -m builder publish` against the hub on this machine: what it sends, and what readers get."""

from __future__ import annotations

import io
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import groupby

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from huggingface_hub import HfApi
from typer.testing import CliRunner

from builder.build import store_beside
from builder.cli import app
from builder.commands.options import NotAgreed
from builder.place import Place
from builder.publish.card.about import BadAbout
from builder.publish.id_key import key_for, make_key, read_key
from builder.publish.other_files import OtherKey
from builder.publish.policy import Unpublishable
from builder.publish.released_rows import AlreadyReleased, BadKey, UnknownTerms
from builder.publish.shipment import NotOurs
from builder.quarantine import InQuarantine, Quarantine, Quarantined
from medground_bench.benchmark.folder import DatasetFolder
from medground_bench.benchmark.parquet import decoded
from medground_bench.benchmark.rows import DIRECT, VERDICTS, QuestionColumns
from medground_bench.core.errors import SourceMissing
from tests.hub.clients import ask_for_access, said_by, surroundings
from tests.kit.publishable import SHARE, publish, raw_folder
from tests.kit.publishing import LVLM, TABLES, image_id, opaque_id

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
    order = [page for page, _ in groupby(page for asked in changes for page in pages if page in asked)]
    assert order == ["repos/create", "settings", "/_lfs/", "commit/main", "settings", "tag/"]


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


def test_ids_by_another_key_are_refused_before_anything_is_sent(folder, name, repository, tmp_path):
    publish(folder, name, "--yes")
    before = repository().branches["main"]
    own = raw_folder(tmp_path / "own" / "medground-bench", lvlms=(OTHER,))
    other = tmp_path / "own" / "other.key"
    other.write_text("ab" * 32)
    other.chmod(0o600)
    with pytest.raises(OtherKey, match="of whoever published first"):
        publish(own, name, "--yes", "--id-key", other)
    assert repository().branches["main"] == before


def test_a_file_whose_rows_are_the_same_in_other_bytes_is_not_changed(folder, name, repository, tmp_path):
    """As another version of pyarrow writes them."""
    publish(folder, name, "--yes")
    file = f"verdicts/test-{LVLM}.parquet"
    rows, buffer = pq.read_table(pa.BufferReader(repository().at("main").files[file].content)), io.BytesIO()
    pq.write_table(rows, buffer, compression="gzip", write_statistics=False)
    theirs = repository().commit({file: buffer.getvalue()})
    code, _said = publish(folder, name, "--yes")
    assert code == 0 and repository().at("main").files[file].content == theirs.files[file].content
    publish(raw_folder(tmp_path / "more" / "medground-bench", lvlms=(LVLM, OTHER)), name, "--yes")
    assert repository().at("main").files[file].content == theirs.files[file].content


def test_a_strange_file_in_the_repository_is_refused_by_name_until_it_is_removed(folder, name, repository):
    publish(folder, name, "--yes")
    repository().commit({"notes.txt": b"of somebody"})
    with pytest.raises(Unpublishable, match=r"on the hub already: .*notes\.txt: UNEXPECTED_FILE"):
        publish(folder, name, "--yes")
    publish(folder, name, "--yes", "--remove-gone")
    assert "notes.txt" not in repository().at("main").files


def test_what_failed_and_nobody_accepted_is_not_published(folder, name, tmp_path):
    question = next(folder.columns(TABLES["questions"], "test", QuestionColumns)).question_id
    entry = Quarantined("ab" * 32, "edit", "radedit", question, "foreground", "Traceback", "RuntimeError")
    quarantine = Quarantine(Place(store_beside(folder.path)) / "quarantine")
    quarantine.add(entry)
    with pytest.raises(InQuarantine, match=r"1 units are in quarantine \(1 edit\)"):
        publish(folder, name, "--dry-run")
    quarantine.accept_all([entry.key])
    assert publish(folder, name, "--dry-run")[0] == 0


@pytest.mark.parametrize(
    "to",
    [
        "bench",
        "a/b/c",
        "https://huggingface.co/a/b",
        "../x",
        "a b/c",
        "org/a--b",
        "org/x.git",
        f"org/{'x' * 120}",
    ],
)
def test_a_name_that_is_none_is_refused_before_the_hub_is_asked(hub, folder, to, name):
    with pytest.raises(BadAbout, match="names no repository of the hub"):
        publish(folder, to, "--yes")
    assert not hub.requests


def test_a_folder_that_is_none_is_told_with_what_to_do(name, tmp_path):
    with pytest.raises(SourceMissing, match="Build one first"):
        publish(DatasetFolder(tmp_path / "nothing"), name)


def test_a_statement_of_the_right_needs_its_source_and_only_one(folder, name):
    for words in (("no reason",), (f"imagenome={SHARE}", f"imagenome={SHARE}")):
        code, said = publish(folder, name, *(each for word in words for each in ("--i-may-share", word)))
        assert code == 2 and "--i-may-share" in said


@pytest.mark.parametrize(
    ("content", "mode", "said"),
    [
        ("ab" * 32, 0o644, "can be read by others"),
        ("abc", 0o600, "is no key"),
        ("zz" * 32, 0o600, "is no key"),
    ],
)
def test_a_key_that_others_can_read_or_that_is_none_is_refused(tmp_path, content, mode, said):
    path = tmp_path / "ids.key"
    path.write_text(content)
    path.chmod(mode)
    with pytest.raises(BadKey, match=said):
        read_key(path)


def test_a_key_is_made_once_for_this_user_alone_and_only_where_an_id_needs_it(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    place = tmp_path / "settings" / "medground-bench" / "opaque_ids.key"
    key_for(raw_folder(tmp_path / "free", sources=("phantom",)), None, new=True)
    assert not place.exists()
    credentialed = raw_folder(tmp_path / "bench")
    key = key_for(credentialed, None, new=True)
    assert key_for(credentialed, None, new=False) == key == read_key(place)
    assert place.stat().st_mode & 0o777 == 0o600


def test_a_reader_who_was_let_in_loads_what_was_published(hub, folder, org, name, tmp_path):
    publish(folder, name, "--yes")
    reader = hub.state.person("reads")
    ask_for_access(hub, name, reader, {"PhysioNet user name": "reads"})
    program = """
import json, sys
from datasets import load_dataset
whole = load_dataset(sys.argv[1], "verdicts", split="test")
streamed = list(load_dataset(sys.argv[1], "direct", split="test", streaming=True))
print(json.dumps([len(whole), [row["case_id"] for row in streamed]]))
"""
    HfApi(endpoint=hub.address, token=f"hf_{org}-admin").accept_access_request(
        name, "reads", repo_type="dataset"
    )
    loaded = said_by(program, surroundings(hub.address, tmp_path / "home", reader), name)
    assert (
        loaded[0] == 2
        and [case.rpartition("/")[0] for case in loaded[1]] == [f"imagenome/{opaque_id('imagenome')}"] * 2
    )


def test_what_else_lies_in_the_folder_is_not_sent_and_told_without_ids(folder, name, repository):
    (folder.path / f"{image_id('imagenome')}.png").write_bytes(b"a picture")
    (folder.path / ".notes").write_text("of a patient")
    code, said = publish(folder, name, "--yes")
    assert code == 0 and "not sent, since no tables: .notes, [...].png" in said
    assert not [file for file in repository().at("main").files if file.endswith((".png", ".notes"))]


def without_key_option(folder, name, *words):
    run = CliRunner().invoke(app, ["publish", str(folder.path), "--to", name, *words])
    if run.exception is not None and not isinstance(run.exception, SystemExit):
        raise run.exception
    return " ".join(run.output.split())


def test_no_key_is_made_for_a_dataset_that_has_ids(folder, name, repository, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "other machine"))
    publish(folder, name, "--yes")
    before = repository().branches["main"]
    with pytest.raises(BadKey, match="the dataset has opaque ids already"):
        without_key_option(folder, name, "--yes")
    assert repository().branches["main"] == before and not (tmp_path / "other machine").exists()


def test_another_key_for_the_same_files_is_refused(folder, name, repository, tmp_path):
    publish(folder, name, "--yes")
    before = repository().branches["main"]
    other = tmp_path / "other.key"
    other.write_text("cd" * 32)
    other.chmod(0o600)
    for words in ((), ("--remove-gone",)):
        with pytest.raises(OtherKey, match="not one of its opaque ids would stay"):
            publish(folder, name, "--yes", "--id-key", other, *words)
    assert repository().branches["main"] == before


def test_a_dry_run_leaves_no_key(folder, name, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    without_key_option(folder, name, "--dry-run")
    assert not (tmp_path / "settings").exists()


def test_two_who_need_a_first_key_at_once_have_the_same(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _n: make_key(tmp_path / "ids.key"), range(8)))
    assert keys == {read_key(tmp_path / "ids.key")}


def test_what_was_published_is_not_published_again_as_if_it_were_built(folder, name):
    publish(folder, name, "--yes")
    released = DatasetFolder(folder.path.with_name("medground-bench.publish") / "keys" / "dataset")
    with pytest.raises(AlreadyReleased, match="is what was published, not what was built"):
        publish(released, name, "--yes")


def test_a_dataset_that_is_not_ours_is_not_written_over(hub, folder, org, name):
    theirs = hub.state.create("dataset", name)
    theirs.commit({"README.md": b"# My own data", "train.csv": b"a,b"})
    with pytest.raises(NotOurs, match="is there and holds something else"):
        publish(folder, name, "--yes", "--remove-gone")
    assert "train.csv" in theirs.at("main").files and not theirs.gated


def test_what_hides_beside_the_rows_of_a_file_on_the_hub_is_replaced(folder, name, repository):
    publish(folder, name, "--yes")
    file = f"verdicts/test-{LVLM}.parquet"
    clean = repository().at("main").files[file].content
    rows, buffer = pq.read_table(pa.BufferReader(clean)), io.BytesIO()
    pq.write_table(
        rows.replace_schema_metadata({**rows.schema.metadata, b"note": image_id("imagenome").encode()}),
        buffer,
    )
    repository().commit({file: buffer.getvalue()})
    publish(folder, name, "--yes")
    assert repository().at("main").files[file].content == clean


def test_a_level_below_that_of_earlier_releases_is_told_to_take_nothing_back(folder, name):
    publish(folder, name, "--level", "boxes", "--i-may-share", f"imagenome={SHARE}", "--yes")
    _code, said = publish(folder, name, "--dry-run")
    assert "the releases so far are at level boxes" in said


def test_a_folder_without_a_row_at_the_level_is_told(folder, name):
    with pytest.raises(Unpublishable, match="has no rows at level full"):
        publish(folder, name, "--level", "full", "--yes")


def test_rows_of_a_source_that_nobody_has_looked_at_are_refused(name, tmp_path):
    folder = raw_folder(tmp_path / "medground-bench")
    row = next(iter(folder.read(TABLES["questions"], "test")))
    folder.write(TABLES["questions"], "test", "nih_cxr", [replace(row, source="nih_cxr")])
    with pytest.raises(UnknownTerms, match="no terms are known of the source nih_cxr"):
        publish(folder, name, "--yes")


def test_who_said_where_to_ask_is_not_forgotten(folder, name, repository, tmp_path):
    publish(folder, name, "--yes", "--contact", "Write to the lab (bench@lab.example)")
    publish(raw_folder(tmp_path / "own" / "medground-bench", lvlms=(OTHER,)), name, "--yes")
    assert (
        "Write to the lab (bench@lab.example)" in repository().at("main").files["README.md"].content.decode()
    )


def test_a_release_whose_tag_was_never_set_gets_it_from_a_later_run(folder, name, repository, tmp_path):
    publish(folder, name, "--yes")
    publish(raw_folder(tmp_path / "own" / "medground-bench", lvlms=(OTHER,)), name, "--yes")
    tags = dict(repository().tags)
    del repository().tags["v1"]
    code, said = publish(folder, name, "--yes")
    assert code == 0 and repository().tags == tags, said
