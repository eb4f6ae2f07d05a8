"""Pictures and concept masks of phantom patients, rendered once and kept as one .npz file."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medground_bench.core.concepts import CONCEPTS
from medground_bench.phantom.digest import renderer_digest
from medground_bench.phantom.scene import sample_findings
from medground_bench.storage.whole_files import fingerprint, sha256
from medground_bench.training.unet.patients import patient

SIDE_PX = 224
CELL_PX = 2
"""Side of the cells of the network's map."""

HEALTHY = 0.4
"""Share of patients without any finding; the others have about two and a half."""


@dataclass(frozen=True, slots=True, eq=False)
class Phantoms:
    """N pictures (N, 224, 224) uint8 and their masks, packed (N, 11, 224, 28) uint8, eight pixels a byte."""

    pictures: NDArray[np.uint8]
    packed: NDArray[np.uint8]

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


def phantoms(seeds: range, folder: Path, *, processes: int) -> Phantoms:
    """One picture of each seed's patient, from a file of `folder`, which is rendered first where it is missing.

    The name of the file says which seeds and which drawing code it is of.
    """
    drawing = sha256(Path(__file__).with_name("patients.py").read_bytes() + Path(__file__).read_bytes())
    key = fingerprint(first=seeds.start, count=len(seeds), renderer=renderer_digest(), drawing=drawing)
    file = folder / f"phantoms-{key[:16]}.npz"
    if not file.exists():
        with ProcessPoolExecutor(processes) as pool:
            rows = list(pool.map(_row, seeds, chunksize=16))
        partial = file.with_suffix(".partial.npz")
        np.savez(
            partial, pictures=np.stack([row[0] for row in rows]), packed=np.stack([row[1] for row in rows])
        )
        partial.rename(file)
    with np.load(file) as stored:
        return Phantoms(stored["pictures"], stored["packed"])


def _row(seed: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    scene, rng = patient(seed), np.random.default_rng([seed, 3])
    findings = () if rng.random() < HEALTHY else sample_findings(scene, rng, probability=0.25)
    masks = scene.concept_masks(SIDE_PX, findings)
    packed = np.packbits(np.stack([masks[concept] for concept in CONCEPTS]), axis=-1)
    return scene.render(SIDE_PX, findings, noise_seed=int(rng.integers(2**31))), packed
