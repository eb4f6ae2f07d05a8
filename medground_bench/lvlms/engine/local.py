"""An LVLM on this machine: greedy responses, teacher-forced log-probabilities, attention and gradients.

One code path for every family; what differs (placeholder, token grid, pixels, positions) is behind `Family`.
Vision tower and language model are called separately, so that pictures are encoded once and gradients flow only where
a method asks for them. Rows of one batch always have the same length: nothing is padded, so nothing needs unpadding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

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
    Rule,
    TokenGrid,
    TokenLogits,
)
from medground_bench.lvlms.engine import attention, relevance
from medground_bench.lvlms.engine.engine import Engine
from medground_bench.lvlms.engine.family import Family
from medground_bench.lvlms.engine.memory import Memory, most_bytes, name_of
from medground_bench.lvlms.engine.opening import Loaded
from medground_bench.lvlms.engine.passes import Passes
from medground_bench.lvlms.engine.pixels import PixelPath
from medground_bench.lvlms.engine.responses import response_of, stop_ids
from medground_bench.lvlms.engine.token_rows import TokenRow, TokenRows
from medground_bench.lvlms.engine.word_log_probs import word_log_probs


@dataclass(kw_only=True, eq=False)
class LocalLvlm:
    """The contract `Lvlm` for a transformers model in memory.

    Calls with few pictures are remembered, so that another question about them, or another method, finds their image
    tokens and what the language model kept of them; `memory.most_bytes` bounds it, `memory.forget()` makes it cold.

    batch_size           pictures that go through it at a time
    gradient_batch_size  the same where the vision tower is differentiated
    """

    key: str
    revision: str
    engine: Engine
    rows: TokenRows
    pixels: PixelPath
    stop_ids: frozenset[int]
    batch_size: int
    gradient_batch_size: int
    memory: Memory
    gives: frozenset[Need] = frozenset(Need)

    @classmethod
    def of(cls, loaded: Loaded, family: Family, *, key: str, revision: str) -> LocalLvlm:
        """An LVLM of loaded parts; clears the checkpoint's sampling settings, so that its answer is its argmax."""
        model, tokenizer = loaded.model, loaded.tokenizer
        model.set_attn_implementation({"text_config": attention.NAME, "vision_config": "sdpa"})
        stops = stop_ids(loaded, family.turn_end)
        model.generation_config = GenerationConfig(
            do_sample=False,
            repetition_penalty=1.0,
            eos_token_id=sorted(stops),
            pad_token_id=min(stops) if tokenizer.pad_token_id is None else tokenizer.pad_token_id,
        )
        return cls(
            key=key,
            revision=revision,
            engine=Engine(loaded=loaded, family=family),
            rows=TokenRows(loaded, family),
            pixels=PixelPath.of(loaded.image_processor, model.device),
            stop_ids=stops,
            batch_size=16 if model.device.type == "cpu" else 32,
            gradient_batch_size=8 if model.device.type == "cpu" else 4,  # the tower's graph: 9 GB at 896 px
            memory=Memory(most_bytes(model.device)),
        )

    def counted_by(self, passes: Passes, *, write_at_most: int | None = None) -> LocalLvlm:
        """The same model, whose passes are counted there; it remembers nothing of what was before.

        write_at_most  tokens of a response after which it stops, though all that it was allowed to have are counted
        """
        engine = replace(self.engine, passes=passes, write_at_most=write_at_most)
        return replace(self, engine=engine, memory=Memory(self.memory.most_bytes))

    @property
    def loaded(self) -> Loaded:
        """The model, its tokenizer and its image processor."""
        return self.engine.loaded

    @property
    def family(self) -> Family:
        """What its family does its own way."""
        return self.engine.family

    @property
    def layers(self) -> int:
        """Decoder layers of the language model."""
        return len(self.loaded.model.model.language_model.layers)

    @property
    def heads(self) -> int:
        """Attention heads of each decoder layer."""
        return int(self.loaded.model.config.get_text_config().num_attention_heads)

    def token_grid(self, frame: Frame) -> TokenGrid:
        """The grid of image tokens for a picture of that frame, in raster order."""
        return TokenGrid(*self.family.cells(frame), frame)

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
        rows = [self._row(_frame(picture), prompt) for picture, prompt in zip(pictures, prompts, strict=True)]
        features = self._features_of_distinct(pictures)
        alike: dict[tuple[int, Frame], list[int]] = {}
        for place, row in enumerate(rows):
            alike.setdefault((len(row.ids), row.frame), []).append(place)
        responses: dict[int, Response] = {}
        for places in alike.values():
            for batch in _batches(places, self.batch_size):
                ids = torch.stack([rows[place].ids for place in batch])
                tokens = torch.stack([features[place] for place in batch])
                written = self.engine.write(ids, tokens, rows[batch[0]].frame, max_new_tokens).tolist()
                texts = [response_of(self.loaded.tokenizer, each, self.stop_ids) for each in written]
                responses.update(zip(batch, texts, strict=True))
        return [responses[place] for place in range(len(rows))]

    @torch.no_grad()
    def log_probs(
        self,
        pictures: Sequence[Picture] | Sequence[NDArray[np.float32]],
        prompt: str,
        response: Response,
    ) -> NDArray[np.float32]:
        """Teacher-forced log-probability of every response token, (pictures, tokens), in nats.

        Float pictures (0..255) are resized without rounding to whole grey levels: the function that
        `pixel_gradients` differentiates.
        """
        row = self._row(_one_frame(pictures), prompt, response)
        few = len(pictures) <= REMEMBERED and pictures[0].dtype == np.uint8
        states_of = self._predicting_again if few else self._predicting_once
        batches = _batches(pictures, self.batch_size)
        return np.concatenate([self._token_log_probs(states_of(b, row), row).cpu().numpy() for b in batches])

    @torch.no_grad()
    def answer_attention(
        self, picture: Picture, prompt: str, response: Response, *, layers: Sequence[int]
    ) -> NDArray[np.float32]:
        """Attention of the rows that predict the response to the image tokens.

        returns  (layers, heads, response tokens, rows, columns); each value is a softmax weight
        """
        self._check_layers(layers)
        row = self._row(_frame(picture), prompt, _not_empty(response))
        grid = self.token_grid(row.frame)
        self.engine.passes.look(len(layers), whole=False)
        with attention.recording(row.predicting, layers) as recorded:
            self.engine.read(row, self._features([picture]))
        weights = torch.stack([recorded[layer][0, :, :, row.image] for layer in layers])
        return weights.unflatten(-1, (grid.rows, grid.columns)).cpu().numpy()

    @torch.no_grad()
    def walk_attention(
        self, picture: Picture, prompt: str, response: Response, visit: Callable[[LayerAttention], None]
    ) -> None:
        """Show every layer's whole attention to `visit`, the first layer first; one layer is held at a time."""
        row = self._row(_frame(picture), prompt, _not_empty(response))

        def watch(call: attention.Call) -> Tensor:
            self.engine.passes.look(1, whole=True)
            visit(LayerAttention(call.layer, call.weights()[0], None, row.image, row.predicting))
            return call.output()

        features = self._features([picture])
        with attention.watching(watch):
            self.engine.read(row, features)

    def walk_attention_gradients(
        self, picture: Picture, prompt: str, response: Response, visit: Callable[[LayerAttention], None]
    ) -> None:
        """The same with the gradient to the weights, the last layer first, in one backward pass."""
        row = self._row(_frame(picture), prompt, _not_empty(response))

        def show(layer: int, weights: Tensor, gradients: Tensor) -> None:
            self.engine.passes.look(1, whole=True)
            visit(LayerAttention(layer, weights, gradients, row.image, row.predicting))

        with relevance.attention_gradients(show):
            self._differentiate(picture, row, 0)

    def layer_gradients(
        self, picture: Picture, prompt: str, response: Response, *, layer: int
    ) -> LayerGradients:
        """Hidden states entering decoder layer `layer` at the image tokens, with their gradient.

        The vision tower and the layers below run without a graph.
        """
        self._check_layers([layer])
        row = self._row(_frame(picture), prompt, _not_empty(response))
        grid = self.token_grid(row.frame)
        found = self._differentiate(picture, row, layer)
        activations, gradients = (
            tensor[row.image].unflatten(0, (grid.rows, grid.columns)).float().cpu().numpy()
            for tensor in (found.entering, found.gradient)
        )
        return LayerGradients(activations, gradients, grid)

    def relevance(
        self, picture: Picture, prompt: str, response: Response, *, rule: Rule, layer: int = 0
    ) -> LayerRelevance:
        """Relevance of the hidden states entering a decoder layer, by layer-wise relevance propagation."""
        self._check_layers([layer])
        row = self._row(_frame(picture), prompt, _not_empty(response))
        grid = self.token_grid(row.frame)
        decoder = self.loaded.model.model.language_model
        self.engine.passes.look(self.layers - layer, whole=True)  # on the way back
        with (
            self.engine.alone,
            relevance.relevance_rules(decoder, self.family.module_rules, rule) as by_biases,
        ):
            found = self._differentiate(picture, row, layer)
        received = (attention.wide(found.entering) * found.gradient).sum(-1)
        return LayerRelevance(
            received[row.image].unflatten(0, (grid.rows, grid.columns)).float().cpu().numpy(),
            everywhere=float(received.sum()),
            target=found.linear_target,
            biases=by_biases.kept,
        )

    @torch.no_grad()
    def token_logits(self, picture: Picture, prompt: str, response: Response) -> TokenLogits:
        """What the output matrix reads of every token at every position of the last hidden states."""
        row = self._row(_frame(picture), prompt, _not_empty(response))
        hidden = self.engine.read(row, self._features([picture]))[0]
        logits = hidden.float() @ self.loaded.model.lm_head.weight[row.ids].float().T
        ids = tuple(row.ids.tolist())
        return TokenLogits(logits.cpu().numpy(), ids, row.image, row.answer)

    def pixel_gradients(
        self, pictures: Sequence[NDArray[np.float32]], prompt: str, response: Response
    ) -> NDArray[np.float32]:
        """Gradient to the picture's own grey values (0..255, float), (pictures, height, width)."""
        row = self._row(_one_frame(pictures), prompt, _not_empty(response))
        gradients = []
        for batch in _batches(pictures, self.gradient_batch_size):
            with torch.enable_grad():
                grey = self._float_pictures(batch).requires_grad_()
                features = self.engine.encode(self._float_values(grey, row.frame))
                target = self._token_log_probs(self.engine.read(row, features)[:, row.predicting], row).sum()
                self.engine.passes.differentiate(len(batch))
                gradients.append(torch.autograd.grad(target, grey)[0].cpu().numpy())
        return np.concatenate(gradients)

    def _differentiate(self, picture: Picture, row: TokenRow, layer: int) -> _Differentiated:
        """The target's gradient to the hidden states entering a layer; nothing below has a graph."""
        entering: list[Tensor] = []

        def start_graph(module: Any, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            entering.append(inputs[0].detach().requires_grad_())
            return (entering[0], *inputs[1:])

        with torch.no_grad():
            features = self._features([picture])
        with self.engine.alone, torch.enable_grad():
            hook = self.loaded.model.model.language_model.layers[layer].register_forward_pre_hook(start_graph)
            try:
                last = self.engine.read(row, features)
            finally:
                hook.remove()
            target = self._token_log_probs(last[:, row.predicting], row).sum()
            self.engine.passes.differentiate(1 - layer / self.layers)
            gradient, to_last = torch.autograd.grad(target, (entering[0], last))
        return _Differentiated(entering[0].detach()[0], gradient[0], float((last.detach() * to_last).sum()))

    def _row(self, frame: Frame, prompt: str, response: Response | None = None) -> TokenRow:
        return self.rows.of(frame, prompt, response)

    def _predicting_once(self, pictures: Sequence[NDArray[Any]], row: TokenRow) -> Tensor:
        """Last hidden states (pictures, response tokens, channels) that predict the response; nothing is remembered."""
        return self.engine.read(row, self._encoded(pictures))[:, row.predicting]

    def _predicting_again(self, pictures: Sequence[Picture], row: TokenRow) -> Tensor:
        """The same of pictures that come back: only the words after the picture are read when it was read before."""
        before = tuple(row.ids[: row.image.stop].tolist())
        name = (row.frame, before, name_of(pictures))
        prefix = self.memory.find(name)
        if prefix is None:
            prefix = self.engine.read_picture(row, self._features(pictures))
            self.memory.keep(name, prefix)
        after = self.engine.read_on(row, prefix)
        return after[:, row.predicting.start - row.image.stop : row.predicting.stop - row.image.stop]

    def _features(self, pictures: Sequence[Picture]) -> Tensor:
        """Image tokens (pictures, tokens, channels) of one batch of pictures, remembered."""
        name = name_of(pictures)
        found = self.memory.find(name)
        if found is None:
            found = (self._encoded(pictures),)
            self.memory.keep(name, found)
        return found[0]

    def _features_of_distinct(self, pictures: Sequence[Picture]) -> list[Tensor]:
        """Image tokens of each picture, every distinct picture encoded once and kept for this call."""
        names = [(_frame(picture), picture.tobytes()) for picture in pictures]
        distinct = dict(zip(names, pictures, strict=True))
        features_of = self._features if len(distinct) <= REMEMBERED else self._encoded
        encoded: dict[tuple[Frame, bytes], Tensor] = {}
        for frame in dict.fromkeys(frame for frame, _ in distinct):
            of_frame = [name for name in distinct if name[0] == frame]
            for batch in _batches(of_frame, self.batch_size):
                features = features_of([distinct[name] for name in batch])
                encoded.update(zip(batch, features, strict=True))
        return [encoded[name] for name in names]

    def _encoded(self, pictures: Sequence[NDArray[Any]]) -> Tensor:
        """Image tokens of one batch of pictures, of grey levels or floats."""
        frame = _frame(pictures[0])
        if pictures[0].dtype == np.uint8:
            tower = self.family.tower_frame(frame)
            return self.engine.encode(self.pixels.of_levels(pictures, width=tower.width, height=tower.height))
        return self.engine.encode(self._float_values(self._float_pictures(pictures), frame))

    def _float_pictures(self, pictures: Sequence[NDArray[Any]]) -> Tensor:
        return torch.from_numpy(np.stack(pictures).astype(np.float32)).to(self.loaded.model.device)

    def _float_values(self, pictures: Tensor, frame: Frame) -> Tensor:
        tower = self.family.tower_frame(frame)
        return self.pixels.of_floats(pictures, width=tower.width, height=tower.height)

    def _token_log_probs(self, states: Tensor, row: TokenRow) -> Tensor:
        """Log-probabilities (pictures, response tokens) float32 of the response, from the states that predict it."""
        answer = row.ids[row.answer].expand(len(states), -1)
        return word_log_probs(states, answer, self.loaded.model.lm_head.weight)

    def _check_layers(self, layers: Sequence[int]) -> None:
        for layer in layers:
            if not 0 <= layer < self.layers:
                raise MedgroundError(
                    f"{self.key} has no layer {layer}: its decoder layers are 0 to {self.layers - 1}."
                )


@dataclass(frozen=True, slots=True, eq=False)
class _Differentiated:
    """States (length, channels) entering a layer, their gradient, and the target's share linear in the logits."""

    entering: Tensor
    gradient: Tensor
    linear_target: float


def _batches(things: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [things[start : start + size] for start in range(0, len(things), size)]


def _frame(picture: NDArray[Any]) -> Frame:
    return Frame("study", width=picture.shape[1], height=picture.shape[0])


def _one_frame(pictures: Sequence[NDArray[Any]]) -> Frame:
    frames = {_frame(picture) for picture in pictures}
    if len(frames) != 1:
        raise ValueError(f"pictures of one prompt must have one size; here are {len(frames)}")
    return frames.pop()


def _not_empty(response: Response) -> Response:
    if not response.token_ids:
        raise MethodFailed("the response has no tokens, so there is nothing to explain.")
    return response
