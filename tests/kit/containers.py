"""Writers of one grey picture in every container and depth, and the strategies that draw them."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from functools import cache

import imagecodecs
import numpy as np
import tifffile
from PIL import Image
from pydicom import Dataset, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DigitalXRayImageStorageForPresentation,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from medground_bench.core.types import Picture
from medground_bench.phantom.scene import Scene

GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
ORIENTATION = 274
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""Left, top and steps of the passes of an interlaced PNG."""


@cache
def phantom(seed: int = 0) -> Picture:
    """A phantom of 90 x 110 px or so that reaches from 0 to 255, so that a stretch gives it back."""
    native = Image.fromarray(Scene.sample(6_000_200 + seed).native(["cardiomegaly"]))
    width, height = native.width // 3, native.height // 3
    greys = np.asarray(native.resize((width, height))).astype(np.float64)
    greys = (greys - greys.min()) / (greys.max() - greys.min()) * 255
    picture = np.rint(greys).astype(np.uint8)
    picture.setflags(write=False)
    return picture


def png(samples: np.ndarray, colour: int, *chunks: tuple[bytes, bytes], interlaced: bool = False) -> bytes:
    """A PNG of uint8 or uint16 samples (height, width) or (height, width, samples)."""
    height, width = samples.shape[:2]
    passes = [samples[y::down, x::right] for x, y, right, down in ADAM7] if interlaced else [samples]
    lines = b"".join(_png_lines(each) for each in passes)
    header = struct.pack(">IIBBBBB", width, height, 8 * samples.dtype.itemsize, colour, 0, 0, interlaced)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(lines)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*part) for part in parts)


def _png_lines(samples: np.ndarray) -> bytes:
    """Every second line filtered by Sub."""
    height, width = samples.shape[:2]
    raw = (
        np.ascontiguousarray(samples.astype(samples.dtype.newbyteorder(">")))
        .reshape(height, -1)
        .view(np.uint8)
    )
    step = raw.shape[1] // width
    lines = []
    for number, line in enumerate(raw):
        shifted = np.concatenate([np.zeros(step, np.uint8), line[:-step]])
        lines.append(bytes([number % 2]) + (line - shifted if number % 2 else line).tobytes())
    return b"".join(lines)


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """Length, kind, content, check sum."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def pillow(image: Image.Image, kind: str, **options: object) -> bytes:
    """The bytes that Pillow writes."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def tiff(samples: np.ndarray, **options: object) -> bytes:
    """The bytes that tifffile writes."""
    file = io.BytesIO()
    options.setdefault("photometric", "minisblack")
    tifffile.imwrite(file, samples, **options)
    return file.getvalue()


def bmp_of_four(picture: Picture) -> bytes:
    """A BMP of version 4 with an opacity that nobody set."""
    height, width = picture.shape
    lines = np.flipud(coloured(picture, 0)).tobytes()
    masks = struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    header = struct.pack("<IiiHHIIiiII", 108, width, height, 1, 32, 3, len(lines), 2835, 2835, 0, 0)
    header += masks + struct.pack("<I", 0x73524742) + bytes(48)
    return (
        struct.pack("<2sIHHI", b"BM", 14 + len(header) + len(lines), 0, 0, 14 + len(header)) + header + lines
    )


def dicom(values: np.ndarray | None, syntax: str = ExplicitVRLittleEndian, **elements: object) -> bytes:
    """A DICOM file of a grey or RGB picture; `elements` are set last, None removes one."""
    made = dataset(values, syntax)
    for keyword, value in elements.items():
        if value is None:
            delattr(made, keyword)
        else:
            setattr(made, keyword, value)
    file = io.BytesIO()
    dcmwrite(file, made, enforce_file_format=True)
    return file.getvalue()


def dataset(values: np.ndarray | None, syntax: str = ExplicitVRLittleEndian) -> Dataset:
    """A data set that `dicom` writes, for more changes than elements."""
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = syntax
    made.SOPClassUID = DigitalXRayImageStorageForPresentation
    made.SOPInstanceUID = "1.2.3"
    made.Modality = "DX"
    if values is None:
        return made
    samples = 1 if values.ndim == 2 else values.shape[2]
    made.Rows, made.Columns = values.shape[:2]
    made.SamplesPerPixel = samples
    made.PhotometricInterpretation = "MONOCHROME2" if samples == 1 else "RGB"
    if samples > 1:
        made.PlanarConfiguration = 0
    made.BitsAllocated = made.BitsStored = 8 * values.dtype.itemsize
    made.HighBit = made.BitsStored - 1
    made.PixelRepresentation = int(values.dtype.kind == "i")
    packed = PACKERS.get(syntax)
    if packed is None:
        order = ">" if syntax == ExplicitVRBigEndian else "<"
        made.PixelData = values.astype(values.dtype.newbyteorder(order)).tobytes()
        made["PixelData"].VR = "OB" if values.dtype.itemsize == 1 else "OW"
    else:
        made.PixelData = encapsulate([packed(values)])
        made["PixelData"].VR = "OB"
    return made


def rle(values: np.ndarray) -> bytes:
    """A frame of run lengths: literal runs only but for rows of one value."""
    planes = values.reshape(*values.shape[:2], -1)
    raw = np.ascontiguousarray(planes.astype(planes.dtype.newbyteorder(">"))).view(np.uint8)
    raw = raw.reshape(values.shape[0] * values.shape[1], -1)
    segments = [_packbits(raw[:, index].tobytes()) for index in range(raw.shape[1])]
    starts = 64 + np.cumsum([0, *(len(segment) for segment in segments[:-1])])
    return struct.pack("<16I", len(segments), *starts, *[0] * (15 - len(segments))) + b"".join(segments)


def _packbits(raw: bytes) -> bytes:
    made = bytearray()
    for start in range(0, len(raw), 100):
        piece = raw[start : start + 100]
        same = len(piece) > 1 and len(set(piece)) == 1
        made += bytes([257 - len(piece), piece[0]]) if same else bytes([len(piece) - 1]) + piece
    return bytes(made) + b"\x80" * (len(made) % 2)


def _j2k(values: np.ndarray) -> bytes:
    return imagecodecs.jpeg2k_encode(values, level=0, codecformat="j2k", reversible=True, verbose=0)


def _htj2k(values: np.ndarray) -> bytes:
    return imagecodecs.htj2k_encode(values, reversible=True)


PACKERS: dict[str, Callable[[np.ndarray], bytes]] = {
    RLELossless: rle,
    JPEGLSLossless: imagecodecs.jpegls_encode,
    JPEGLosslessSV1: imagecodecs.ljpeg_encode,
    JPEG2000Lossless: _j2k,
    HTJ2KLossless: _htj2k,
}


def coloured(values: np.ndarray, alpha: int | None = None) -> np.ndarray:
    """(height, width, 3 or 4) of equal colours, and an opacity."""
    layers = [values] * 3 + ([np.full_like(values, alpha)] if alpha is not None else [])
    return np.stack(layers, axis=-1)


def turned_back(values: np.ndarray, orientation: int) -> np.ndarray:
    """What a file has to hold so that the orientation brings the values upright; by the words of the EXIF standard."""
    return {
        1: lambda it: it,
        2: np.fliplr,
        3: lambda it: np.rot90(it, 2),
        4: np.flipud,
        5: lambda it: it.T,
        6: lambda it: np.rot90(it, 1),
        7: lambda it: np.rot90(it, 2).T,
        8: lambda it: np.rot90(it, -1),
    }[orientation](values)


def deep(picture: Picture, kind: str, factor: float, offset: float) -> np.ndarray:
    """The same picture with other values."""
    return (picture.astype(np.float64) * factor + offset).astype(kind)


def window(values: np.ndarray) -> dict[str, str]:
    """The elements of a window from the least to the largest value."""
    low, high = int(values.min()), int(values.max())
    return {"WindowCenter": str((low + high + 1) / 2), "WindowWidth": str(high - low + 1)}


PLANES = {"photometric": "rgb", "planarconfig": "separate"}
GREY_AND_ALPHA = {"planarconfig": "contig", "extrasamples": ["unassalpha"]}

SHALLOW: dict[str, Callable[[Picture], bytes]] = {
    "png": lambda it: png(it, GREY),
    "png rgb": lambda it: png(coloured(it), RGB),
    "png alpha": lambda it: png(np.stack([it, np.full_like(it, 255)], -1), GREY_ALPHA),
    "png rgba": lambda it: png(coloured(it, 255), RGBA),
    "png rgba hidden": lambda it: png(coloured(it, 0), RGBA),
    "png palette": lambda it: png(it, PALETTE, (b"PLTE", np.repeat(np.arange(256, dtype=np.uint8), 3).tobytes())),
    "png gamma": lambda it: png(it, GREY, (b"gAMA", struct.pack(">I", 45455)), (b"sBIT", b"\x08")),
    "bmp": lambda it: pillow(Image.fromarray(it), "BMP"),
    "bmp rgba hidden": bmp_of_four,
    "webp": lambda it: pillow(Image.fromarray(it), "WEBP", lossless=True, exact=True),
    "tiff": tiff,
    "tiff lzw tiles": lambda it: tiff(it, compression="lzw", tile=(32, 48)),
    "tiff rgb planes": lambda it: tiff(np.stack([it] * 3), **PLANES),
    "tiff min is white": lambda it: tiff(255 - it, photometric="miniswhite"),
    "tiff big": lambda it: tiff(it, bigtiff=True, byteorder=">"),
    "dicom": dicom,
    "dicom implicit": lambda it: dicom(it, ImplicitVRLittleEndian),
    "dicom big endian": lambda it: dicom(it, ExplicitVRBigEndian),
    "dicom rgb": lambda it: dicom(coloured(it)),
    "dicom run lengths": lambda it: dicom(it, RLELossless),
    "dicom jpeg-ls": lambda it: dicom(it, JPEGLSLossless),
    "dicom jpeg lossless": lambda it: dicom(it, JPEGLosslessSV1),
    "dicom jpeg 2000": lambda it: dicom(it, JPEG2000Lossless),
    "dicom monochrome1": lambda it: dicom(255 - it, PhotometricInterpretation="MONOCHROME1"),
    "dicom rescaled": lambda it: dicom(it, RescaleSlope="2.5", RescaleIntercept="-1024"),
    "dicom falling": lambda it: dicom(255 - it, RescaleSlope="-1", RescaleIntercept="0"),
}  # fmt: skip
"""Files of 8 bits: the greys must come back to the bit."""

DEEP: dict[str, Callable[[np.ndarray], bytes]] = {
    "png 16": lambda it: png(it, GREY),
    "png 48": lambda it: png(coloured(it), RGB),
    "png la 32": lambda it: png(np.stack([it, np.full_like(it, 65535)], -1), GREY_ALPHA),
    "png 48 interlaced": lambda it: png(coloured(it), RGB, interlaced=True),
    "png rgba 64 interlaced": lambda it: png(coloured(it, 65535), RGBA, interlaced=True),
    "png la 32 interlaced": lambda it: png(np.stack([it, np.full_like(it, 65535)], -1), GREY_ALPHA, interlaced=True),
    "png rgba 64": lambda it: png(coloured(it, 65535), RGBA),
    "png rgba 64 hidden": lambda it: png(coloured(it, 0), RGBA),
    "tiff 16": tiff,
    "tiff 16 big endian": lambda it: tiff(it, byteorder=">"),
    "tiff 16 white is zero": lambda it: tiff(65535 - it, photometric="miniswhite"),
    "tiff 16 deflate": lambda it: tiff(it, compression="zlib", predictor=True, rowsperstrip=7),
    "tiff 48": lambda it: tiff(coloured(it), photometric="rgb"),
    "tiff 48 lzw": lambda it: tiff(coloured(it), photometric="rgb", compression="lzw", predictor=True, byteorder=">"),
    "tiff 48 zstd tiles": lambda it: tiff(coloured(it), photometric="rgb", compression="zstd", tile=(32, 16)),
    "tiff 48 planes": lambda it: tiff(np.stack([it] * 3), **PLANES, compression="packbits"),
    "tiff 64": lambda it: tiff(coloured(it, 65535), photometric="rgb", extrasamples=["unassalpha"]),
    "tiff la": lambda it: tiff(np.stack([it, np.full_like(it, 65535)], -1), **GREY_AND_ALPHA),
    "tiff cmyk": lambda it: tiff(np.stack([65535 - it] * 3 + [it * 0], -1), photometric="separated"),
    "tiff signed": lambda it: tiff((it.astype(np.int32) - 32768).astype(np.int16)),
    "tiff 32": lambda it: tiff(it.astype(np.uint32) * 65535, bigtiff=True),
    "tiff float": lambda it: tiff(it.astype(np.float32) / 65535),
    "tiff float lzma": lambda it: tiff(it.astype(np.float32) - 1000, compression="lzma", predictor=True),
    "tiff half float": lambda it: tiff((it // 33).astype(np.float16) if it.max() > 4095 else it.astype(np.float32)),
    "tiff double": lambda it: tiff(it.astype(np.float64), byteorder=">", tile=(16, 16), compression="zlib"),
    "dicom 16": dicom,
    "dicom 16 implicit": lambda it: dicom(it, ImplicitVRLittleEndian),
    "dicom 16 big endian": lambda it: dicom(it, ExplicitVRBigEndian),
    "dicom signed": lambda it: dicom((it.astype(np.int32) - 32768).astype(np.int16)),
    "dicom 16 run lengths": lambda it: dicom(it, RLELossless),
    "dicom 16 jpeg-ls": lambda it: dicom(it, JPEGLSLossless),
    "dicom 16 jpeg lossless": lambda it: dicom(it, JPEGLosslessSV1),
    "dicom 16 jpeg 2000": lambda it: dicom(it, JPEG2000Lossless),
    "dicom 16 htj2k": lambda it: dicom(it, HTJ2KLossless),
    "dicom 16 monochrome1": lambda it: dicom(65535 - it, PhotometricInterpretation="MONOCHROME1"),
    "dicom 16 rescaled": lambda it: dicom(it, RescaleSlope="0.25", RescaleIntercept="-1000"),
    "dicom 32": lambda it: dicom(it.astype(np.uint32) * 4096),
    "dicom window": lambda it: dicom(it, **window(it)),
}  # fmt: skip
"""Files of more than 8 bits, from uint16 values: the greys must come back within one level."""
