"""Large vision-language models, one family a file; `KEYS` in the file names the models it opens.

`open_lvlm` takes a key (`medgemma_4b`), a local folder, a hub id with its commit (`org/name@commit`), or a model of a
server (`http://127.0.0.1:8000/v1#name`). A family's file is called as `model_type` in its checkpoints' config.json, and
offers `LVLM`, a function of (folder, key, device); `server/` asks a server in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from medground_bench.core.boxes_in_text import BoxConvention
from medground_bench.core.types import Frame, Picture, Response
from medground_bench.lvlms.engine.locations import (
    EMBEDDED,
    Checkpoint,
    checkpoints,
    embedded,
    key_of,
    open_folder,
    open_lvlm,
    pinned,
)

if TYPE_CHECKING:
    from torch import Tensor

__all__ = [
    "EMBEDDED",
    "REMEMBERED",
    "Checkpoint",
    "LayerAttention",
    "LayerGradients",
    "LayerRelevance",
    "Lvlm",
    "LvlmDescription",
    "Need",
    "Pictures",
    "Rule",
    "TokenGrid",
    "TokenLogits",
    "checkpoints",
    "embedded",
    "key_of",
    "open_folder",
    "open_lvlm",
    "pinned",
]

REMEMBERED = 32
"""A call with at most so many pictures may be remembered, so that another question about them is quick. Larger calls
are taken for the masks of occlusion or RISE, which are never seen again and would drive out what is."""


Pictures = Sequence[Picture | NDArray[np.float32]]
"""Grey pictures (height, width) of one size: all of grey levels, uint8, or all of floats, 0..255."""


class Need(StrEnum):
    """What a method can ask of an LVLM.

    >>> Need("log_probs") in {Need.TEXT, Need.LOG_PROBS}
    True
    """

    TEXT = "text"
    LOG_PROBS = "log_probs"
    ATTENTIONS = "attentions"
    GRADIENTS = "gradients"
    HIDDEN_STATES = "hidden_states"


class Rule(StrEnum):
    """How relevance goes back through attention = softmax(query . key) value; `_relevance` has the other rules.

    CP       the weights are constants, all relevance goes to the values: what comes in goes out (Ali et al., ICML 2022)
    ATTNLRP  half to the values, half to the weights; the softmax hands on by its gradient and keeps the rest of its
             share, queries and keys get half each of what it hands on (Achtibat et al., ICML 2024)

    >>> [rule.value for rule in Rule]
    ['cp', 'attnlrp']
    """

    CP = "cp"
    ATTNLRP = "attnlrp"


@dataclass(frozen=True, slots=True)
class TokenGrid:
    """Where the image tokens look: rows x columns in raster order, covering `frame` evenly.

    >>> grid = TokenGrid(rows=8, columns=8, frame=Frame("study", width=224, height=224))
    >>> grid.frame.width / grid.columns
    28.0
    """

    rows: int
    columns: int
    frame: Frame


@dataclass(frozen=True, slots=True, eq=False)
class LayerGradients:
    """Hidden states at the image tokens of one layer and their gradient, both (rows, columns, channels) float32.

    >>> states = np.zeros((2, 3, 64), np.float32)
    >>> LayerGradients(states, states, TokenGrid(2, 3, Frame("study", 84, 56))).gradients.shape
    (2, 3, 64)
    """

    activations: NDArray[np.float32]
    gradients: NDArray[np.float32]
    grid: TokenGrid


@dataclass(frozen=True, slots=True, eq=False)
class LayerAttention:
    """All attention of one layer: `weights` (heads, length, length) float32 on the model's device, rows sum to 1.

    gradients   of the target, or the relevance of each weight, same shape; None where neither was asked for
    image       positions of the image tokens
    predicting  positions whose next token is the response's: the rows that speak for the answer

    >>> import torch
    >>> attention = LayerAttention(0, torch.eye(6)[None], None, image=slice(1, 4), predicting=slice(4, 5))
    >>> attention.weights[:, attention.predicting, attention.image].shape
    torch.Size([1, 1, 3])
    """

    layer: int
    weights: Tensor
    gradients: Tensor | None
    image: slice
    predicting: slice


@dataclass(frozen=True, slots=True, eq=False)
class LayerRelevance:
    """Relevance of the hidden states entering a layer: `values` (rows, columns) float32 at the image tokens.

    Where image features are also added above that layer (Qwen3-VL), an image token's value holds their relevance too.

    target      what was handed down: the sum over the response's tokens of (logit - expected logit), which is the
                log-probability plus the entropy of the prediction; the softmax over words keeps the entropy
    everywhere  sum of the relevance over all positions, text too
    biases      what biases of the value projections kept on the way (0 in Gemma 3, which has none)

    >>> found = LayerRelevance(np.ones((2, 2), np.float32), everywhere=6.0, target=8.0, biases=1.0)
    >>> (found.everywhere + found.biases) / found.target
    0.875
    """

    values: NDArray[np.float32]
    everywhere: float
    target: float
    biases: float


@dataclass(frozen=True, slots=True, eq=False)
class TokenLogits:
    """`values` (length, length) float32: at [i, j] the logit, read at position i, of the token that stands at j.

    ids       of every position
    image     positions of the image tokens, in raster order
    question  positions of the prompt's words after the picture, without the chat's marks around them
    answer    positions of the response's tokens

    >>> four = np.eye(4, dtype=np.float32)
    >>> logits = TokenLogits(four, (7, 7, 2, 5), image=slice(0, 2), question=slice(2, 3), answer=slice(3, 4))
    >>> logits.values[logits.image, logits.answer].shape
    (2, 1)
    """

    values: NDArray[np.float32]
    ids: tuple[int, ...]
    image: slice
    question: slice
    answer: slice


class LvlmDescription(Protocol):
    """What is known of an LVLM wherever it runs: here, behind a server, or with workers on other machines.

    >>> def heads(lvlm: LvlmDescription) -> int:
    ...     return lvlm.layers * lvlm.heads
    >>> from types import SimpleNamespace
    >>> heads(SimpleNamespace(layers=34, heads=8))
    272
    """

    @property
    def key(self) -> str:
        """The name it goes by, a part of its cases' ids."""
        ...

    @property
    def revision(self) -> str:
        """Which weights: the hub's commit, or a digest of the checkpoint's files."""
        ...

    @property
    def precision(self) -> str:
        """Of its weights and its arithmetic, such as float32: it decides the last digits, so it is in every key."""
        ...

    @property
    def gives(self) -> frozenset[Need]:
        """What methods may ask of it; any other question may end with an error."""
        ...

    @property
    def layers(self) -> int:
        """Decoder layers of the language model."""
        ...

    @property
    def heads(self) -> int:
        """Attention heads of each decoder layer."""
        ...


class Lvlm(LvlmDescription, Protocol):
    """The contract of every family. Pictures are grey uint8 arrays of one size (usually the study frame).

    The answer span is the response's own tokens: no end-of-turn token, no newline after it. All gradients are of the
    summed log-probability of that span.

    Anything with these parts is one; a method asks only for those that it needs:

    >>> class Yes:
    ...     key, revision, gives = "yes", "1", frozenset({Need.TEXT})
    ...
    ...     def generate(self, pictures, prompts, *, max_new_tokens=512):
    ...         return [Response("Yes", (1,), ("Yes",))] * len(pictures)
    >>> [response.text for response in Yes().generate([np.zeros((8, 8), np.uint8)], ["Is there a mass?"])]
    ['Yes']
    """

    def generate(
        self, pictures: Sequence[Picture], prompts: Sequence[str], *, max_new_tokens: int = 512
    ) -> list[Response]:
        """Greedy responses, one per picture and prompt, batched."""
        ...

    def log_probs(self, pictures: Pictures, prompt: str, response: Response) -> NDArray[np.float32]:
        """Teacher-forced log-probability of every response token, (pictures, tokens), in nats.

        Float pictures (0..255) are taken without rounding: the function that `pixel_gradients` differentiates.
        """
        ...

    def token_grid(self, frame: Frame) -> TokenGrid:
        """The grid of image tokens for a picture of that frame."""
        ...

    def box_convention(self, frame: Frame) -> BoxConvention:
        """How it writes a box in its text, for a picture of that frame: positions in which raster, which side first.

        One without a habit of its own says `BoxConvention(frame)`: pixels of the picture it was given, x first.
        """
        ...

    def answer_attention(
        self, picture: Picture, prompt: str, response: Response, *, layers: Sequence[int]
    ) -> NDArray[np.float32]:
        """Attention of the rows that predict the response to the image tokens.

        returns  (layers, heads, response tokens, rows, columns); each value is a softmax weight
        """
        ...

    def walk_attention(
        self, picture: Picture, prompt: str, response: Response, visit: Callable[[LayerAttention], None]
    ) -> None:
        """Show every layer's whole attention to `visit`, the first layer first; one layer is held at a time."""
        ...

    def walk_attention_gradients(
        self, picture: Picture, prompt: str, response: Response, visit: Callable[[LayerAttention], None]
    ) -> None:
        """The same with the gradient to the weights, the last layer first, in one backward pass."""
        ...

    def walk_attention_relevance(
        self, picture: Picture, prompt: str, response: Response, visit: Callable[[LayerAttention], None]
    ) -> float:
        """The same with the relevance of the weights in place of the gradient, by `Rule.ATTNLRP`.

        returns  what was handed down at the start, as `LayerRelevance.target`
        """
        ...

    def layer_gradients(
        self, picture: Picture, prompt: str, response: Response, *, layer: int
    ) -> LayerGradients:
        """Hidden states entering decoder layer `layer` at the image tokens, with their gradient."""
        ...

    def relevance(
        self, picture: Picture, prompt: str, response: Response, *, rule: Rule, layer: int = 0
    ) -> LayerRelevance:
        """Relevance of the hidden states entering decoder layer `layer`; those entering layer 0 are the embeddings."""
        ...

    def token_logits(self, picture: Picture, prompt: str, response: Response) -> TokenLogits:
        """What the output matrix reads of every token at every position of the last hidden states."""
        ...

    def pixel_gradients(
        self, pictures: Sequence[NDArray[np.float32]], prompt: str, response: Response
    ) -> NDArray[np.float32]:
        """Gradient to the picture's own grey values (0..255, float), (pictures, height, width)."""
        ...
