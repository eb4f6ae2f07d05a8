"""An LVLM on this machine: greedy responses, teacher-forced log-probabilities, attention and gradients.

One code path for every family; what differs (placeholder, token grid, pixels, positions) is behind `Family`.
Vision tower and language model are called separately, so that pictures are encoded once and gradients flow only where
a method asks for them. Rows of one batch always have the same length: nothing is padded, so nothing needs unpadding.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.checkpoint import checkpoint
from transformers import GenerationConfig

from medground_bench.errors import MedgroundError, MethodFailed
from medground_bench.lvlms import LayerGradients, Need, TokenGrid, _answer_rows
from medground_bench.lvlms._family import Family, Row
from medground_bench.lvlms._opening import Loaded
from medground_bench.lvlms._pixels import PixelPath
from medground_bench.types import Frame, Picture, Response

LOGITS_AT_ONCE = 1 << 28
"""Largest block of float32 logits held at a time (1 GiB): long responses over 262,000 words are cut into blocks."""

GIVES = frozenset({Need.TEXT, Need.LOG_PROBS, Need.ATTENTIONS, Need.GRADIENTS})


@dataclass(kw_only=True, eq=False)
class LocalLvlm:
    """The contract `Lvlm` for a transformers model in memory; `batch_size` pictures go through it at a time."""

    key: str
    revision: str
    loaded: Loaded
    family: Family
    pixels: PixelPath
    stop_ids: frozenset[int]
    batch_size: int
    gives: frozenset[Need] = GIVES
    _one_at_a_time: threading.RLock = field(default_factory=threading.RLock)
    """transformers keeps state on a Qwen model while it generates, and hooks are the module's, not the caller's."""

    @classmethod
    def of(cls, loaded: Loaded, family: Family, *, key: str, revision: str) -> LocalLvlm:
        """An LVLM of loaded parts; clears the checkpoint's sampling settings, so that its answer is its argmax."""
        model, tokenizer = loaded.model, loaded.tokenizer
        model.set_attn_implementation({"text_config": _answer_rows.NAME, "vision_config": "sdpa"})
        stop_ids = _stop_ids(loaded, family.turn_end)
        model.generation_config = GenerationConfig(
            do_sample=False,
            repetition_penalty=1.0,
            eos_token_id=sorted(stop_ids),
            pad_token_id=min(stop_ids) if tokenizer.pad_token_id is None else tokenizer.pad_token_id,
        )
        return cls(
            key=key,
            revision=revision,
            loaded=loaded,
            family=family,
            pixels=PixelPath.of(loaded.image_processor, model.device),
            stop_ids=stop_ids,
            batch_size=16 if model.device.type == "cpu" else 32,
        )

    @property
    def layers(self) -> int:
        """Decoder layers of the language model."""
        return len(self.loaded.model.model.language_model.layers)

    def token_grid(self, frame: Frame) -> TokenGrid:
        """The grid of image tokens for a picture of that frame, in raster order."""
        rows, columns = self.family.cells(frame)
        return TokenGrid(rows, columns, frame)

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
                texts = self._continue(
                    torch.stack([rows[place].ids for place in batch]),
                    torch.stack([features[place] for place in batch]),
                    rows[batch[0]].frame,
                    max_new_tokens,
                )
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
        parts = [
            self._token_log_probs(self._last_hidden(self._features(batch), row), row).cpu().numpy()
            for batch in _batches(pictures, self.batch_size)
        ]
        return np.concatenate(parts)

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
        with _answer_rows.recording(row.predicting, layers) as recorder:
            self._last_hidden(self._features([picture]), row)
        weights = torch.stack([recorder.weights[layer][0, :, :, row.image] for layer in layers])
        return weights.unflatten(-1, (grid.rows, grid.columns)).cpu().numpy()

    def layer_gradients(
        self, picture: Picture, prompt: str, response: Response, *, layer: int
    ) -> LayerGradients:
        """Hidden states entering decoder layer `layer` at the image tokens, with their gradient.

        The vision tower and the layers below run without a graph.
        """
        self._check_layers([layer])
        row = self._row(_frame(picture), prompt, _not_empty(response))
        grid = self.token_grid(row.frame)
        entering: list[Tensor] = []

        def start_graph(module: Any, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            entering.append(inputs[0].detach().requires_grad_())
            return (entering[0], *inputs[1:])

        with torch.no_grad():
            features = self._features([picture])
        with self._one_at_a_time, torch.enable_grad():
            hook = self.loaded.model.model.language_model.layers[layer].register_forward_pre_hook(start_graph)
            try:
                target = self._token_log_probs(self._last_hidden(features, row), row).sum()
            finally:
                hook.remove()
            (gradient,) = torch.autograd.grad(target, entering[0])
        activations, gradients = (
            tensor.detach()[0, row.image].unflatten(0, (grid.rows, grid.columns)).float().cpu().numpy()
            for tensor in (entering[0], gradient)
        )
        return LayerGradients(activations, gradients, grid)

    def pixel_gradients(
        self, pictures: Sequence[NDArray[np.float32]], prompt: str, response: Response
    ) -> NDArray[np.float32]:
        """Gradient to the picture's own grey values (0..255, float), (pictures, height, width)."""
        row = self._row(_one_frame(pictures), prompt, _not_empty(response))
        gradients = []
        for batch in _batches(pictures, max(1, self.batch_size // 8)):
            with torch.enable_grad():
                grey = self._float_pictures(batch).requires_grad_()
                features = self._encode(self._float_values(grey, row.frame))
                target = self._token_log_probs(self._last_hidden(features, row), row).sum()
                gradients.append(torch.autograd.grad(target, grey)[0].cpu().numpy())
        return np.concatenate(gradients)

    def _row(self, frame: Frame, prompt: str, response: Response | None = None) -> Row:
        """Ids of chat, picture, prompt and response; the response is appended as ids, never as text."""
        tokenizer, placeholder = self.loaded.tokenizer, self.family.placeholder()
        content = [{"type": "image"}, {"type": "text", "text": prompt}]
        text = tokenizer.apply_chat_template(
            [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
        )
        rows, columns = self.family.cells(frame)
        expanded = text.replace(placeholder, self.family.expanded(rows * columns))
        ids = tokenizer(expanded, add_special_tokens=False)["input_ids"]
        row = torch.tensor([*ids, *(response.token_ids if response else ())], device=self.loaded.model.device)
        image = (row == self.loaded.model.config.image_token_id).nonzero()[:, 0].tolist()
        if text.count(placeholder) != 1 or image != list(range(image[0], image[0] + rows * columns)):
            raise MedgroundError(
                f"the prompt {prompt[:80]!r} or its response holds the model's own image token. Take it out."
            )
        return Row(row, slice(image[0], image[-1] + 1), slice(len(ids), len(row)), frame)

    def _features(self, pictures: Sequence[NDArray[Any]]) -> Tensor:
        """Image tokens (pictures, tokens, channels) of one batch of pictures."""
        tower = self.family.tower_frame(_frame(pictures[0]))
        if pictures[0].dtype == np.uint8:
            return self._encode(self.pixels.of_levels(pictures, width=tower.width, height=tower.height))
        return self._encode(self._float_values(self._float_pictures(pictures), _frame(pictures[0])))

    def _features_of_distinct(self, pictures: Sequence[Picture]) -> list[Tensor]:
        """Image tokens of each picture, every distinct picture encoded once and kept for this call."""
        names = [(_frame(picture), picture.tobytes()) for picture in pictures]
        distinct = dict(zip(names, pictures, strict=True))
        encoded: dict[tuple[Frame, bytes], Tensor] = {}
        for frame in dict.fromkeys(frame for frame, _ in distinct):
            of_frame = [name for name in distinct if name[0] == frame]
            for batch in _batches(of_frame, self.batch_size):
                features = self._features([distinct[name] for name in batch])
                encoded.update(zip(batch, features, strict=True))
        return [encoded[name] for name in names]

    def _float_pictures(self, pictures: Sequence[NDArray[Any]]) -> Tensor:
        return torch.from_numpy(np.stack(pictures).astype(np.float32)).to(self.loaded.model.device)

    def _float_values(self, pictures: Tensor, frame: Frame) -> Tensor:
        tower = self.family.tower_frame(frame)
        return self.pixels.of_floats(pictures, width=tower.width, height=tower.height)

    def _encode(self, values: Tensor) -> Tensor:
        return self.family.image_features(values.to(self.loaded.model.dtype))

    def _last_hidden(self, features: Tensor, row: Row) -> Tensor:
        """Last hidden states (pictures, length, channels) of one row of ids with each picture's image tokens."""
        model = self.loaded.model
        ids = row.ids.expand(len(features), -1)
        positions = self.family.positions(row.ids, row.frame)
        with self._one_at_a_time:
            hidden: Tensor = model.model(
                input_ids=ids,
                position_ids=None if positions is None else positions.expand(-1, len(features), -1),
                use_cache=False,
                **{self.family.type_ids: self._types(ids)},
                **self.family.language_inputs(features, row.frame),
            ).last_hidden_state
        return hidden

    def _types(self, ids: Tensor) -> Tensor:
        """1 at image tokens, 0 elsewhere; both families go wrong without a word when they are not given."""
        return (ids == self.loaded.model.config.image_token_id).long()

    def _token_log_probs(self, hidden: Tensor, row: Row) -> Tensor:
        """Log-probabilities (pictures, response tokens) float32 of the response.

        Only the rows that predict the response meet the output matrix, in float32: rounding to bfloat16 would leave
        ties between yes and no.
        """
        weight = self.loaded.model.lm_head.weight.float()
        answer = row.ids[row.answer].expand(len(hidden), -1)
        rows_at_once = max(1, LOGITS_AT_ONCE // (len(hidden) * len(weight)))
        blocks = zip(
            hidden[:, row.predicting].float().split(rows_at_once, dim=1),
            answer.split(rows_at_once, dim=1),
            strict=True,
        )
        parts = [
            checkpoint(_chosen_log_probs, states, ids, weight, use_reentrant=False) for states, ids in blocks
        ]
        return torch.cat(parts, dim=1)

    def _continue(self, ids: Tensor, features: Tensor, frame: Frame, max_new_tokens: int) -> list[Response]:
        """Greedy continuations of rows of equal length."""
        with self._one_at_a_time:
            whole = self.loaded.model.generate(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=max_new_tokens,
                **{self.family.type_ids: self._types(ids)},
                **self.family.language_inputs(features, frame),
            )
        return [self._response(row) for row in whole[:, ids.shape[1] :].tolist()]

    def _response(self, generated: list[int]) -> Response:
        """The tokens before the first end of turn; special tokens stay in the text, thought blocks are read later."""
        end = next((place for place, token in enumerate(generated) if token in self.stop_ids), len(generated))
        ids = generated[:end]
        pieces = _pieces(
            ids, lambda head: self.loaded.tokenizer.decode(head, clean_up_tokenization_spaces=False)
        )
        return Response("".join(pieces), tuple(ids), tuple(pieces))

    def _check_layers(self, layers: Sequence[int]) -> None:
        for layer in layers:
            if not 0 <= layer < self.layers:
                raise MedgroundError(
                    f"{self.key} has no layer {layer}: its decoder layers are 0 to {self.layers - 1}."
                )


def _chosen_log_probs(states: Tensor, ids: Tensor, weight: Tensor) -> Tensor:
    logits = states @ weight.T
    return logits.gather(-1, ids[..., None])[..., 0] - logits.logsumexp(-1)


def _stop_ids(loaded: Loaded, turn_end: str) -> frozenset[int]:
    declared = loaded.model.generation_config.eos_token_id
    ids = set(declared if isinstance(declared, list) else [declared])
    ids |= {loaded.tokenizer.eos_token_id, loaded.tokenizer.get_vocab().get(turn_end)}
    return frozenset(token for token in ids if token is not None)


def _pieces(ids: list[int], decode: Callable[[list[int]], str]) -> list[str]:
    """The text each token adds; a token that ends inside a character adds nothing, the next one adds it whole."""
    pieces, said = [], ""
    for end in range(1, len(ids) + 1):
        text = decode(ids[:end])
        whole = text if end == len(ids) else text.rstrip("\ufffd")
        pieces.append(whole[len(said) :])
        said = whole if len(whole) > len(said) else said
    return pieces


def _batches(things: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [things[start : start + size] for start in range(0, len(things), size)]


def _frame(picture: NDArray[Any]) -> Frame:
    height, width = picture.shape
    return Frame("study", width=width, height=height)


def _one_frame(pictures: Sequence[NDArray[Any]]) -> Frame:
    frames = {_frame(picture) for picture in pictures}
    if len(frames) != 1:
        raise ValueError(f"pictures of one prompt must have one size; here are {len(frames)}")
    return frames.pop()


def _not_empty(response: Response) -> Response:
    if not response.token_ids:
        raise MethodFailed("the response has no tokens, so there is nothing to explain.")
    return response
