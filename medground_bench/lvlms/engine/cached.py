"""An LVLM that is asked the same by many: what it said once is not worked out again. Nothing here needs torch."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from medground_bench.core.boxes_in_text import BoxConvention
from medground_bench.core.types import Frame, Picture, Response
from medground_bench.lvlms import (
    LayerAttention,
    LayerGradients,
    LayerRelevance,
    Lvlm,
    Need,
    Pictures,
    Rule,
    TokenGrid,
    TokenLogits,
)
from medground_bench.storage.whole_files import sha256

Reply = TypeVar("Reply")


class CachedLvlm:
    """The contract `Lvlm` by another LVLM; lets go of nothing, so it is made for the length of one case.

    The first question about attention fetches all layers, so that every later one is a slice. A visitor of layers is
    called every time.
    """

    def __init__(self, lvlm: Lvlm) -> None:
        """For the LVLM that answers what was not asked before."""
        self._lvlm = lvlm
        self._said: dict[Hashable, object] = {}

    @property
    def key(self) -> str:
        """That of the LVLM."""
        return self._lvlm.key

    @property
    def revision(self) -> str:
        """That of the LVLM."""
        return self._lvlm.revision

    @property
    def precision(self) -> str:
        """That of the LVLM."""
        return self._lvlm.precision

    @property
    def gives(self) -> frozenset[Need]:
        """What the LVLM gives."""
        return self._lvlm.gives

    @property
    def layers(self) -> int:
        """Those of the LVLM."""
        return self._lvlm.layers

    @property
    def heads(self) -> int:
        """Those of the LVLM."""
        return self._lvlm.heads

    def token_grid(self, frame: Frame) -> TokenGrid:
        """That of the LVLM; not worth keeping."""
        return self._lvlm.token_grid(frame)

    def box_convention(self, frame: Frame) -> BoxConvention:
        """That of the LVLM; not worth keeping."""
        return self._lvlm.box_convention(frame)

    def generate(
        self, pictures: Sequence[Picture], prompts: Sequence[str], *, max_new_tokens: int = 512
    ) -> list[Response]:
        """Greedy responses, once for the same pictures and prompts together."""
        question = ("generate", _content(pictures), tuple(prompts), max_new_tokens)
        return self._once(
            question, lambda: self._lvlm.generate(pictures, prompts, max_new_tokens=max_new_tokens)
        )

    def log_probs(self, pictures: Pictures, prompt: str, response: Response) -> NDArray[np.float32]:
        """Log-probabilities, once for the same pictures together."""
        question = ("log_probs", _content(pictures), prompt, response)
        return self._once(question, lambda: self._lvlm.log_probs(pictures, prompt, response))

    def answer_attention(
        self, picture: Picture, prompt: str, response: Response, *, layers: Sequence[int]
    ) -> NDArray[np.float32]:
        """Attention of these layers, out of all, which are fetched once; of one that is not there, the LVLM's error."""
        every = range(self._lvlm.layers)
        if not all(layer in every for layer in layers):
            return self._lvlm.answer_attention(picture, prompt, response, layers=layers)
        question = ("answer_attention", _content([picture]), prompt, response)
        whole = self._once(
            question, lambda: self._lvlm.answer_attention(picture, prompt, response, layers=every)
        )
        return whole[list(layers)]

    def walk_attention(
        self, picture: Picture, prompt: str, response: Response, visit: Callable[[LayerAttention], None]
    ) -> None:
        """Every layer to the visitor, worked out anew."""
        self._lvlm.walk_attention(picture, prompt, response, visit)

    def walk_attention_gradients(
        self, picture: Picture, prompt: str, response: Response, visit: Callable[[LayerAttention], None]
    ) -> None:
        """Every layer with its gradient to the visitor, worked out anew."""
        self._lvlm.walk_attention_gradients(picture, prompt, response, visit)

    def walk_attention_relevance(
        self, picture: Picture, prompt: str, response: Response, visit: Callable[[LayerAttention], None]
    ) -> float:
        """Every layer with its relevance to the visitor, worked out anew."""
        return self._lvlm.walk_attention_relevance(picture, prompt, response, visit)

    def layer_gradients(
        self, picture: Picture, prompt: str, response: Response, *, layer: int
    ) -> LayerGradients:
        """States and gradient of a layer, once."""
        question = ("layer_gradients", _content([picture]), prompt, response, layer)
        return self._once(
            question, lambda: self._lvlm.layer_gradients(picture, prompt, response, layer=layer)
        )

    def relevance(
        self, picture: Picture, prompt: str, response: Response, *, rule: Rule, layer: int = 0
    ) -> LayerRelevance:
        """Relevance at a layer by a rule, once."""
        question = ("relevance", _content([picture]), prompt, response, rule, layer)
        return self._once(
            question, lambda: self._lvlm.relevance(picture, prompt, response, rule=rule, layer=layer)
        )

    def token_logits(self, picture: Picture, prompt: str, response: Response) -> TokenLogits:
        """Logits at every position, once."""
        question = ("token_logits", _content([picture]), prompt, response)
        return self._once(question, lambda: self._lvlm.token_logits(picture, prompt, response))

    def pixel_gradients(
        self, pictures: Sequence[NDArray[np.float32]], prompt: str, response: Response
    ) -> NDArray[np.float32]:
        """Gradients to grey values, once for the same pictures together."""
        question = ("pixel_gradients", _content(pictures), prompt, response)
        return self._once(question, lambda: self._lvlm.pixel_gradients(pictures, prompt, response))

    def _once(self, question: Hashable, work_out: Callable[[], Reply]) -> Reply:
        if question not in self._said:
            self._said[question] = work_out()
        return cast("Reply", self._said[question])


def _content(pictures: Pictures) -> tuple[Hashable, ...]:
    """Equal for pictures of equal sizes, types and grey values in the same order."""
    return tuple(
        (picture.shape, picture.dtype.name, sha256(np.ascontiguousarray(picture).tobytes()))
        for picture in pictures
    )
