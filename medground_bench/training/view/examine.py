"""How well views are told apart: on pictures that nothing was learned from, upright and spoiled in each known way."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias, TypedDict

import numpy as np
import torch
from torch import Tensor

from medground_bench.anatomy.view.views import View
from medground_bench.core.concepts import CONCEPTS
from medground_bench.core.types import Picture
from medground_bench.phantom.scene import Scene, sample_findings
from medground_bench.pictures import read_picture, to_study
from medground_bench.training.unet.masked_pictures import MaskedPictures
from medground_bench.training.view.spoiled import cropped, inverted, mirrored, shuffled, turned

Tell: TypeAlias = Callable[[Picture], View]
WHITE = 0.9
"""A lung at least so bright as the heart, on average, is called white."""


class Recognition(TypedDict):
    """Share of pictures that were called what they are, share that were called anything but upright, their number."""

    recognised: float
    warned: float
    pictures: int


class Missed(TypedDict):
    """How many were missed, and how many of these have a white left lung, beside which no heart is seen."""

    missed: int
    white_left: int


SPOILED: Mapping[str, tuple[View, Callable[[Tensor, torch.Generator], Tensor]]] = {
    "upright": (View.FRONTAL, lambda picture, _rng: picture),
    "mirrored": (View.MIRRORED, lambda picture, _rng: mirrored(picture)),
    "inverted": (View.INVERTED, inverted),
    "turned": (View.NO_CHEST, turned),
    "a small part": (View.NO_CHEST, cropped),
    "shuffled": (View.NO_CHEST, shuffled),
}
"""What is made of an upright picture, and what it then is."""


def on_spoiled(tell: Tell, pictures: Sequence[Picture]) -> dict[str, Recognition]:
    """Of the same upright pictures in each way that they are spoiled in."""
    return {kind: recognition(tell, spoiled(pictures, kind), SPOILED[kind][0]) for kind in SPOILED}


def spoiled(pictures: Iterable[Picture], kind: str) -> Iterator[Picture]:
    """What is made of upright pictures; the same of the same ones."""
    rng = torch.Generator().manual_seed(0)
    for picture in pictures:
        changed = SPOILED[kind][1](torch.from_numpy(picture.copy()).float() / 255, rng)
        yield (changed * 255).round().to(torch.uint8).numpy()


def recognition(tell: Tell, pictures: Iterable[Picture], wanted: View) -> Recognition:
    """Of pictures that are all the same."""
    views = [tell(picture) for picture in pictures]
    return {
        "recognised": round(float(np.mean([view is wanted for view in views])), 4),
        "warned": round(float(np.mean([view is not View.FRONTAL for view in views])), 4),
        "pictures": len(views),
    }


def benchmark_pictures(seeds: Iterable[int]) -> list[Picture]:
    """The benchmark's phantoms, half of them with findings, letterboxed from their native size."""
    pictures = []
    for seed in seeds:
        scene, rng = Scene.sample(seed), np.random.default_rng(seed)
        pictures.append(to_study(scene.native(sample_findings(scene, rng) if seed % 2 else ())).picture)
    return pictures


def radiographs(folder: Path) -> list[Picture]:
    """The real frontal pictures of a folder, in the study frame, of which its `annotations.json` tells."""
    files = sorted(json.loads((folder / "annotations.json").read_text("utf-8")))
    return [to_study(read_picture(folder / file)).picture for file in files]


def missed_mirrored(tell: Tell, rendered: MaskedPictures) -> Missed:
    """Of the mirrored pictures that passed for upright."""
    passed = [tell(picture) is View.FRONTAL for picture in spoiled(rendered.pictures, "mirrored")]
    white = [_white_left(rendered, place) for place in np.flatnonzero(passed).tolist()]
    return {"missed": len(white), "white_left": sum(white)}


def _white_left(rendered: MaskedPictures, place: int) -> bool:
    masks = dict(zip(CONCEPTS, rendered.masks(slice(place, place + 1))[0].astype(bool), strict=True))
    heart, grey = masks["cardiac silhouette"], rendered.pictures[place]
    lung = masks["left lung"] & ~heart
    return bool(grey[lung].mean() >= WHITE * grey[heart].mean())
