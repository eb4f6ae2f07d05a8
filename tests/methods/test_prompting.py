"""Asking the LVLM itself, for boxes and for names."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from medground_bench.anatomy.atlas import phantom_atlas
from medground_bench.benchmark.opening import open_benchmark
from medground_bench.core.boxes_in_text import THOUSANDTHS, BoxConvention, SideOrder
from medground_bench.core.errors import SourceMissing
from medground_bench.core.prompts import prompt
from medground_bench.core.types import Box, Frame, Mode, Response
from medground_bench.localizers import localize
from medground_bench.methods import explain, open_method
from medground_bench.methods import prompting_medsam as module
from medground_bench.methods.prompting import NO_BOX, TEMPLATE, Prompting
from medground_bench.methods.prompting_medsam import NO_PHRASE, NOT_FOUND, PromptingMedsam
from medground_bench.runs.predict import Run, predict
from medground_bench.runs.run_file import run_file
from medground_bench.runs.sweep import settings_of
from tests.kit.fakes import RuleLvlm
from tests.kit.probes import STUDY, PatchLvlm, bright_case
from tests.kit.tiny_localizers import save_sam

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def attribute(method, says: str, **lvlm_fields):
    lvlm = PatchLvlm(says=says, **lvlm_fields)
    case = replace(bright_case(prompt("nodule", Mode.DIRECT)), picture=phantom_atlas().pictures[0])
    return method.attribute(lvlm, case, np.random.default_rng(0)), lvlm


def test_the_templates_are_those_of_the_paper():
    assert TEMPLATE == (
        "Identify the local evidence in the image that supports the answer, and output the bounding box coordinates. "
        "Provide your answer as a list of bounding boxes in the format [[x1, y1, x2, y2], ...], where (x1, y1) is the "
        "top-left corner and (x2, y2) is the bottom-right corner of each bounding box."
    )
    assert module.TEMPLATE == (
        "Identify the local evidence in the image that supports the answer, and output descriptions of the target "
        'objects/regions. Provide your answer as a list of words or phrases ["region1", "region2", …] that concisely '
        "describe the target regions in the image."
    )


@pytest.mark.parametrize("mode", Mode)
def test_the_turn_holds_question_response_and_template_but_no_call_for_a_bare_yes(mode):
    lvlm = PatchLvlm(says="[]")
    case = replace(bright_case(prompt("nodule", mode)), response=Response(" Yes.\n", (1,), (" Yes.\n",)))
    Prompting().attribute(lvlm, case, np.random.default_rng(0))
    assert lvlm.prompts == [f"Is there evidence of nodule in the image?\nYour answer: Yes.\n{TEMPLATE}"]


def test_boxes_in_the_text_become_boxes_in_the_native_picture():
    found, lvlm = attribute(Prompting(), "```json\n[[56, 0, 112, 224]]\n```")
    assert found.boxes == (Box(56, 0, 112, 224, STUDY),) and found.concept is None
    case = replace(bright_case(), native=replace(STUDY, name="native", width=448, height=448))
    explained = explain(Prompting(), lvlm, case, np.random.default_rng(0))
    assert [box.xyxy for box in explained.boxes] == [(112, 0, 224, 448)]


def test_the_lvlm_says_how_its_numbers_are_meant():
    class YFirst(PatchLvlm):
        def box_convention(self, frame):
            assert frame == STUDY
            return BoxConvention(THOUSANDTHS, SideOrder.Y_FIRST)

    found = Prompting().attribute(
        YFirst(says="[[0, 250, 1000, 500]]"), bright_case(), np.random.default_rng(0)
    )
    assert found.boxes == (Box(56, 0, 112, 224, STUDY),)


def test_each_family_states_its_convention(tiny_lvlms):
    """Gemma and Qwen3 write thousandths, Qwen2.5 pixels of the picture as its tower sees it."""
    assert tiny_lvlms["gemma3"].box_convention(STUDY) == BoxConvention(THOUSANDTHS)
    assert tiny_lvlms["qwen3_vl"].box_convention(STUDY) == BoxConvention(THOUSANDTHS)
    small = Frame("study", width=50, height=90)
    raster = tiny_lvlms["qwen2_5_vl"].box_convention(small).raster
    assert (raster.width % 28, raster.height % 28, raster.width < raster.height) == (0, 0, True)


@pytest.mark.parametrize("says", ["", "The heart.", "[[x1, y1, x2, y2]]", "[[9, 9, 1, 1]]"])
def test_a_text_without_a_box_gives_no_box_and_says_so(says):
    found, _ = attribute(Prompting(), says)
    assert (found.boxes, found.concept) == ((), NO_BOX)


def test_what_looks_like_a_box_and_is_not_read_is_kept_beside_the_boxes():
    found, _ = attribute(Prompting(), '[[56, 0, 112, 224]] and {"heart": [1, 2, 3, 4]}')
    assert ([box.xyxy for box in found.boxes], found.refused) == (
        [(56, 0, 112, 224)],
        ('"heart": [1, 2, 3, 4]',),
    )
    found, _ = attribute(Prompting(), "[[9, 9, 1, 1]]")
    assert (found.boxes, found.concept, found.refused) == ((), NO_BOX, ("[9, 9, 1, 1]",))


def test_a_hidden_chain_gives_neither_boxes_nor_phrases():
    found, _ = attribute(Prompting(), "<think>[[1, 2, 3, 4]]</think>[[56, 0, 112, 224]]")
    assert (found.boxes, found.refused) == ((Box(56, 0, 112, 224, STUDY),), ())
    assert attribute(PromptingMedsam(refiner=None), '<think>["heart"]</think>')[0].concept == NO_PHRASE


def test_phrases_that_name_anatomy_become_the_boxes_of_their_concepts():
    found, lvlm = attribute(PromptingMedsam(refiner=None), '["left lower lobe", "shiny spot", "Heart"]')
    known = localize("uot", phantom_atlas().pictures[0]).boxes
    assert found.boxes == (known["left lung"], known["cardiac silhouette"])
    assert found.concept == "left lower lobe, Heart"
    assert lvlm.prompts[0].endswith(module.TEMPLATE)


def test_another_localizer_gives_other_boxes():
    one, other = (
        attribute(PromptingMedsam(refiner=None, localizer=name), '["heart"]')[0].boxes
        for name in ("uot", "mean_box")
    )
    assert one != other


def test_no_phrase_and_phrases_that_are_nowhere_are_told_apart():
    assert attribute(PromptingMedsam(), "I see nothing.")[0].concept == NO_PHRASE
    found = attribute(PromptingMedsam(), '["shiny spot"]')[0]
    assert (found.boxes, found.concept) == ((), NOT_FOUND)


def test_the_detector_is_asked_for_what_no_concept_covers_and_the_refiner_for_every_box(monkeypatch):
    asked = []

    class Detector:
        def boxes(self, picture, phrases):
            asked.append(list(phrases))
            return {phrase: (Box(5, 5, 20, 20, STUDY),) for phrase in phrases}

    class Refiner:
        def masks(self, picture, boxes):
            masks = np.zeros((len(boxes), 224, 224), bool)
            masks[0, 10:20, 30:50] = True  # the second mask stays empty: its box is kept
            return tuple(masks)

    monkeypatch.setattr(module, "open_detector", lambda location: Detector())
    monkeypatch.setattr(module, "open_medsam", lambda location: Refiner())
    method = PromptingMedsam(detector=f"a/b@{COMMIT}", refiner=f"d/e@{COMMIT}")
    found, _ = attribute(method, '["heart", "shiny spot"]')
    assert asked == [["shiny spot"]]
    assert found.boxes == (Box(30, 10, 50, 20, STUDY), Box(5, 5, 20, 20, STUDY))
    assert found.concept == "heart, shiny spot"


def test_which_weights_are_used_stands_in_the_settings():
    without = settings_of(PromptingMedsam(refiner=None))
    assert without["refiner"] is without["refiner_revision"] is without["detector_revision"] is None
    pinned = settings_of(PromptingMedsam(refiner=f"a/b@{COMMIT}", detector=f"c/d@{COMMIT[::-1]}"))
    assert (pinned["refiner_revision"], pinned["detector_revision"]) == (COMMIT, COMMIT[::-1])


def test_other_bytes_of_the_refiner_are_another_run(built, tmp_path, monkeypatch):
    folder, file = save_sam(tmp_path / "sam"), tmp_path / "p.jsonl"
    monkeypatch.setenv("MEDGROUND_MEDSAM", str(folder))
    runs = []
    for last in (b"\x01", b"\x02"):
        with (folder / "model.safetensors").open("r+b") as weights:
            weights.seek(-1, 2)
            weights.write(last)
        predict(open_benchmark(built.path), RuleLvlm(), Run("prompting_medsam", Mode.DIRECT), file)
        runs.append(json.loads(run_file(file).read_text()))
    assert runs[0]["settings"]["refiner_revision"] != runs[1]["settings"]["refiner_revision"]
    assert runs[0]["run"] != runs[1]["run"]


def test_weights_that_are_nowhere_are_said_before_the_first_case(monkeypatch):
    monkeypatch.setenv("MEDGROUND_MEDSAM", "/nowhere")
    with pytest.raises(SourceMissing, match="/nowhere is neither a folder here nor a hub id") as caught:
        open_method("prompting_medsam", RuleLvlm())
    assert "prompting_medsam has no refiner" in str(caught.value)
    assert "Correct MEDGROUND_MEDSAM, or unset it." in str(caught.value)


def test_a_long_list_of_phrases_fits_a_prediction_line():
    long = ", ".join(f'"left lung {n} {"x" * 60}"' for n in range(9))
    found, _ = attribute(PromptingMedsam(refiner=None), f"[{long}]")
    assert len(found.concept) == 100 and len(found.boxes) == 1
