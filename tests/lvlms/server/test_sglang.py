"""A server of SGLang's kind: what goes to its own route, and that nothing but the response's own ids is scored there.

That its responses, log-probabilities and attributions are those of this process is in `test_served.py`.
"""

from __future__ import annotations

import numpy as np
import pytest

from medground_bench.core.errors import CaseFailed, UnknownName
from medground_bench.core.types import Frame, Response
from medground_bench.lvlms import open_lvlm
from medground_bench.lvlms.server.client import ServerFailed
from tests.kit.chat_server import picture_of, serving
from tests.kit.sglang_server import SglangServer
from tests.kit.tiny_lvlms import DIRECT, radiograph

NATS = 1e-4


@pytest.fixture
def sglang(tiny_lvlms) -> SglangServer:
    """With the tiny Gemma."""
    return SglangServer(tiny_lvlms["gemma3"], "tiny")


@pytest.fixture
def served(sglang):
    """Its LVLM."""
    with serving(sglang) as location:
        yield open_lvlm(location)


def yes_of(server) -> Response:
    """A response whose text is tokenised into these very ids."""
    ids = server.lvlm.loaded.tokenizer("Yes the left", add_special_tokens=False)["input_ids"]
    return Response("Yes the left", tuple(ids), ("",) * len(ids))


def test_the_picture_is_one_token_of_the_ids_that_go_in_and_many_before_the_place_from_which_is_told(
    lvlm, open_served, words
):
    server, served = open_served(kind=SglangServer)
    picture = radiograph(3)
    served.log_probs([picture], DIRECT, words)
    body, image = server.asked("/generate")[-1], lvlm.loaded.model.config.image_token_id
    assert body["input_ids"].count(image) == 1
    assert tuple(body["input_ids"][-len(words.token_ids) :]) == words.token_ids
    grid = lvlm.token_grid(Frame.study_of(picture))
    before = len(body["input_ids"]) - len(words.token_ids) - 1 + grid.rows * grid.columns
    assert body["logprob_start_len"] == before - 1
    assert body["return_logprob"] is True and body["return_prompt_token_ids"] is True
    assert "model" not in body and np.array_equal(picture_of(body["image_data"][0]), picture)


def spelled(lvlm) -> Response:
    """A response in letters, which no tokenizer would write so."""
    letters = lvlm.loaded.tokenizer(list("Yes"), add_special_tokens=False)["input_ids"]
    return Response("Yes", tuple(ids[0] for ids in letters), tuple("Yes"))


def test_ids_that_the_server_reads_as_text_are_scored_only_where_that_changes_none(sglang, served):
    sglang.retokenizes = True
    here, there = (each.log_probs([radiograph()], DIRECT, yes_of(sglang)) for each in (sglang.lvlm, served))
    assert np.abs(there - here).max() < NATS
    with pytest.raises(CaseFailed, match=r"other tokens than it wrote.*SGLANG_MM_AVOID_RETOKENIZE"):
        served.log_probs([radiograph()], DIRECT, spelled(sglang.lvlm))


def test_a_response_in_letters_is_scored_in_letters(sglang, served):
    here, there = (
        each.log_probs([radiograph()], DIRECT, spelled(sglang.lvlm)) for each in (sglang.lvlm, served)
    )
    assert np.abs(there - here).max() < NATS


def triples(change):
    """Answer with other log-probabilities of what was read."""

    def spoil(answer):
        meta = answer.said["meta_info"]
        return answer.with_said(
            meta_info={**meta, "input_token_logprobs": change(meta["input_token_logprobs"])}
        )

    return spoil


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (
            lambda answer: answer.with_said(prompt_token_ids=[0, *answer.said["prompt_token_ids"][1:]]),
            "another prompt",
        ),
        (
            lambda answer: answer.with_said(prompt_token_ids=answer.said["prompt_token_ids"][:-1]),
            "other tokens",
        ),
        (triples(lambda told: [*told[:-1], [told[-1][0], 0, None]]), "no log-probability of the token"),
        (triples(lambda told: [*told[:-1], [None, told[-1][1], None]]), "no log-probability of the token"),
        (triples(lambda told: [*told[:-1], ["-1", told[-1][1], None]]), "no log-probability of the token"),
        (triples(lambda told: [*told[:-1], told[-1][0]]), "no log-probability of the token"),
    ],
    ids=["another prompt", "a shorter response", "of another id", "of none", "as text", "without its id"],
)
def test_log_probabilities_of_anything_else_than_the_response_fail_the_case(sglang, served, spoil, said):
    sglang.spoils = [None, spoil]
    with pytest.raises(CaseFailed, match=said):
        served.log_probs([radiograph()], DIRECT, yes_of(sglang))
    assert np.isfinite(served.log_probs([radiograph()], DIRECT, yes_of(sglang))).all()


@pytest.mark.parametrize(
    "spoil",
    [
        triples(lambda told: told[1:]),
        triples(lambda told: [*told, told[-1]]),
        triples(lambda _told: None),
        lambda answer: answer.with_said(meta_info=None),
        lambda answer: answer.with_said(prompt_token_ids=None),
    ],
    ids=["one less", "one more", "none", "nothing about it", "no ids"],
)
def test_log_probabilities_of_another_length_end_the_run(sglang, served, spoil):
    sglang.spoils = [None, spoil]
    with pytest.raises(ServerFailed, match="does not give the log-probabilities") as failed:
        served.log_probs([radiograph()], DIRECT, yes_of(sglang))
    assert not isinstance(failed.value, CaseFailed)


def test_a_server_that_answers_without_looking_at_the_picture_is_not_opened(open_served):
    with pytest.raises(ServerFailed, match=r"without looking at the picture.*--enable-multimodal"):
        open_served(kind=SglangServer, blind=True)


def test_the_revision_says_the_version_and_from_where_the_weights_are(sglang, served):
    server, asked = served.revision.split("+")
    assert server == "sglang-0.5.23" and len(asked) == 16
    with serving(sglang) as location:
        assert open_lvlm(location).revision == served.revision
        sglang.weights = ("org/tiny", "beef")
        assert open_lvlm(location).revision != served.revision


def test_a_server_that_answers_under_any_name_is_asked_which_model_it_has(sglang, served):
    served.generate([radiograph()], [DIRECT], max_new_tokens=1)
    sglang.name = "another"
    for ask in (
        lambda: served.generate([radiograph()], [DIRECT], max_new_tokens=1),
        lambda: served.log_probs([radiograph()], DIRECT, yes_of(sglang)),
    ):
        with pytest.raises(UnknownName, match=r"'tiny'.*another"):
            ask()
