"""A procedural frontal chest X-ray with exact anatomy masks, findings, boxes and counterfactuals.

`Scene.sample(seed)` draws everything up front: patient, pose, exposure, geometry of every finding, noise, marker and
native size. `render` is then pure, so the same scene without one finding is that finding's exact counterfactual.
Image left is the patient's right. Boxes are xyxy, half-open, origin top-left, in pixels of the picture they come with.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from medground_bench.core.concepts import CONCEPTS
from medground_bench.core.types import Mask, Picture
from medground_bench.phantom.anatomy import Anatomy
from medground_bench.phantom.body import LATERALITIES, UPPER_MEDIASTINUM_END_Y
from medground_bench.phantom.findings import FINDINGS, Finding
from medground_bench.phantom.findings.chest_wall import Pacemaker
from medground_bench.phantom.findings.mediastinum import HilarEnlargement
from medground_bench.phantom.marker import Marker
from medground_bench.phantom.placement import hide_each_other, place_findings
from medground_bench.phantom.pose import Native, Pose
from medground_bench.phantom.raster import Layers, Raster
from medground_bench.phantom.render import layers_with, picture

PixelBox: TypeAlias = tuple[float, float, float, float]
Pixel = TypeVar("Pixel", bound=np.generic)

VISIBLE_CHANGE = 5
"""Grey levels; a pixel that changes by more belongs to the finding."""


@dataclass(frozen=True)
class Scene:
    """One patient's radiograph with any set of findings. See the module."""

    seed: int
    native_size: Native
    anatomy: Anatomy
    pose: Pose
    placed: dict[str, Finding]
    marker: Marker
    noise_seed: int
    _rasters: dict[int, Raster] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def sample(cls, seed: int) -> Scene:
        """The scene of a seed; the same seed gives the same bytes."""
        rng = np.random.default_rng(seed)
        noise_seed = int(rng.integers(2**31))
        native_size = Native.sample(rng)
        anatomy = Anatomy.sample(rng)
        pose = Pose.sample(rng, anatomy.sides, native_size)
        placed = place_findings(anatomy, rng)
        return cls(seed, native_size, anatomy, pose, placed, Marker.sample(rng, native_size), noise_seed)

    def __reduce__(self) -> tuple[Callable[[int], Scene], tuple[int]]:
        """Travels between processes as its seed."""
        return Scene.sample, (self.seed,)

    @property
    def native_width(self) -> int:
        """Of the radiograph, in pixels."""
        return self.native_size.width

    @property
    def native_height(self) -> int:
        """Of the radiograph, in pixels."""
        return self.native_size.height

    def region(self, finding: str) -> str:
        """The concept in which a finding of this scene lies."""
        _check((finding,))
        return self.placed[finding].region()

    def render(
        self,
        side_px: int,
        findings: Collection[str] = (),
        *,
        marker: bool = False,
        noise_seed: int | None = None,
    ) -> Picture:
        """The square picture, uint8 (side_px, side_px); `noise_seed` replaces the scene's own noise."""
        seed = self.noise_seed if noise_seed is None else noise_seed
        shown = self.marker if marker else None
        return picture(self._raster(side_px), self._layers(side_px, findings), marker=shown, noise_seed=seed)

    def concept_masks(self, side_px: int, findings: Collection[str] = ()) -> dict[str, Mask]:
        """Masks (side_px, side_px) of the 11 ImaGenome concepts, in the order of CONCEPTS.

        A lung is its whole outline from the mediastinal border to the chest wall and down into the costophrenic
        recess, the part behind the heart included. Enlarged structures are masked as they are with these findings.
        """
        raster, layers = self._raster(side_px), self._layers(side_px, findings)
        masks = {"cardiac silhouette": self._heart_mask(raster, layers)}
        masks["upper mediastinum"] = self._upper_mediastinum_mask(raster, layers)
        masks["mediastinum"] = masks["cardiac silhouette"] | masks["upper mediastinum"]
        for laterality in LATERALITIES:
            side = self.anatomy.sides[laterality]
            outward = raster.outward[laterality]
            lung = raster.lung[laterality] > 0.5
            clavicle = side.clavicle
            along = (outward > clavicle.medial_outward) & (outward < clavicle.lateral_outward)
            corner = (outward > 0.68 * side.half_width) & (raster.y > side.lowest_y - 0.13)
            hilum = np.hypot(outward - side.hilum_outward - 0.01, (raster.y - side.hilum_y) / 1.4) < 0.062
            masks[f"{laterality} lung"] = lung
            masks[f"{laterality} clavicle"] = along & (clavicle.distances(outward, raster.y) < 0.018)
            masks[f"{laterality} hilar structures"] = hilum | self._hilar_mass(raster, findings, laterality)
            masks[f"{laterality} costophrenic angle"] = lung & corner
        return {concept: masks[concept] for concept in CONCEPTS}

    def finding_mask(self, side_px: int, finding: str, findings: Collection[str]) -> Mask:
        """The support of a finding among `findings`, bool (side_px, side_px).

        The pixels that change by more than 5 grey levels when it is removed; and for cardiomegaly the whole enlarged
        heart, for a pacemaker its whole can and lead. Empty when the finding is not in the set.
        """
        _check((finding, *findings))
        if finding not in findings:
            return np.zeros((side_px, side_px), bool)
        others = [other for other in findings if other != finding]
        present, absent = self.render(side_px, findings), self.render(side_px, others)
        support: Mask = np.abs(present.astype(np.int16) - absent) > VISIBLE_CHANGE
        raster, placed = self._raster(side_px), self.placed[finding]
        if finding == "cardiomegaly":
            support |= self._heart_mask(raster, self._layers(side_px, findings))
        if isinstance(placed, Pacemaker):
            support |= np.maximum(placed.can(raster), placed.lead(raster)) > 0.5
        return support

    def finding_boxes(self, side_px: int, finding: str, findings: Collection[str]) -> list[PixelBox]:
        """Tight boxes around the finding's support, in pixels of the square picture, top one first.

        One box, except for two well separated bands of atelectasis. Outside the boxes, removing the finding changes
        no pixel by more than 5 grey levels.
        """
        support = self.finding_mask(side_px, finding, findings)
        if not support.any():
            return []
        if finding != "atelectasis":
            return [_tight_box(support)]
        merged = ndimage.binary_dilation(support, iterations=max(1, round(0.008 * side_px)))
        labels, count = ndimage.label(merged)
        if count != 2:
            return [_tight_box(support)]
        return [_tight_box(support & (labels == label)) for label in (1, 2)]

    def marker_box(self, side_px: int) -> PixelBox:
        """Around every pixel that the side marker changes, in pixels of the square picture."""
        x0, y0, x1, y1 = self.marker.box_px(side_px)
        return float(x0), float(y0), float(x1), float(y1)

    def native(
        self, findings: Collection[str] = (), *, marker: bool = False, noise_seed: int | None = None
    ) -> Picture:
        """The radiograph, uint8 (native_height, native_width): the centred crop of the square picture."""
        square = self.render(self.native_size.long_side, findings, marker=marker, noise_seed=noise_seed)
        return np.ascontiguousarray(self._crop(square))

    def native_boxes(self, finding: str, findings: Collection[str]) -> list[PixelBox]:
        """As `finding_boxes`, in native pixels, clipped to the radiograph."""
        boxes = self.finding_boxes(self.native_size.long_side, finding, findings)
        return [self._box_to_native(box) for box in boxes]

    def native_concept_masks(self, findings: Collection[str] = ()) -> dict[str, Mask]:
        """As `concept_masks`, bool (native_height, native_width)."""
        masks = self.concept_masks(self.native_size.long_side, findings)
        return {concept: np.ascontiguousarray(self._crop(mask)) for concept, mask in masks.items()}

    def _raster(self, side_px: int) -> Raster:
        """The anatomy's fields at one size; the two sizes used last are kept."""
        raster = self._rasters.pop(side_px, None) or Raster(self.anatomy, self.pose, side_px)
        self._rasters[side_px] = raster
        while len(self._rasters) > 2:
            del self._rasters[next(iter(self._rasters))]
        return raster

    def _layers(self, side_px: int, findings: Collection[str]) -> Layers:
        _check(findings)
        first = sorted(
            set(findings), key=lambda finding: (finding != "cardiomegaly", FINDINGS.index(finding))
        )
        return layers_with(self._raster(side_px), [self.placed[finding] for finding in first])

    def _heart_mask(self, raster: Raster, layers: Layers) -> Mask:
        floor_y = max(side.dome_y for side in self.anatomy.sides.values()) + 0.04
        return (layers.heart > 0.5) & (raster.y < floor_y)

    def _upper_mediastinum_mask(self, raster: Raster, layers: Layers) -> Mask:
        apex_y = self.anatomy.sides["left"].apex_y
        band = raster.distance_x < self.anatomy.mediastinum_half_width + 0.012
        return (band & (raster.y > apex_y) & (raster.y < UPPER_MEDIASTINUM_END_Y)) | (layers.knob > 0.5)

    def _hilar_mass(self, raster: Raster, findings: Collection[str], laterality: str) -> Mask:
        mass = self.placed["hilar enlargement"]
        assert isinstance(mass, HilarEnlargement)
        if "hilar enlargement" not in findings or mass.laterality != laterality:
            return np.zeros(raster.x.shape, bool)
        covered: Mask = mass.coverage(raster) > 0.5
        return covered

    def _crop(self, square: NDArray[Pixel]) -> NDArray[Pixel]:
        left, top = self._crop_corner()
        return square[top : top + self.native_height, left : left + self.native_width]

    def _crop_corner(self) -> tuple[int, int]:
        long_side = self.native_size.long_side
        return (long_side - self.native_width) // 2, (long_side - self.native_height) // 2

    def _box_to_native(self, box: PixelBox) -> PixelBox:
        left, top = self._crop_corner()
        x0, x1 = (float(np.clip(x - left, 0, self.native_width)) for x in (box[0], box[2]))
        y0, y1 = (float(np.clip(y - top, 0, self.native_height)) for y in (box[1], box[3]))
        return x0, y0, x1, y1


def sample_findings(
    scene: Scene, rng: np.random.Generator, *, probability: float = 0.35, must: str | None = None
) -> tuple[str, ...]:
    """A random set of findings that do not hide each other, in the order of FINDINGS; `must` is always in it."""
    chosen = [] if must is None else [must]
    _check(chosen)
    for name in map(str, rng.permutation(FINDINGS)):
        if name in chosen or rng.random() > probability:
            continue
        if not any(hide_each_other(scene.placed, name, other) for other in chosen):
            chosen.append(name)
    return tuple(sorted(chosen, key=FINDINGS.index))


def letterboxed(square: Picture, native_width: int, native_height: int) -> Picture:
    """A copy of a square picture with everything outside the native crop black, as after letterboxing."""
    side_px, long_side = square.shape[0], max(native_width, native_height)
    width = max(1, round(side_px * native_width / long_side))
    height = max(1, round(side_px * native_height / long_side))
    left, top = (side_px - width) // 2, (side_px - height) // 2
    boxed = np.zeros_like(square)
    boxed[top : top + height, left : left + width] = square[top : top + height, left : left + width]
    return boxed


def _tight_box(mask: Mask) -> PixelBox:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def _check(findings: Collection[str]) -> None:
    for finding in findings:
        if finding not in FINDINGS:
            near = difflib.get_close_matches(finding, FINDINGS, n=3) or FINDINGS
            raise ValueError(f"{finding!r} is no finding of the phantom. Near: {', '.join(near)}.")
