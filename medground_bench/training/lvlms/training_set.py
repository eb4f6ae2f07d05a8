"""Pictures with labels for training and validation, rendered once and kept as one .npz file."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medground_bench.phantom.digest import renderer_digest
from medground_bench.phantom.language import REGIONS, SIGNS
from medground_bench.phantom.scene import Scene, letterboxed, sample_findings
from medground_bench.phantom.shortcut import draw_marker
from medground_bench.storage.whole_files import fingerprint
from medground_bench.training.lvlms.architecture import PICTURE_PX, TOKENS_PER_SIDE

FINDINGS = tuple(SIGNS)
PICTURES_PER_SCENE = 3
MASK_PX = PICTURE_PX // 2
"""Coverage is measured on a coarser render: a quarter of the work, and a token's cell is still 7 x 7 of its pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class TrainingSet:
    """N letterboxed pictures and what is known of each.

    pictures  (N, 112, 112) uint8
    present   (N, findings) bool
    coverage  (N, 8, 8, findings) uint8, share of each image token's cell that the finding covers, 255 = all
    regions   (N, findings) int64, index into REGIONS[finding]
    marker    (N, 8, 8) uint8, share of the side marker that lies in each cell, 255 = all; zero without the marker
    """

    pictures: NDArray[np.uint8]
    present: NDArray[np.bool_]
    coverage: NDArray[np.uint8]
    regions: NDArray[np.int64]
    marker: NDArray[np.uint8]

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.pictures)


def training_set(seeds: range, folder: Path, *, processes: int) -> TrainingSet:
    """The set of these scene seeds, rendered into a file of `folder` unless that is already there.

    The name of the file says which seeds and which drawing code it is of.
    """
    columns = TrainingSet.__slots__
    key = fingerprint(
        first=seeds.start, scenes=len(seeds), renderer=renderer_digest(), columns=",".join(columns)
    )
    file = folder / f"pictures-{key[:16]}.npz"
    if not file.exists():
        with ProcessPoolExecutor(processes) as pool:
            rows = [row for rows in pool.map(_scene_rows, seeds, chunksize=16) for row in rows]
        partial = file.with_suffix(".partial.npz")
        pictures, present, coverage, regions, marker = map(np.stack, zip(*rows, strict=True))
        np.savez(
            partial, pictures=pictures, present=present, coverage=coverage, regions=regions, marker=marker
        )
        partial.rename(file)
    with np.load(file) as stored:
        return TrainingSet(**{name: stored[name] for name in columns})


def _scene_rows(seed: int) -> list[tuple[NDArray[np.generic], ...]]:
    return list(_rows(seed))


def _rows(seed: int) -> Iterator[tuple[NDArray[np.generic], ...]]:
    scene, rng = Scene.sample(seed), np.random.default_rng([seed, 1])
    regions = np.array([_region_index(scene, finding) for finding in FINDINGS])
    cell = MASK_PX // TOKENS_PER_SIDE
    for _ in range(PICTURES_PER_SCENE):
        findings = sample_findings(scene, rng)
        marker = draw_marker(findings, rng)
        noise_seed = int(rng.integers(2**31))
        square = scene.render(PICTURE_PX, findings, marker=marker, noise_seed=noise_seed)
        coverage = np.zeros((TOKENS_PER_SIDE, TOKENS_PER_SIDE, len(FINDINGS)), np.uint8)
        for i, finding in enumerate(FINDINGS):
            if finding in findings:
                mask = scene.finding_mask(MASK_PX, finding, findings)
                cells = mask.reshape(TOKENS_PER_SIDE, cell, TOKENS_PER_SIDE, cell)
                coverage[:, :, i] = np.round(cells.mean(axis=(1, 3)) * 255)
        present = np.array([finding in findings for finding in FINDINGS])
        yield (
            letterboxed(square, scene.native_width, scene.native_height),
            present,
            coverage,
            regions,
            _marker_cells(scene) if marker else np.zeros((TOKENS_PER_SIDE, TOKENS_PER_SIDE), np.uint8),
        )


def _marker_cells(scene: Scene) -> NDArray[np.uint8]:
    """(8, 8) uint8: which share of the marker's box lies in each token's cell, 255 = all of it."""
    x0, y0, x1, y1 = scene.marker_box(MASK_PX)
    edges = np.arange(TOKENS_PER_SIDE + 1) * (MASK_PX // TOKENS_PER_SIDE)
    across = np.diff(edges.clip(x0, x1)) / (x1 - x0)
    down = np.diff(edges.clip(y0, y1)) / (y1 - y0)
    return np.round(down[:, None] * across[None, :] * 255).astype(np.uint8)


def _region_index(scene: Scene, finding: str) -> int:
    return REGIONS[finding].index(scene.region(finding))
