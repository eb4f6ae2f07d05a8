"""A run one step at a time: the answer first, each method as it is done, and the end when nobody wants more."""

from __future__ import annotations

from multiprocessing.reduction import ForkingPickler
from pathlib import Path

import pytest
from PIL import Image

from medground_bench.core.errors import BadPicture, MethodFailed
from medground_bench.core.types import Mode
from medground_bench.lvlms import open_lvlm
from medground_bench.methods.occlusion import Occlusion
from medground_bench.methods.rise import Rise
from medground_bench.phantom.scene import Scene
from medground_bench.runs import live
from medground_bench.runs.explain import Query, ask, explain_by, read_film
from medground_bench.runs.live import (
    AnswerStep,
    FailureStep,
    LiveQuery,
    MethodStep,
    NoLongerWanted,
    StartStep,
    forget_pictures,
    kept_lvlm,
    live_steps,
)

KEY = "phantom_gemma3"
MODEL = Path(live.__file__).parents[1] / "phantom" / "models" / KEY / "model.safetensors"
pytestmark = pytest.mark.skipif(not MODEL.is_file(), reason="needs the embedded LVLM")


@pytest.fixture
def wanted(tmp_path):
    """Makes what is wanted of one phantom."""
    picture = tmp_path / "own.png"
    Image.fromarray(Scene.sample(6_000_101).native(["pacemaker"])).save(picture)
    (tmp_path / "wanted").touch()

    def make(*methods):
        return LiveQuery(
            picture=picture,
            query=Query(Mode.DIRECT, finding="pacemaker"),
            lvlm=KEY,
            methods=methods,
            tuned=tmp_path / "tuned",
            wanted=tmp_path / "wanted",
        )

    return make


def test_the_answer_comes_first_then_every_method_as_the_command_line_gives_it(wanted):
    query = wanted("medfocus", "whole_image")
    answer, *rest = live_steps(query)
    lvlm = open_lvlm(KEY)
    alone = ask(lvlm, read_film(query.picture), query.query, name="own")
    assert isinstance(answer, AnswerStep) and answer.answered.case.response == alone.case.response
    assert [type(step) for step in rest] == [StartStep, MethodStep, StartStep, MethodStep]
    for step in (rest[1], rest[3]):
        again = explain_by(step.explanation.method, lvlm, alone.case)
        assert step.explanation.explained.boxes == again.explained.boxes
        assert step.tuned_on is None


def test_every_step_can_be_sent_from_the_process_that_holds_a_gpu(wanted):
    for step in live_steps(wanted("medfocus", "occlusion")):
        assert len(ForkingPickler.dumps(step)) > 0
    assert len(ForkingPickler.dumps(wanted("medfocus"))) > 0


def test_a_method_that_fails_is_a_step_and_the_others_go_on(wanted, monkeypatch):
    def breaks(*_arguments, **_settings):
        raise MethodFailed("its map is\nNaN.")

    monkeypatch.setattr(Occlusion, "attribute", breaks)
    steps = list(live_steps(wanted("occlusion", "whole_image")))
    assert steps[2] == FailureStep("occlusion", "its map is NaN.")
    assert isinstance(steps[-1], MethodStep)


def test_a_run_that_is_no_longer_wanted_ends_before_the_next_pass_through_the_model(wanted, monkeypatch):
    query, begun = wanted("rise", "whole_image"), []
    attribute = Rise.attribute

    def watched(*arguments):
        begun.append(1)
        query.wanted.unlink()
        return attribute(*arguments)

    monkeypatch.setattr(Rise, "attribute", watched)
    steps = live_steps(query)
    assert isinstance(next(steps), AnswerStep) and next(steps) == StartStep("rise")
    with pytest.raises(NoLongerWanted):
        next(steps)
    assert begun == [1]
    query.wanted.touch()
    monkeypatch.undo()
    assert isinstance(list(live_steps(wanted("whole_image")))[-1], MethodStep), "the LVLM is as it was"


def test_what_is_wrong_with_the_picture_is_said_by_its_name_before_anything_is_asked(wanted, tmp_path):
    (tmp_path / "own.png").write_text("no picture")
    with pytest.raises(BadPicture, match=r"^own\.png"):
        next(live_steps(wanted("whole_image")))


def test_pictures_are_kept_for_a_second_question_until_they_are_forgotten(wanted):
    list(live_steps(wanted("medfocus")))
    assert kept_lvlm(KEY) is kept_lvlm(KEY)
    assert kept_lvlm(KEY).memory.bytes_kept > 0
    forget_pictures()
    assert kept_lvlm(KEY).memory.bytes_kept == 0
