"""The metric as it is pushed: loaded by `evaluate` from the hub, and its app, both without anything else of ours."""

from __future__ import annotations

import json
import runpy
from urllib.request import urlopen

import pytest

from builder.publish.program_files import metric_files
from medground_bench.core.scoring import overlap
from medground_bench.core.types import Box, Frame
from tests.hub.clients import said_by, surroundings

pytest.importorskip("evaluate")
gradio_client = pytest.importorskip("gradio_client")
served_apps = pytest.importorskip("tests.kit.served_apps")

LOADS = """
import json, sys
sys.modules["transformers"] = None  # evaluate does without, and loads in a fifth of the time
if sys.argv[3] == "nothing of ours":
    sys.modules["medground_bench"] = None
import evaluate

del sys.modules["transformers"]
metric = evaluate.load(sys.argv[1], revision=sys.argv[2] or None)
cases = json.loads(sys.argv[4])
print(json.dumps([metric.compute(predictions=each["predictions"], references=each["references"]) for each in cases]))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return served_apps.written(metric_files("org/attribution_overlap"), tmp_path_factory.mktemp("metric"))


@pytest.fixture(scope="module")
def cases(folder):
    return runpy.run_path(str(folder / "tests.py"))["test_cases"]


@pytest.mark.parametrize("there", ["the library", "nothing of ours"])
def test_evaluate_loads_it_at_a_commit_and_at_the_newest_with_and_without_the_library(
    hub, org, tmp_path, cases, there
):
    name = f"{org}/attribution_overlap"
    space = hub.state.create("space", name, sdk="gradio")
    first = space.commit(metric_files(name))
    environment = surroundings(hub.address, tmp_path)
    newest = said_by(LOADS, environment, name, "", there, json.dumps(cases))
    asked_first = next(asked for asked in hub.requests if "/resolve/" in asked)
    assert "/resolve/v0." in asked_first  # a tag of evaluate's own version, then the newest
    space.commit({"attribution_overlap.py": b"raise SystemExit('another revision')"})
    pinned = said_by(LOADS, environment, name, first.oid, there, json.dumps(cases))
    assert newest == pinned
    for got, case in zip(pinned, cases, strict=True):
        assert got == pytest.approx(case["result"])


@pytest.fixture(scope="module")
def app(folder, tmp_path_factory):
    with served_apps.served_alone(folder, tmp_path_factory.mktemp("home")) as client:
        yield client


def test_the_app_scores_and_draws_what_it_is_given(app):
    frame = Frame.native(width=300, height=300)
    predicted, expected = [[80, 60, 200, 160], [100, 120, 160, 220]], [[60, 80, 180, 200]]
    drawn, scores = app.predict(f"[{predicted}, []]", f"[{expected}, []]", api_name="/score")
    wanted = overlap([Box(*box, frame) for box in predicted], [Box(*box, frame) for box in expected])
    assert scores == pytest.approx(
        {"iou": (wanted.iou + 1) / 2, "f1": (wanted.f1 + 1) / 2, "precision": (wanted.precision + 1) / 2,
         "recall": (wanted.recall + 1) / 2, "n": 2}
    )  # fmt: skip
    assert drawn.count("<svg") == 2 and "Both lists are empty" in drawn
    assert "15,600" in drawn and f"<b>{wanted.iou:.3f}</b>" in drawn and "Mean of 2 pictures" in drawn


@pytest.mark.parametrize(
    ("predictions", "references", "said"),
    [
        ("oops", "[]", "predictions is not JSON: Expecting value"),
        ("[[], []]", "[[]]", "predictions has 2 pictures and references has 1"),
        ("[[[0, 0, 1]]]", "[[]]", r"predictions\[0\]\[0\] is \[0, 0, 1\], of length 3: a box is 4 numbers"),
        ("[[[5, 0, 4, 1]]]", "[[]]", "it needs x0 &lt; x1"),
        ('[["<script>"]]', "[[]]", "predictions.*not a box"),
        ("{}", "[]", "predictions is {}, not a list of pictures"),
        ("null", "[]", "predictions is None"),
        ("[[NaN]]", "[[]]", "predictions.*is nan"),
        ("[" * 9_000, "[]", "predictions is not JSON: it is nested too deeply"),
        (str([[]] * 13), "[]", "13 pictures .* this page draws 12 pictures"),
        (str([[[0, 0, 1, 1]] * 51]), "[]", "up to 51 boxes"),
        (" " * 20_001, "[]", "20,001 letters, and this page takes 20,000"),
    ],
)
def test_what_cannot_be_scored_is_a_sentence_and_the_app_goes_on(app, predictions, references, said):
    with pytest.raises(gradio_client.exceptions.AppError, match=said) as refused:
        app.predict(predictions, references, api_name="/score")
    assert "Traceback" not in str(refused.value) and "<script" not in str(refused.value)
    assert app.predict("[[[0, 0, 1, 1]]]", "[[[0, 0, 1, 1]]]", api_name="/score")[1]["iou"] == 1


def test_every_example_of_the_page_can_be_scored_and_the_first_is_there_at_the_start(app):
    with urlopen(f"{app.src.rstrip('/')}/config", timeout=30) as answer:  # noqa: S310  our own server
        page = json.loads(answer.read())
    [samples] = [each["props"]["samples"] for each in page["components"] if each["type"] == "dataset"]
    drawn = [app.predict(*sample, api_name="/score")[0] for sample in samples]
    [at_the_start] = [each["props"]["value"] for each in page["components"] if each["type"] == "html"]
    assert len(samples) == 5 and drawn[0] == at_the_start
    assert all("<svg" in each for each in drawn)
