"""Which pixels an edit may change: those that the boxes touch, or all others. Pure: numpy only."""

from __future__ import annotations

import numpy as np

from medground_bench.core.causal_filter import Edit
from medground_bench.core.types import Box, Mask, Picture, Question


def inside(boxes: tuple[Box, ...], picture: Picture) -> Mask:
    """The pixels that the union of the boxes touches, (height, width); boxes in the frame of the picture.

    >>> from medground_bench.core.types import Frame
    >>> picture = np.zeros((2, 4), np.uint8)
    >>> inside((Box(0.5, 0, 2, 1, Frame.native_of(picture)),), picture).astype(int).tolist()
    [[1, 1, 0, 0], [0, 0, 0, 0]]
    """
    mask = np.zeros(picture.shape, dtype=np.bool_)
    for box in boxes:
        rows = slice(max(0, int(np.floor(box.y0))), int(np.ceil(box.y1)))
        columns = slice(max(0, int(np.floor(box.x0))), int(np.ceil(box.x1)))
        mask[rows, columns] = True
    return mask


def editable(question: Question, picture: Picture, edit: Edit) -> Mask:
    """The pixels that an edit may change, (height, width): those inside the question's boxes, or all others.

    >>> from medground_bench.core.types import Answer, Frame
    >>> picture = np.zeros((2, 4), np.uint8)
    >>> native = Frame.native_of(picture)
    >>> question = Question("phantom", "1", "mass", Answer.YES, native, (Box(0, 0, 1, 2, native),))
    >>> int(editable(question, picture, Edit.FOREGROUND).sum()), int(editable(question, picture, Edit.BACKGROUND).sum())
    (2, 6)
    """
    boxes = inside(question.boxes, picture)
    return boxes if edit is Edit.FOREGROUND else ~boxes
