"""The chat route of a server: a question and its picture go in, a response and its tokens come out."""

from __future__ import annotations

import base64
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from medground_bench.core.types import Picture
from medground_bench.lvlms.server.answers import Completion, Ids, completion_of, demand_model, fingerprint_of
from medground_bench.lvlms.server.client import Client, NotOffered, Said, ServerFailed
from medground_bench.pictures import stored_png

GREEDY: Mapping[str, float] = {
    "temperature": 0,
    "top_p": 1,
    "repetition_penalty": 1.0,
    "presence_penalty": 0,
    "frequency_penalty": 0,
    "n": 1,
}
"""How a response is written: by argmax, whatever the checkpoint's own settings are."""

TOLD: Said = {"return_token_ids": True, "logprobs": True, "skip_special_tokens": False, "stream": False}
"""What is told of it: ids and texts of its tokens, special ones too. A server leaves aside what it does not know."""

PROMPTS_KEPT = 256


@dataclass(frozen=True, slots=True, eq=False)
class ChatQuestion:
    """A picture and what is asked about it."""

    picture: Picture
    prompt: str

    @property
    def picture_part(self) -> Said:
        """The picture as a part of a message."""
        return {"type": "image_url", "image_url": {"url": self.picture_url}}

    @property
    def picture_url(self) -> str:
        """The picture itself, as PNG."""
        return f"data:image/png;base64,{base64.b64encode(stored_png.encode(self.picture)).decode('ascii')}"

    @property
    def messages(self) -> list[Said]:
        """One turn: the picture, then the prompt."""
        return [{"role": "user", "content": [self.picture_part, {"type": "text", "text": self.prompt}]}]

    @property
    def row(self) -> tuple[str, tuple[int, ...]]:
        """What decides the ids before the response: the prompt, and the picture's size."""
        return self.prompt, self.picture.shape


@dataclass
class Chat:
    """One model of a server; `fingerprint` is what every answer has to carry, None where it may be any."""

    client: Client
    model: str
    fingerprint: str | None = None
    _prompt_ids: dict[object, Ids] = field(default_factory=dict, repr=False)
    _alone: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def complete(self, question: ChatQuestion, most_tokens: int) -> Completion:
        """The greedy response."""
        said = self._post({"messages": question.messages, **_at_most(most_tokens)})
        return completion_of(said, most_tokens)

    def continued(self, question: ChatQuestion, text: str) -> Said:
        """What the server says of a chat in which the response has that text so far, with all log-probabilities."""
        return self._post(
            {
                "messages": [*question.messages, {"role": "assistant", "content": text}],
                "add_generation_prompt": False,
                "continue_final_message": True,
                "prompt_logprobs": 0,
                **_at_most(1),
            }
        )

    def prompt_ids(self, question: ChatQuestion) -> Ids:
        """The ids before a response to the question; asked once for a prompt and a size of picture."""
        with self._alone:
            if question.row not in self._prompt_ids:
                ids = self.complete(question, 1).prompt_ids
                if ids is None:
                    raise NotOffered("the server does not say the ids of what it read.")
                if len(self._prompt_ids) >= PROMPTS_KEPT:
                    self._prompt_ids.clear()
                self._prompt_ids[question.row] = ids
            return self._prompt_ids[question.row]

    def _post(self, body: Said) -> Said:
        said = self.client.post(
            f"{self.client.address.api}/chat/completions", {"model": self.model, **GREEDY, **TOLD, **body}
        )
        demand_model(said, self.model)
        if self.fingerprint not in (None, fingerprint_of(said)):
            raise ServerFailed(
                f"the server is no longer the one that was opened: {self.fingerprint} then, "
                f"{fingerprint_of(said)} now. Open it again."
            )
        return said


def _at_most(tokens: int) -> Said:
    """A bound of the response, by its name and by its old one."""
    return {"max_completion_tokens": tokens, "max_tokens": tokens}
