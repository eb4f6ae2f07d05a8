"""From a picture file to files: which drawings are written, and what is said."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from medground_bench.core.boxes_in_text import BoxConvention
from medground_bench.core.errors import BadPicture, UnknownName, Unsupported
from medground_bench.core.types import Mode, Response
from medground_bench.lvlms import Need
from medground_bench.phantom import seeds
from medground_bench.phantom.scene import Scene
from medground_bench.pictures import picture_digest, read_picture
from medground_bench.runs import explanation_folder
from medground_bench.runs.explain import Query


class Reads:
    """Says in four tokens that there is an effusion; one of them depends on the right lung."""

    key, revision, gives = "reads", "r1", frozenset({Need.LOG_PROBS, Need.TEXT})
    weight = 1.0

    def generate(self, pictures, prompts, *, max_new_tokens=512):
        return [Response("Yes, effusion.", (1, 2, 3, 4), ("Yes", ",", " effu", "sion."))] * len(pictures)

    def log_probs(self, pictures, prompt, response):
        parts = [picture[60:150, 40:90].astype(float) for picture in pictures]
        changes = [self.weight * np.abs(part - parts[0]).mean() / 255 for part in parts]
        return np.array([[0, 0, -10 * change, 0] for change in changes], np.float32)

    def box_convention(self, frame):
        return BoxConvention(frame)


@pytest.fixture
def image(tmp_path) -> Path:
    path = tmp_path / "patient.png"
    Image.fromarray(Scene.sample(seeds.TUNE[0]).native(["pleural effusion"])).save(path)
    return path


@pytest.fixture
def attributed(image, tmp_path, monkeypatch):
    """Run `attribute_file` on the picture, and write what it gives."""
    lvlm = Reads()

    def run(methods, *, weight=1.0, **options):
        lvlm.weight = weight
        monkeypatch.setattr(explanation_folder, "open_lvlm", lambda key, **_choices: lvlm)
        wanted = Query(Mode.REASON, finding="pleural effusion")
        said = explanation_folder.attribute_file(image, wanted, "reads", methods, **options)
        said.save(tmp_path / "out")
        return said

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


def test_text_that_looks_like_a_box_and_is_not_read_is_shown(attributed, monkeypatch):
    said = Response('{"heart": [1, 2, 3, 4]}', (1,), ('{"heart": [1, 2, 3, 4]}',))
    monkeypatch.setattr(Reads, "generate", lambda *_, **__: [said])
    shown = attributed(["prompting"])
    assert shown.as_json()["methods"][0]["refused"] == ['"heart": [1, 2, 3, 4]']
    assert '  looks like a box and is not read as one: "heart": [1, 2, 3, 4]' in shown.as_text().splitlines()


def test_a_method_that_fails_on_the_picture_leaves_the_answer_and_the_other_methods(attributed, tmp_path):
    attributed(["medfocus"])
    said = attributed(["medfocus", "whole_image"], weight=np.nan)
    assert written(tmp_path) == {"attribution.json", "whole_image.png"}
    record = json.loads((tmp_path / "out" / "attribution.json").read_text())
    assert (record["answer"], [each["method"] for each in record["methods"]]) == ("yes", ["whole_image"])
    [failure] = record["failures"]
    assert failure["method"] == "medfocus" and "NaN" in failure["error"]
    assert f"medfocus: failed. {failure['error']}" in said.as_text().splitlines()
    assert attributed(["whole_image"]).as_json()["failures"] == []


def test_a_method_that_this_lvlm_cannot_serve_is_said_before_it_is_asked(attributed, monkeypatch):
    monkeypatch.setattr(Reads, "generate", lambda *_: pytest.fail("asked"))
    with pytest.raises(Unsupported, match="gradcam needs"):
        attributed(["whole_image", "gradcam"])


def test_a_blank_picture_is_refused_before_the_lvlm_is_opened(tmp_path, monkeypatch):
    monkeypatch.setattr(explanation_folder, "open_lvlm", lambda key, **_choices: pytest.fail("opened"))
    Image.new("L", (90, 60), 77).save(tmp_path / "blank.png")
    with pytest.raises(BadPicture, match="no anatomy on a blank picture"):
        explanation_folder.attribute_file(
            tmp_path / "blank.png", Query(Mode.DIRECT, finding="nodule"), "x", ["whole_image"]
        )


def about(tmp_path) -> dict[str, str]:
    """Record -> digest of the picture that it is about."""
    records = sorted((tmp_path / "out").glob("*.json"))
    return {record.name: json.loads(record.read_text())["image_sha256"] for record in records}


def test_a_folder_keeps_both_commands_files_of_one_picture_and_nothing_of_another(
    attributed, image, tmp_path
):
    out = tmp_path / "out"
    explanation_folder.localize_file(image, "mean_box", out)
    attributed(["whole_image", "centre_box"])
    attributed(["whole_image"])
    both = {"attribution.json", "concepts.json", "concepts.png", "whole_image.png"}
    assert written(tmp_path) == both
    digest = picture_digest(read_picture(image))
    assert about(tmp_path) == {"attribution.json": digest, "concepts.json": digest}

    Image.fromarray(Scene.sample(seeds.TUNE[1]).native()).save(image)
    (out / "centre_box.txt").write_text("a reader's own notes")
    attributed(["centre_box"])
    assert written(tmp_path) == {"attribution.json", "centre_box.png", "centre_box.txt"}
    assert about(tmp_path) == {"attribution.json": picture_digest(read_picture(image))}

    Image.fromarray(Scene.sample(seeds.TUNE[2]).native()).save(image)
    explanation_folder.localize_file(image, "mean_box", out)
    assert written(tmp_path) == {"concepts.json", "concepts.png", "centre_box.txt"}


@pytest.mark.parametrize(
    "content",
    [b"{", b"[1]", b'{"left lung": 1}', b"\xff", b"[" * 100_000],
    ids=["cut off", "list", "other keys", "no text", "too deep"],
)
def test_a_file_of_the_records_name_that_is_none_is_left_alone(attributed, tmp_path, content):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "concepts.json").write_bytes(content)
    attributed(["whole_image"])
    assert (tmp_path / "out" / "concepts.json").read_bytes() == content


def test_a_bad_vocabulary_is_refused_before_the_lvlm_is_opened(image, monkeypatch):
    monkeypatch.setattr(explanation_folder, "open_lvlm", lambda key, **_choices: pytest.fail("opened"))
    with pytest.raises(UnknownName, match="lung_zones"):
        explanation_folder.attribute_file(
            image, Query(Mode.DIRECT, finding="nodule"), "x", ["medfocus"], vocabulary="zones"
        )
