"""Ways to find the anatomical concepts on a picture, one a file; `LOCALIZER` is its class.

A localizer is best a frozen dataclass of its settings. A field called `checkpoint`, `detector` or `refiner` is a
location of `anatomy.weights`, and what is there becomes part of every record of a run. One that finds whole masks has a
field `standard` of `anatomy.definitions` and gives what it found through `of_standard`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields, is_dataclass, replace
from functools import cache, lru_cache
from typing import Protocol, runtime_checkable

import numpy as np

from medground_bench import plugins
from medground_bench.anatomy import weights
from medground_bench.anatomy.atlas import Atlas
from medground_bench.core.concepts import ConceptRegions
from medground_bench.core.errors import BadPicture, SourceMissing, Unsupported
from medground_bench.core.types import Case, Picture
from medground_bench.storage.whole_files import Plain

PICTURES_KEPT = 64
LEAST_CONTRAST = 4
"""Grey levels (of 256) that all but a thousandth of the pixels at either end must span."""
LOCATIONS = frozenset({"checkpoint", "detector", "refiner"})


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


def localize(name: str, picture: Picture, standard: str | None = None) -> ConceptRegions:
    """As `open_localizer(name).localize(picture)`, kept for the last 64 pictures.

    standard  a name of `anatomy.definitions.STANDARDS`; Unsupported where the localizer has no choice of them

    Concepts do not depend on the question, so every finding, mode and LVLM asked about a picture shares them. The key
    is the picture's content. The regions are shared too: treat them as read-only. A picture that is blank, or not in
    the study frame, raises BadPicture whatever the localizer.
    """
    _in_standard(name, standard)  # an unknown name of either is said first
    demand_anatomy(picture)
    return _localize(name, standard, picture.shape, picture.tobytes())


def forget() -> None:
    """Let go of the pictures whose concepts are kept."""
    _localize.cache_clear()


def localize_case(name: str, case: Case) -> ConceptRegions:
    """As `localize(name, case.picture)`, also for a localizer that needs to know the case, such as `oracle`."""
    localizer = open_localizer(name)
    if isinstance(localizer, KnowsCases):
        demand_anatomy(case.picture)
        return localizer.localize_case(case)
    return localize(name, case.picture)


def needs_others_weights(localizer: Localizer) -> bool:
    """Whether weights that others publish must be at hand: one of its settings is a location."""
    return any(name in LOCATIONS for name, _value in _settings(localizer))


def by_standard(localizer: Localizer, standard: str | None) -> Localizer | None:
    """The same localizer by another standard; None where it has no choice of them.

    standard  as in `localize`; None for whole masks with tight boxes
    """
    if is_dataclass(localizer) and "standard" in {each.name for each in fields(localizer)}:
        return replace(localizer, standard=standard)
    return None


def localizer_record(name: str, standard: str | None = None) -> dict[str, Plain]:
    """Everything that decides what the localizer of that name finds on a picture, besides code: see `record_of`."""
    return record_of(_in_standard(name, standard))


def record_of(localizer: Localizer) -> dict[str, Plain]:
    """What a localizer is set to, and the content of what its settings only name.

    settings  its repr; its class where that says no more than its address
    pool      digest of the reference pool, where it has one: SHA-256 of the manifest
    weights   location -> revision; a location that holds nothing is left out: what opens it says so, and what to do
    """
    kind = type(localizer)
    speaks = kind.__repr__ is not object.__repr__
    pools = [value.digest for _name, value in _settings(localizer) if isinstance(value, Atlas)]
    return {
        "settings": repr(localizer) if speaks else f"{kind.__module__}.{kind.__qualname__}",
        "pool": pools[0] if pools else None,
        "weights": _weights_of(localizer),
    }


def _in_standard(name: str, standard: str | None) -> Localizer:
    """The localizer of that name, by that standard; None for its own. Unsupported where there is none to choose."""
    localizer = open_localizer(name)
    if standard is None:
        return localizer
    chosen = by_standard(localizer, standard)
    if chosen is None:
        raise Unsupported(
            f"the localizer {name} has one way to give boxes, so no standard can be chosen. Leave the standard out, or "
            "take a localizer that has several, such as film_unet."
        )
    return chosen


def _weights_of(localizer: Localizer) -> dict[str, str]:
    revisions = {}
    for name, place in _settings(localizer):
        if name in LOCATIONS and isinstance(place, str):
            with suppress(SourceMissing):
                revisions[place] = _revision(place)
    return dict(sorted(revisions.items()))


@cache
def _revision(location: str) -> str:
    """Once a process, like the opening of the weights themselves."""
    return weights.revision(location)


def _settings(holder: object) -> Iterator[tuple[str, object]]:
    """Name and value of every field of a dataclass, and of the dataclasses within it."""
    if is_dataclass(holder) and not isinstance(holder, type):
        for each in fields(holder):
            value = getattr(holder, each.name)
            yield each.name, value
            yield from _settings(value)


@lru_cache(maxsize=PICTURES_KEPT)
def _localize(name: str, standard: str | None, shape: tuple[int, ...], content: bytes) -> ConceptRegions:
    localizer = _in_standard(name, standard)
    return localizer.localize(np.frombuffer(content, np.uint8).reshape(shape))


def demand_anatomy(picture: Picture) -> None:
    """BadPicture unless the picture is a square of 8-bit greys that shows more than the noise of an empty film."""
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
    darker = np.bincount(content.ravel(), minlength=256).cumsum() / content.size
    darkest, brightest = np.searchsorted(darker, (0.001, 0.999))
    if brightest - darkest < LEAST_CONTRAST:
        raise BadPicture(
            f"almost every pixel has a grey between {darkest} and {brightest}: there is no anatomy on a blank picture. "
            "Choose another file."
        )
