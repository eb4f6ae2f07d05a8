"""Many rendered radiographs, kept in a folder: what the anatomy U-Net of real films learns from."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from medground_bench.core.concepts import CONCEPTS
from medground_bench.core.types import Mask, Picture
from medground_bench.storage.whole_files import fingerprint, sha256
from medground_bench.training.radiograph.changes import sample_changes
from medground_bench.training.radiograph.chest import PACKED, shipped_chest
from medground_bench.training.radiograph.film import sample_processing
from medground_bench.training.radiograph.patient import Beam, sample_exposed_body
from medground_bench.training.radiograph.rays import Rays
from medground_bench.training.radiograph.render import WITH_FINDINGS, expose, project
from medground_bench.training.unet.masked_pictures import SIDE_PX, MaskedPictures

TRAINING = range(0, 100_000)
HELD_OUT = range(100_000, 200_000)
"""Seeds of exposures that nothing is learned from."""
UNWATCHED = HELD_OUT[100:]
"""Those of them that nobody watched while a network learned: numbers of cards and tables are of these."""
CALIBRATION = range(200_000, 300_000)
"""Seeds of exposures that thresholds and uncertainties are set on."""

ATLAS = range(300_000, 300_016)
"""Seeds of the reference pool."""

RAYS_PX = 144
"""Rays across a picture, which is enlarged: the network sees cells of 2 x 2 pixels, so more would be lost on it."""
TAKES = 2
"""Pictures of every projection: other shoulders, breasts, devices and processing."""
BEFORE_AND_AFTER = {"pack", "pool"}
"""What makes the scan, whose bytes count by themselves, and what renders something else."""

PART = 100
"""Projections that are kept together, so that a rendering that is stopped goes on where it was."""


def renders(
    seeds: range, folder: Path, *, processes: int, advance: Callable[[int], object] = lambda done: None
) -> MaskedPictures:
    """Two pictures of each seed's projection, from files of `folder`, which are rendered first where they are missing.

    The names of the files say which seeds and which code they are of. `advance` hears of projections that are done.
    """
    folder.mkdir(parents=True, exist_ok=True)
    code, files = code_digest(), []
    with ProcessPoolExecutor(processes, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        for first in range(seeds.start, seeds.stop, PART):
            part = range(first, min(first + PART, seeds.stop))
            file = folder / f"renders-{fingerprint(first=first, count=len(part), code=code)[:16]}.npz"
            if not file.exists():
                MaskedPictures.of(chain.from_iterable(pool.map(takes, part, chunksize=5))).keep(file)
            files.append(file)
            advance(part.stop - seeds.start)
    parts = [MaskedPictures.read(file) for file in files]
    return MaskedPictures(
        np.concatenate([each.pictures for each in parts]), np.concatenate([each.packed for each in parts])
    )


def takes(seed: int) -> list[tuple[Picture, NDArray[np.uint8]]]:
    """Pictures (224, 224) of one projection and their packed masks (11, 224, 28)."""
    chest, rng = shipped_chest(), np.random.default_rng([seed, 0])
    patient = sample_exposed_body(rng)
    changes = sample_changes(chest, rng) if rng.random() < WITH_FINDINGS else ()
    rays = Rays(chest, patient, RAYS_PX)
    projection = project(rays, changes)
    rows = []
    for take in range(TAKES):
        processing = sample_processing(rng, grid=patient.geometry.beam is Beam.PA)
        made = expose(rays, projection, processing, seed * TAKES + take)
        masks = np.stack([_enlarged(made.masks[concept]) > 0.5 for concept in CONCEPTS])
        rows.append((np.round(_enlarged(made.picture)).astype(np.uint8), np.packbits(masks, axis=-1)))
    return rows


def code_digest() -> str:
    """Changes with the scan and with any code that renders it, whatever its comments, docstrings and layout."""
    files = [file for file in sorted(Path(__file__).parent.glob("*.py")) if file.stem not in BEFORE_AND_AFTER]
    return fingerprint(scan=sha256(PACKED.read_bytes()), **{file.stem: _meaning(file) for file in files})


def _meaning(file: Path) -> str:
    tree = ast.parse(file.read_text("utf-8"))
    for node in _with_docstrings(tree):
        node.body = node.body[1:]
    return sha256(ast.dump(tree).encode())


def _with_docstrings(tree: ast.Module) -> Iterator[ast.Module | ast.ClassDef | ast.FunctionDef]:
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and ast.get_docstring(node) is not None
        ):
            yield node


def _enlarged(picture: Picture | Mask) -> NDArray[np.float32]:
    given = torch.from_numpy(picture.astype(np.float32))[None, None]
    enlarged: NDArray[np.float32] = functional.interpolate(
        given, size=(SIDE_PX, SIDE_PX), mode="bilinear", align_corners=False
    )[0, 0].numpy()
    return enlarged
