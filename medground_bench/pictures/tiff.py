"""The pages of a TIFF file and what each says of its pixels: headers only, classic and BigTIFF, either byte order."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from medground_bench.core.errors import BadPicture

MOST_PAGES = 1000
"""Pages counted; a chain of them that is longer, or never ends, is not followed further."""

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, FILL_ORDER = 256, 257, 258, 259, 262, 266
STRIP_OFFSETS, ORIENTATION, SAMPLES, STRIP_HEIGHT, STRIP_BYTES, PLANAR = 273, 274, 277, 278, 279, 284
PREDICTOR, TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_BYTES, EXTRA, FORMAT = (
    317,
    322,
    323,
    324,
    325,
    338,
    339,
)
UNSIGNED, SIGNED, FLOAT, UNTYPED = 1, 2, 3, 4
WHITE_IS_ZERO, BLACK_IS_ZERO, COLOURS, INKS = 0, 1, 2, 5
ASSOCIATED, UNASSOCIATED = 1, 2

AGAIN = "Save it as a TIFF of 8 or 16 bits without compression, or as PNG."
UNPACKED = 1
PACKED = {5: "LZW", 8: "deflate", 32773: "PackBits", 32946: "deflate", 34925: "LZMA", 50000: "Zstandard"}
"""Compressions that are undone at every depth."""

OF_BYTES = {2: "CCITT", 3: "CCITT", 4: "CCITT", 6: "JPEG", 7: "JPEG", 32771: "CCITT"}
"""Those that are undone for samples of up to 8 bits only."""

_INTEGERS = {1: "u1", 3: "u2", 4: "u4", 6: "i1", 8: "i2", 9: "i4", 13: "u4", 16: "u8", 17: "i8", 18: "u8"}
"""Types of tags whose values are whole numbers; no other tag is looked at."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page's tags, each a tuple of numbers; `number` counts from 1, `order` is < or >."""

    number: int
    order: Literal["<", ">"]
    tags: dict[int, tuple[int, ...]]

    def one(self, tag: int, default: int | None = None) -> int:
        """The first number of a tag, or the default; BadPicture when the page lacks it and there is none."""
        numbers = self.tags.get(tag, ())
        if not numbers and default is None:
            raise BadPicture(f"is damaged: page {self.number} of this TIFF lacks tag {tag}. Export it again.")
        return numbers[0] if numbers else int(default or 0)

    @property
    def area(self) -> int:
        """Pixels."""
        return self.one(WIDTH) * self.one(HEIGHT)

    @property
    def bits(self) -> tuple[int, ...]:
        """Of every sample; those that are not told have one bit."""
        return self.tags.get(BITS) or (1,)

    @property
    def deep(self) -> bool:
        """Whether a sample is more than an unsigned number of 8 bits."""
        formats = self.tags.get(FORMAT, (UNSIGNED,))
        return max(self.bits) > 8 or any(kind not in (UNSIGNED, UNTYPED) for kind in formats)

    @property
    def laid_over_black(self) -> bool:
        """Whether colours come multiplied by their opacity; Pillow would divide them by it, also where it is 0."""
        return ASSOCIATED in self.tags.get(EXTRA, ())


@dataclass(frozen=True, slots=True)
class Form:
    """How a file writes its directories: order of bytes, and the sizes of BigTIFF."""

    order: Literal["<", ">"]
    big: bool

    @property
    def number(self) -> str:
        """How `struct` calls a place or a length."""
        return f"{self.order}{'Q' if self.big else 'I'}"

    @property
    def size(self) -> int:
        """Bytes of such a number."""
        return 8 if self.big else 4


def form_of(content: bytes) -> Form:
    """By the first bytes."""
    order: Literal["<", ">"] = "<" if content[:1] == b"I" else ">"
    return Form(order, 43 in content[2:4])


def pages_of(content: bytes) -> list[Page]:
    """Every page of a TIFF file, at least one; struct.error for a damaged file."""
    form = form_of(content)
    (at,) = struct.unpack_from(form.number, content, form.size)
    pages: list[Page] = []
    seen = {0}
    while at not in seen and len(pages) < MOST_PAGES:
        seen.add(at)
        tags, at = _directory(content, at, form)
        pages.append(Page(len(pages) + 1, form.order, tags))
    if not pages:
        raise BadPicture("is damaged: this TIFF has no page. Export it again.")
    return pages


def _directory(content: bytes, at: int, form: Form) -> tuple[dict[int, tuple[int, ...]], int]:
    """The tags of the directory at that place, and the place of the next one."""
    (count,) = struct.unpack_from(f"{form.order}{'Q' if form.big else 'H'}", content, at)
    at += 8 if form.big else 2
    tags = {}
    for _entry in range(count):
        tag, kind = struct.unpack_from(f"{form.order}HH", content, at)
        (length,) = struct.unpack_from(form.number, content, at + 4)
        place = at + 4 + form.size
        at = place + form.size
        if kind in _INTEGERS:
            stored = np.dtype(_INTEGERS[kind]).newbyteorder(form.order)
            if length * stored.itemsize > form.size:
                (place,) = struct.unpack_from(form.number, content, place)
            tags[tag] = tuple(np.frombuffer(content, stored, length, place).tolist())
    (following,) = struct.unpack_from(form.number, content, at)
    return tags, following


def demand_compression(page: Page) -> None:
    """BadPicture, before anything is decoded, for a compression that is not undone."""
    known = PACKED if page.deep or page.laid_over_black else PACKED | OF_BYTES
    if page.one(COMPRESSION, UNPACKED) not in (UNPACKED, *known):
        names, bits = ", ".join(dict.fromkeys(known.values())), max(page.bits)
        raise BadPicture(f"is compressed in a way that is not read at {bits} bits; {names} are. {AGAIN}")


def chosen(pages: Sequence[Page]) -> Page:
    """The first of the largest pages: a thumbnail is not what anybody means."""
    return max(pages, key=lambda page: page.area)
