"""Letterbox there and back, area of unions of boxes, saliency map -> boxes. Pure: numpy and scipy, no I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from medground_bench.core.errors import FrameMismatch, MethodFailed
from medground_bench.core.types import Box, Case, Frame, Mask, SaliencyMap, same_frame
from medground_bench.core.unions import CoverAreas, union_areas

EIGHT_NEIGHBOURS = np.ones((3, 3), dtype=np.bool_)


@dataclass(frozen=True, slots=True)
class Letterbox:
    """A native picture resized, aspect kept, and centred in a black square.

    The resized picture fills whole pixels, `content_width` x `content_height` at (`left`, `top`), so each axis has
    its own scale, which differs from the other by less than one pixel over the side.

    >>> letterbox = Letterbox.fit(Frame.native(width=2000, height=1000), side=224)
    >>> letterbox.content_width, letterbox.content_height, letterbox.top
    (224, 112, 56)
    >>> letterbox.to_native(Box(0, 56, 112, 168, letterbox.study)).xyxy
    (0.0, 0.0, 1000.0, 1000.0)
    """

    native: Frame
    study: Frame
    content_width: int
    content_height: int
    left: int
    top: int

    @classmethod
    def fit(cls, native: Frame, side: int = 224) -> Letterbox:
        """The letterbox of a native picture in a square of `side` pixels."""
        longest = max(native.width, native.height)
        width, height = (
            max(1, (2 * size * side + longest) // (2 * longest)) for size in (native.width, native.height)
        )
        study = Frame("study", width=side, height=side)
        return cls(native, study, width, height, (side - width) // 2, (side - height) // 2)

    def to_study(self, box: Box) -> Box:
        """A native box in the study frame; a box beyond the picture stays beyond it."""
        _demand_frame(box, self.native)
        across, down = self.content_width / self.native.width, self.content_height / self.native.height
        return Box(
            self.left + box.x0 * across,
            self.top + box.y0 * down,
            self.left + box.x1 * across,
            self.top + box.y1 * down,
            self.study,
        )

    def to_native(self, box: Box) -> Box | None:
        """A study box in the native frame, clipped to the picture; None when all of it lies in the padding.

        >>> letterbox = Letterbox.fit(Frame.native(width=2000, height=1000), side=224)
        >>> letterbox.to_native(Box(0, 0, 224, 50, letterbox.study)) is None
        True
        """
        _demand_frame(box, self.study)
        across, down = self.native.width / self.content_width, self.native.height / self.content_height
        x0, x1 = (_clip((x - self.left) * across, self.native.width) for x in (box.x0, box.x1))
        y0, y1 = (_clip((y - self.top) * down, self.native.height) for y in (box.y0, box.y1))
        return Box(x0, y0, x1, y1, self.native) if x0 < x1 and y0 < y1 else None


def box_iou(one: Box, other: Box) -> float:
    """Intersection over union of two boxes in one frame, 0..1; FrameMismatch for two frames.

    >>> native = Frame.native(width=100, height=100)
    >>> box_iou(Box(0, 0, 10, 10, native), Box(0, 0, 10, 20, native))
    0.5
    >>> box_iou(Box(0, 0, 10, 10, native), Box(10, 0, 20, 10, native))  # half-open: they only touch
    0.0
    >>> box_iou(Box(0, 0, 10, 10, native), Box(0, 0, 10, 20, Frame("study", 224, 224)))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    medground_bench.core.errors.FrameMismatch: boxes live in 2 frames: ...
    """
    both = cover_areas([one], [other]).both
    return both / (one.area + other.area - both)


def cover_areas(first: Sequence[Box], second: Sequence[Box]) -> CoverAreas:
    """Areas of two unions of boxes and of what they share, exact; two frames raise FrameMismatch.

    >>> native = Frame.native(width=100, height=100)
    >>> cover_areas([Box(0, 0, 10, 10, native), Box(0, 0, 10, 10, native)], [Box(5, 0, 25, 10, native)])
    CoverAreas(first=100.0, second=200.0, both=50.0)
    """
    same_frame([*first, *second])
    return union_areas([box.xyxy for box in first], [box.xyxy for box in second])


def boxes_from_map(
    saliency: SaliencyMap, *, quantile: float = 0.9, min_pixels: int = 16, max_boxes: int = 10
) -> tuple[Box, ...]:
    """Tight boxes around the connected regions at or above a quantile of the map.

    saliency    values (rows, columns), any scale, finite; brought to the pixels of its frame first (bilinear)
    quantile    0..1, over the non-zero values after min-max normalisation
    min_pixels  smaller regions are dropped; pixels of the map's frame
    returns     at most `max_boxes` boxes in the map's frame, by falling mean saliency

    A constant map and a map without a positive value hold no evidence, so they give no boxes rather than the
    whole image. NaN or infinity raises MethodFailed. Source: paper, Appendix C (8-connected).

    >>> study, values = Frame("study", width=8, height=8), np.zeros((8, 8), np.float32)
    >>> values[2:6, 1:6] = 1
    >>> [box.xyxy for box in boxes_from_map(SaliencyMap(values, study))]
    [(1.0, 2.0, 6.0, 6.0)]
    >>> boxes_from_map(SaliencyMap(np.ones((8, 8), np.float32), study))
    ()
    """
    values = _finite(saliency.values)
    if values.max() <= 0 or values.min() == values.max():
        return ()
    pixels = resize_bilinear(values, width=saliency.frame.width, height=saliency.frame.height)
    low, high = pixels.min(), pixels.max()
    if low == high:
        return ()
    scaled = (pixels - low) / (high - low)
    threshold = np.quantile(scaled[scaled > 0], quantile)
    regions, count = ndimage.label(scaled >= threshold, structure=EIGHT_NEIGHBOURS)
    labels = np.arange(1, count + 1)
    sizes = np.bincount(regions.ravel(), minlength=count + 1)[1:]
    means = ndimage.mean(scaled, regions, labels)
    spans = ndimage.find_objects(regions)
    ranked = sorted((i for i in range(count) if sizes[i] >= min_pixels), key=lambda i: (-means[i], i))
    return tuple(_box_of(spans[i], saliency.frame) for i in ranked[:max_boxes])


def tight_box(mask: Mask, frame: Frame) -> Box | None:
    """The smallest box around a mask (height, width) of `frame`; None for an empty mask.

    >>> mask = np.zeros((8, 8), np.bool_)
    >>> mask[2:4, 5] = True
    >>> tight_box(mask, Frame.native(width=8, height=8)).xyxy
    (5.0, 2.0, 6.0, 4.0)
    """
    if mask.shape != (frame.height, frame.width):
        raise FrameMismatch(
            f"a mask of {mask.shape[1]} x {mask.shape[0]} px is not in frame {frame.name} "
            f"({frame.width} x {frame.height} px). Resize it to the frame first."
        )
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    if not len(columns):
        return None
    return Box(float(columns[0]), float(rows[0]), float(columns[-1]) + 1, float(rows[-1]) + 1, frame)


def content_box(case: Case) -> Box:
    """The part of the study frame that shows the picture, padding left out.

    >>> from medground_bench.core.types import Response
    >>> picture, native = np.zeros((8, 8), np.uint8), Frame.native(16, 8)
    >>> case = Case("a/b/mass@tiny:direct", "mass", "?", Response("", (), ()), picture, native)
    >>> content_box(case).xyxy
    (0, 2, 8, 6)
    """
    letterbox = Letterbox.fit(case.native, case.study.width)
    right, bottom = letterbox.left + letterbox.content_width, letterbox.top + letterbox.content_height
    return Box(letterbox.left, letterbox.top, right, bottom, letterbox.study)


def resize_bilinear(values: NDArray[np.floating], *, width: int, height: int) -> NDArray[np.float64]:
    """A map (rows, columns) at another size: bilinear between cell centres, edge cells continued outwards.

    Equal neighbours stay exactly equal, so a constant background remains constant.

    >>> resize_bilinear(np.array([[0.0, 1.0]]), width=4, height=1).tolist()
    [[0.0, 0.25, 0.75, 1.0]]
    """
    tall = _stretch(values.astype(np.float64), height)
    return np.ascontiguousarray(_stretch(tall.T, width).T)


def _stretch(values: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    cells = values.shape[0]
    position = np.clip((np.arange(size) + 0.5) * cells / size - 0.5, 0, cells - 1)
    below = np.floor(position).astype(np.intp)
    above = np.minimum(below + 1, cells - 1)
    share = (position - below)[:, None]
    stretched: NDArray[np.float64] = values[below] + (values[above] - values[below]) * share
    return stretched


def _finite(values: NDArray[np.float32]) -> NDArray[np.float64]:
    if values.ndim != 2 or values.size == 0:
        raise MethodFailed(f"a saliency map needs rows and columns; this one has shape {values.shape}.")
    broken = int((~np.isfinite(values)).sum())
    if broken:
        raise MethodFailed(
            f"{broken} of {values.size} values of the saliency map are NaN or infinite. "
            "That is a fault of the method, not evidence; the case counts as failed."
        )
    return values.astype(np.float64)


def _box_of(span: tuple[slice, ...], frame: Frame) -> Box:
    rows, columns = span
    return Box(float(columns.start), float(rows.start), float(columns.stop), float(rows.stop), frame)


def _demand_frame(box: Box, frame: Frame) -> None:
    if box.frame != frame:
        raise FrameMismatch(f"box {box.xyxy} is in {box.frame}, but this letterbox needs {frame} here.")


def _clip(value: float, limit: int) -> float:
    return min(max(value, 0.0), float(limit))
