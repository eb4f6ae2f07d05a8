"""PNG, JPEG, TIFF, BMP and WEBP."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from dataclasses import replace

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL import __version__ as pillow_version

from medground_bench.core.errors import BadPicture
from medground_bench.pictures import tiff
from medground_bench.pictures.codestreams import frame_of
from medground_bench.pictures.content import another_behind
from medground_bench.pictures.deep_png import is_deep_png, read_deep_png
from medground_bench.pictures.deep_tiff import read_deep_tiff
from medground_bench.pictures.greys import Levels
from medground_bench.pictures.libtiff_messages import silent_libtiff
from medground_bench.pictures.png_lines import demand_all_lines
from medground_bench.pictures.radiograph import Radiograph
from medground_bench.pictures.samples import Samples
from medground_bench.pictures.sizes import LARGEST_AREA_PX, demand_size

BIG_AND_BIG_ENDIAN = tiff.Form(">", big=True)
"""The one form of TIFF that Pillow does not open."""

DECODER = f"pillow {pillow_version}"
DAMAGED = "cannot be read as a picture, or is damaged. Copy or export it again; try opening it in a viewer."

_DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    AssertionError,
    OverflowError,
    RuntimeError,
    struct.error,
    zlib.error,
)
_SHALLOW = {"1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr"}
_TRANSPARENT = {"LA", "La", "PA", "RGBA", "RGBa"}


def read_raster(content: bytes, container: str, levels: Levels) -> Radiograph:
    """The picture of a file of that container; BadPicture for one that cannot be read.

    8-bit pictures are as Pillow has them; what is deeper goes by `levels`.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        try:
            radiograph = _read(content, container, levels)
        except Image.DecompressionBombError:
            raise BadPicture(
                f"more than {LARGEST_AREA_PX:,} pixels; no radiograph is that large. Resize it first."
            ) from None
        except _DECODER_ERRORS as error:
            raise BadPicture(_what_is_wrong(content, container)) from error
    if radiograph.how.pages == 1 and another_behind(content, container):
        return replace(
            radiograph, how=radiograph.how.noting("the file goes on with another picture, which was not read")
        )
    return radiograph


def _read(content: bytes, container: str, levels: Levels) -> Radiograph:
    if container == "TIFF":
        with silent_libtiff():
            return _read_tiff(content, levels)
    if container == "PNG" and is_deep_png(content):
        radiograph = read_deep_png(content).radiograph(levels, container, DECODER)
        with Image.open(io.BytesIO(content), formats=("PNG",)) as image:
            frames = getattr(image, "n_frames", 1)
    else:
        with Image.open(io.BytesIO(content), formats=(container,)) as image:
            demand_size(image.width, image.height)
            frames = getattr(image, "n_frames", 1)
            radiograph = _shallow(image, container).radiograph(levels, container, DECODER)
    if container == "PNG":
        demand_all_lines(content)
    return _of_pages(radiograph, 1, frames, "picture")


def _read_tiff(content: bytes, levels: Levels) -> Radiograph:
    pages = tiff.pages_of(content)
    page = tiff.chosen(pages)
    tiff.demand_compression(page)
    ours = page.deep or page.laid_over_black or tiff.form_of(content) == BIG_AND_BIG_ENDIAN
    samples = None if ours else _shallow_page(content, page)
    if samples is None:
        samples = read_deep_tiff(content, page)
    radiograph = samples.radiograph(levels, "TIFF", DECODER)
    return _of_pages(radiograph, page.number, len(pages), "page")


def _shallow_page(content: bytes, page: tiff.Page) -> Samples | None:
    """A page of 8 bits or fewer; None for one of a kind that Pillow does not open."""
    demand_size(page.one(tiff.WIDTH), page.one(tiff.HEIGHT))
    try:
        image = Image.open(io.BytesIO(content), formats=("TIFF",))
    except UnidentifiedImageError:
        if page.one(tiff.COMPRESSION, tiff.UNPACKED) in tiff.OF_BYTES:
            raise
        return None
    with image:
        image.seek(page.number - 1)
        return _shallow(image, "TIFF")


def _of_pages(radiograph: Radiograph, page: int, pages: int, word: str) -> Radiograph:
    """The same, telling of the other pages or frames."""
    if pages == 1:
        return radiograph
    how = replace(radiograph.how, page=page, pages=pages)
    return replace(
        radiograph, how=how.noting(f"the file holds {pages} {word}s, of which {word} {page} was read")
    )


def _shallow(image: Image.Image, container: str) -> Samples:
    """A picture of 8 bits or fewer, by Pillow's own conversions."""
    bits = 1 if image.mode == "1" else 8
    if image.mode not in _SHALLOW:
        raise BadPicture(f"has colours of the kind {image.mode}, which are not read. Save it in grey or RGB.")
    if image.mode == "CMYK" and container == "JPEG" and "adobe" not in image.info:
        raise BadPicture(
            "is a JPEG of four inks that does not say whether they are inverted. Save it in grey or RGB."
        )
    image.load()
    ImageOps.exif_transpose(image, in_place=True)
    if image.mode not in _TRANSPARENT and "transparency" not in image.info:
        return Samples(np.array(image.convert("L")), bits)
    rgba = image if image.mode == "RGBA" else image.convert("RGBA")
    opacity = np.divide(np.asarray(rgba.getchannel("A")), 255, dtype=np.float32)
    return Samples(np.asarray(rgba.convert("L")), bits, opacity)


def _what_is_wrong(content: bytes, container: str) -> str:
    frame = frame_of(content) if container == "JPEG" else None
    if frame is not None and frame.bits > 8:
        return f"is a JPEG of {frame.bits} bits, which is read inside DICOM only. Save it as PNG or TIFF."
    if frame is not None and frame.lossless:
        return "is a lossless JPEG, which is read inside DICOM only. Save it as PNG or TIFF."
    return DAMAGED
