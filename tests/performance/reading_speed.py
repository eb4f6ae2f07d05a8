"""How fast the pictures of a VinDr tree are read, two at once: 200 of the phantom's size, and some of true size."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image
from pydicom.uid import UID
from rich.table import Table

from builder.build import open_source
from builder.sources import Source
from medground_bench.core.types import Picture
from medground_bench.phantom import seeds
from tests.kit.trees import CODINGS, Trees, findings, native, twelve_bits, write_vindr

PICTURES = 200
TRUE_SIZE = (2500, 3000)
"""Width and height; VinDr-CXR's are 1,024 to 4,448 px high, 2,827 in the mean."""

OF_TRUE_SIZE = 6


@dataclass(frozen=True)
class Reading:
    """Seconds to read so many pictures."""

    what: str
    pictures: int
    seconds: float

    @property
    def per_second(self) -> float:
        """Pictures."""
        return self.pictures / self.seconds


def reading(what: str, source: Source) -> Reading:
    """Every picture of a source once, by as many threads as the builder uses."""
    first = {each.question.image_id: each.question for each in source.questions("test", None)}
    start = time.perf_counter()
    with ThreadPoolExecutor(os.cpu_count()) as readers:
        read = list(readers.map(source.picture, first.values()))
    return Reading(what, len(read), time.perf_counter() - start)


def of_a_tree(phantoms: Sequence[str], what: str, rewrite: Callable[[Path], None] | None = None) -> Reading:
    """Of phantoms as VinDr would have them; `rewrite` puts a larger picture into each file, where the boxes fit."""
    with TemporaryDirectory() as folder:
        trees = Trees((Path(), Path()), Path(folder) / "vindr-cxr", Path())
        write_vindr(trees, phantoms)
        if rewrite is not None:
            for file in sorted((trees.vindr_cxr / "test").glob("*.dicom")):
                rewrite(file)
        return reading(what, open_source("vindr_cxr", [trees.vindr_cxr]))


def readings() -> list[Reading]:
    """A tree of 200 pictures in seven codings, and pictures of true size in each coding."""
    phantoms = [str(seed) for seed in islice((seed for seed in seeds.TEST if findings(str(seed))), PICTURES)]
    found = [of_a_tree(phantoms, f"{PICTURES} of the phantom's size, {len(CODINGS)} codings")]
    large = _enlarged(native(phantoms[0]))
    for coding in CODINGS:
        content = twelve_bits(large, coding, inverted=False)
        name = f"{TRUE_SIZE[0]} x {TRUE_SIZE[1]} px, {UID(coding).name}"
        found.append(
            of_a_tree(phantoms[:OF_TRUE_SIZE], name, lambda file, kept=content: file.write_bytes(kept))
        )
    return found


def _enlarged(picture: Picture) -> Picture:
    return np.asarray(Image.fromarray(picture).resize(TRUE_SIZE, Image.Resampling.BICUBIC))


def reading_table(found: Sequence[Reading]) -> Table:
    """Pictures a second."""
    table = Table(title=f"DICOM trees, read by {os.cpu_count()} threads")
    for heading in ("pictures", "read", "a second"):
        table.add_column(heading, justify="left" if heading == "pictures" else "right")
    for one in found:
        table.add_row(one.what, str(one.pictures), f"{one.per_second:.1f}")
    return table
