"""Edits of real radiographs by RadEdit, a latent diffusion model of chest X-rays. arXiv:2312.12865.

The picture is letterboxed to 512 px like every picture of the study frame, inverted to noise with the empty prompt and
brought back with the prompt of the edit (paper, section B.2), which acts within the edit mask alone. The edit goes back
to native size; native pixels stay outside the mask and are faded into within it.

The weights are pinned by commit; `MEDGROUND_RADEDIT`, `MEDGROUND_SDXL_VAE` and `MEDGROUND_BIOVIL_T` name other places.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

import builder.diffusion
from builder.diffusion.inversion import Guidance, Schedule, edited, invert
from builder.diffusion.parts import DiffusionModel, open_parts
from builder.diffusion.weights import RADEDIT, ModelWeights
from builder.editors import edit_prompt, edit_seed, editor_code
from medground_bench.core.causal_filter import Edit
from medground_bench.core.edit_regions import editable
from medground_bench.core.types import Mask, Picture, Question
from medground_bench.pictures import Study, to_study
from medground_bench.storage.whole_files import fingerprint

LIBRARIES = ("diffusers", "numpy", "pillow", "scipy", "torch", "transformers")


@dataclass(frozen=True, slots=True)
class RadEdit:
    """Settings of the paper's authors.

    steps       of the way from noise to picture; must divide 1000
    guidance    pull towards the prompt
    skip        share of the steps, the noisiest ones, that are left out, so that the anatomy stays
    side_px     of the square that the model sees
    feather_px  of that square, over which an edit fades in from the border of its mask
    weights     of the model
    revisions   of the weights, all of which are at hand once the editor is open
    """

    steps: int = 200
    guidance: float = 7.5
    skip: float = 0.3
    side_px: int = 512
    feather_px: float = 8.0
    weights: ModelWeights = RADEDIT
    name: str = field(default="radedit", init=False)
    version: str = field(init=False)
    revisions: tuple[str, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        Schedule(self.steps, self.skip)  # refuses settings that do not go together
        object.__setattr__(self, "revisions", self.weights.resolved())
        made_by = fingerprint(
            settings=[self.steps, self.guidance, self.skip, self.side_px, self.feather_px],
            weights=self.revisions,
            code=editor_code(__file__, *_diffusion_files()),
            libraries={library: version(library) for library in LIBRARIES},
        )
        object.__setattr__(self, "version", made_by)

    def edit(self, question: Question, picture: Picture, edit: Edit) -> Picture:
        """See `Editor`."""
        mask = editable(question, picture, edit)
        if not mask.any():
            return picture.copy()
        study = to_study(picture, self.side_px)
        parts = open_parts(self.weights, self.revisions)
        rng = np.random.default_rng(edit_seed(question, picture, edit))
        where = self._latent_mask(mask, parts.px_per_latent)
        with torch.inference_mode(), torch.backends.cudnn.flags(benchmark=False, deterministic=True):
            square = self._edited(parts, study.picture, edit_prompt(question.finding, edit), where, rng)
        alpha = _faded(mask, self.feather_px * max(picture.shape) / self.side_px)
        levels = picture + alpha * (_native(square, study).astype(np.float64) - picture)
        return np.where(mask, np.rint(levels).astype(np.uint8), picture)

    def _edited(
        self, parts: DiffusionModel, picture: Picture, prompt: str, where: Mask, rng: np.random.Generator
    ) -> Picture:
        schedule = Schedule(self.steps, self.skip)
        latents, empty = parts.latents(picture), parts.text("")
        both = torch.cat([empty, parts.text(prompt)])
        inverted = invert(latents, schedule, lambda noisy, time: parts.noise(noisy, time, empty), rng)
        guidance = Guidance(self.guidance, torch.from_numpy(where).to(latents.device))
        return parts.picture(
            edited(inverted, schedule, lambda noisy, time: parts.noise(noisy, time, both), guidance)
        )

    def _latent_mask(self, mask: Mask, px: int) -> Mask:
        """The latents in which any pixel may change; those of the letterbox's bars may not."""
        square = to_study(mask.astype(np.uint8) * 255, self.side_px).picture
        cells = self.side_px // px
        latent_mask: Mask = square.reshape(cells, px, cells, px).max(axis=(1, 3)) > 0
        return latent_mask


def _diffusion_files() -> list[str]:
    folder = Path(str(builder.diffusion.__file__)).parent
    return [str(file) for file in sorted(folder.glob("*.py"))]


def _native(square: Picture, study: Study) -> Picture:
    """The content of the letterbox at native size."""
    box = study.letterbox
    content = square[box.top : box.top + box.content_height, box.left : box.left + box.content_width]
    size = (box.native.width, box.native.height)
    return np.asarray(Image.fromarray(content).resize(size, Image.Resampling.BILINEAR))


def _faded(mask: Mask, width_px: float) -> NDArray[np.float64]:
    """How much of the edit shows: 0 outside the mask, and from its border on to 1 over a width.

    A region too thin for that reaches 1 in its middle.
    """
    if mask.all():
        return np.ones(mask.shape)
    distances = ndimage.distance_transform_edt(mask)
    regions, count = ndimage.label(mask)
    deepest = np.zeros(count + 1)
    deepest[1:] = ndimage.maximum(distances, regions, range(1, count + 1))
    faded: NDArray[np.float64] = np.minimum(1, distances / np.clip(deepest[regions], 1, width_px + 1))
    return faded


EDITOR = RadEdit
