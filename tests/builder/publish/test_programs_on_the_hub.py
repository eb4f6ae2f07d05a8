"""`publish-metric` and `publish-space` against a hub: four steps, the wait for the Space, and somebody's copy."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from builder.publish.program_files import metric_files, space_files
from builder.publish.program_shipment import program_shipment
from builder.publish.space_stage import SpaceFailed, stage_reached
from medground_bench.leaderboard.board import build_board
from medground_bench.storage.hub_calls import HubCalls
from tests.hub.clients import api_of
from tests.hub.faults import Silence
from tests.kit.board_runs import FACTS, LEFT_HALF, reference
from tests.kit.board_runs import run as method_run
from tests.kit.publishing import leaks

COMMIT = "POST .*/commit/main"


@pytest.fixture
def writer(org, monkeypatch, tmp_path):
    """Whoever runs the commands in an empty folder may write to the organisation."""
    monkeypatch.setenv("HF_TOKEN", f"hf_{org}-writer")
    monkeypatch.chdir(tmp_path)


def changes(hub) -> list[str]:
    return [str(each) for each in hub.wire.requests if each.method in ("POST", "PUT", "DELETE")]


def held(hub, name) -> dict[str, bytes]:
    """What the repository holds of ours."""
    files = hub.state.repositories["space", name].at("main").files
    return {path: file.content for path, file in files.items() if path != ".gitattributes"}


@pytest.mark.usefixtures("writer")
def test_the_metric_is_planned_pushed_read_back_and_told_how_to_pin_it(hub, org, run):
    name = f"{org}/attribution_overlap"
    words = ("publish-metric", "--to", name)
    code, said, _ = run(*words, "--dry-run")
    assert (
        code == 0 and f"make the space {name}, private" in said and "open to all" in said and not changes(hub)
    )
    code, _, err = run(*words)
    assert code == 1 and "give --yes" in err and not changes(hub)
    code, said, err = run(*words, "--yes")
    assert code == 0, err
    made = hub.state.repositories["space", name]
    commit = made.branches["main"]
    assert held(hub, name) == metric_files(name)
    assert (made.private, made.gated, made.sdk, made.tags) == (False, False, "gradio", {})
    assert f'evaluate.load("{name}", revision="{commit}")' in said and "the Space is RUNNING" in said
    code, said, _ = run(*words, "--yes")
    assert code == 0 and "is up to date" in said and made.branches["main"] == commit


@pytest.mark.usefixtures("writer")
def test_the_space_carries_the_library_and_the_results_and_a_copy_is_the_same_without_secrets(
    hub, org, run, tmp_path
):
    name, ann = f"{org}/medground-bench", hub.state.person(f"{org}-ann")
    truth = [reference(number) for number in range(3)]
    build_board(truth, [method_run("medfocus", truth, LEFT_HALF)], [FACTS]).save(tmp_path / "demo")
    code, said, err = run("publish-space", "--to", name, "--results", "demo", "--yes")
    assert code == 0, err
    files = space_files(name, tmp_path / "demo")
    assert held(hub, name) == files and "the Space is RUNNING" in said
    api = api_of(hub, ann)
    copy = api.duplicate_repo(name, repo_type="space", private=False).repo_id
    assert copy == f"{org}-ann/medground-bench" and held(hub, copy) == files
    downloaded = api_of(hub).hf_hub_download(copy, "app.py", repo_type="space")
    assert Path(downloaded).read_bytes() == files["app.py"]
    logged = [
        json.loads(line) for line in (tmp_path / "space.publish/log.jsonl").read_text("utf-8").splitlines()
    ]
    assert [each["did"] for each in logged] == ["begin", "published"]
    for path in (tmp_path / "space.publish").rglob("*"):
        assert path.is_dir() or f"hf_{org}-writer".encode() not in path.read_bytes(), path


@pytest.mark.usefixtures("writer")
def test_a_push_that_is_cut_off_is_taken_up_by_the_same_command(hub, org, run):
    name = f"{org}/attribution_overlap"
    hub.spoil(COMMIT, Silence(done=True))
    assert run("publish-metric", "--to", name, "--yes")[0] == 0
    assert [each.title for each in hub.state.repositories["space", name].history("main")][1:] == [
        "initial commit"
    ]


@pytest.mark.usefixtures("writer")
def test_what_the_policy_refuses_is_told_by_file_and_line_and_nothing_is_sent(
    hub, org, run, tmp_path, monkeypatch
):
    rule, value = leaks("imagenome")["image id"]
    asked = metric_files(f"{org}/attribution_overlap")
    leaking = asked | {"app.py": asked["app.py"] + f"\n# {value}\n".encode(), ".env": b"A=1\n"}
    monkeypatch.setattr("builder.publish.program_files.metric_files", lambda _name: leaking)
    code, said, err = run("publish-metric", "--to", f"{org}/attribution_overlap", "--yes")
    assert code == 1 and not changes(hub)
    assert "app.py, row" in err and rule in err and ".env: UNEXPECTED_FILE" in err and value not in err + said
    assert not (tmp_path / "attribution_overlap.publish/publish.json").exists()


@pytest.mark.usefixtures("writer")
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("publish-metric", "--to", "org/overlap"), "a module of the repository's own name"),
        (("publish-space", "--to", "medground-bench"), "is no name of a repository"),
        (
            ("publish-space", "--to", "org/medground-bench", "--results", "nowhere"),
            "nowhere holds no results",
        ),
    ],
)
def test_what_cannot_be_published_is_told_in_a_paragraph(run, words, told):
    code, _, err = run(*words, "--dry-run")
    assert code == 1 and told in err and "Traceback" not in err


@pytest.mark.usefixtures("writer")
def test_a_folder_of_something_else_is_not_touched(run, tmp_path):
    mine = tmp_path / "home" / "space" / "own.txt"
    mine.parent.mkdir(parents=True)
    for file in (mine, tmp_path / "home" / "letter.txt"):
        file.write_text("mine")
    code, _, err = run("publish-metric", "--to", "org/attribution_overlap", "--out", "home", "--dry-run")
    assert code == 1 and "home holds something else (letter.txt)" in err and mine.read_text() == "mine"


@pytest.fixture
def pushed(hub, org, tmp_path):
    """A Space on the hub, its shipment, and calls whose waiting moves it to the next of its stages."""
    name = f"{org}/attribution_overlap"
    made = hub.state.create("space", name, sdk="gradio")
    shipment = program_shipment(name, metric_files(name), tmp_path / "place")

    def calls(*stages):
        coming = iter(stages)
        made.stage = next(coming)
        return HubCalls(f"hf_{org}-writer", wait=lambda _s: setattr(made, "stage", next(coming, made.stage)))

    return made, shipment, calls


def test_a_space_that_builds_is_waited_for(pushed):
    made, shipment, calls = pushed
    said = stage_reached(shipment, made.branches["main"], calls("BUILDING", "APP_STARTING", "RUNNING"))
    assert said == f"the Space is RUNNING at {shipment.page}"
    assert "is PAUSED" in stage_reached(shipment, made.branches["main"], calls("PAUSED"))


@pytest.mark.parametrize("stage", ["RUNTIME_ERROR", "BUILD_ERROR", "CONFIG_ERROR", "NO_APP_FILE"])
def test_a_space_that_fails_is_told_with_the_place_of_its_log(pushed, stage):
    made, shipment, calls = pushed
    with pytest.raises(
        SpaceFailed, match=rf"was pushed and read back, but the hub says {stage}.*logs=container"
    ):
        stage_reached(shipment, made.branches["main"], calls("BUILDING", stage))


def test_the_wait_for_a_space_has_an_end(pushed):
    made, shipment, calls = pushed
    said = stage_reached(shipment, made.branches["main"], calls("BUILDING"))
    assert said.startswith("the Space is still BUILDING after 15 minutes")
