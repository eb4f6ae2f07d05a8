"""Bringing a grey picture into the study frame.

One resize path for everything: originals, edits and references all go through `to_study`, so an LVLM's change of answer
can never come from a change of resolution. It is Pillow's antialiased bilinear filter on 8-bit grey: the triangle
filter never overshoots, so a region that is black stays exactly black and no ringing appears along collimation edges.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from medground_bench.core.errors import BadPicture
from medground_bench.core.geometry import Letterbox
from medground_bench.core.types import Frame, Mask, Picture
from medground_bench.storage.whole_files import fingerprint, sha256


@dataclass(frozen=True, slots=True, eq=False)
class Study:
    """A picture in the study frame (side x side, black bars around the content) and the way back."""

    picture: Picture
    letterbox: Letterbox


def to_study(picture: Picture, side: int = 224) -> Study:
    """Letterbox a grey picture (height, width) into a square of `side` pixels: aspect kept, black, centred.

    An array that is no grey picture of 8 bits raises BadPicture; `read_picture` makes one of any file.
    """
    if picture.ndim != 2 or picture.size == 0 or picture.dtype != np.uint8:
        raise BadPicture(
            f"a picture is a grey array (height, width) of uint8; this one has shape {picture.shape} and type "
            f"{picture.dtype}. Read the file with pictures.read_picture, or convert the array first."
        )
    letterbox = Letterbox.fit(Frame.native_of(picture), side)
    size = (letterbox.content_width, letterbox.content_height)
    resized = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR))
    square = np.zeros((side, side), np.uint8)
    top, left = letterbox.top, letterbox.left
    square[top : top + letterbox.content_height, left : left + letterbox.content_width] = resized
    return Study(square, letterbox)


def mask_to_study(mask: Mask, side: int = 224) -> Mask:
    """A native mask (height, width) in the study frame, by the pictures' own resize path.

    A pixel of the study frame is in when at least half of it is, so a mask thinner than that can come out empty.
    """
    inside: Mask = to_study(mask.astype(np.uint8) * 255, side).picture > 127
    return inside


def picture_digest(picture: Picture) -> str:
    """Identity of a picture: a hash of its size and grey values, whatever file holds them."""
    height, width = picture.shape
    return fingerprint(width=width, height=height, pixels=sha256(picture.tobytes()))
