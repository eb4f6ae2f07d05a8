"""From a picture file to files: which drawings are written, and what is said."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from medground_bench import on_disk
from medground_bench.errors import UnknownName
from medground_bench.lvlms import Need
from medground_bench.one_picture import Ask
from medground_bench.phantom import seeds
from medground_bench.phantom.scene import Scene
from medground_bench.types import Mode, Response


class Reads:
    """Says in four tokens that there is an effusion; one of them depends on the right lung."""

    key, gives = "reads", frozenset({Need.LOG_PROBS, Need.TEXT})
    weight = 1.0

    def generate(self, pictures, prompts, *, max_new_tokens=512):
        return [Response("Yes, effusion.", (1, 2, 3, 4), ("Yes", ",", " effu", "sion."))] * len(pictures)

    def log_probs(self, pictures, prompt, response):
        parts = [picture[60:150, 40:90].astype(float) for picture in pictures]
        changes = [self.weight * np.abs(part - parts[0]).mean() / 255 for part in parts]
        return np.array([[0, 0, -10 * change, 0] for change in changes], np.float32)


@pytest.fixture
def image(tmp_path) -> Path:
    path = tmp_path / "patient.png"
    Image.fromarray(Scene.sample(seeds.TUNE[0]).native(["pleural effusion"])).save(path)
    return path


@pytest.fixture
def attributed(image, tmp_path, monkeypatch):
    """Run `attribute_file` on the picture."""
    lvlm = Reads()

    def run(methods, *, weight=1.0, **options):
        lvlm.weight = weight
        monkeypatch.setattr(on_disk, "open_lvlm", lambda key: lvlm)
        wanted = Ask(Mode.REASON, finding="pleural effusion")
        return on_disk.attribute_file(image, wanted, "reads", methods, tmp_path / "out", **options)

    return run


def written(tmp_path) -> set[str]:
    return {path.name for path in (tmp_path / "out").iterdir()}


def test_medfocus_writes_its_region_the_bars_and_the_words_and_a_control_only_its_region(
    attributed, tmp_path
):
    said = attributed(["medfocus", "whole_image"])
    assert written(tmp_path) == {
        "attribution.json", "medfocus.png", "medfocus-concepts.png", "medfocus-words.png", "whole_image.png",
    }  # fmt: skip
    found = json.loads((tmp_path / "out" / "attribution.json").read_text())["methods"][0]
    assert [each["word"] for each in found["word_drops"]] == ["Yes,", "effusion."]
    assert found["word_drops"][1]["drop"] == pytest.approx(found["concept_drops"][found["concept"]])
    assert (
        f"medfocus: {found['concept']}, {found['concept_drops'][found['concept']]:.2f} nats" in said.as_text()
    )


def test_a_chart_of_an_earlier_run_does_not_stay_beside_a_fallback(attributed, tmp_path):
    attributed(["medfocus"])
    said = attributed(["medfocus"], weight=0.0)
    assert "medfocus: whole image (" in said.as_text()
    assert written(tmp_path) == {"attribution.json", "medfocus.png", "medfocus-concepts.png"}


def test_another_vocabulary_is_tried_and_what_was_not_found_is_said(attributed, tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("concepts: {x: {of: left lung, rows_of: gone}}")
    with pytest.raises(UnknownName, match="no concept of the localizer is called 'gone'"):
        attributed(["medfocus"], vocabulary=str(file))
    upper, sliver = "upper: {of: right lung, rows: [0, 0.5]}", "sliver: {of: left lung, columns: [0, 0.0001]}"
    file.write_text(f"concepts: {{{upper}, {sliver}}}")
    said = attributed(["medfocus"], vocabulary=str(file))
    [found] = said.as_json()["methods"]
    assert (list(found["concept_drops"]), found["missing_concepts"]) == (["upper"], ["sliver"])
    assert "not found on the picture, so not tried: sliver" in said.as_text()


def test_a_bad_vocabulary_is_refused_before_the_lvlm_is_opened(image, tmp_path, monkeypatch):
    monkeypatch.setattr(on_disk, "open_lvlm", lambda key: pytest.fail("opened"))
    with pytest.raises(UnknownName, match="lung_zones"):
        on_disk.attribute_file(
            image, Ask(Mode.DIRECT, finding="nodule"), "x", ["medfocus"], tmp_path / "out", vocabulary="zones"
        )
