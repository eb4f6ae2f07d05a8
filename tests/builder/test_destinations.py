"""Where a build may write: the store and the dataset folder apart, nothing of others lost, nothing sent elsewhere."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from builder.build import store_beside
from builder.destinations import StoreInDataset, store_for
from builder.place import Place
from builder.store import Store
from medground_bench.benchmark.folder import DatasetFolder
from medground_bench.core.errors import FolderTaken, Unsupported
from tests.kit.builds import build, bytes_of
from tests.kit.trees import TEST_TABLE, Trees, write_vindr

BUILD = ("build", "--source", "phantom", "--limit", 2, "--lvlm", "x", "--mode", "direct")
ELSEWHERE = "memory://bucket/store"


@pytest.fixture
def vindr(tmp_path):
    trees = Trees((Path(), Path()), tmp_path / "vindr-cxr", Path())
    write_vindr(trees, ["4000000"])
    return trees.vindr_cxr


@pytest.fixture
def memory():
    """What reached the object store in this process."""
    MemoryFileSystem.store.clear()
    yield MemoryFileSystem.store
    MemoryFileSystem.store.clear()
    MemoryFileSystem.pseudo_dirs[:] = [""]


def files_in(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.mark.usefixtures("rule_lvlm")
@pytest.mark.parametrize(
    "store", ["m", "m/store", "./m/../m/a/b", ".", "..", "link", "link/store", "file://{here}/m/store"]
)
def test_a_store_in_the_dataset_folder_or_around_it_is_refused_before_a_byte_is_written(
    run, tmp_path, monkeypatch, store
):
    (tmp_path / "here" / "m").mkdir(parents=True)
    (tmp_path / "here" / "link").symlink_to("m")
    monkeypatch.chdir(tmp_path / "here")
    code, said, err = run(*BUILD, "--out", "m", "--store", store.format(here=tmp_path / "here"))
    assert code == 1 and "lie in one another" in err and "Give a --store beside it" in err
    assert not said and not files_in(tmp_path)


@pytest.mark.usefixtures("rule_lvlm")
def test_the_store_beside_a_link_is_refused_where_the_link_leads_to_what_holds_it(run, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "m").symlink_to(tmp_path / "real")
    code, _, err = run(*BUILD, "--out", tmp_path / "real" / "m")
    assert code == 1 and "m.store" in err and "lie in one another" in err


@pytest.mark.usefixtures("rule_lvlm")
def test_the_working_folder_itself_can_be_the_dataset_folder(run, tmp_path, monkeypatch):
    (tmp_path / "m").mkdir()
    monkeypatch.chdir(tmp_path / "m")
    assert store_beside(Path()) == tmp_path / "m.store"
    assert store_beside(Path("a")) == Path("a.store")
    assert run(*BUILD, "--out", ".")[0] == 0
    assert (tmp_path / "m.store" / "edits").is_dir()


def test_a_local_store_and_its_folders_are_for_their_user_alone_and_so_are_its_files(tmp_path):
    build(tmp_path / "m", limit=2)
    store = tmp_path / "m.store"
    Place(store).write("patients-x.json", b"{}")
    folders = [store, *(path for path in store.rglob("*") if path.is_dir())]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {0o700}
    kept = [path for path in files_in(store) if path.name != ".lock"]
    assert len(kept) > 3 and {stat.S_IMODE(path.stat().st_mode) for path in kept} == {0o600}
    shown = {stat.S_IMODE(path.stat().st_mode) for path in files_in(tmp_path / "m")}
    assert all(mode & 0o044 for mode in shown), "the dataset folder is there to be read"


def test_a_store_that_a_user_made_before_keeps_its_mode_and_hides_what_is_put_there(tmp_path):
    (tmp_path / "store").mkdir(0o755)
    place = Place(tmp_path / "store")
    place.write("patients-x.json", b"{}")
    Store(place / "edits", ".png").put({"key": b"picture"})
    assert stat.S_IMODE((tmp_path / "store").stat().st_mode) == 0o755
    assert stat.S_IMODE((tmp_path / "store" / "edits").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "store" / "patients-x.json").stat().st_mode) == 0o600


@pytest.mark.usefixtures("rule_lvlm")
@pytest.mark.parametrize("inside", [{"README.md": "# MedGround-Bench"}, {"notes.txt": "mine"}])
@pytest.mark.parametrize("questions", [False, True])
def test_a_folder_that_holds_something_else_is_refused_and_left_as_it_is(run, tmp_path, inside, questions):
    out = tmp_path / "m"
    out.mkdir()
    for name, text in inside.items():
        (out / name).write_text(text)
    if questions and "README.md" in inside:
        (out / "questions").mkdir()
    code, _, err = run(*BUILD, "--out", out)
    assert code == 1 and "holds something else than a dataset folder" in err
    assert {path.name: path.read_text() for path in files_in(out)} == inside
    assert not (tmp_path / "m.store").exists()
    with pytest.raises(FolderTaken):
        DatasetFolder(out).demand_free()


@pytest.mark.usefixtures("rule_lvlm")
def test_new_and_empty_folders_clones_of_nothing_and_earlier_builds_are_free(run, tmp_path):
    for name in ("new", "empty", "clone"):
        out = tmp_path / name
        if name != "new":
            out.mkdir()
        if name == "clone":
            (out / ".gitattributes").write_text("*.parquet filter=lfs")
        for _ in range(2):
            assert run(*BUILD, "--out", out)[0] == 0
    assert DatasetFolder(tmp_path / "clone").is_one()


@pytest.fixture
def build_elsewhere(run, tmp_path, vindr, memory, rule_lvlm):
    """Builds VinDr with a store elsewhere; gives exit code, stderr, and whether anything was kept there or asked."""

    def built():
        words = ("--root", vindr, "--editor", "harmonic", "--out", tmp_path / "m", "--store", ELSEWHERE)
        told = ("build", "--source", "vindr_cxr", "--limit", 1, "--lvlm", "x", "--mode", "direct", *words)
        code, _, err = run(*told)
        return code, err, bool(memory), rule_lvlm.asked > 0

    return built


@pytest.mark.parametrize(
    "named", ["", ELSEWHERE, f"imagenome@{ELSEWHERE}", "vindr_cxr@memory://bucket", f"vindr_cxr@{ELSEWHERE}2"]
)
def test_patients_and_edits_of_a_credentialed_source_stay_on_this_disk_unless_that_is_said(
    build_elsewhere, tmp_path, monkeypatch, named
):
    monkeypatch.setenv("MEDGROUND_SERVERS", named)
    code, err, kept, asked = build_elsewhere()
    assert (code, kept, asked) == (1, False, False)
    assert f"export MEDGROUND_SERVERS=vindr_cxr@{ELSEWHERE}" in err and "nothing was written" in err
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize("named", [f"vindr_cxr@{ELSEWHERE}", f"gpu1:8000, vindr_cxr@{ELSEWHERE}/"])
def test_they_are_kept_where_the_user_names_the_address_for_the_source(build_elsewhere, monkeypatch, named):
    monkeypatch.setenv("MEDGROUND_SERVERS", named)
    code, err, kept, asked = build_elsewhere()
    assert (code, kept, asked) == (0, True, True), err


@pytest.mark.usefixtures("memory")
def test_a_source_that_may_be_shown_needs_no_word_and_a_local_address_is_this_disk(tmp_path, vindr):
    from builder.build import open_source

    folder, source = DatasetFolder(tmp_path / "m"), open_source("vindr_cxr", [vindr])
    assert store_for(folder, ELSEWHERE, [open_source("phantom")]).local is None
    assert store_for(folder, f"file://{tmp_path}/store", [source]).local == tmp_path / "store"
    with pytest.raises(Unsupported, match="not on this disk"):
        store_for(folder, ELSEWHERE, [open_source("phantom"), source])
    with pytest.raises(StoreInDataset):
        store_for(folder, f"file://{tmp_path}", [source])


def test_an_import_of_the_release_obeys_the_same_rules(run, tmp_path, vindr, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ("import-release", "none.json", "--out", "m", "--source", "vindr_cxr", "--root", vindr)
    assert "lie in one another" in run(*words, "--store", "m/store")[2]
    assert "MEDGROUND_SERVERS=vindr_cxr@" in run(*words, "--store", ELSEWHERE)[2]
    assert (vindr / TEST_TABLE).is_file() and not (tmp_path / "m").exists()


def test_a_build_into_an_address_of_this_disk_is_the_same_build(tmp_path):
    whole = bytes_of(build(tmp_path / "a", limit=2))
    assert bytes_of(build(tmp_path / "b", limit=2, store=f"file://{tmp_path}/elsewhere")) == whole
    assert (tmp_path / "elsewhere" / ".lock").is_file()
