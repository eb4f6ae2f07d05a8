"""An LVLM behind a server on this machine against the same LVLM in this process."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from medground_bench.core.boxes_in_text import THOUSANDTHS, BoxConvention
from medground_bench.core.case_ids import case_id, case_parts
from medground_bench.core.errors import CaseFailed, MethodFailed, SourceMissing, UnknownName, Unsupported
from medground_bench.core.types import Case, Frame, Mode, Response, Track
from medground_bench.lvlms import Need, key_of, open_lvlm
from medground_bench.lvlms.server.answers import pieces_of
from medground_bench.lvlms.server.client import ServerFailed
from medground_bench.lvlms.server.scoring import Continued, GivenIds, NativeIds, folded
from medground_bench.methods import explain, open_method
from tests.kit.chat_server import ChatServer, serving
from tests.kit.sglang_server import SglangServer
from tests.kit.tiny_lvlms import DIRECT, REASON, radiograph

NEW_TOKENS = 6
NATS = 1e-4


KINDS = pytest.mark.parametrize("kind", [ChatServer, SglangServer], ids=["vLLM", "SGLang"])


@KINDS
def test_responses_are_those_of_the_process(lvlm, open_served, kind):
    _server, served = open_served(kind=kind)
    pictures, prompts = [radiograph(seed) for seed in (1, 2, 3, 1)], [DIRECT, REASON, DIRECT, REASON]
    here = lvlm.generate(pictures, prompts, max_new_tokens=NEW_TOKENS)
    there = served.generate(pictures, prompts, max_new_tokens=NEW_TOKENS)
    assert [(each.text, each.token_ids) for each in there] == [(each.text, each.token_ids) for each in here]
    assert all("".join(each.tokens) == each.text for each in there)
    assert len({each.text for each in there}) > 1


@pytest.mark.parametrize(
    ("traits", "route"),
    [
        ({}, GivenIds),
        ({"scale_out": False}, Continued),
        ({"expands": True}, {"gemma3": Continued, "qwen2_5_vl": GivenIds, "qwen3_vl": GivenIds}),
        ({"kind": SglangServer}, NativeIds),
    ],
)
def test_log_probabilities_are_those_of_the_process_by_every_route(
    lvlm, family, open_served, words, traits, route
):
    server, served = open_served(**traits)
    assert served.gives == {Need.TEXT, Need.LOG_PROBS}
    assert isinstance(served.scoring, route[family] if isinstance(route, dict) else route)
    pictures = [radiograph(seed) for seed in range(5)]
    here, there = (each.log_probs(pictures, DIRECT, words) for each in (lvlm, served))
    assert there.shape == (5, len(words.token_ids)) and there.dtype == np.float32
    assert np.abs(there - here).max() < NATS and np.ptp(here[:, 0]) > 100 * NATS
    before = len(server.requests)
    served.log_probs(pictures, DIRECT, words)
    asked = [path for path, _body in server.requests[before:]]
    assert len(asked) == 5 + 1 and asked[-1] == "/v1/models", (
        "what is the same for all pictures is asked once"
    )


@KINDS
def test_a_response_that_was_generated_is_scored_by_its_ids_whatever_its_text_would_be(
    lvlm, open_served, kind
):
    _server, served = open_served(kind=kind)
    response = served.generate([radiograph(1)], [REASON], max_new_tokens=NEW_TOKENS)[0]
    here, there = (each.log_probs([radiograph(2)], REASON, response) for each in (lvlm, served))
    assert np.abs(there - here).max() < NATS


def test_a_text_that_is_read_back_as_other_ids_is_never_scored(lvlm, open_served):
    _server, served = open_served(scale_out=False)
    letters = lvlm.loaded.tokenizer(list("Yes"), add_special_tokens=False)["input_ids"]
    spelled = Response("Yes", tuple(ids[0] for ids in letters), tuple("Yes"))
    with pytest.raises(CaseFailed, match="other tokens than it wrote"):
        served.log_probs([radiograph()], DIRECT, spelled)
    _server, exact = open_served()
    assert (
        np.abs(
            exact.log_probs([radiograph()], DIRECT, spelled) - lvlm.log_probs([radiograph()], DIRECT, spelled)
        ).max()
        < NATS
    )


def test_a_prompt_that_is_read_otherwise_before_the_response_is_never_scored(open_served, words):
    server, served = open_served(scale_out=False)
    served.log_probs([radiograph()], DIRECT, words)

    def with_an_empty_thought(answer):
        read, probable = answer.said["prompt_token_ids"], answer.said["prompt_logprobs"]
        at = len(read) - len(words.token_ids)
        return answer.with_said(
            prompt_token_ids=[*read[:at], 7, *read[at:]], prompt_logprobs=[*probable[:at], {}, *probable[at:]]
        )

    server.spoils = [with_an_empty_thought]
    with pytest.raises(CaseFailed):
        served.log_probs([radiograph()], DIRECT, words)


@KINDS
@pytest.mark.parametrize("traits", [{"scores": False}, {"tells_ids": False}])
def test_a_server_without_prompt_log_probabilities_gives_text_alone(lvlm, open_served, words, traits, kind):
    _server, served = open_served(kind=kind, **traits)
    assert served.gives == {Need.TEXT}
    response = served.generate([radiograph(1)], [DIRECT], max_new_tokens=NEW_TOKENS)[0]
    assert response.text == lvlm.generate([radiograph(1)], [DIRECT], max_new_tokens=NEW_TOKENS)[0].text
    assert bool(response.token_ids) == traits.get("tells_ids", True)
    with pytest.raises(Unsupported, match="gives text and nothing else"):
        served.log_probs([radiograph()], DIRECT, words)
    with pytest.raises(Unsupported, match="occlusion needs log_probs"):
        open_method("occlusion", served)


@KINDS
@pytest.mark.parametrize("method", ["medfocus", "occlusion", "rise"])
def test_methods_that_need_log_probabilities_alone_find_the_same(lvlm, open_served, words, method, kind):
    _server, served = open_served(kind=kind)
    side = 224 if method == "medfocus" else 56
    picture, native = radiograph(3, width=side, height=side), Frame.native(width=side, height=side)
    found = []
    for each in (lvlm, served):
        case = Case("phantom/1/mass@x:direct", "mass", DIRECT, words, picture, native)
        found.append(explain(open_method(method, each), each, case, np.random.default_rng(0)))
    here, there = (each.attribution for each in found)
    assert list(there.concept_drops) == list(here.concept_drops)
    for name, drop in here.concept_drops.items():
        assert there.concept_drops[name] == pytest.approx(drop, abs=NATS)
    if here.saliency is not None:
        assert np.abs(there.saliency.values - here.saliency.values).max() < NATS


def test_everything_else_of_the_contract_is_refused_in_words(open_served, words):
    _server, served = open_served()
    for name in ("gradcam", "attention_head", "lrp", "integrated_gradients", "tam"):
        with pytest.raises(
            Unsupported, match=r"which served/org/tiny does not give. It gives: log_probs, text"
        ):
            open_method(name, served)
    for ask in (
        lambda: served.layers,
        lambda: served.heads,
        lambda: served.token_grid(Frame("study", 56, 56)),
        lambda: served.pixel_gradients([radiograph()], DIRECT, words),
        lambda: served.answer_attention(radiograph(), DIRECT, words, layers=[0]),
    ):
        with pytest.raises(Unsupported, match="is behind a server"):
            ask()
    with pytest.raises(Unsupported, match="none of floats"):
        served.log_probs([radiograph().astype(np.float32)], DIRECT, words)
    with pytest.raises(MethodFailed, match="no tokens"):
        served.log_probs([radiograph()], DIRECT, Response("", (), ()))


def test_decoding_is_greedy_whatever_the_checkpoint_carries(open_served):
    server, served = open_served()
    served.generate([radiograph()], [DIRECT], max_new_tokens=NEW_TOKENS)
    sent = server.asked("/chat/completions")[-1]
    assert {name: sent[name] for name in ("temperature", "top_p", "repetition_penalty", "n")} == {
        "temperature": 0, "top_p": 1, "repetition_penalty": 1.0, "n": 1,
    }  # fmt: skip
    assert sent["max_completion_tokens"] == sent["max_tokens"] == NEW_TOKENS
    assert sent["return_token_ids"] is True and sent["skip_special_tokens"] is False


def test_the_key_holds_the_model_and_never_the_host(open_served):
    _server, served = open_served()
    assert served.key == "served/org/tiny" == key_of("http://10.0.0.1:8000/v1#org/tiny")
    whole = case_id("vindr_cxr/0f3a/mass", Track(served.key, Mode.DIRECT))
    assert (
        case_parts(whole).lvlm == served.key
        and Track(served.key, Mode.DIRECT).stem == "served--org--tiny-direct"
    )


def test_the_revision_says_the_server_its_set_up_and_what_is_asked_of_it(open_served):
    _server, served = open_served()
    name, set_up, asked = served.revision.split("+")
    assert (name, set_up) == ("vllm-0.33.0", "fp_tiny") and len(asked) == 16
    assert open_served()[1].revision == served.revision
    assert open_served(fingerprint="fp_other")[1].revision != served.revision
    assert open_served(fingerprint=None)[1].revision == f"{name}+{asked}"
    assert open_served("?boxes=thousandths")[1].revision != served.revision
    assert open_served("?at_once=2")[1].revision == served.revision, "how fast it is asked changes no answer"


def test_boxes_in_text_are_pixels_unless_the_location_says_otherwise(open_served):
    study = Frame("study", 224, 224)
    assert open_served()[1].box_convention(study) == BoxConvention(study)
    assert open_served("?boxes=thousandths")[1].box_convention(study) == BoxConvention(THOUSANDTHS)


def test_a_model_that_the_server_does_not_have_is_answered_with_the_near_ones(lvlm):
    with (
        serving(ChatServer(lvlm, "medgemma")) as location,
        pytest.raises(UnknownName, match="Did you mean medgemma"),
    ):
        open_lvlm(location.replace("#medgemma", "#medgema"))


def test_a_key_of_a_served_lvlm_says_no_place_and_is_asked_for_one(open_served):
    _server, served = open_served()
    with pytest.raises(SourceMissing, match=r"Say where it is: http://host:port/v1#org/tiny$"):
        open_lvlm(served.key)


def test_a_server_that_became_another_one_ends_the_run(open_served):
    server, served = open_served()
    server.fingerprint = "fp_other"
    with pytest.raises(ServerFailed, match="fp_tiny then, fp_other now"):
        served.generate([radiograph()], [DIRECT], max_new_tokens=1)


def test_requests_in_flight_are_bounded_and_responses_keep_their_order(open_served, lvlm):
    server, served = open_served("?at_once=3")
    pictures = [radiograph(seed) for seed in range(12)]
    begun = threading.Barrier(3, timeout=30)

    def together(answer):
        begun.wait()  # three must be there before one goes on
        return answer

    server.spoils = [together] * 12
    server.most_in_flight = 0
    there = served.generate(pictures, [DIRECT] * 12, max_new_tokens=2)
    here = lvlm.generate(pictures, [DIRECT] * 12, max_new_tokens=2)
    assert [each.token_ids for each in there] == [each.token_ids for each in here]
    assert server.most_in_flight == 3


@KINDS
def test_the_end_of_turn_is_no_token_of_the_response_and_a_cut_response_has_no_end(
    lvlm, open_served, monkeypatch, kind
):
    _server, served = open_served(kind=kind)
    ids = tuple(lvlm.loaded.tokenizer("Yes the left lung", add_special_tokens=False)["input_ids"])
    texts = tuple(lvlm.loaded.tokenizer.decode([token]) for token in ids)
    monkeypatch.setattr(
        type(lvlm),
        "generate",
        lambda *_, max_new_tokens: [
            Response("".join(texts[:max_new_tokens]), ids[:max_new_tokens], texts[:max_new_tokens])
        ],
    )
    whole = Response("".join(texts), ids, texts)
    assert served.generate([radiograph()], [DIRECT], max_new_tokens=64) == [whole]
    assert served.generate([radiograph()], [DIRECT], max_new_tokens=2)[0].token_ids == ids[:2]


@pytest.mark.parametrize(
    ("text", "said", "pieces"),
    [
        ("Yes.", ["Yes", "."], ("Yes", ".")),
        ("", [], ()),
        ("5 µm", ["5 ", "\ufffd", "\ufffd", "m"], ("5 ", "", "µ", "m")),
        ("m²", ["m", "\ufffd", "\ufffd"], ("m", "", "²")),
        ("Yes the lung", ["Yes", "the", "", "lung"], ("Yes", " the", "", " lung")),
        ("\ufffd5", ["\ufffd", "5"], ("\ufffd", "5")),
        ("Yes.", ["Yes"], None),
        ("Yes ", ["Yes"], None),
        ("µ5", ["\ufffd", "7"], None),
        ("Yes.", ["Yes", " .", "."], None),
        ("Yes.", ["No", "."], None),
    ],
)
def test_a_token_that_ends_inside_a_character_adds_nothing_and_the_next_one_adds_it(text, said, pieces):
    assert pieces_of(text, said) == pieces


def test_the_picture_s_run_of_ids_is_folded_into_one():
    assert folded((1, 5, 5, 2, 9, 9, 9, 9, 3, 3)) == (1, 5, 5, 2, 9, 3, 3)
