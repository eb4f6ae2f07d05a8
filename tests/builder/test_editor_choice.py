"""Which editor makes the edits: the folder's own, one that can, and never two side by side."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from builder.build import OtherEditor, demand_same_editor
from builder.editors.harmonic import Harmonic
from builder.editors.phantom_exact import PhantomExact
from builder.units import full_name
from medground_bench.benchmark.folder import DatasetFolder
from medground_bench.benchmark.rows import VERDICTS
from medground_bench.core.types import Mode, Response, Track
from tests.kit.builds import build, bytes_of
from tests.kit.fakes import RuleLvlm
from tests.kit.trees import Trees, write_vindr

DIRECT = ("--mode", "direct")
PHANTOM = ("--source", "phantom", "--limit", 1)


class Denies(RuleLvlm):
    """Says no to everything, so that nothing is edited."""

    def generate(self, pictures, prompts, *, max_new_tokens=512):
        return [Response("No", (1,), ("No",)) for _ in prompts]


@pytest.fixture
def opened(monkeypatch):
    """The locations of the LVLMs that were opened."""
    locations = []

    def open_lvlm(location, **_choices):
        locations.append(location)
        return RuleLvlm(key=location)

    monkeypatch.setattr("medground_bench.lvlms.open_lvlm", open_lvlm)
    return locations


@pytest.fixture
def out(tmp_path):
    return tmp_path / "m"


def editors(out):
    """LVLM -> names of the editors of its edits."""
    rows = DatasetFolder(out).read(VERDICTS, "test")
    return {
        lvlm: {row.editor.partition("@")[0] for row in rows if row.lvlm == lvlm and row.editor}
        for lvlm in {row.lvlm for row in rows}
    }


@pytest.mark.usefixtures("opened")
def test_another_lvlm_and_the_same_build_again_go_on_with_the_editor_of_the_folder(run, out):
    first = ("build", *PHANTOM, "--lvlm", "one", *DIRECT, "--out", out)
    assert run(*first, "--editor", "harmonic")[0] == 0
    before = bytes_of(DatasetFolder(out))
    assert run(*first)[0] == 0
    assert bytes_of(DatasetFolder(out)) == before
    assert run("add-lvlm", "--lvlm", "two", *DIRECT, "--out", out)[0] == 0
    assert run("build", *PHANTOM, "--lvlm", "three", *DIRECT, "--out", out)[0] == 0
    assert editors(out) == {key: {"harmonic"} for key in ("one", "two", "three")}


def test_another_editor_beside_the_edits_of_the_folder_is_refused(run, out, opened):
    build(out, limit=1)
    before = bytes_of(DatasetFolder(out))
    code, _, err = run("add-lvlm", "--lvlm", "two", *DIRECT, "--out", out, "--editor", "harmonic")
    assert code == 1 and "edits of phantom by phantom_exact@" in err and "Give another --out" in err
    assert opened == []
    code, _, err = run("build", *PHANTOM, "--lvlm", "two", *DIRECT, "--out", out, "--editor", "harmonic")
    assert code == 1 and "edits of phantom by phantom_exact@" in err
    assert bytes_of(DatasetFolder(out)) == before


@pytest.mark.usefixtures("opened")
def test_a_build_of_all_tracks_again_may_take_another_editor(run, out):
    words = ("build", *PHANTOM, "--lvlm", "one", *DIRECT, "--out", out)
    for name in ("phantom_exact", "harmonic"):
        assert run(*words, "--editor", name)[0] == 0
        assert editors(out) == {"one": {name}}


@pytest.mark.usefixtures("opened")
def test_a_folder_without_edits_takes_any_editor(run, out):
    build(out, limit=1, lvlm=Denies())
    assert editors(out) == {"rule_lvlm": set()}
    assert run("add-lvlm", "--lvlm", "two", *DIRECT, "--out", out, "--editor", "harmonic")[0] == 0
    assert editors(out) == {"rule_lvlm": set(), "two": {"harmonic"}}


def test_another_version_of_the_same_editor_makes_other_edits(out):
    folder, track = build(out, limit=1), Track("rule_lvlm", Mode.DIRECT)
    demand_same_editor(folder, "phantom", PhantomExact())
    later = SimpleNamespace(name="phantom_exact", version="later")
    with pytest.raises(OtherEditor, match=f"{full_name(PhantomExact())}, and phantom_exact@later"):
        demand_same_editor(folder, "phantom", later)
    demand_same_editor(folder, "phantom", later, [track])
    demand_same_editor(folder, "vindr_cxr", Harmonic())


def test_an_editor_that_cannot_edit_a_source_is_refused_before_any_work(run, tmp_path, out, opened):
    trees = Trees((Path(), Path()), tmp_path / "vindr-cxr", Path())
    write_vindr(trees, ["4000000"])
    copy = ("--source", "vindr_cxr", "--root", trees.vindr_cxr)
    words = ("build", *copy, "--lvlm", "one", *DIRECT, "--out", out)
    code, _, err = run(*words, "--editor", "phantom_exact")
    assert code == 1
    assert "phantom_exact edits pictures of phantom alone" in err and "Its own editor is radedit" in err
    assert opened == [] and not out.exists() and not out.with_name("m.store").exists()


@pytest.mark.parametrize("command", ["build", "add-lvlm"])
def test_a_misspelt_editor_is_told_before_an_lvlm_is_opened(run, out, opened, command):
    build(out, limit=1)
    words = PHANTOM if command == "build" else ()
    code, _, err = run(command, *words, "--lvlm", "one", *DIRECT, "--out", out, "--editor", "harmonik")
    assert code == 2 and "Did you mean harmonic" in err
    assert opened == []


def test_a_release_alone_has_no_question_for_another_lvlm(run, tmp_path, out, opened):
    edits = ("", "_edited", "_edited_kept", "_edited_kept_normal")
    texts = ", ".join(f'"prediction{edit}_direct": "Yes"' for edit in edits)
    (tmp_path / "direct.json").write_text(
        f'[{{"model": "m", "dataset": "vindr_cxr", "index": 0, "answer": "Yes", {texts}}}]'
    )
    assert run("import-release", tmp_path / "direct.json", "--out", out)[0] == 0
    code, _, err = run("add-lvlm", "--lvlm", "two", *DIRECT, "--out", out)
    assert code == 1 and "has no questions, only verdicts" in err and "import-release FILE --source" in err
    assert opened == []
