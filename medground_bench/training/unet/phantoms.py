"""Pictures and concept masks of phantom patients, rendered once and kept as one .npz file."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medground_bench.core.concepts import CONCEPTS
from medground_bench.phantom.digest import renderer_digest
from medground_bench.phantom.scene import sample_findings
from medground_bench.storage.whole_files import fingerprint, sha256
from medground_bench.training.unet.masked_pictures import SIDE_PX, MaskedPictures
from medground_bench.training.unet.patients import patient

HEALTHY = 0.4
"""Share of patients without any finding; the others have about two and a half."""


def phantoms(seeds: range, folder: Path, *, processes: int) -> MaskedPictures:
    """One picture of each seed's patient, from a file of `folder`, which is rendered first where it is missing.

    The name of the file says which seeds and which drawing code it is of.
    """
    drawing = sha256(Path(__file__).with_name("patients.py").read_bytes() + Path(__file__).read_bytes())
    key = fingerprint(first=seeds.start, count=len(seeds), renderer=renderer_digest(), drawing=drawing)
    file = folder / f"phantoms-{key[:16]}.npz"
    if not file.exists():
        with ProcessPoolExecutor(processes) as pool:
            MaskedPictures.of(pool.map(_row, seeds, chunksize=16)).keep(file)
    return MaskedPictures.read(file)


def _row(seed: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    scene, rng = patient(seed), np.random.default_rng([seed, 3])
    findings = () if rng.random() < HEALTHY else sample_findings(scene, rng, probability=0.25)
    masks = scene.concept_masks(SIDE_PX, findings)
    packed = np.packbits(np.stack([masks[concept] for concept in CONCEPTS]), axis=-1)
    return scene.render(SIDE_PX, findings, noise_seed=int(rng.integers(2**31))), packed
