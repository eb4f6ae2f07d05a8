"""What the language model takes of pictures: image tokens, and what it keeps of a row up to its picture's end.

Both are remembered for pictures that come back with another question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeGuard, TypeVar

import numpy as np
import torch
from torch import Tensor

from medground_bench.core.types import Frame, Picture
from medground_bench.lvlms import REMEMBERED, Pictures
from medground_bench.lvlms.engine.engine import Engine
from medground_bench.lvlms.engine.memory import Memory, name_of
from medground_bench.lvlms.engine.pixels import PixelPath
from medground_bench.lvlms.engine.token_rows import TokenRow

Thing = TypeVar("Thing")


@dataclass(frozen=True, kw_only=True, eq=False)
class Sight:
    """What an LVLM sees. A batch holds pictures of one size, all of grey levels or all of floats.

    batch_size  pictures that go through it at a time
    """

    engine: Engine
    pixels: PixelPath
    memory: Memory
    batch_size: int

    def tokens(self, pictures: Sequence[Picture]) -> Tensor:
        """Image tokens (pictures, tokens, channels) of one batch of grey levels, remembered."""
        name = name_of(pictures)
        found = self.memory.find(name)
        if found is None:
            found = (self.tokens_once(pictures),)
            self.memory.keep(name, found)
        return found[0]

    def tokens_once(self, pictures: Pictures) -> Tensor:
        """The same of grey levels or floats, not remembered."""
        frame = Frame.study_of(pictures[0])
        if are_levels(pictures):
            tower = self.engine.family.tower_frame(frame)
            values = self.pixels.of_levels(pictures, width=tower.width, height=tower.height)
        else:
            values = self.float_values(self.floats(pictures), frame)
        return self.engine.encode(values)

    def tokens_of_each(self, pictures: Sequence[Picture]) -> list[Tensor]:
        """Image tokens of pictures of any sizes, every distinct one encoded once and kept for this call."""
        names = [(Frame.study_of(picture), picture.tobytes()) for picture in pictures]
        distinct = dict(zip(names, pictures, strict=True))
        tokens_of = self.tokens if len(distinct) <= REMEMBERED else self.tokens_once
        encoded: dict[tuple[Frame, bytes], Tensor] = {}
        for frame in dict.fromkeys(frame for frame, _ in distinct):
            of_frame = [name for name in distinct if name[0] == frame]
            for batch in batches(of_frame, self.batch_size):
                tokens = tokens_of([distinct[name] for name in batch])
                encoded.update(zip(batch, tokens, strict=True))
        return [encoded[name] for name in names]

    def predicting(self, pictures: Sequence[Picture], row: TokenRow) -> Tensor:
        """Last hidden states (pictures, response tokens, channels) that predict the response, of one batch.

        Only the words after the picture are read when it was read before.
        """
        before = tuple(row.ids[: row.image.stop].tolist())
        name = (row.frame, before, name_of(pictures))
        prefix = self.memory.find(name)
        if prefix is None:
            prefix = self.engine.read_picture(row, self.tokens(pictures))
            self.memory.keep(name, prefix)
        after = self.engine.read_on(row, prefix)
        return after[:, row.predicting.start - row.image.stop : row.predicting.stop - row.image.stop]

    def predicting_once(self, pictures: Pictures, row: TokenRow) -> Tensor:
        """The same of grey levels or floats, read whole and not remembered."""
        return self.engine.read(row, self.tokens_once(pictures))[:, row.predicting]

    def floats(self, pictures: Pictures) -> Tensor:
        """Grey values (pictures, height, width) float32, 0..255, on the model's device."""
        return torch.from_numpy(np.stack(pictures).astype(np.float32)).to(self.engine.loaded.model.device)

    def float_values(self, grey: Tensor, frame: Frame) -> Tensor:
        """What the tower takes of them, (pictures, 3, height, width), differentiable."""
        tower = self.engine.family.tower_frame(frame)
        return self.pixels.of_floats(grey, width=tower.width, height=tower.height)


def batches(things: Sequence[Thing], size: int) -> list[Sequence[Thing]]:
    """All things in their order, so many at a time."""
    return [things[start : start + size] for start in range(0, len(things), size)]


def are_levels(pictures: Pictures) -> TypeGuard[Sequence[Picture]]:
    """Whether they are of grey levels, and so can be remembered; otherwise they are of floats."""
    return pictures[0].dtype == np.uint8


def one_frame(pictures: Pictures) -> Frame:
    """The frame of pictures of one size; ValueError for several sizes."""
    frames = {Frame.study_of(picture) for picture in pictures}
    if len(frames) != 1:
        raise ValueError(f"pictures of one prompt must have one size; here are {len(frames)}")
    return frames.pop()
