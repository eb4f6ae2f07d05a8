"""Routes to the log-probability of a response that is given. All hold what the server read against what it wrote.

    given ids   vLLM with --enable-scale-out takes the ids of prompt and response themselves
    native ids  so does SGLang by its own route, beside the OpenAI-compatible ones
    continued   the chat with the response's text as its last turn; the server tokenises it anew, and where that gives
                other ids than it wrote, the case is refused

The picture is one placeholder in the ids that go in, and expanded in those that come out.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from itertools import groupby
from typing import Protocol

from medground_bench.core.types import Response
from medground_bench.lvlms.server.answers import (
    AnswerRefused,
    Completion,
    Ids,
    demand_model,
    ids_of,
    input_log_probs_of,
    log_probs_of,
)
from medground_bench.lvlms.server.chat import PROMPTS_KEPT, Chat, ChatQuestion
from medground_bench.lvlms.server.client import NotOffered, RequestRefused

PROBE = "Yes"


class Scoring(Protocol):
    """A route to log-probabilities."""

    def prepare(self, question: ChatQuestion) -> None:
        """Ask for what is the same for every picture of that size, once, before many ask at the same time."""
        ...

    def log_probs(self, question: ChatQuestion, response: Response) -> list[float]:
        """Of every token of a response to the question, nats."""
        ...


@dataclass
class GivenIds:
    """Ids in, ids out.

    folded  whether the server tells the ids of a prompt with the picture expanded, so that its run of equal ids has to
            be folded into one before it goes in
    """

    chat: Chat
    folded: bool
    _unexpanded: dict[object, Ids] = field(default_factory=dict, repr=False)
    _alone: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def prepare(self, question: ChatQuestion) -> None:
        """The ids of the prompt, as they go in and as they come out."""
        self._ids_in(question)
        self.chat.prompt_ids(question)

    def log_probs(self, question: ChatQuestion, response: Response) -> list[float]:
        """Exact, whatever the tokeniser would make of the text."""
        client = self.chat.client
        said = client.post(
            f"{client.address.root}/inference/v1/generate",
            {
                "model": self.chat.model,
                "token_ids": [*self._ids_in(question), *response.token_ids],
                "content_parts": [{"type": "image_url", "url": question.picture_url}],
                "return_token_ids": True,
                "sampling_params": {"max_tokens": 1, "temperature": 0, "prompt_logprobs": 0},
            },
        )
        demand_model(said, self.chat.model)
        return log_probs_of(said, self.chat.prompt_ids(question), response.token_ids)

    def _ids_in(self, question: ChatQuestion) -> Ids:
        """The ids of the prompt with one placeholder for the picture."""
        with self._alone:
            if question.row not in self._unexpanded:
                if len(self._unexpanded) >= PROMPTS_KEPT:
                    self._unexpanded.clear()
                self._unexpanded[question.row] = self._tokenised(question)
            return self._unexpanded[question.row]

    def _tokenised(self, question: ChatQuestion) -> Ids:
        client = self.chat.client
        said = client.post(
            f"{client.address.root}/tokenize",
            {"model": self.chat.model, "messages": question.messages, "add_generation_prompt": True},
        )
        ids = ids_of(said.get("tokens"))
        if not ids:
            raise NotOffered("the server does not say the ids of a prompt.")
        return folded(ids) if self.folded else ids


@dataclass(frozen=True, slots=True)
class NativeIds:
    """Ids in, ids out, as SGLang 0.5.23 does it. No model is named here: it has one, and answers under any name."""

    chat: Chat

    def prepare(self, question: ChatQuestion) -> None:
        """The ids of the prompt."""
        self.chat.prompt_ids(question)

    def log_probs(self, question: ChatQuestion, response: Response) -> list[float]:
        """Exact, unless the server is told to read ids as text; then CaseFailed where that gives others."""
        client, before = self.chat.client, self.chat.prompt_ids(question)
        start = len(before) - 1  # its own entry is null; counted with the picture expanded
        said = client.post(
            f"{client.address.root}/generate",
            {
                "input_ids": [*folded(before), *response.token_ids],
                "image_data": [question.picture_url],
                "return_prompt_token_ids": True,
                "return_logprob": True,
                "logprob_start_len": start,
                "sampling_params": {"max_new_tokens": 1, "temperature": 0},
                "stream": False,
            },
        )
        return input_log_probs_of(said, before, response.token_ids)


@dataclass(frozen=True, slots=True)
class Continued:
    """Text in, ids out."""

    chat: Chat

    def prepare(self, question: ChatQuestion) -> None:
        """The ids of the prompt."""
        self.chat.prompt_ids(question)

    def log_probs(self, question: ChatQuestion, response: Response) -> list[float]:
        """CaseFailed for a response that the server reads back as other ids than it wrote."""
        said = self.chat.continued(question, response.text)
        return log_probs_of(said, self.chat.prompt_ids(question), response.token_ids)

    def read_back(self, question: ChatQuestion, text: str) -> Response:
        """A text as the server reads it, to try the route with."""
        read = ids_of(self.chat.continued(question, text).get("prompt_token_ids"))
        ids = read[len(self.chat.prompt_ids(question)) :] if read else ()
        if not ids:
            raise NotOffered("the server does not continue a response.")
        return Response(text, ids, ("",) * len(ids))


def folded(ids: Ids) -> Ids:
    """The ids with their longest run of equal ones, a picture's, made one."""
    runs = [list(run) for _, run in groupby(ids)]
    longest = max(runs, key=len)
    return tuple(token for run in runs for token in (run[:1] if run is longest else run))


def scoring_of(chat: Chat, question: ChatQuestion, probe: Completion) -> Scoring | None:
    """The first route that works, tried on a question; None where the server has none.

    probe  its answer to the question
    """
    if not probe.prompt_ids:
        return None
    continued = Continued(chat)
    given = GivenIds(chat, folded=False), GivenIds(chat, folded=True)
    routes: tuple[Scoring, ...] = (*given, NativeIds(chat), continued)
    last = Response(PROBE, probe.prompt_ids[-1:], (PROBE,))  # an id that is there and stands for no picture
    for route in routes:
        try:
            route.log_probs(question, continued.read_back(question, PROBE) if route is continued else last)
        except (NotOffered, RequestRefused, AnswerRefused):
            continue
        return route
    return None
