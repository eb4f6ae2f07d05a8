"""A server that is slow, busy, wrong or half there: what is tried again, what fails a case, and what ends the run."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
import traceback
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from medground_bench.core.errors import CaseFailed, MedgroundError
from medground_bench.core.types import Response
from medground_bench.lvlms import open_lvlm
from medground_bench.lvlms.server import client as client_module
from medground_bench.lvlms.server.address import Address
from medground_bench.lvlms.server.client import ATTEMPTS, LONGEST_WAIT_S, BadToken, ServerFailed
from tests.kit.chat_server import Answer, ChatServer, listening, serving
from tests.kit.sglang_server import SglangServer
from tests.kit.tiny_lvlms import DIRECT, radiograph


def ask(served) -> Response:
    return served.generate([radiograph(1)], [DIRECT], max_new_tokens=4)[0]


def status(code: int, said: object = None, **headers: str):
    """Answer with a status in place of what was asked for."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _answer: Answer(code, said or {"error": {"message": "no"}}, named)


@pytest.mark.parametrize(
    "spoil",
    [
        status(429),
        status(503),
        status(500),
        lambda answer: replace(answer, cut=True),
        lambda answer: replace(answer, said=json.dumps(answer.said).encode()[:-40]),
        lambda answer: replace(answer, said=b"<html>busy</html>"),
        lambda answer: replace(answer, said=[]),
    ],
    ids=["429", "503", "500", "cut body", "half the JSON", "a web page", "a list"],
)
def test_what_may_pass_is_tried_again_and_the_answer_is_the_same(server, served, waits, spoil):
    plain = ask(served)
    server.spoils = [spoil, spoil]
    assert ask(served) == plain
    assert waits == [1, 2], "twice as long each time"


def test_a_server_says_how_long_to_wait_in_seconds_or_by_a_date(server, served, waits):
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    server.spoils = [
        status(429, Retry_After="7"),
        status(503, Retry_After=date),
        status(429, Retry_After="soon"),
    ]
    server.spoils += [status(429, Retry_After="86400")]
    ask(served)
    seconds, until_date, unread, too_long = waits
    assert (seconds, unread, too_long) == (7, 4, LONGEST_WAIT_S) and 20 < until_date <= 30


def test_retry_after_is_really_waited_for(server, location):
    served = open_lvlm(location)
    server.spoils = [status(429, Retry_After="1")]
    start = time.monotonic()
    ask(served)
    assert time.monotonic() - start >= 1


def test_a_server_that_stays_busy_ends_the_run_in_one_sentence(server, served, waits):
    server.spoils = [status(503, {"error": {"message": "loading"}})] * ATTEMPTS
    with pytest.raises(
        ServerFailed, match=rf"answers 503 \(loading\), {ATTEMPTS} times\. Mend that"
    ) as failed:
        ask(served)
    assert len(waits) == ATTEMPTS - 1 and "\n" not in str(failed.value)
    assert not isinstance(failed.value, CaseFailed)


def test_a_slow_answer_is_given_up_in_time_and_asked_for_again(server, location, waits):
    served = open_lvlm(location.replace("#", "?timeout_s=2#"))
    served.chat.client.wait = waits.append
    server.spoils = [lambda answer: replace(answer, delay_s=20)]
    start = time.monotonic()
    ask(served)
    assert 2 <= time.monotonic() - start < 15 and waits == [1]
    server.spoils = [lambda answer: replace(answer, delay_s=20)] * ATTEMPTS
    with pytest.raises(ServerFailed, match=f"gave no answer within 2 s, {ATTEMPTS} times"):
        ask(served)


@pytest.fixture
def dying(tiny_lvlms):
    """The LVLM of a server of this kind that dies in its second answer; one of that name takes its place meanwhile."""
    with ExitStack() as running:

        def put(kind, name="tiny"):
            server = kind(tiny_lvlms["gemma3"], "tiny")
            place, alone, later = running.enter_context(ExitStack()), threading.Lock(), []
            location = place.enter_context(serving(server))
            served = open_lvlm(location)

            def die(answer: Answer) -> Answer:
                server.dead = True
                return replace(answer, cut=True)

            def come_back(_seconds: float) -> None:
                with alone:
                    if not later:
                        place.close()
                        later.append(kind(server.lvlm, name))
                        place.enter_context(serving(later[0], port=Address.parse(location).port))

            server.spoils = [None, die]
            served.chat.client.wait = come_back
            return served

        yield put


KINDS = pytest.mark.parametrize("kind", [ChatServer, SglangServer], ids=["vLLM", "SGLang"])


@KINDS
def test_a_server_that_dies_at_work_and_comes_back_gives_the_same_responses(tiny_lvlms, dying, kind):
    pictures = [radiograph(seed) for seed in range(5)]
    here = tiny_lvlms["gemma3"].generate(pictures, [DIRECT] * 5, max_new_tokens=4)
    there = dying(kind).generate(pictures, [DIRECT] * 5, max_new_tokens=4)
    assert [each.token_ids for each in there] == [each.token_ids for each in here]


@KINDS
def test_another_server_that_came_in_its_place_ends_the_run(dying, kind):
    with pytest.raises(MedgroundError, match="tiny") as failed:
        dying(kind, name="another").generate([radiograph(1)] * 5, [DIRECT] * 5, max_new_tokens=4)
    assert not isinstance(failed.value, CaseFailed)


def test_a_server_that_is_not_there_is_told_at_once(waits):
    with listening() as nobody:
        pass
    with pytest.raises(ServerFailed, match=r"127\.0\.0\.1:\d+ cannot be reached.*Is it running\?"):
        open_lvlm(f"http://127.0.0.1:{nobody.port}/v1#tiny")


def choice(**changes: object):
    return lambda answer: answer.with_choice(**changes)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda answer: answer.with_said(model="another"), "answers as 'another', and tiny was asked"),
        (lambda answer: answer.with_said(choices=[]), "not one response"),
        (lambda answer: answer.with_said(choices=answer.said["choices"] * 2), "not one response"),
        (lambda answer: replace(answer, said={"system_fingerprint": "fp_tiny"}), "not one response"),
        (choice(message={"content": "No", "reasoning_content": "..."}), "without --reasoning-parser"),
        (status(401), "MEDGROUND_SERVER_TOKEN"),
        (status(404), "answers 404"),
        (status(307, Location="http://127.0.0.1:1/"), "passed on to nobody"),
    ],
)
def test_a_wrong_answer_that_would_be_wrong_again_ends_the_run(server, served, waits, spoil, words):
    server.spoils = [spoil]
    with pytest.raises(ServerFailed, match=words) as failed:
        ask(served)
    assert not isinstance(failed.value, CaseFailed) and not waits and "\n" not in str(failed.value)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (choice(finish_reason="length", token_ids=[5, 6]), "after 2 of 4 tokens"),
        (choice(finish_reason="abort"), "broke the response off"),
        (choice(finish_reason=None), "broke the response off"),
        (choice(message={"content": "another text"}), "do not make up the response"),
        (status(400, {"error": {"message": "the prompt is too long"}}), "the prompt is too long"),
    ],
)
def test_a_wrong_answer_about_this_case_fails_the_case(server, served, waits, spoil, words):
    server.spoils = [spoil]
    with pytest.raises(CaseFailed, match=words):
        ask(served)
    assert not waits
    ask(served)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda answer: answer.with_said(prompt_token_ids=[*answer.said["prompt_token_ids"][:-1], 0]),
        lambda answer: answer.with_said(prompt_token_ids=[0, *answer.said["prompt_token_ids"][1:]]),
        lambda answer: answer.with_said(
            prompt_logprobs=[*answer.said["prompt_logprobs"][:-1], {"0": {"logprob": -1}}]
        ),
        lambda answer: answer.with_said(prompt_logprobs=[*answer.said["prompt_logprobs"][:-1], None]),
    ],
    ids=["another id in the tail", "another prompt", "of another id", "of none"],
)
@pytest.mark.parametrize("scale_out", [True, False], ids=["ids in", "text in"])
def test_log_probabilities_of_anything_else_than_the_response_fail_the_case(
    server, location, spoil, scale_out
):
    server.scale_out = scale_out
    served = open_lvlm(location)
    ids = server.lvlm.loaded.tokenizer("Yes the left", add_special_tokens=False)["input_ids"]
    response = Response("Yes the left", tuple(ids), ("",) * len(ids))
    assert served.log_probs([radiograph()], DIRECT, response).shape == (1, len(ids))
    server.spoils = [spoil]
    with pytest.raises(CaseFailed):
        served.log_probs([radiograph()], DIRECT, response)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda answer: answer.with_said(prompt_logprobs=answer.said["prompt_logprobs"][:-1]),
        lambda answer: answer.with_said(prompt_logprobs=[*answer.said["prompt_logprobs"], None]),
        lambda answer: answer.with_said(prompt_logprobs=None),
        lambda answer: answer.with_said(prompt_token_ids=None),
        lambda answer: answer.with_said(model="another"),
    ],
    ids=["one less", "one more", "none", "no ids", "another model"],
)
@pytest.mark.parametrize("scale_out", [True, False], ids=["ids in", "text in"])
def test_log_probabilities_of_another_length_or_model_end_the_run(server, location, spoil, scale_out):
    server.scale_out = scale_out
    served = open_lvlm(location)
    ids = server.lvlm.loaded.tokenizer("Yes", add_special_tokens=False)["input_ids"]
    response = Response("Yes", tuple(ids), ("",) * len(ids))
    served.log_probs([radiograph()], DIRECT, response)
    server.spoils = [spoil]
    with pytest.raises(ServerFailed) as failed:
        served.log_probs([radiograph()], DIRECT, response)
    assert not isinstance(failed.value, CaseFailed)


def test_minus_infinity_as_vllm_writes_it_is_no_number(server, served):
    ids = server.lvlm.loaded.tokenizer("Yes", add_special_tokens=False)["input_ids"]
    response = Response("Yes", tuple(ids), ("",) * len(ids))
    served.log_probs([radiograph()], DIRECT, response)
    last = {str(ids[-1]): {"logprob": -9999.0}}
    server.spoils = [
        lambda answer: answer.with_said(prompt_logprobs=[*answer.said["prompt_logprobs"][:-1], last])
    ]
    with pytest.raises(CaseFailed, match="gives no log-probability"):
        served.log_probs([radiograph()], DIRECT, response)


def test_the_first_case_that_fails_ends_a_call_of_many(server, served):
    server.spoils = [None, status(400), *[None] * 40]
    asked = len(server.requests)
    with pytest.raises(CaseFailed):
        served.generate([radiograph(1)] * 40, [DIRECT] * 40, max_new_tokens=1)
    assert len(server.requests) - asked < 40


def test_an_answer_has_a_bounded_size(server, served, monkeypatch):
    monkeypatch.setattr(client_module, "MOST_BYTES", 100_000)
    server.spoils = [lambda answer: answer.with_said(padding="x" * 200_000)]
    with pytest.raises(ServerFailed, match="answers with more than"):
        ask(served)


def test_requests_a_second_are_bounded(server, location):
    served = open_lvlm(location.replace("#", "?per_second=20#"))
    start = time.monotonic()
    served.generate([radiograph(1)] * 9, [DIRECT] * 9, max_new_tokens=1)
    assert time.monotonic() - start >= 8 / 20


def test_a_token_goes_along_where_the_server_asks_for_one(server, location, monkeypatch):
    server.token = "sesame"
    with pytest.raises(ServerFailed, match="Its token goes into MEDGROUND_SERVER_TOKEN"):
        open_lvlm(location)
    monkeypatch.setenv("MEDGROUND_SERVER_TOKEN", "sesame")
    assert ask(open_lvlm(location))


KEY = "sk-not-to-be-told"


@pytest.mark.parametrize(
    "spoils",
    [
        [status(401, {"error": {"message": f"no such key: Bearer {KEY}"}})],
        [status(400, {"message": f"{KEY} may not"})],
        [status(404, {"detail": KEY})],
        [status(503, {"error": {"message": f"{KEY} waits"}})] * ATTEMPTS,
        [status(307, Location="http://127.0.0.1:1/")],
        [lambda answer: replace(answer, said=f"<html>{KEY}</html>".encode())] * ATTEMPTS,
        [lambda answer: replace(answer, cut=True)] * ATTEMPTS,
        [lambda answer: answer.with_said(model="another")],
    ],
    ids=["401", "400", "404", "503", "307", "a web page", "cut body", "another model"],
)
def test_the_token_stands_in_no_message_log_or_traceback(
    server, location, monkeypatch, caplog, waits, spoils
):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("MEDGROUND_SERVER_TOKEN", KEY)
    server.token = KEY
    served = open_lvlm(location)
    served.chat.client.wait = waits.append
    server.spoils = spoils
    with pytest.raises(MedgroundError) as failed:
        ask(served)
    told = "".join(traceback.format_exception(failed.value)) + repr(served) + caplog.text
    assert "127.0.0.1" in told and KEY not in told


@pytest.mark.parametrize("token", ["sk-not\nto-be-told", "sk-not-\u00e4-to-be-told", "sk-not\x00to-be-told"])
def test_a_token_that_no_header_holds_is_told_without_it(location, monkeypatch, token):
    monkeypatch.setattr("os.environ", {**os.environ, "MEDGROUND_SERVER_TOKEN": token})
    with pytest.raises(BadToken, match="MEDGROUND_SERVER_TOKEN holds signs") as failed:
        open_lvlm(location)
    assert "to-be-told" not in "".join(traceback.format_exception(failed.value))


def test_a_token_from_a_file_may_end_with_its_line(server, location, monkeypatch):
    server.token = KEY
    monkeypatch.setenv("MEDGROUND_SERVER_TOKEN", f"{KEY}\n")
    assert ask(open_lvlm(location))


def test_what_a_server_says_of_a_refusal_never_repeats_the_picture(server, served):
    def echo(_answer: Answer) -> Answer:
        sent = server.asked("/chat/completions")[-1]["messages"][0]["content"][0]["image_url"]["url"]
        return Answer(400, {"error": {"message": f"bad input {sent} " * 2}})

    server.spoils = [echo]
    with pytest.raises(CaseFailed, match=r"bad input data:image/png;base64,\.\.\.") as failed:
        ask(served)
    assert "iVBOR" not in str(failed.value)


def test_neither_a_proxy_nor_a_redirect_sees_a_byte(server, location, monkeypatch):
    with listening() as other:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{other.port}")
        served = open_lvlm(location)
        server.spoils = [status(308, Location=f"http://127.0.0.1:{other.port}/v1/chat/completions")]
        with pytest.raises(ServerFailed, match="passed on to nobody"):
            ask(served)
        assert other.connections == 0


def test_a_server_that_lists_no_models_is_no_server_of_ours(server, monkeypatch):
    monkeypatch.setattr(type(server), "_about", lambda *_: Answer(200, {"version": "1"}))
    with serving(server) as location, pytest.raises(ServerFailed, match="lists no models"):
        open_lvlm(location)


def test_a_server_that_refuses_pictures_is_told_when_it_is_opened(server, location):
    server.spoils = [status(400, {"error": {"message": "this model takes no images"}})]
    with pytest.raises(CaseFailed, match="takes no images"):
        open_lvlm(location)
