"""Every picture of a phantom that an LVLM is asked about, drawn again to the bit: as it is, edited, without a cause.

An edit renders a scene again and puts it in place inside, or outside, the boxes only.

Foreground: the same patient without the finding; all else, the side marker too, is the same to the bit. What the boxes
do not hold is taken away twice, so that an answer that needs anything of it does not pass the causal filter:

background       another patient's, normal and without a marker, into whom the boxes' patient goes over without a seam
"No abnormality" the patient's own, without other findings and without the marker, under grain of twice the strength
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from medground_bench.core.causal_filter import Edit
from medground_bench.core.causes import Counterfactual
from medground_bench.core.edit_regions import editable, inside
from medground_bench.core.types import Picture, Question
from medground_bench.phantom import seeds
from medground_bench.phantom.patient import patient
from medground_bench.phantom.region_edits import PICTURES_KEPT, rendered
from medground_bench.phantom.render import NOISE_REFERENCE_PX, WHITE_NOISE
from medground_bench.phantom.scene import Scene

EXACT = "phantom_exact"
"""The editor whose edits these are."""

STREAM = {Edit.BACKGROUND: 3, Edit.BACKGROUND_NORMAL: 4}
"""Of each edit's own random numbers."""

FADE = 0.08
"""Share of the longer side over which one patient goes over into the other."""

CANDIDATES = 16
"""Other patients of whom the one is taken whose radiograph has the most similar shape."""

GRAIN = np.sqrt(3.0)
"""Standard deviation of the grain that is added, over that of the picture's own: together twice the own."""


def original(image_id: str) -> Picture:
    """The patient's picture as it is."""
    who = patient(image_id)
    return rendered(image_id, who.findings, who.marker)


def edited(question: Question, picture: Picture, edit: Edit) -> Picture:
    """See the module; each keeps its side of the question's boxes as it is."""
    return np.where(editable(question, picture, edit), _other(question, picture, edit), picture)


def without(question: Question, counterfactual: Counterfactual) -> Picture:
    """With the finding, the side marker or both taken out, and all else the same."""
    who = patient(question.image_id)
    keeps_finding = counterfactual is Counterfactual.WITHOUT_MARKER
    marker = who.marker and counterfactual is Counterfactual.WITHOUT_FINDING
    findings = who.findings if keeps_finding else who.without(question.finding)
    return rendered(question.image_id, findings, marker)


def _other(question: Question, picture: Picture, edit: Edit) -> Picture:
    image_id, who = question.image_id, patient(question.image_id)
    if edit is Edit.FOREGROUND:
        return rendered(image_id, who.without(question.finding), who.marker)
    if edit is Edit.BACKGROUND:
        away = ndimage.distance_transform_edt(~inside(question.boxes, picture)) / (FADE * max(picture.shape))
        near = 0.5 + 0.5 * np.cos(np.pi * np.minimum(away, 1))
        return _levels(near * picture + (1 - near) * another_patient(image_id))
    rng = np.random.default_rng([who.scene.seed, STREAM[edit]])
    alone = rendered(image_id, (question.finding,), False, int(rng.integers(2**31)))
    strength = GRAIN * 255 * WHITE_NOISE * max(picture.shape) / NOISE_REFERENCE_PX
    return _levels(alone + strength * rng.standard_normal(alone.shape))


@lru_cache(maxsize=PICTURES_KEPT)
def another_patient(image_id: str) -> Picture:
    """A normal patient without a marker, in a picture of the same size; read-only, because it is kept."""
    who = patient(image_id)
    first = np.random.default_rng([who.scene.seed, STREAM[Edit.BACKGROUND]]).choice(
        seeds.SURROUNDINGS, CANDIDATES
    )
    scenes = (Scene.sample(int(seed)) for seed in first)
    shape = who.native.width / who.native.height
    scene = min(scenes, key=lambda one: abs(np.log(one.native_width / one.native_height / shape)))
    square = scene.render(who.scene.native_size.long_side)
    left, top = ((len(square) - size) // 2 for size in (who.native.width, who.native.height))
    picture = square[top : top + who.native.height, left : left + who.native.width]
    picture.flags.writeable = False
    return picture


def _levels(greys: NDArray[np.float64]) -> Picture:
    return np.clip(np.rint(greys), 0, 255).astype(np.uint8)
