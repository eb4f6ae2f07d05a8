"""One seed -> one frontal radiograph of one random patient, with the masks of the concepts it shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from medground_bench.core.types import Mask, Picture
from medground_bench.training.radiograph.additions import draw
from medground_bench.training.radiograph.changes import TissueChange, changed, sample_changes
from medground_bench.training.radiograph.chest import LUNGS, SHADOWS, LabelledChest
from medground_bench.training.radiograph.devices import print_on, sample_devices
from medground_bench.training.radiograph.film import Processing, film, sample_processing
from medground_bench.training.radiograph.outlines import SEEN_LUNG_MM, outlines
from medground_bench.training.radiograph.patient import Beam, ExposedBody, sample_exposed_body
from medground_bench.training.radiograph.rays import Rays

Map = NDArray[np.float32]

MADE = "rendered from the CT LIDC-IDRI-0001 (The Cancer Imaging Archive, CC BY 3.0), changed"
"""What every picture that leaves the program says in its metadata."""

SIDE_PX = 224
ROWS_AT_ONCE = 18
WITH_FINDINGS = 0.35
END_MM = 5.0
"""How far below its upper end the scan is taken to end: the last slices are of one neck alone."""
SPINE_FROM_MM = 32.0
"""Beyond the scan's upper end, bone further than this from the mid-line does not go on: it is rib."""


@dataclass(frozen=True, eq=False)
class Projection:
    """Millimetres along the rays, each (H, W): tissue, what findings add to it, and every organ.

    soft, bone  of the healthy body; bone counts what it adds to water
    added       what findings add to the soft tissue
    organs      by name of `chest.SHADOWS`, and `right hilum`, `left hilum`
    """

    soft: Map
    bone: Map
    added: Map
    organs: dict[str, Map]


@dataclass(frozen=True, eq=False)
class RenderedFilm:
    """A synthetic picture.

    picture  (side, side) uint8, the patient's right on the picture's left
    masks    (side, side) bool of every concept of `core.concepts.CONCEPTS`
    healthy  the same picture without its findings, byte for byte outside their shadows
    """

    picture: Picture
    healthy: Picture
    masks: dict[str, Mask]


def project(rays: Rays, changes: Sequence[TissueChange] = ()) -> Projection:
    """Sum along every ray."""
    side = rays.side_px
    organs = (*SHADOWS, "right hilum", "left hilum")
    totals = torch.zeros(3 + len(organs), side, side)
    for first in range(0, side, ROWS_AT_ONCE):
        rows = slice(first, min(first + ROWS_AT_ONCE, side))
        points = rays.points(rows)
        totals[:, rows] = torch.cat([_tissue(rays, points, changes), _shadows(rays, points[::2]) * 2])
    totals *= rays.step_mm * rays.slant()
    soft, bone, added, *labelled = totals.numpy()
    return Projection(soft, bone, added, dict(zip(organs, labelled, strict=True)))


def _tissue(rays: Rays, points: torch.Tensor, changes: Sequence[TissueChange]) -> torch.Tensor:
    """Sums of soft tissue, bone and what findings add, (3, rows, columns)."""
    chest, body = rays.chest, rays.patient.body
    end = float(chest.size_mm[2]) - END_MM
    above = points[..., 2] > end
    within = points.clone()
    within[..., 2].clamp_(max=end)
    soft, bone = chest.sample(chest.tissue, within)
    x = points[..., 0] - chest.spine_mm
    bone = bone * ~(above & (x.abs() > SPINE_FROM_MM)) * ~_beyond(rays, points)
    if body.neck_mm is not None:
        height, softness = body.shoulder_mm
        falls = end + height - 0.10 * x.abs()
        half = body.neck_mm + (230 - body.neck_mm) * torch.sigmoid((falls - points[..., 2]) / softness)
        soft = soft * ((half - x.abs()) / 10 + 0.5).clamp(0, 1)
    added = torch.zeros_like(soft)
    for each in changes:
        added += changed(soft + added, each.share(chest, within)) - soft - added
    return torch.stack([soft.sum(0), bone.sum(0), added.sum(0)])


def _shadows(rays: Rays, points: torch.Tensor) -> torch.Tensor:
    """Sums of every organ, (7, rows, columns)."""
    chest = rays.chest
    labels = torch.cat([chest.sample(chest.labels, points), chest.within_hila(points)])
    outside = (points[..., 2] > float(chest.size_mm[2]) - END_MM) | _beyond(rays, points)
    return (labels * ~outside).sum(1)


def _beyond(rays: Rays, points: torch.Tensor) -> torch.Tensor:
    """Beside the scan, where its last voxels go on."""
    x = points[..., 0]
    return (x < 0) | (x > float(rays.chest.size_mm[0]))


def expose(
    rays: Rays, projection: Projection, processing: Processing, seed: int, *, bare: bool = False
) -> RenderedFilm:
    """The picture of one projection, with a shoulder girdle drawn by the seed; a bare one has no devices or letters."""
    rng = np.random.default_rng([seed, 2])
    organs, px_mm = projection.organs, rays.px_mm
    lungs = {side: organs[f"{side} lung"] > SEEN_LUNG_MM for side in LUNGS}
    drawn = draw(rays, lungs, rng)
    bone = projection.bone * np.exp(0.25 * _uneven(projection.bone.shape, rng)) + drawn.bone
    soft = projection.soft + drawn.soft
    if not bare:
        bone += sample_devices(rays.side_px, px_mm, rng)
    healthy = film(soft, bone, processing, px_mm, seed)
    added = projection.added
    picture = film(soft, bone, processing, px_mm, seed, change=added) if added.any() else healthy
    masks = outlines(organs, drawn.clavicles, px_mm)
    if not bare:
        (picture, healthy), masks = print_on((picture, healthy), masks, rng)
    return RenderedFilm(picture, healthy, masks)


def _uneven(shape: tuple[int, ...], rng: np.random.Generator) -> Map:
    """Smooth noise of unit spread: no two skeletons are alike."""
    knots = torch.from_numpy(rng.standard_normal((1, 1, 7, 7)).astype(np.float32))
    smooth: Map = functional.interpolate(knots, size=shape, mode="bicubic")[0, 0].numpy()
    return smooth


def radiograph(
    chest: LabelledChest, seed: int, side_px: int = SIDE_PX, *, patient: ExposedBody | None = None,
    changes: Sequence[TissueChange] | None = None, processing: Processing | None = None,
) -> RenderedFilm:  # fmt: skip
    """Everything that is not given is drawn from the seed."""
    rng = np.random.default_rng([seed, 0])
    patient = patient or sample_exposed_body(rng)
    if changes is None:
        changes = sample_changes(chest, rng) if rng.random() < WITH_FINDINGS else ()
    rays = Rays(chest, patient, side_px)
    processing = processing or sample_processing(rng, grid=patient.geometry.beam is Beam.PA)
    return expose(rays, project(rays, changes), processing, seed)
