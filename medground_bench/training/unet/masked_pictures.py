"""Pictures and the masks of the concepts on them: what the U-Net learns from, wherever they were made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SIDE_PX = 224
CELL_PX = 2
"""Side of the cells of the network's map."""


@dataclass(frozen=True, slots=True, eq=False)
class MaskedPictures:
    """N pictures (N, 224, 224) uint8 and their masks, packed (N, 11, 224, 28) uint8, eight pixels a byte."""

    pictures: NDArray[np.uint8]
    packed: NDArray[np.uint8]

    @classmethod
    def of(cls, rows: Iterable[tuple[NDArray[np.uint8], NDArray[np.uint8]]]) -> MaskedPictures:
        """Of pictures (224, 224), each with its packed masks (11, 224, 28)."""
        pictures, packed = zip(*rows, strict=True)
        return cls(np.stack(pictures), np.stack(packed))

    @classmethod
    def read(cls, file: Path) -> MaskedPictures:
        """What `keep` wrote."""
        with np.load(file) as stored:
            return cls(stored["pictures"], stored["packed"])

    def keep(self, file: Path) -> None:
        """Write an .npz file; it has its name when it is whole."""
        partial = file.with_suffix(".partial.npz")
        np.savez(partial, pictures=self.pictures, packed=self.packed)
        partial.rename(file)

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.pictures)

    def pixels_per_cell(self) -> NDArray[np.uint8]:
        """How many pixels of each cell a concept covers, (N, 11, 112, 112), 0..4."""
        cells = SIDE_PX // CELL_PX
        covered = np.empty((*self.packed.shape[:2], cells, cells), np.uint8)
        for picture, packed in zip(covered, self.packed, strict=True):
            pixels = np.unpackbits(packed, axis=-1).reshape(-1, cells, CELL_PX, cells, CELL_PX)
            picture[:] = pixels.sum(axis=(2, 4), dtype=np.uint8)
        return covered

    def masks(self, rows: NDArray[np.integer] | slice) -> NDArray[np.uint8]:
        """Masks of some pictures, (rows, 11, 224, 224), 0 or 1."""
        return np.unpackbits(self.packed[rows], axis=-1)
