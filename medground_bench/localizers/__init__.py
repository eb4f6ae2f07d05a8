"""Ways to find the anatomical concepts on a picture, one a file; `LOCALIZER` is its class."""

from __future__ import annotations

from functools import lru_cache
from typing import Protocol

import numpy as np

from medground_bench import plugins
from medground_bench.anatomy.concepts import ConceptRegions
from medground_bench.types import Picture

PICTURES_KEPT = 64


class Localizer(Protocol):
    """The contract of every file in this folder."""

    def localize(self, picture: Picture) -> ConceptRegions:
        """The concepts on one picture in the study frame; a concept that was not found is listed as missing."""
        ...


@lru_cache(maxsize=8)
def open_localizer(name: str) -> Localizer:
    """The localizer of that name with its defaults; an unknown name lists the near ones."""
    localizer: Localizer = plugins.load("localizers", name)()
    return localizer


def localize(name: str, picture: Picture) -> ConceptRegions:
    """As `open_localizer(name).localize(picture)`, kept for the last 64 pictures.

    Concepts do not depend on the question, so every finding, mode and LVLM asked about a picture shares them. The key
    is the picture's content. The regions are shared too: treat them as read-only.
    """
    return _localize(name, picture.shape, picture.tobytes())


@lru_cache(maxsize=PICTURES_KEPT)
def _localize(name: str, shape: tuple[int, ...], content: bytes) -> ConceptRegions:
    return open_localizer(name).localize(np.frombuffer(content, np.uint8).reshape(shape))
