"""The Space as it is pushed, started from its own repository alone: no checkout, no installation of ours, no token."""

from __future__ import annotations

import json
import subprocess
import sys
from urllib.request import urlopen

import pytest
from PIL import Image

from builder.publish.program_files import space_files
from medground_bench.leaderboard.board import build_board
from medground_bench.phantom.scene import Scene
from tests.kit.board_runs import FACTS, LEFT_HALF, reference, run
from tests.kit.case_books import book_of

gradio_client = pytest.importorskip("gradio_client")
served_apps = pytest.importorskip("tests.kit.served_apps")
lacking, results_folder = pytest.importorskip("lacking"), pytest.importorskip("results_folder")


@pytest.fixture(scope="module")
def folder(tmp_path_factory, built):
    """All that is pushed, with a small board and its cases."""
    results, truth = tmp_path_factory.mktemp("results"), [reference(number) for number in range(3)]
    build_board(truth, [run("medfocus", truth, LEFT_HALF)], [FACTS]).save(results)
    book_of(built).save(results)
    return served_apps.written(space_files("org/medground-bench", results), tmp_path_factory.mktemp("space"))


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def space(folder, home):
    with served_apps.served_alone(folder, home) as client:
        yield client


def page_of(space) -> str:
    with urlopen(f"{space.src.rstrip('/')}/config", timeout=30) as answer:  # noqa: S310  our own server
        return json.dumps(json.loads(answer.read()), ensure_ascii=False)


def test_the_library_is_the_one_that_was_pushed(folder, home):
    program = "import medground_bench; print(medground_bench.__file__)"
    line = [sys.executable, "-S", "-c", program]
    ended = subprocess.run(
        line, cwd=folder, env=served_apps.alone(home), capture_output=True, text=True, check=True
    )
    assert ended.stdout.strip() == str(folder / "medground_bench" / "__init__.py")
    nowhere = subprocess.run(line, cwd=home, env=served_apps.alone(home), capture_output=True, check=False)
    assert b"No module named 'medground_bench'" in nowhere.stderr


def test_it_starts_without_secrets_shows_its_board_and_says_what_it_lacks(space):
    page = page_of(space)
    assert "No board here yet" not in page
    assert (
        "Without a token of the hub (`HF_TOKEN`) and a GPU, this Space opens nothing that is gated there"
        in page
    )
    table = space.predict({"mode": "direct"}, api_name="/board_table")
    assert [row["method"] for row in table["rows"]] == ["medfocus"] and table["caption"].startswith("3 cases")


def test_it_shows_the_phantoms_it_draws_again_and_compares_two_methods(space):
    shown = space.predict("tab=cases&methods=medfocus", api_name="/case")["case"]
    assert shown["film"].startswith("data:image/jpeg;base64,") and all(
        each["film"] for each in shown["answers"]
    )
    found = space.predict("first=medfocus&second=occlusion", api_name="/compare")["comparison"]
    assert (
        found["first_mean"] == "100.0"
        and found["verdict"] == "medfocus is better than occlusion on these cases"
    )


def test_it_answers_and_explains_a_picture(space, tmp_path):
    Image.fromarray(Scene.sample(6_000_101).native(["pacemaker"])).save(tmp_path / "own.png")
    picture = gradio_client.handle_file(str(tmp_path / "own.png"))
    asked = (picture, "pacemaker", "phantom_gemma3", "direct", ["whole_image"])
    _status, answer, results, _boxes = space.predict(*asked, api_name="/attribute")
    assert answer["answer"] == "yes" and [each["name"] for each in results["methods"]] == ["whole_image"]


@pytest.mark.parametrize(
    ("board", "token", "gpu", "said"),
    [
        (True, "hf_someone", True, ""),
        (True, "hf_someone", False, "Without a GPU, this Space offers the embedded LVLMs alone."),
        (
            False, None, True,
            "Without results and a token of the hub (`HF_TOKEN`), this Space shows no board and opens nothing that is "
            "gated there.",
        ),
        (
            False, None, False,
            "Without results, a token of the hub (`HF_TOKEN`) and a GPU, this Space shows no board, opens nothing that "
            "is gated there and offers the embedded LVLMs alone.",
        ),
    ],
)  # fmt: skip
def test_what_a_space_lacks_is_one_sentence(tmp_path, monkeypatch, board, token, gpu, said):
    monkeypatch.setenv("MEDGROUND_RESULTS", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.get_token", lambda: token)
    monkeypatch.setattr("torch.cuda.is_available", lambda: gpu)
    if board:
        build_board([], []).save(tmp_path)
    assert lacking.lacking() == said
