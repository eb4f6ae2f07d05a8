"""`medground attribute`: what it says, draws and writes about one picture, also when a method fails."""

from __future__ import annotations

import json

import numpy as np
import pytest

from medground_bench.core.concepts import CONCEPTS
from medground_bench.lvlms import Need
from tests.kit.fakes import RuleLvlm
from tests.kit.native_boxes import inside, size_of


@pytest.mark.parametrize("place", [0, -1])
def test_real_x_rays_of_any_size_are_localized_and_attributed(medground, real_cxr, tmp_path, place):
    image = sorted(path for path in (real_cxr / "images").iterdir() if path.is_file())[place]
    code, out, _err = medground("localize", image, "--out", tmp_path, "--json")
    assert code == 0
    assert all(inside(box, *size_of(image)) for box in json.loads(out)["concepts"].values())
    methods = ["--method", "medfocus", "--method", "gradcam"]
    line = ["attribute", image, "--finding", "cardiomegaly", *methods, "--out", tmp_path, "--json"]
    code, out, err = medground(*line)
    boxes = [box for each in json.loads(out)["methods"] for box in each["boxes"]]
    assert code == 0 and "mean nothing" in err
    assert boxes and all(inside(box, *size_of(image)) for box in boxes)
    assert {"concepts.png", "medfocus.png", "gradcam.png"} <= {path.name for path in tmp_path.iterdir()}


def test_attribute_writes_overlays_charts_and_native_boxes(medground, xray, tiny_folders, tmp_path):
    question = ["--question", "Is the heart enlarged?", "--mode", "reason", "--json"]
    methods = ["--method", "medfocus", "--method", "gradcam", "--method", "whole_image"]
    code, out, err = medground(
        "attribute", xray, *question, "--lvlm", tiny_folders["gemma3"], *methods, "--out", tmp_path
    )
    found = json.loads(out)
    assert code == 0 and "mean nothing" not in err
    assert found["prompt"] == "Is the heart enlarged?\nThink step by step and answer with yes or no."
    assert [each["method"] for each in found["methods"]] == ["medfocus", "gradcam", "whole_image"]
    width, height = size_of(xray)
    assert found["methods"][2]["boxes"] == [[0, 0, width, height]]
    assert all(inside(box, width, height) for each in found["methods"] for box in each["boxes"])
    assert all(size_of(tmp_path / f"{name}.png") == (width, height) for name in ("medfocus", "gradcam"))
    assert set(CONCEPTS) <= set(found["methods"][0]["concept_drops"])
    assert (tmp_path / "medfocus-concepts.png").is_file()
    assert (tmp_path / "medfocus-words.png").is_file() == bool(found["methods"][0]["token_drops"])
    assert json.loads((tmp_path / "attribution.json").read_text()) == found


def test_an_embedded_lvlm_says_that_its_answers_about_own_pictures_mean_nothing(
    medground, xray, tmp_path, monkeypatch
):
    fake = RuleLvlm(key="phantom_gemma3")
    monkeypatch.setattr("medground_bench.runs.explanation_folder.open_lvlm", lambda key, **_choices: fake)
    line = ["attribute", xray, "--finding", "cardiomegaly", "--method", "whole_image", "--out", tmp_path]
    code, out, err = medground(*line)
    assert code == 0
    assert out.startswith("phantom_gemma3 says yes")
    assert "procedural pictures only" in err and "mean nothing" in err
    assert "mean nothing" in json.loads((tmp_path / "attribution.json").read_text())["note"]


class Unsure(RuleLvlm):
    """Finds no number for how likely its response is."""

    def log_probs(self, pictures, prompt, response):
        return np.full((len(pictures), len(response.tokens)), np.nan, np.float32)


def test_attribute_shows_and_writes_what_it_has_when_a_method_fails_and_exits_1(
    medground, xray, tmp_path, monkeypatch
):
    fake = Unsure(gives=frozenset({Need.TEXT, Need.LOG_PROBS}))
    monkeypatch.setattr("medground_bench.runs.explanation_folder.open_lvlm", lambda key, **_choices: fake)
    methods = ["--method", "medfocus", "--method", "whole_image"]
    line = ["attribute", xray, "--finding", "cardiomegaly", *methods, "--out", tmp_path]
    code, out, err = medground(*line)
    assert code == 1 and out.startswith("rule_lvlm says yes") and f"written to {tmp_path}" in out
    assert "whole_image: (" in out and "medfocus: failed." in out
    assert f"error: medfocus failed on {xray}" in err and "Traceback" not in err
    code, out, _err = medground(*line, "--json")
    assert code == 1 and json.loads(out) == json.loads((tmp_path / "attribution.json").read_text())
    assert [each["method"] for each in json.loads(out)["failures"]] == ["medfocus"]
