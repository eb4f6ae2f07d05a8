"""Pointing game and energy: what a map says before any threshold cuts boxes from it.

Pointing game: Zhang et al., Top-down neural attention by excitation backprop, ECCV 2016; here without their margin of
15 px. Energy: Wang et al., Score-CAM, CVPR-W 2020. An even map gets the share of the picture that the boxes cover.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from medground_bench.core.geometry import resize_bilinear
from medground_bench.core.types import Box, Frame, Mask, SaliencyMap
from medground_bench.lvlms import Lvlm
from medground_bench.probes.subjects import Look, Shown
from medground_bench.storage.journal import Entry


def pixels_within(boxes: Sequence[Box], frame: Frame) -> Mask:
    """Pixels (height, width) of the frame whose middle lies in a box of that frame.

    >>> study = Frame("study", width=4, height=2)
    >>> pixels_within([Box(0.6, 0, 2.6, 1, study)], study).astype(int).tolist()
    [[0, 1, 1, 0], [0, 0, 0, 0]]
    """
    mask = np.zeros((frame.height, frame.width), np.bool_)
    for box in boxes:
        first, last = np.ceil(np.array(box.xyxy) - 0.5).clip(0).astype(int).reshape(2, 2)
        mask[first[1] : last[1], first[0] : last[0]] = True
    return mask


def pointing(saliency: SaliencyMap, truth: Mask) -> float | None:
    """Share of the map's highest cells that lie on the truth: 1 or 0 where one is the highest; None for a flat map.

    truth  pixels of the map's frame; a cell lies on it when the pixel at its middle does

    >>> study = Frame("study", width=4, height=4)
    >>> truth = pixels_within([Box(0, 0, 2, 4, study)], study)
    >>> pointing(SaliencyMap(np.array([[3, 1], [0, 3]], np.float32), study), truth)
    0.5
    """
    values = saliency.values
    if values.min() == values.max():
        return None
    rows, columns = np.nonzero(values == values.max())
    down, across = saliency.frame.height / values.shape[0], saliency.frame.width / values.shape[1]
    at = ((rows + 0.5) * down).astype(int), ((columns + 0.5) * across).astype(int)
    return float(truth[at].mean())


def energy(saliency: SaliencyMap, truth: Mask) -> float | None:
    """Share of the map's positive values, brought to the pixels of its frame, that lies on the truth; None without any.

    >>> study = Frame("study", width=2, height=2)
    >>> truth = np.array([[True, False], [True, False]])
    >>> energy(SaliencyMap(np.array([[3, 1], [-5, 0]], np.float32), study), truth)
    0.75
    """
    frame = saliency.frame
    pixels = resize_bilinear(saliency.values, width=frame.width, height=frame.height).clip(0)
    whole = float(pixels.sum())
    return float(pixels[truth].sum()) / whole if whole > 0 else None


def measure(_lvlm: Lvlm, shown: Shown, looks: Sequence[Look]) -> list[Entry]:
    """Of every method: both numbers, None where it makes no map, and `even`, what an even map gets."""
    truth = pixels_within(shown.truth, shown.case.study)
    return [_numbers(look.saliency, truth) | {"even": float(truth.mean())} for look in looks]


def _numbers(saliency: SaliencyMap | None, truth: Mask) -> Entry:
    if saliency is None:
        return {"pointing": None, "energy": None}
    return {"pointing": pointing(saliency, truth), "energy": energy(saliency, truth)}
