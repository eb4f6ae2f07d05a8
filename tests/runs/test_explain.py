"""What one method made of one picture: words, charts, and the truth about a missing box."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from medground_bench.anatomy.plausible import doubts
from medground_bench.core.errors import BadVocabulary, UnknownName, Unsupported
from medground_bench.core.types import Attribution, Box, Case, Frame, Mode, Response, SaliencyMap, TokenDrop
from medground_bench.drawing.palette import CHOSEN, FAINT, GROUP
from medground_bench.localizers import localize
from medground_bench.lvlms import Need
from medground_bench.methods import Explained
from medground_bench.methods.medfocus import WHOLE_IMAGE, MedFocus
from medground_bench.methods.occlusion import Occlusion
from medground_bench.phantom import seeds
from medground_bench.phantom.scene import Scene
from medground_bench.pictures import to_study
from medground_bench.runs.explain import (
    MOST_ABOUT,
    Explanation,
    Query,
    check_vocabulary,
    explain_by,
    read_film,
)
from tests.kit.spot_lvlm import SpotLvlm

NATIVE = Frame.native(width=300, height=400)
STUDY = Frame("study", width=224, height=224)
INSIDE = Box(100, 100, 150, 150, STUDY)
MAP = SaliencyMap(np.ones((8, 8), np.float32), STUDY)


def explanation(attribution, *, boxes=(), settings=None) -> Explanation:
    return Explanation("m", settings or MedFocus(), Explained(attribution, boxes), 0.5)


def colours(image) -> set[tuple[int, ...]]:
    return {tuple(colour) for _count, colour in image.getcolors(1 << 20)}


@pytest.mark.parametrize("about", ["finding", "question"])
def test_a_finding_or_a_question_that_is_too_long_is_refused_before_a_model_is_asked(about):
    assert Query(Mode.DIRECT, **{about: "x" * MOST_ABOUT}).about
    with pytest.raises(Unsupported, match="up to 300 characters; this one has 20,000"):
        Query(Mode.DIRECT, **{about: "x" * 20_000})


@pytest.mark.parametrize(
    ("attribution", "reason"),
    [
        (Attribution(saliency=MAP), "the map holds no evidence"),
        (Attribution(boxes=(Box(0, 0, 9, 9, STUDY),)), "every box lies in the padding around the picture"),
        (Attribution(boxes=(), concept="no phrase in the text"), "no phrase in the text"),
        (Attribution(boxes=()), "the method chose none"),
    ],
)
def test_a_missing_box_is_explained_for_every_kind_of_method(attribution, reason):
    assert explanation(attribution).no_box_because == reason


def test_a_film_that_is_no_upright_frontal_chest_says_so_in_its_notes(tmp_path):
    picture = Scene.sample(seeds.EXAMPLES[2]).native()
    for name, shown, said in (("as-is", picture, ()), ("negative", 255 - picture, ("air is white",))):
        Image.fromarray(shown).save(tmp_path / f"{name}.png")
        notes = read_film(tmp_path / f"{name}.png").how.notes
        assert len(notes) == len(said) and all(words in note for words, note in zip(said, notes, strict=True))


def test_medfocus_passes_on_doubts_about_the_lungs_it_tried_and_other_methods_have_none():
    apart = np.roll(to_study(Scene.sample(seeds.EXAMPLES[2]).native()).picture, 90, axis=1)
    case = Case("a/b/c@spot:direct", "x", "x?", Response("Yes.", (1,), ("Yes.",)), apart, NATIVE)
    lvlm = SpotLvlm(key="spot")
    by_parts = explain_by("medfocus", lvlm, case, settings=MedFocus(localizer="phantom_unet"))
    assert by_parts.doubts == doubts(localize("phantom_unet", apart)) != ()
    assert by_parts.as_json()["doubts"] == list(by_parts.doubts)
    assert explain_by("whole_image", lvlm, case).doubts == ()


def test_where_there_is_a_box_nothing_is_missing():
    found = explanation(Attribution(boxes=(INSIDE,)), boxes=(Box(0, 0, 9, 9, NATIVE),))
    assert found.no_box_because is None


def test_the_json_has_the_drops_of_tokens_and_of_words_and_what_was_not_tried_or_not_read():
    drops = (TokenDrop("Car", 0.5), TokenDrop("diomegaly", 1.0), TokenDrop(" yes", 0.25))
    found = explanation(
        Attribution(boxes=(INSIDE,), token_drops=drops, missing_concepts=("left lung",), refused=("[1, 2]",))
    ).as_json()
    assert [each["token"] for each in found["token_drops"]] == ["Car", "diomegaly", " yes"]
    assert found["word_drops"] == [{"word": "Cardiomegaly", "drop": 1.5}, {"word": "yes", "drop": 0.25}]
    assert (found["missing_concepts"], found["refused"]) == (["left lung"], ["[1, 2]"])


def test_the_chart_of_concepts_shows_the_groups_and_the_threshold_of_the_method_that_ran():
    drops = {"left upper zone": 2.0, "upper zones": 1.0}
    attribution = Attribution(boxes=(INSIDE,), concept="left upper zone", concept_drops=drops)
    zones = explanation(attribution, settings=MedFocus(vocabulary="lung_zones")).concept_chart()
    assert {CHOSEN, GROUP, FAINT} <= colours(zones)
    assert GROUP not in colours(explanation(attribution).concept_chart())
    other = explanation(attribution, settings=Occlusion()).concept_chart()
    assert CHOSEN in colours(other) and FAINT not in colours(other)


def test_without_drops_there_is_no_chart():
    found = explanation(Attribution(boxes=(INSIDE,), concept=WHOLE_IMAGE))
    assert found.concept_chart() is None and found.word_chart() is None and found.words == []


class ReadsTheUpperLeft:
    """Log-probability of its answer falls when the upper half of the right lung (left in the picture) changes."""

    key, gives = "reads", frozenset({Need.LOG_PROBS, Need.TEXT})

    def log_probs(self, pictures, prompt, response):
        parts = [picture[40:80, 40:90].astype(float) for picture in pictures]
        return np.array([[-np.abs(part - parts[0]).mean()] for part in parts], np.float32)


@pytest.fixture(scope="module")
def case():
    native = Scene.sample(seeds.TUNE[0]).native()
    frame = Frame.native_of(native)
    return Case(
        "own/x/nodule@reads:direct",
        "nodule",
        "?",
        Response("Yes", (1,), ("Yes",)),
        to_study(native).picture,
        frame,
    )


def test_a_vocabulary_reaches_the_methods_that_try_concepts_and_no_others(case):
    lvlm = ReadsTheUpperLeft()
    drops = explain_by("medfocus", lvlm, case, vocabulary="lung_zones").explained.attribution.concept_drops
    assert "right upper zone" in drops and "right lung" not in drops
    assert "right lung" in explain_by("medfocus", lvlm, case).explained.attribution.concept_drops
    assert explain_by("whole_image", lvlm, case, vocabulary="lung_zones").explained.boxes


def test_a_vocabulary_that_cannot_be_used_is_refused_at_once(tmp_path):
    check_vocabulary("lung_zones", ["occlusion", "medfocus_plus"])
    with pytest.raises(UnknownName, match="lung_zones"):
        check_vocabulary("lung_zone", ["medfocus"])
    with pytest.raises(Unsupported, match="Add medfocus"):
        check_vocabulary("lung_zones", ["occlusion", "whole_image"])
    (tmp_path / "mine.yaml").write_text("concepts: [left lung]")
    with pytest.raises(BadVocabulary, match="mine"):
        check_vocabulary(str(tmp_path / "mine.yaml"), ["medfocus"])
