"""Ways to find the anatomical concepts on a picture, one a file; `LOCALIZER` is its class."""

from __future__ import annotations

from functools import lru_cache
from typing import Protocol, runtime_checkable

import numpy as np

from medground_bench import plugins
from medground_bench.anatomy.concepts import ConceptRegions
from medground_bench.errors import BadPicture
from medground_bench.types import Case, Picture

PICTURES_KEPT = 64


class Localizer(Protocol):
    """The contract of every file in this folder."""

    def localize(self, picture: Picture) -> ConceptRegions:
        """The concepts on one picture in the study frame; a concept that was not found is listed as missing."""
        ...


@runtime_checkable
class KnowsCases(Localizer, Protocol):
    """A localizer that needs more than the picture: whose it is."""

    def localize_case(self, case: Case) -> ConceptRegions:
        """As `localize`, for the case's picture; it keeps what is worth keeping itself."""
        ...


@lru_cache(maxsize=8)
def open_localizer(name: str) -> Localizer:
    """The localizer of that name with its defaults; an unknown name lists the near ones."""
    localizer: Localizer = plugins.load("localizers", name)()
    return localizer


def localize(name: str, picture: Picture) -> ConceptRegions:
    """As `open_localizer(name).localize(picture)`, kept for the last 64 pictures.

    Concepts do not depend on the question, so every finding, mode and LVLM asked about a picture shares them. The key
    is the picture's content. The regions are shared too: treat them as read-only. A picture that is blank, or not in
    the study frame, raises BadPicture whatever the localizer.
    """
    open_localizer(name)  # an unknown name is said first
    _demand_anatomy(picture)
    return _localize(name, picture.shape, picture.tobytes())


def localize_case(name: str, case: Case) -> ConceptRegions:
    """As `localize(name, case.picture)`, also for a localizer that needs to know the case, such as `oracle`."""
    localizer = open_localizer(name)
    if isinstance(localizer, KnowsCases):
        _demand_anatomy(case.picture)
        return localizer.localize_case(case)
    return localize(name, case.picture)


@lru_cache(maxsize=PICTURES_KEPT)
def _localize(name: str, shape: tuple[int, ...], content: bytes) -> ConceptRegions:
    return open_localizer(name).localize(np.frombuffer(content, np.uint8).reshape(shape))


def _demand_anatomy(picture: Picture) -> None:
    """BadPicture unless the picture is a square of 8-bit greys that shows more than one of them."""
    if picture.dtype != np.uint8 or picture.ndim != 2 or picture.shape[0] != picture.shape[1]:
        raise BadPicture(
            f"concepts are found on a square grey picture of 8 bits; this one has shape {picture.shape} and type "
            f"{picture.dtype}. Bring it to the study frame first: pictures.to_study(picture).picture."
        )
    rows, columns = np.flatnonzero(picture.any(axis=1)), np.flatnonzero(picture.any(axis=0))
    if not len(rows):
        raise BadPicture("every pixel is black: there is no anatomy on a blank picture. Choose another file.")
    # A blank picture that is not square has the black bars of its letterbox around its one grey.
    content = picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    if content.min() == content.max():
        raise BadPicture(
            f"every pixel has grey {content.max()}: there is no anatomy on a blank picture. Choose another file."
        )
