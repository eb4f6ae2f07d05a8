"""A picture and how its file was read; nothing of it is about a patient."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from medground_bench.core.types import Picture
from medground_bench.pictures.greys import Range
from medground_bench.storage.whole_files import Plain

AS_STORED = "as stored"


@dataclass(frozen=True, slots=True)
class HowRead:
    """The way from a file to greys.

    container  PNG, JPEG, TIFF, BMP, WEBP or DICOM, by the content of the file
    bits       of one stored sample
    rule       what gave black and white: as stored, robust, min-max, a window of the file, a table of the file
    shown      the values that became 0 and 255; None as stored and by a table
    decoder    the library that decoded the pixels, with its version
    page       which of the pages or frames, counted from 1
    coding     of a DICOM file: the name of its transfer syntax
    notes      what a reader should be told, a sentence each
    """

    container: str
    bits: int
    rule: str
    decoder: str
    shown: Range | None = None
    page: int = 1
    pages: int = 1
    coding: str | None = None
    notes: tuple[str, ...] = field(default=())

    def noting(self, *notes: str) -> HowRead:
        """The same with more to tell."""
        return replace(self, notes=(*self.notes, *notes))

    def as_text(self) -> str:
        """One line for people."""
        depth = f"{self.bits} bit{'s' if self.bits > 1 else ''}"
        shown = f", {self.shown.black:g} is black and {self.shown.white:g} white" if self.shown else ""
        return (
            f"{self.container}, {self.coding + ', ' if self.coding else ''}{depth}, greys {self.rule}{shown}"
        )

    def as_json(self) -> dict[str, Plain]:
        """Plain values."""
        return {
            "container": self.container,
            "bits": self.bits,
            "rule": self.rule,
            "black": self.shown.black if self.shown else None,
            "white": self.shown.white if self.shown else None,
            "decoder": self.decoder,
            "page": self.page,
            "pages": self.pages,
            "coding": self.coding,
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True, eq=False)
class Radiograph:
    """A picture and how it was read."""

    picture: Picture
    how: HowRead
