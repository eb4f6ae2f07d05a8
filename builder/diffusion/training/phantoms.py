"""Phantoms with and without their findings, rendered once and kept as one .npz file."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from medground_bench.core.types import Picture
from medground_bench.phantom.digest import renderer_digest
from medground_bench.phantom.findings import FINDINGS
from medground_bench.phantom.scene import Scene, letterboxed, sample_findings
from medground_bench.phantom.shortcut import draw_marker
from medground_bench.storage.whole_files import fingerprint, sha256

SIDE_PX = 112
"""What the embedded LVLMs see."""

Rendered: TypeAlias = tuple[list[Picture], list[bool], int]


@dataclass(frozen=True, slots=True, eq=False)
class Counterfactuals:
    """N scenes, each rendered three times with the same noise.

    pictures  (N, 3, 112, 112) uint8: with its findings, without `removed`, without any
    shown     (N, 10) bool, in the order of FINDINGS
    removed   (N,), index of one finding that is shown
    """

    pictures: NDArray[np.uint8]
    shown: NDArray[np.bool_]
    removed: NDArray[np.int64]

    def __len__(self) -> int:
        """Number of scenes."""
        return len(self.pictures)


def counterfactuals(seeds: range, folder: Path, *, processes: int) -> Counterfactuals:
    """Of each seed's scene, from a file of `folder`, which is rendered first where it is missing.

    The name of the file says which seeds and which drawing code it is of.
    """
    drawing = sha256(Path(__file__).read_bytes())
    key = fingerprint(first=seeds.start, count=len(seeds), renderer=renderer_digest(), drawing=drawing)
    file = folder / f"counterfactuals-{key[:16]}.npz"
    if not file.exists():
        with ProcessPoolExecutor(processes) as pool:
            pictures, shown, removed = zip(*pool.map(_rendered, seeds, chunksize=16), strict=True)
        partial = file.with_suffix(".partial.npz")
        np.savez(partial, pictures=np.array(pictures), shown=np.array(shown), removed=np.array(removed))
        partial.rename(file)
    with np.load(file) as stored:
        return Counterfactuals(stored["pictures"], stored["shown"], stored["removed"])


def _rendered(seed: int) -> Rendered:
    scene, rng = Scene.sample(seed), np.random.default_rng([seed, 5])
    findings = sample_findings(scene, rng, must=str(rng.choice(FINDINGS)))
    marker = draw_marker(findings, rng)
    removed = str(rng.choice(findings))
    left = tuple(finding for finding in findings if finding != removed)
    pictures = [
        letterboxed(scene.render(SIDE_PX, each, marker=marker), scene.native_width, scene.native_height)
        for each in (findings, left, ())
    ]
    return pictures, [finding in findings for finding in FINDINGS], FINDINGS.index(removed)
