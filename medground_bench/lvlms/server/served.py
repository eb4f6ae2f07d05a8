"""An LVLM behind a server: it answers and, where the server lets it, says how probable a given response is.

Its numbers are not those of the same weights here (other kernels, other batches), so it has a key of its own and its
tracks are never mixed with local ones. A server does not say how its model writes boxes: the location does, and without
it they are taken for pixels of the picture that was sent.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import NoReturn, TypeVar

import numpy as np
from numpy.typing import NDArray

from medground_bench.core.boxes_in_text import THOUSANDTHS, BoxConvention
from medground_bench.core.errors import MethodFailed, UnknownName, Unsupported
from medground_bench.core.types import Frame, Picture, Response
from medground_bench.lvlms import Need, Pictures
from medground_bench.lvlms.server.address import Address, WrittenBoxes
from medground_bench.lvlms.server.answers import Completion
from medground_bench.lvlms.server.chat import GREEDY, Chat, ChatQuestion
from medground_bench.lvlms.server.client import ATTEMPTS, Client, NotOffered, Said, ServerFailed
from medground_bench.lvlms.server.scoring import Scoring, scoring_of
from medground_bench.storage.whole_files import fingerprint

PROBE_SIDE_PX = 224
PROBE_PROMPT = "Is this an X-ray?\nAnswer directly with yes or no without any explanation."
PROBE_TOKENS = 8
LEAST_IMAGE_TOKENS = 16
"""Of a picture of that side: real LVLMs write 49 or more, the smallest of the tests 16; no word is there so often."""

_Root = tuple[str, str]
Asked = TypeVar("Asked")


@dataclass(frozen=True, kw_only=True, eq=False)
class ServedLvlm:
    """The contract `Lvlm`, as far as a server goes.

    revision  server and version, what it calls its set-up, and a digest of the model's name there, of where the server
              says that its weights are from, and of what is asked of it; so start it at a commit
    root      who serves it, and from where the weights are, as the server's list of models says
    scoring   the route to log-probabilities; None where there is none
    """

    key: str
    revision: str
    address: Address
    root: _Root
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
        asked = self._each(partial(self.chat.complete, most_tokens=max_new_tokens), questions)
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
        rows = self._each(lambda question: scoring.log_probs(question, response), questions)
        return np.array(rows, np.float32).reshape(len(pictures), len(response.token_ids))

    def box_convention(self, frame: Frame) -> BoxConvention:
        """As the location says."""
        thousandths = self.address.settings.boxes is WrittenBoxes.THOUSANDTHS
        return BoxConvention(THOUSANDTHS if thousandths else frame)

    def _each(self, ask: Callable[[ChatQuestion], Asked], questions: Iterable[ChatQuestion]) -> list[Asked]:
        """All answers; they are believed while the server has the model that was opened: some answer under any name."""
        answers = self.chat.client.each(ask, questions)
        if _root(self.chat.client, ATTEMPTS) != self.root:
            raise ServerFailed(
                f"the server has other weights for {self.address.model} by now. Open it again."
            )
        return answers

    def _refuse(self, *_asked: object, **_how: object) -> NoReturn:
        given = ", ".join(sorted(self.gives))
        raise Unsupported(f"{self.key} is behind a server, which gives {given} and nothing else.")

    layers = property(_refuse)
    heads = property(_refuse)
    token_grid = _refuse
    answer_attention = _refuse
    walk_attention = _refuse
    walk_attention_gradients = _refuse
    walk_attention_relevance = _refuse
    layer_gradients = _refuse
    relevance = _refuse
    token_logits = _refuse
    pixel_gradients = _refuse


def open_served(address: Address) -> ServedLvlm:
    """The model of a server, which is asked what it is and, with a picture of no patient, what it gives."""
    client = Client(address)
    root, info = _root(client), _info(client)
    chat, question = Chat(client, address.model), ChatQuestion(_probe_picture(), PROBE_PROMPT)
    probe = chat.complete(question, PROBE_TOKENS)
    _demand_sight(probe)
    scoring = scoring_of(chat, question, probe)
    chat.fingerprint = probe.fingerprint
    return ServedLvlm(
        key=address.key,
        revision=_revision(address, root, info, probe),
        address=address,
        root=root,
        chat=chat,
        scoring=scoring,
    )


def demand_may_see(lvlm: object, sources: Iterable[str]) -> None:
    """Unsupported where an LVLM is behind a server that must not be sent pictures of these credentialed sources."""
    if isinstance(lvlm, ServedLvlm):
        lvlm.address.demand_may_see(sources)


def _demand_sight(probe: Completion) -> None:
    """ServerFailed where the prompt that was read holds no picture: it is one id, over and over."""
    if probe.prompt_ids is not None and max(Counter(probe.prompt_ids).values()) < LEAST_IMAGE_TOKENS:
        raise ServerFailed(
            "the server answers without looking at the picture. Is the model one that sees? SGLang opens Gemma 3 for "
            "text alone unless it is started with --enable-multimodal."
        )


def _root(client: Client, attempts: int = 1) -> _Root:
    """What the server's list says of the model that is asked; UnknownName where it lacks it."""
    address = client.address
    listed = client.get(f"{address.api}/models", attempts=attempts).get("data")
    if not isinstance(listed, list):
        raise ServerFailed(f"{address.api} lists no models. Is it an OpenAI-compatible server?")
    entries = {str(each.get("id")): each for each in listed if isinstance(each, dict)}
    if address.model not in entries:
        raise UnknownName(f"model of {address.place}", address.model, entries)
    entry = entries[address.model]
    return str(entry.get("owned_by") or "server"), str(entry.get("root") or "")


def _info(client: Client) -> Said:
    """The version, and of SGLang where the weights are from; nothing of a server with neither route."""
    for route in ("/version", "/server_info"):  # vLLM's, SGLang's
        with suppress(NotOffered):
            return client.get(client.address.root + route)
    return {}


def _revision(address: Address, root: _Root, info: Said, probe: Completion) -> str:
    owner, place = root
    weights = [str(info[name]) for name in ("model_path", "revision") if info.get(name)]
    asked = fingerprint(
        model=address.model,
        root="@".join(weights) or place,
        greedy=dict(GREEDY),
        boxes=address.settings.boxes.value,
    )
    parts = (f"{owner}-{info.get('version') or 'unknown'}", probe.fingerprint or "", asked[:16])
    return "+".join(re.sub(r"[^\w.-]+", "_", part) for part in parts if part)


def _probe_picture() -> Picture:
    """A grey wedge."""
    wedge = np.linspace(0, 255, PROBE_SIDE_PX).astype(np.uint8)
    return np.tile(wedge, (PROBE_SIDE_PX, 1))
