"""Smooth edits of any picture, without weights: a surface across the boxes, or a calmer background, and matched grain.

The picture is taken apart into grain, by a Wiener filter, and what is left. Every edit puts new grain of the same
spectrum and of the strength around it, so that a change of sharpness tells nothing.

* Foreground: the biharmonic surface that goes on from what surrounds the boxes. It takes the finding out and with it
  the anatomy in the boxes; a ring of what the boxes did not hold remains.
* Background: all anatomy stays; other grain, and a brightness that drifts by a few percent over the picture.
* "No abnormality": the same, and faint details from the size of a rib to that of a nodule lose half of their contrast,
  at most a few grey levels, so a lead marker stays. What is abnormal is not known here, so nothing is taken out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, signal
from skimage.restoration import inpaint_biharmonic

from builder.editors import edit_seed, editor_code
from medground_bench.core.causal_filter import Edit
from medground_bench.core.edit_regions import editable, inside
from medground_bench.core.types import Mask, Picture, Question
from medground_bench.storage.whole_files import fingerprint

Greys = NDArray[np.float64]
"""Grey levels (height, width), or what is added to them."""

GRID = 256
"""Cells of the longer side on which surfaces are solved; a native cell of its own for smaller pictures."""

WINDOW_PX = 7
NOISE = 1.5
"""Of the Wiener filter: what it takes for grain, as a multiple of the median window's variance."""

TILE_PX = 32
"""Side of the tiles whose mean spectrum is the grain's."""

STRENGTH_PX = 8.0
"""Over which the strength of the grain is taken."""

DRIFT = 0.04
"""Most that the brightness of a background changes, as a share."""

DRIFT_WAVES = 6
"""Of the drift, the longer side over its standard deviation; it fades out towards the boxes over a third of that."""

DETAIL_CELLS = 15
"""Width in the grid of the median filter that leaves no faint detail."""

DETAIL_LEFT = 0.5
MOST_TAKEN = 12.0
"""Of a detail's contrast, grey levels."""


def _version() -> str:
    libraries = {name: version(name) for name in ("numpy", "scipy", "scikit-image")}
    return fingerprint(code=editor_code(__file__), libraries=libraries)


@dataclass(frozen=True, slots=True)
class Harmonic:
    """See the module."""

    name: str = "harmonic"
    version: str = field(init=False, default_factory=_version)

    def edit(self, question: Question, picture: Picture, edit: Edit) -> Picture:
        """See `Editor`. Where nothing lies outside the boxes, or there are none, the picture stays as it is."""
        boxes = inside(question.boxes, picture)
        if boxes.all() or not boxes.any():
            return picture.copy()
        rng = np.random.default_rng(edit_seed(question, picture, edit))
        smooth = _without_grain(picture)
        residual = picture - smooth
        strength = np.sqrt(ndimage.gaussian_filter(residual**2, STRENGTH_PX))
        if edit is Edit.FOREGROUND:
            smooth, strength = _surface(smooth, boxes), _surface(strength, boxes)
        else:
            calm = _faint_details(smooth) if edit is Edit.BACKGROUND_NORMAL else 0.0
            smooth = (smooth - calm) * (1 + _drift(boxes, rng))
        edited = smooth + np.maximum(strength, 0) * _grain(residual, ~boxes, rng)
        levels = np.clip(np.rint(edited), 0, 255).astype(np.uint8)
        return np.where(editable(question, picture, edit), levels, picture)


def _without_grain(picture: Picture) -> Greys:
    """Wiener's filter: a window that varies no more than grain gets its mean, edges stay."""
    greys = picture.astype(np.float64)
    means = ndimage.uniform_filter(greys, WINDOW_PX)
    variances = np.maximum(ndimage.uniform_filter(greys**2, WINDOW_PX) - means**2, 1e-9)
    kept: Greys = np.maximum(0, 1 - NOISE * np.median(variances) / variances)
    filtered: Greys = means + kept * (greys - means)
    return filtered


def _surface(greys: Greys, hole: Mask) -> Greys:
    """The smooth surface across a hole, within the range of what surrounds it; other pixels may change, too.

    It is solved on a grid of the means of known pixels, because a solution for every native pixel takes minutes.
    """
    size = _cell_px(greys)
    known = _cells(~hole, size)
    means = _cells(greys * ~hole, size) / np.maximum(known, 1)
    unknown = known == 0
    solved = inpaint_biharmonic(means, unknown) if unknown.any() else means
    return _native(solved, size, greys.shape)


def _faint_details(greys: Greys) -> Greys:
    """What an edge-preserving filter takes out of a picture, halved and limited."""
    size = _cell_px(greys)
    cells = _cells(greys, size) / _cells(np.ones_like(greys), size)
    details = cells - ndimage.median_filter(cells, DETAIL_CELLS)
    taken = np.clip((1 - DETAIL_LEFT) * details, -MOST_TAKEN, MOST_TAKEN)
    return _native(taken, size, greys.shape)


def _drift(boxes: Mask, rng: np.random.Generator) -> Greys:
    """Brightness over the picture as a share to add, 0 beside the boxes."""
    size = _cell_px(boxes)
    free = _cells(boxes, size) == 0
    width = max(free.shape) / DRIFT_WAVES
    waves = ndimage.gaussian_filter(rng.standard_normal(free.shape), width, mode="wrap")
    waves /= np.abs(waves).max()
    fading = np.minimum(1, ndimage.distance_transform_edt(free) / (width / 3))
    return _native(DRIFT * waves * fading, size, boxes.shape)


def _grain(residual: Greys, known: Mask, rng: np.random.Generator) -> Greys:
    """Gaussian noise of the mean spectrum of the tiles that are known as a whole, of deviation 1; else white noise."""
    white = rng.standard_normal(tuple(length + TILE_PX - 1 for length in residual.shape))
    tiles = [
        residual[y : y + TILE_PX, x : x + TILE_PX]
        for y in range(0, residual.shape[0] - TILE_PX + 1, TILE_PX)
        for x in range(0, residual.shape[1] - TILE_PX + 1, TILE_PX)
        if known[y : y + TILE_PX, x : x + TILE_PX].all()
    ]
    spectra = [np.abs(np.fft.fft2(tile / tile.std())) ** 2 for tile in tiles if tile.std() > 0]
    kernel = np.zeros((TILE_PX, TILE_PX))
    kernel[TILE_PX // 2, TILE_PX // 2] = 1
    if spectra:
        kernel = np.fft.fftshift(np.fft.ifft2(np.sqrt(np.mean(spectra, axis=0))).real)
    coloured: Greys = signal.oaconvolve(white, kernel, mode="valid")
    coloured /= np.sqrt((kernel**2).sum())
    return coloured


def _cell_px(picture: NDArray[np.generic]) -> int:
    """Native pixels of a cell's side."""
    longer: int = max(picture.shape)
    return math.ceil(longer / GRID)


def _cells(values: NDArray[np.generic], size: int) -> Greys:
    """Sums over the cells; those that reach beyond the picture hold less."""
    height, width = values.shape
    padded = np.pad(values.astype(np.float64), ((0, -height % size), (0, -width % size)))
    rows, columns = padded.shape[0] // size, padded.shape[1] // size
    sums: Greys = padded.reshape(rows, size, columns, size).sum(axis=(1, 3))
    return sums


def _native(cells: Greys, size: int, shape: tuple[int, ...]) -> Greys:
    """Between the centres of cells, bilinear."""
    rows, columns = ((np.arange(length) + 0.5) / size - 0.5 for length in shape)
    places = np.meshgrid(rows, columns, indexing="ij")
    values: Greys = ndimage.map_coordinates(cells, places, order=1, mode="nearest")
    return values


EDITOR = Harmonic
