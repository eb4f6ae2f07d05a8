"""Insertion and deletion with exact normal content: is the order in which a method ranks the picture the right one?

Petsiuk et al., RISE, BMVC 2018, who blur or blacken; here what goes in or out is the same patient without the finding,
so no curve falls because a picture became strange. Deletion begins with the picture and makes the first ranked part
normal first; insertion begins with the normal picture and puts the first ranked part of the finding back first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medground_bench.core.errors import Unsupported
from medground_bench.core.geometry import Letterbox, resize_bilinear
from medground_bench.core.types import Box, Frame, Mask, Picture, SaliencyMap
from medground_bench.lvlms import Lvlm, Need
from medground_bench.phantom.exact_edits import edited
from medground_bench.phantom.region_edits import PHANTOM
from medground_bench.probes.pointing import pixels_within
from medground_bench.probes.removal import without_finding
from medground_bench.probes.subjects import Look, Shown
from medground_bench.storage.journal import Entry

CELLS = 14
"""A side of the grid on which maps are ranked: 16 px of the study frame."""

SHARES = (0.02, 0.05, 0.1, 0.2, 0.35, 0.6, 1.0)
"""Of the picture at which a curve is taken; close together where the first ranked cells are."""

LEAST_DROP = 0.05
"""Nats; where the finding is worth less to the response, no order is better than another."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Log-probability of the response, nats, at shares of the picture, from 0 to 1.

    >>> Curve(np.array([0.0, 0.5, 1.0]), np.array([-0.0, -2.0, -2.0])).area
    -1.5
    """

    shares: Floats
    log_probs: Floats

    @property
    def area(self) -> float:
        """Nats, by trapezes: the mean log-probability over the shares."""
        return float(np.trapezoid(self.log_probs, self.shares))


def first_cells(saliency: SaliencyMap) -> list[Mask]:
    """What the map ranks first, (height, width) of its frame, growing to the whole; cells that are equal go together.

    >>> study = Frame("study", width=14, height=14)
    >>> values = np.zeros((14, 14), np.float32)
    >>> values[:2, :2] = 1
    >>> [int(mask.sum()) for mask in first_cells(SaliencyMap(values, study))]
    [4, 196]
    """
    frame, tall, wide = saliency.frame, saliency.frame.height // CELLS, saliency.frame.width // CELLS
    pixels = resize_bilinear(saliency.values, width=CELLS * wide, height=CELLS * tall)
    cells = pixels.reshape(CELLS, tall, CELLS, wide).mean(axis=(1, 3))
    ordered = np.sort(cells.ravel())[::-1]
    least = [ordered[max(1, round(share * cells.size)) - 1] for share in SHARES]
    rows, columns = (np.arange(size) * CELLS // size for size in (frame.height, frame.width))
    return [(cells >= value)[np.ix_(rows, columns)] for value in dict.fromkeys(least)]


def first_boxes(boxes: Sequence[Box], frame: Frame) -> list[Mask]:
    """The first box, the first two and so on, then the whole picture, (height, width) of the frame.

    >>> study = Frame("study", width=4, height=4)
    >>> [int(mask.sum()) for mask in first_boxes([Box(0, 0, 2, 2, study), Box(0, 0, 4, 1, study)], study)]
    [4, 6, 16]
    """
    grown = [pixels_within(boxes[: number + 1], frame) for number in range(len(boxes))]
    return [*grown, np.ones((frame.height, frame.width), np.bool_)]


def curves(lvlm: Lvlm, shown: Shown, normal: Picture, masks: Sequence[Mask]) -> tuple[Curve, Curve]:
    """Deletion and insertion of growing parts of the picture; of equal parts one is asked about."""
    case = shown.case
    parts = [np.zeros_like(masks[0]), *masks]
    deleted = [np.where(part, normal, case.picture) for part in parts]
    inserted = [np.where(part, case.picture, normal) for part in parts]
    said = lvlm.log_probs([*deleted, *inserted], case.prompt, case.response).sum(axis=1).astype(np.float64)
    shares = np.array([part.mean() for part in parts])
    return Curve(shares, said[: len(parts)]), Curve(shares, said[len(parts) :])


def order_gain(deletion: Curve, insertion: Curve) -> float | None:
    """Area between insertion and deletion over the drop in log-probability: 1 at best, 0 for an order without any use.

    None where the finding is worth less than `LEAST_DROP`.

    >>> shares = np.array([0.0, 0.5, 1.0])
    >>> order_gain(Curve(shares, np.array([-0.0, -2.0, -2.0])), Curve(shares, np.array([-2.0, -0.0, -0.0])))
    0.5
    """
    drop = float(deletion.log_probs[0] - deletion.log_probs[-1])
    return (insertion.area - deletion.area) / drop if drop >= LEAST_DROP else None


def measure(lvlm: Lvlm, shown: Shown, looks: Sequence[Look]) -> list[Entry]:
    """Of every method: both areas in nats, `order` by `order_gain`, and both curves as shares of the drop at `SHARES`.

    A map is ranked cell by cell, boxes without a map in their own order. Only phantoms have exact normal content.
    """
    if shown.reference.source != PHANTOM:
        raise Unsupported(
            f"insertion needs exact normal content, and no editor of {shown.reference.source} gives it. "
            "Only phantoms are measured."
        )
    if Need.LOG_PROBS not in lvlm.gives:
        raise Unsupported(
            f"insertion needs log-probabilities of a given response, which {lvlm.key} does not give."
        )
    native = shown.reference.native
    normal = without_finding(shown, [Box(0, 0, native.width, native.height, native)], edited)
    return [_numbers(*curves(lvlm, shown, normal, _parts(shown, look))) for look in looks]


def _parts(shown: Shown, look: Look) -> list[Mask]:
    if look.saliency is not None:
        return first_cells(look.saliency)
    letterbox = Letterbox.fit(shown.case.native, shown.case.study.width)
    return first_boxes([letterbox.to_study(box) for box in look.boxes], shown.case.study)


def _numbers(deletion: Curve, insertion: Curve) -> Entry:
    gain = order_gain(deletion, insertion)
    whole, bare = deletion.log_probs[0], deletion.log_probs[-1]

    def kept(curve: Curve) -> list[float]:
        said = np.interp(SHARES, curve.shares, curve.log_probs)
        return [round(float(each), 6) for each in (said - bare) / (whole - bare)]

    return {
        "deletion": deletion.area,
        "insertion": insertion.area,
        "order": gain,
        "deleted": kept(deletion) if gain is not None else None,
        "inserted": kept(insertion) if gain is not None else None,
    }
