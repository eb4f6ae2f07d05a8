"""Pictures to try: phantoms, drawn when the Space starts, and public films with their licences."""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import gradio as gr
import numpy as np
from PIL import Image

from medground_bench.drawing.layers import film_layer
from medground_bench.phantom import seeds
from medground_bench.phantom.scene import Scene
from medground_bench.storage.whole_files import Plain, sha256

PHANTOMS = (
    (seeds.EXAMPLES[1], "cardiomegaly"),
    (seeds.EXAMPLES[2], "pleural effusion"),
    (seeds.EXAMPLES[3], "nodule"),
    (seeds.EXAMPLES[4], "pacemaker"),
    (seeds.EXAMPLES[5], "pneumothorax"),
    (seeds.EXAMPLES[6], "consolidation"),
)
"""Seed of a phantom and the finding it shows."""

FILMS = Path(__file__).parent / "examples"
THUMB_PX = 112


@dataclass(frozen=True, slots=True)
class ExamplePicture:
    """A picture file of ours, and a finding to ask for.

    credit  whose it is and under which licence; empty for a phantom
    """

    file: Path
    finding: str
    credit: str = ""
    link: str = ""

    @property
    def label(self) -> str:
        """What stands under it."""
        return f"film: {self.file.stem}" if self.credit else self.finding

    def as_json(self) -> dict[str, Plain]:
        """For the page."""
        with Image.open(self.file) as image:
            thumb = film_layer(np.asarray(image.convert("L")), THUMB_PX)
        return {"label": self.label, "thumb": thumb}


@lru_cache(maxsize=1)
def examples() -> tuple[ExamplePicture, ...]:
    """The phantoms, in a folder of their own that goes with the process, then the films.

    They are served from where they lie; copies among the uploads would be removed as they are.
    """
    folder = Path(tempfile.mkdtemp(prefix="medground-examples-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    found = []
    for seed, finding in PHANTOMS:
        file = folder / f"{finding.replace(' ', '-')}.png"
        Image.fromarray(Scene.sample(seed).native([finding])).save(file)
        found.append(ExamplePicture(file, finding))
    for film in json.loads((FILMS / "films.json").read_text("utf-8")):
        credit = f"{film['by']}, {film['licence']}, {film['changes']}"
        found.append(ExamplePicture(FILMS / film["file"], film["finding"], credit, film["source"]))
    gr.set_static_paths([folder, FILMS])
    return tuple(found)


def is_phantom(picture: Path) -> bool:
    """Whether a file is one of the example phantoms, wherever it lies and whatever it is called."""
    return sha256(picture.read_bytes()) in _phantom_digests()


@lru_cache(maxsize=1)
def _phantom_digests() -> frozenset[str]:
    return frozenset(sha256(each.file.read_bytes()) for each in examples() if not each.credit)
