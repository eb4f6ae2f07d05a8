"""RISE: saliency by random masking. Petsiuk et al., BMVC 2018, arXiv:1806.07421.

The default is the paper's setting (Appendix C): 64 masks of 8 x 8 whole patches, half of them black in every mask.
`Masks.SMOOTH` is RISE as published: every cell visible with probability `keep`, bilinear, shifted at random; it needs
thousands of masks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from medground_bench.core.geometry import resize_bilinear
from medground_bench.core.types import Attribution, Case, SaliencyMap
from medground_bench.lvlms import Lvlm, Need
from medground_bench.methods._settings import coerce, demand

MASKS_AT_ONCE = 256
"""Masks held at a time, 51 MB of float32 at 224 px; the LVLM cuts them into its own batches."""


class Masks(StrEnum):
    """What a mask is made of.

    >>> Masks("smooth")
    <Masks.SMOOTH: 'smooth'>
    """

    HARD = "hard"
    SMOOTH = "smooth"


@dataclass(frozen=True, kw_only=True)
class Rise:
    """Seeded by the case's generator: same case, same masks.

    >>> Rise(masks=4000, cells=7, kind=Masks.SMOOTH).keep
    0.5
    """

    needs: ClassVar[frozenset[Need]] = frozenset({Need.LOG_PROBS})

    masks: int = 64  # samples
    cells: int = 8  # mask grid, cells per side
    keep: float = 0.5  # share (hard) or probability (smooth) of visible cells
    kind: Masks = Masks.HARD  # whole patches, or smooth ones as published

    def __post_init__(self) -> None:
        coerce(self, "kind", Masks)
        enough = self.masks > 1 and self.cells > 0 and 0 < self.keep < 1
        demand(self, enough, "needs at least 2 masks, 1 cell, and keep between 0 and 1")

    def attribute(self, lvlm: Lvlm, case: Case, rng: np.random.Generator) -> Attribution:
        """Sum over masks of (score - mean score) x mask, over masks x keep: nats, per pixel.

        The score is the response's summed log-probability on the masked picture. Departure: scores are centred.
        Log-probabilities are far from 0, and without it the map shows which pixels the masks happened to cover.
        """
        scores: list[NDArray[np.float64]] = []
        weighted = np.zeros(case.picture.shape)
        covered = np.zeros(case.picture.shape)
        for visible in self._visible(case.picture.shape, rng):
            pictures = list(np.rint(case.picture * visible).astype(np.uint8))
            score = lvlm.log_probs(pictures, case.prompt, case.response).sum(axis=1, dtype=np.float64)
            weighted += np.tensordot(score, visible, axes=1)
            covered += visible.sum(axis=0, dtype=np.float64)
            scores.append(score)
        evidence = (weighted - np.concatenate(scores).mean() * covered) / (self.masks * self.keep)
        return Attribution(saliency=SaliencyMap(evidence.astype(np.float32), case.study))

    def _visible(self, shape: tuple[int, ...], rng: np.random.Generator) -> Iterator[NDArray[np.float32]]:
        """Blocks of masks (masks, height, width), 0 hidden to 1 visible."""
        height, width = shape
        for start in range(0, self.masks, MASKS_AT_ONCE):
            count = min(MASKS_AT_ONCE, self.masks - start)
            if self.kind is Masks.HARD:
                yield self._hard(count, height, width, rng)
            else:
                yield np.stack([self._smooth(height, width, rng) for _ in range(count)])

    def _hard(self, count: int, height: int, width: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """Exactly round(keep x cells^2) visible patches in every mask."""
        places = rng.random((count, self.cells**2)).argsort(axis=1)
        visible = places < round(self.keep * self.cells**2)
        rows, columns = (np.arange(size) * self.cells // size for size in (height, width))
        cells: NDArray[np.float32] = visible.reshape(count, self.cells, self.cells).astype(np.float32)
        return cells[:, rows[:, None], columns]

    def _smooth(self, height: int, width: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """One mask of the publication: a grid one cell larger than the picture, blown up and cut at a random shift."""
        down, across = -(-height // self.cells), -(-width // self.cells)
        grid = rng.random((self.cells + 1, self.cells + 1)) < self.keep
        large = resize_bilinear(
            grid.astype(np.float64), width=(self.cells + 1) * across, height=(self.cells + 1) * down
        )
        top, left = int(rng.integers(down)), int(rng.integers(across))
        return large[top : top + height, left : left + width].astype(np.float32)


METHOD = Rise
PAPER = True
SEEDED = True
"""Its boxes depend on the seed of a run: a board shows mean and spread of several."""
