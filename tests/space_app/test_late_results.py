"""A Space that starts while the hub cannot be reached: it says so, and a page that is loaded later shows everything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace

import pytest

from medground_bench.leaderboard.folder_store import FolderStore
from tests.hub.clients import api_of
from tests.hub.faults import Silence
from tests.kit.case_books import book_on
from tests.kit.desks import truth
from tests.kit.joint_boards import our_board, our_runs

app, board_page = pytest.importorskip("app"), pytest.importorskip("board_page")
Loaded = Callable[[], Mapping[str, object]]
FOR_EVER = 10**6


def started() -> Loaded:
    """The Space, built once; what its page shows whenever it is loaded: every part by its name."""
    page = app.build_app()
    at_load = {each.name: each.fn for each in page.fns.values() if (page._id, "load") in each.targets}

    def loaded() -> Mapping[str, object]:
        values = at_load["at_first"](SimpleNamespace(query_params="tab=cases"))
        named = {part.elem_id: value for part, value in values.items() if part.elem_id}
        return named | {"lacking": at_load["lacking"](), "board": board_page.page_of({"lvlm": "a"})}

    return loaded


@pytest.fixture
def on_the_hub(hub, org, tmp_path) -> str:
    """Results there."""
    name, api, of = f"{org}/results", api_of(hub, f"hf_{org}-writer"), truth(lvlms="a")
    our_board(of).save(tmp_path)
    book_on(of, our_runs(of)).save(tmp_path)
    api.create_repo(name, repo_type="dataset")
    api.upload_folder(repo_id=name, repo_type="dataset", folder_path=tmp_path)
    return name


def test_results_that_cannot_be_had_at_the_start_are_there_when_the_page_is_loaded_again(
    here, hub, on_the_hub
):
    here.setenv("MEDGROUND_RESULTS", on_the_hub)
    hub.spoil("", Silence(done=False), times=FOR_EVER)
    loaded = started()
    before = loaded()
    assert before["lacking"].startswith("Without results")
    for shown in (before["board"]["error"], before["cases"]["empty"], before["compare"]["note"]):
        assert "cannot be read now" in shown and on_the_hub in shown
        assert shown.endswith("A reload of the page looks again.")
    hub.wire.rules.clear()
    after = loaded()
    assert "results" not in after["lacking"]
    assert {row["method"] for row in after["board"]["rows"]} >= {"medfocus", "occlusion"}
    assert after["cases"]["case"]["total"] == len(truth(lvlms="a").references)
    assert after["compare"]["comparison"]["first"] == "medfocus"


def test_results_and_a_store_that_are_no_folders_yet_are_there_when_they_are(here, tmp_path):
    here.setenv("MEDGROUND_RESULTS", str(tmp_path / "results"))
    here.setenv("MEDGROUND_STORE", str(tmp_path / "store"))
    loaded = started()
    assert "there is no such folder" in loaded()["board"]["error"]
    FolderStore.made(tmp_path / "store")
    assert loaded()["board"]["error"].startswith("No board here yet")
    our_board(truth()).save(tmp_path / "results")
    assert loaded()["board"]["rows"] and loaded()["cases"]["empty"].startswith("No cases here yet")
