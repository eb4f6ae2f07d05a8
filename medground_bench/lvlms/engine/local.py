"""An LVLM on this machine: the contract `Lvlm` for a transformers model in memory.

One code path for every family; what differs (placeholder, token grid, pixels, positions) is behind `Family`.
Vision tower and language model are called separately, so that pictures are encoded once and gradients flow only where
a method asks for them. Rows of one batch always have the same length: nothing is padded, so nothing needs unpadding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import GenerationConfig

from medground_bench.core.boxes_in_text import BoxConvention
from medground_bench.core.errors import MedgroundError, MethodFailed
from medground_bench.core.types import Frame, Picture, Response
from medground_bench.lvlms import (
    REMEMBERED,
    LayerAttention,
    LayerGradients,
    LayerRelevance,
    Need,
    Pictures,
    Rule,
    TokenGrid,
    TokenLogits,
)
from medground_bench.lvlms.engine import attention
from medground_bench.lvlms.engine.engine import Engine
from medground_bench.lvlms.engine.family import Family
from medground_bench.lvlms.engine.gradients import Gradients
from medground_bench.lvlms.engine.image_tokens import Sight, are_levels, batches, one_frame
from medground_bench.lvlms.engine.memory import Memory, most_bytes
from medground_bench.lvlms.engine.opening import Loaded
from medground_bench.lvlms.engine.passes import Passes
from medground_bench.lvlms.engine.pixels import PixelPath
from medground_bench.lvlms.engine.responses import response_of, stop_ids
from medground_bench.lvlms.engine.token_rows import TokenRow, TokenRows


@dataclass(kw_only=True, eq=False)
class LocalLvlm:
    """The contract `Lvlm`: what it is asked becomes a row of ids, which `sight` and `gradients` take through the model.

    Calls with few pictures are remembered, so that another question about them, or another method, finds their image
    tokens and what the language model kept of them; `memory.most_bytes` bounds it, `memory.forget()` makes it cold.
    """

    key: str
    revision: str
    rows: TokenRows
    sight: Sight
    gradients: Gradients
    stop_ids: frozenset[int]
    gives: frozenset[Need] = frozenset(Need)

    @classmethod
    def of(cls, loaded: Loaded, family: Family, *, key: str, revision: str) -> LocalLvlm:
        """An LVLM of loaded parts; clears the checkpoint's sampling settings, so that its answer is its argmax."""
        model, tokenizer = loaded.model, loaded.tokenizer
        on_cpu = model.device.type == "cpu"
        model.set_attn_implementation({"text_config": attention.NAME, "vision_config": "sdpa"})
        stops = stop_ids(loaded, family.turn_end)
        model.generation_config = GenerationConfig(  # type: ignore[no-untyped-call]
            do_sample=False,
            repetition_penalty=1.0,
            eos_token_id=sorted(stops),
            pad_token_id=min(stops) if tokenizer.pad_token_id is None else tokenizer.pad_token_id,
        )
        sight = Sight(
            engine=Engine(loaded=loaded, family=family),
            pixels=PixelPath.of(loaded.image_processor, model.device),
            memory=Memory(most_bytes(model.device)),
            batch_size=16 if on_cpu else 32,
        )
        return cls(
            key=key,
            revision=revision,
            rows=TokenRows(loaded, family),
            sight=sight,
            gradients=Gradients(
                sight=sight, batch_size=8 if on_cpu else 4
            ),  # the tower's graph: 9 GB at 896 px
            stop_ids=stops,
        )

    def counted_by(self, passes: Passes, *, write_at_most: int | None = None) -> LocalLvlm:
        """The same model, whose passes are counted there; it remembers nothing of what was before.

        write_at_most  tokens of a response after which it stops, though all that it was allowed to have are counted
        """
        engine = replace(self.engine, passes=passes, write_at_most=write_at_most)
        return self._seen_by(replace(self.sight, engine=engine, memory=Memory(self.memory.most_bytes)))

    def watched_by(self, passes: Passes) -> LocalLvlm:
        """The same model with the same memory, whose passes are counted there: before each, so that it can refuse."""
        return self._seen_by(replace(self.sight, engine=replace(self.engine, passes=passes)))

    def _seen_by(self, sight: Sight) -> LocalLvlm:
        return replace(self, sight=sight, gradients=replace(self.gradients, sight=sight))

    @property
    def engine(self) -> Engine:
        """What runs the model, and counts."""
        return self.sight.engine

    @property
    def memory(self) -> Memory:
        """What was computed for pictures that may come back."""
        return self.sight.memory

    @property
    def loaded(self) -> Loaded:
        """The model, its tokenizer and its image processor."""
        return self.engine.loaded

    @property
    def family(self) -> Family:
        """What its family does its own way."""
        return self.engine.family

    @property
    def precision(self) -> str:
        """The type of its weights, such as float32."""
        return str(self.loaded.model.dtype).removeprefix("torch.")

    @property
    def layers(self) -> int:
        """Decoder layers of the language model."""
        return self.engine.layers

    @property
    def heads(self) -> int:
        """Attention heads of each decoder layer."""
        return int(self.loaded.model.config.get_text_config().num_attention_heads)

    def token_grid(self, frame: Frame) -> TokenGrid:
        """The grid of image tokens for a picture of that frame, in raster order."""
        return self.engine.token_grid(frame)

    def box_convention(self, frame: Frame) -> BoxConvention:
        """How the family writes boxes in text, for a picture of that frame."""
        return self.family.box_convention(frame)

    @torch.no_grad()
    def generate(
        self, pictures: Sequence[Picture], prompts: Sequence[str], *, max_new_tokens: int = 512
    ) -> list[Response]:
        """Greedy responses, one per picture and prompt.

        Equal pictures are encoded once. Prompts of different length never share a batch, so that a response does not
        depend on its neighbours through padding.
        """
        if len(pictures) != len(prompts):
            raise ValueError(f"{len(pictures)} pictures but {len(prompts)} prompts")
        rows = [
            self.rows.of(Frame.study_of(picture), asked)
            for picture, asked in zip(pictures, prompts, strict=True)
        ]
        seen = self.sight.tokens_of_each(pictures)
        alike: dict[tuple[int, Frame], list[int]] = {}
        for place, row in enumerate(rows):
            alike.setdefault((len(row.ids), row.frame), []).append(place)
        responses: dict[int, Response] = {}
        for places in alike.values():
            for batch in batches(places, self.sight.batch_size):
                ids = torch.stack([rows[place].ids for place in batch])
                tokens = torch.stack([seen[place] for place in batch])
                written = self.engine.write(ids, tokens, rows[batch[0]].frame, max_new_tokens).tolist()
                texts = [response_of(self.loaded.tokenizer, each, self.stop_ids) for each in written]
                responses.update(zip(batch, texts, strict=True))
        return [responses[place] for place in range(len(rows))]

    @torch.no_grad()
    def log_probs(self, pictures: Pictures, prompt: str, response: Response) -> NDArray[np.float32]:
        """Teacher-forced log-probability of every response token, (pictures, tokens), in nats.

        Float pictures (0..255) are resized without rounding to whole grey levels: the function that
        `pixel_gradients` differentiates.
        """
        row = self.rows.of(one_frame(pictures), prompt, response)
        size = self.sight.batch_size
        if len(pictures) <= REMEMBERED and are_levels(pictures):
            states = (self.sight.predicting(batch, row) for batch in batches(pictures, size))
        else:
            states = (self.sight.predicting_once(batch, row) for batch in batches(pictures, size))
        return np.concatenate([self.engine.token_log_probs(each, row).cpu().numpy() for each in states])

    @torch.no_grad()
    def answer_attention(
        self, picture: Picture, prompt: str, response: Response, *, layers: Sequence[int]
    ) -> NDArray[np.float32]:
        """Attention of the rows that predict the response to the image tokens.

        returns  (layers, heads, response tokens, rows, columns); each value is a softmax weight
        """
        self._check_layers(layers)
        row = self._explained(picture, prompt, response)
        grid = self.token_grid(row.frame)
        self.engine.passes.look(len(layers), whole=False)
        with attention.recording(row.predicting, layers) as recorded:
            self.engine.read(row, self.sight.tokens([picture]))
        weights = torch.stack([recorded[layer][0, :, :, row.image] for layer in layers])
        on_grid: NDArray[np.float32] = torch.unflatten(weights, -1, (grid.rows, grid.columns)).cpu().numpy()
        return on_grid

    @torch.no_grad()
    def walk_attention(
        self, picture: Picture, prompt: str, response: Response, visit: Callable[[LayerAttention], None]
    ) -> None:
        """Show every layer's whole attention to `visit`, the first layer first; one layer is held at a time."""
        row = self._explained(picture, prompt, response)

        def watch(call: attention.Call) -> Tensor:
            self.engine.passes.look(1, whole=True)
            visit(LayerAttention(call.layer, call.weights()[0], None, row.image, row.predicting))
            return call.output()

        tokens = self.sight.tokens([picture])
        with attention.watching(watch):
            self.engine.read(row, tokens)

    def walk_attention_gradients(
        self, picture: Picture, prompt: str, response: Response, visit: Callable[[LayerAttention], None]
    ) -> None:
        """The same with the gradient to the weights, the last layer first, in one backward pass."""
        self.gradients.to_attention(picture, self._explained(picture, prompt, response), visit)

    def walk_attention_relevance(
        self, picture: Picture, prompt: str, response: Response, visit: Callable[[LayerAttention], None]
    ) -> float:
        """The same with the relevance of the weights, by AttnLRP's rules, and what was handed down at the start."""
        row = self._explained(picture, prompt, response)
        return self.gradients.to_attention_relevance(picture, row, visit)

    def layer_gradients(
        self, picture: Picture, prompt: str, response: Response, *, layer: int
    ) -> LayerGradients:
        """Hidden states entering decoder layer `layer` at the image tokens, with their gradient.

        The vision tower and the layers below run without a graph.
        """
        self._check_layers([layer])
        return self.gradients.to_layer(picture, self._explained(picture, prompt, response), layer)

    def relevance(
        self, picture: Picture, prompt: str, response: Response, *, rule: Rule, layer: int = 0
    ) -> LayerRelevance:
        """Relevance of the hidden states entering a decoder layer, by layer-wise relevance propagation."""
        self._check_layers([layer])
        row = self._explained(picture, prompt, response)
        return self.gradients.relevance(picture, row, rule=rule, layer=layer)

    @torch.no_grad()
    def token_logits(self, picture: Picture, prompt: str, response: Response) -> TokenLogits:
        """What the output matrix reads of every token at every position of the last hidden states."""
        row = self._explained(picture, prompt, response)
        hidden = self.engine.read(row, self.sight.tokens([picture]))[0]
        logits = hidden.float() @ self.loaded.model.lm_head.weight[row.ids].float().T
        question = row.question(self.stop_ids)
        return TokenLogits(
            logits.cpu().numpy(), tuple(row.ids.tolist()), row.image, question, answer=row.answer
        )

    def pixel_gradients(
        self, pictures: Sequence[NDArray[np.float32]], prompt: str, response: Response
    ) -> NDArray[np.float32]:
        """Gradient to the picture's own grey values (0..255, float), (pictures, height, width)."""
        row = self.rows.of(one_frame(pictures), prompt, _not_empty(response))
        return self.gradients.to_pixels(pictures, row)

    def _explained(self, picture: Picture, prompt: str, response: Response) -> TokenRow:
        """The row of a response that is to be explained, which has to say something."""
        return self.rows.of(Frame.study_of(picture), prompt, _not_empty(response))

    def _check_layers(self, layers: Sequence[int]) -> None:
        for layer in layers:
            if not 0 <= layer < self.layers:
                raise MedgroundError(
                    f"{self.key} has no layer {layer}: its decoder layers are 0 to {self.layers - 1}."
                )


def _not_empty(response: Response) -> Response:
    if not response.token_ids:
        raise MethodFailed("the response has no tokens, so there is nothing to explain.")
    return response
