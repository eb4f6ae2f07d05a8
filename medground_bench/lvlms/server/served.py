"""An LVLM behind a server: it answers and, where the server lets it, says how probable a given response is.

Its numbers are not those of the same weights here (other kernels, other batches), so it has a key of its own and its
tracks are never mixed with local ones. A server does not say how its model writes boxes: the location does, and without
it they are taken for pixels of the picture that was sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from medground_bench.core.boxes_in_text import THOUSANDTHS, BoxConvention
from medground_bench.core.errors import MethodFailed, UnknownName, Unsupported
from medground_bench.core.types import Frame, Picture, Response
from medground_bench.lvlms import Need, Pictures
from medground_bench.lvlms.server.address import Address, WrittenBoxes
from medground_bench.lvlms.server.answers import Completion
from medground_bench.lvlms.server.chat import GREEDY, Chat, ChatQuestion
from medground_bench.lvlms.server.client import Client, NotOffered, Said, ServerFailed
from medground_bench.lvlms.server.scoring import Scoring, scoring_of
from medground_bench.storage.whole_files import fingerprint

PROBE_SIDE_PX = 224
PROBE_PROMPT = "Is this an X-ray?\nAnswer directly with yes or no without any explanation."
PROBE_TOKENS = 8


@dataclass(frozen=True, kw_only=True, eq=False)
class ServedLvlm:
    """The contract `Lvlm`, as far as a server goes.

    revision  server and version, what it calls its set-up, and a digest of the model's name there and of what is asked
              of it; a server says nothing of weights, so start it at a commit
    scoring   the route to log-probabilities; None where there is none
    """

    key: str
    revision: str
    address: Address
    chat: Chat
    scoring: Scoring | None

    @property
    def precision(self) -> str:
        """Not known: what the server says of its set-up is in the revision."""
        return "as served"

    @property
    def gives(self) -> frozenset[Need]:
        """Text and, where the server showed it when it was opened, log-probabilities."""
        return frozenset({Need.TEXT} if self.scoring is None else {Need.TEXT, Need.LOG_PROBS})

    def generate(
        self, pictures: Sequence[Picture], prompts: Sequence[str], *, max_new_tokens: int = 512
    ) -> list[Response]:
        """Greedy responses, one per picture and prompt; without tokens where the server does not say them."""
        if len(pictures) != len(prompts):
            raise ValueError(f"{len(pictures)} pictures but {len(prompts)} prompts")
        questions = map(ChatQuestion, pictures, prompts)
        asked = self.chat.client.each(partial(self.chat.complete, most_tokens=max_new_tokens), questions)
        return [completion.response for completion in asked]

    def log_probs(self, pictures: Pictures, prompt: str, response: Response) -> NDArray[np.float32]:
        """Log-probability of every response token, (pictures, tokens), in nats.

        Pictures travel as PNG, so they are of grey levels; Unsupported for floats.
        """
        scoring = self.scoring
        if scoring is None:
            self._refuse()
        if not response.token_ids:
            raise MethodFailed("the response has no tokens, so there is nothing to explain.")
        if any(picture.dtype != np.uint8 for picture in pictures):
            raise Unsupported(f"{self.key} takes pictures of grey levels, uint8, and none of floats.")
        questions = [ChatQuestion(picture.astype(np.uint8, copy=False), prompt) for picture in pictures]
        for first in questions[:1]:
            scoring.prepare(first)
        rows = self.chat.client.each(lambda question: scoring.log_probs(question, response), questions)
        return np.array(rows, np.float32).reshape(len(pictures), len(response.token_ids))

    def box_convention(self, frame: Frame) -> BoxConvention:
        """As the location says."""
        thousandths = self.address.settings.boxes is WrittenBoxes.THOUSANDTHS
        return BoxConvention(THOUSANDTHS if thousandths else frame)

    def _refuse(self, *_asked: object, **_how: object) -> NoReturn:
        given = ", ".join(sorted(self.gives))
        raise Unsupported(f"{self.key} is behind a server, which gives {given} and nothing else.")

    layers = property(_refuse)
    heads = property(_refuse)
    token_grid = _refuse
    answer_attention = _refuse
    walk_attention = _refuse
    walk_attention_gradients = _refuse
    layer_gradients = _refuse
    relevance = _refuse
    token_logits = _refuse
    pixel_gradients = _refuse


def open_served(address: Address) -> ServedLvlm:
    """The model of a server, which is asked what it is and, with a picture of no patient, what it gives."""
    client = Client(address)
    entry, version = _entry(client), _version(client)
    chat, question = Chat(client, address.model), ChatQuestion(_probe_picture(), PROBE_PROMPT)
    probe = chat.complete(question, PROBE_TOKENS)
    scoring = scoring_of(chat, question, probe)
    chat.fingerprint = probe.fingerprint
    revision = _revision(address, entry, version, probe)
    return ServedLvlm(key=address.key, revision=revision, address=address, chat=chat, scoring=scoring)


def demand_may_see(lvlm: object, sources: Iterable[str]) -> None:
    """Unsupported where an LVLM is behind a server that must not be sent pictures of these credentialed sources."""
    if isinstance(lvlm, ServedLvlm):
        lvlm.address.demand_may_see(sources)


def _entry(client: Client) -> Said:
    """What the server's list of models says of the one that is asked."""
    address = client.address
    listed = client.get(f"{address.api}/models").get("data")
    if not isinstance(listed, list):
        raise ServerFailed(f"{address.api} lists no models. Is it an OpenAI-compatible server?")
    entries = {str(each.get("id")): each for each in listed if isinstance(each, dict)}
    if address.model not in entries:
        raise UnknownName(f"model of {address.place}", address.model, entries)
    return entries[address.model]


def _version(client: Client) -> str:
    with suppress(NotOffered):  # vLLM has the route, others have not
        return str(client.get(f"{client.address.root}/version").get("version"))
    return "unknown"


def _revision(address: Address, entry: Said, version: str, probe: Completion) -> str:
    asked = fingerprint(
        model=address.model,
        root=str(entry.get("root") or ""),
        greedy=dict(GREEDY),
        boxes=address.settings.boxes.value,
    )
    server = f"{entry.get('owned_by') or 'server'}-{version}"
    parts = (server, probe.fingerprint or "", asked[:16])
    return "+".join(re.sub(r"[^\w.-]+", "_", part) for part in parts if part)


def _probe_picture() -> Picture:
    """A grey wedge."""
    wedge = np.linspace(0, 255, PROBE_SIDE_PX).astype(np.uint8)
    return np.tile(wedge, (PROBE_SIDE_PX, 1))
