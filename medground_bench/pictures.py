"""Reading a radiograph from a file and bringing it into the study frame.

One resize path for everything: originals, edits and references all go through `to_study`, so an LVLM's change of answer
can never come from a change of resolution. It is Pillow's antialiased bilinear filter on 8-bit grey: the triangle
filter never overshoots, so a region that is black stays exactly black and no ringing appears along collimation edges.
"""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from medground_bench.durable import fingerprint, sha256
from medground_bench.errors import BadPicture
from medground_bench.geometry import Letterbox
from medground_bench.types import Frame, Mask, Picture

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP")
"""The only decoders that an untrusted file may reach."""

SMALLEST_SIDE_PX = 16
LARGEST_AREA_PX = 100_000_000
"""Five times the largest detector in use; beyond it a small file could fill the memory."""

_DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    TypeError,
    KeyError,
    IndexError,
    struct.error,
    zlib.error,
)
_MIN_IS_WHITE, _PHOTOMETRIC_TAG = 0, 262


@dataclass(frozen=True, slots=True, eq=False)
class Study:
    """A picture in the study frame (side x side, black bars around the content) and the way back."""

    picture: Picture
    letterbox: Letterbox


def read_picture(path: str | Path) -> Picture:
    """The file as grey uint8 (height, width), upright; BadPicture says in one sentence what is wrong with it.

    8-bit grey, colour and palette files are converted by luma (ITU-R 601); transparency is laid over black; 16-bit,
    32-bit and float files are stretched from their own minimum and maximum to 0..255 (a constant one becomes black).
    EXIF orientation is applied. Grey TIFF written as "min is white" (MONOCHROME1) is inverted.
    """
    path = Path(path)
    with _clear_errors(path), Image.open(path, formats=FORMATS) as image:
        _refuse_size(path, image.width, image.height)
        inverted = _is_min_white(image)
        image.load()
        grey = _grey(ImageOps.exif_transpose(image))
    return 255 - grey if inverted else grey


def to_study(picture: Picture, side: int = 224) -> Study:
    """Letterbox a grey picture (height, width) into a square of `side` pixels: aspect kept, black, centred.

    An array that is no grey picture of 8 bits raises BadPicture; `read_picture` makes one of any file.
    """
    if picture.ndim != 2 or picture.size == 0 or picture.dtype != np.uint8:
        raise BadPicture(
            f"a picture is a grey array (height, width) of uint8; this one has shape {picture.shape} and type "
            f"{picture.dtype}. Read the file with pictures.read_picture, or convert the array first."
        )
    height, width = picture.shape
    letterbox = Letterbox.fit(Frame("native", width=width, height=height), side)
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


@contextmanager
def _clear_errors(path: Path) -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            yield
        except Image.DecompressionBombError as error:
            raise BadPicture(
                f"{path}: more than {LARGEST_AREA_PX:,} pixels; no radiograph is that large. Resize it first."
            ) from error
        except FileNotFoundError as error:
            raise BadPicture(f"{path}: there is no such file. Check the path.") from error
        except IsADirectoryError as error:
            raise BadPicture(f"{path}: is a folder. Give one picture file.") from error
        except _DECODER_ERRORS as error:
            raise BadPicture(f"{path}: {_what_is_wrong(path)}") from error


def _what_is_wrong(path: Path) -> str:
    try:
        with path.open("rb") as file:
            head = file.read(132)
    except OSError as error:
        return f"cannot be opened ({error.strerror}). Check its permissions."
    if not head:
        return "the file is empty. Copy or download it again."
    if head[128:132] == b"DICM":
        return "is a DICOM file. Export it as PNG first, for example with dcm2img or your viewer."
    return f"cannot be read as a picture, or is damaged. Accepted: {', '.join(FORMATS)}; try opening it in a viewer."


def _refuse_size(path: Path, width: int, height: int) -> None:
    if min(width, height) < SMALLEST_SIDE_PX:
        raise BadPicture(
            f"{path}: {width} x {height} px is too small; each side needs at least {SMALLEST_SIDE_PX} px."
        )
    if width * height > LARGEST_AREA_PX:
        raise BadPicture(
            f"{path}: {width} x {height} px is more than {LARGEST_AREA_PX:,} pixels; no radiograph is that large. "
            "Resize it first."
        )


def _is_min_white(image: Image.Image) -> bool:
    # Pillow itself inverts 8-bit "min is white" TIFF, but not the deeper ones.
    tags = getattr(image, "tag_v2", {})
    return image.mode not in ("1", "L") and tags.get(_PHOTOMETRIC_TAG) == _MIN_IS_WHITE


def _grey(image: Image.Image) -> Picture:
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _stretched(np.asarray(image).astype(np.float64))
    if image.mode in ("LA", "PA", "RGBA", "RGBa", "La") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        black = Image.new("RGBA", rgba.size, (0, 0, 0, 255))
        image = Image.alpha_composite(black, rgba)
    return np.array(image.convert("L"), dtype=np.uint8)


def _stretched(values: NDArray[np.float64]) -> Picture:
    finite = np.where(np.isfinite(values), values, 0.0)
    low, high = float(finite.min()), float(finite.max())
    span = high - low or 1.0
    return np.rint((finite - low) / span * 255).astype(np.uint8)
