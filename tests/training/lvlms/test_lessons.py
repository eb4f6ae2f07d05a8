"""Training sees exactly what the LVLM layer will ask later: same tokens, same positions, same masks, same pixels."""

import numpy as np
import pytest
import torch

from medground_bench.core.prompts import prompt
from medground_bench.core.types import Mode, Response
from medground_bench.lvlms import open_lvlm
from medground_bench.phantom.findings import FINDINGS
from medground_bench.training.lvlms.architecture import PICTURE_PX, build
from medground_bench.training.lvlms.backbone import Backbone
from medground_bench.training.lvlms.exercises import Exercise
from medground_bench.training.lvlms.lessons import Teacher
from tests.kit.rounding import through

FAMILIES = ("gemma3", "qwen2_5_vl")
ASKED = [
    Exercise(0, True, 0, Mode.DIRECT),
    Exercise(3, False, 0, Mode.REASON),
    Exercise(2, True, 1, Mode.REASON),
]


@pytest.fixture(scope="module", params=FAMILIES)
def taught(request, tmp_path_factory):
    """An untrained backbone with its teacher, and the same weights opened through the LVLM layer."""
    backbone = Backbone(build(request.param, seed=3))
    with torch.no_grad():
        for weights in backbone.parts.model.parameters():
            weights.copy_(weights.half().float())  # so that the fp16 file holds the very same numbers
    folder = tmp_path_factory.mktemp("untrained") / request.param
    backbone.parts.save(folder)
    return backbone, Teacher(backbone, 0, np.random.default_rng(0)), open_lvlm(str(folder), device="cpu")


def test_questions_packed_behind_one_picture_score_as_if_asked_one_by_one(taught):
    backbone, teacher, lvlm = taught
    picture = np.random.default_rng(1).integers(0, 256, (PICTURE_PX, PICTURE_PX)).astype(np.uint8)
    lesson = teacher.lesson([ASKED])
    with torch.no_grad():
        image = backbone.image_tokens(torch.from_numpy(picture)[None].float() / 127.5 - 1)
        hidden = backbone.hidden_states(lesson.tokens, image, teacher.image_at, lesson.mask, lesson.positions)
        scores = backbone.parts.model.lm_head(hidden[lesson.row, lesson.at]).log_softmax(-1)
    packed = scores.gather(-1, lesson.target[:, None])[:, 0].numpy()
    starts = np.flatnonzero(np.diff(lesson.at.numpy(), prepend=-9) > 1)
    for (finding, _, _, mode), start, stop in zip(ASKED, starts, [*starts[1:], len(packed)], strict=True):
        ids = tuple(lesson.target[start:stop].tolist())
        said = Response("", ids, ("",) * len(ids))
        alone = lvlm.log_probs([picture], prompt(FINDINGS[finding], mode), said)[0]
        np.testing.assert_allclose(packed[start:stop], alone, atol=through(lvlm, max(abs(alone).max(), 1)))


def test_the_verdict_is_settled_at_the_first_token_in_direct_mode_and_later_in_a_chain(taught):
    _, teacher, _ = taught
    lesson = teacher.lesson([ASKED])
    starts = np.flatnonzero(np.diff(lesson.at.numpy(), prepend=-9) > 1)
    at = [i for i, verdict in enumerate(lesson.verdict) if verdict is not None]
    assert at[0] == starts[0]
    assert all(verdict > start + 4 for verdict, start in zip(at[1:], starts[1:], strict=True))


def test_every_answer_ends_with_the_end_of_the_turn(taught):
    backbone, teacher, _ = taught
    lesson = teacher.lesson([ASKED])
    stops = np.append(np.flatnonzero(np.diff(lesson.at.numpy()) > 1), len(lesson.at) - 1)
    ends = {int(lesson.target[i]) for i in stops}
    assert ends == {backbone.parts.model.generation_config.eos_token_id[0]}
