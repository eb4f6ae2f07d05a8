"""Hiding regions of a case's picture: what MedFocus does to every concept. Source: paper, section 4.2 and Table 2."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from enum import StrEnum
from functools import lru_cache
from typing import Protocol, runtime_checkable

import numpy as np

from medground_bench import plugins
from medground_bench.anatomy.regions import touched_pixels
from medground_bench.core.case_ids import case_parts
from medground_bench.core.errors import Unsupported
from medground_bench.core.geometry import content_box
from medground_bench.core.types import Case, Mask, Picture
from medground_bench.phantom.region_edits import PHANTOM, PhantomRegions


class Region(StrEnum):
    """The part of a concept that is hidden: its box, as the paper chose, or its mask."""

    BOX = "box"
    MASK = "mask"


class Fill(StrEnum):
    """What a hidden region shows. Black looks like air, so `mean` finds a pneumothorax where the paper's `zero` cannot.

    `editor` puts normal tissue there, by the editor of the case's source.
    """

    ZERO = "zero"
    MEAN = "mean"
    EDITOR = "editor"


@runtime_checkable
class RegionEditor(Protocol):
    """An editor (`medground.editors`) that can also make any region normal."""

    @property
    def version(self) -> str:
        """Changes whenever it would make other pictures: code, weights, settings, seed."""
        ...

    def normal_within(self, case: Case, regions: Sequence[Mask]) -> list[Picture]:
        """The case's picture with "No abnormality" inside each region, one picture a region, all in the study frame.

        Same inputs, same bytes. What a picture shows outside its region is not used.
        """
        ...


def hidden(case: Case, regions: Sequence[Mask], fill: Fill) -> list[Picture]:
    """The case's picture with each region hidden; outside its region, every picture is the original.

    regions  masks of the study frame
    """
    if fill is Fill.EDITOR:
        edited: Sequence[Picture | np.uint8] = _editor_of(case).normal_within(case, regions)
    else:
        edited = [_grey(case, fill)] * len(regions)
    pictures = [case.picture.copy() for _ in regions]
    for picture, region, new in zip(pictures, regions, edited, strict=True):
        np.copyto(picture, new, where=region)
    return pictures


def _grey(case: Case, fill: Fill) -> np.uint8:
    """0, or the mean of the picture without the black bars of its letterbox."""
    if fill is Fill.ZERO:
        return np.uint8(0)
    return np.uint8(round(float(case.picture[touched_pixels(content_box(case))].mean())))


def editor_versions(fill: Fill, sources: Iterable[str]) -> dict[str, str]:
    """What hiding by this fill depends on besides its name: source -> version of its editor; none for greys.

    A source without an editor that edits regions is left out: hiding says so, and what to do.
    """
    if fill is not Fill.EDITOR:
        return {}
    versions = {}
    for source in sorted(set(sources)):
        with suppress(Unsupported):
            versions[source] = _editor_of_source(source).version
    return versions


def _editor_of(case: Case) -> RegionEditor:
    parts = case_parts(case.case_id)
    if parts is None:
        raise Unsupported(
            f"the fill `editor` needs a case of the benchmark, and {case.case_id!r} names no source. Choose the fill "
            "zero or mean."
        )
    return _editor_of_source(parts.source)


@lru_cache(maxsize=8)
def _editor_of_source(source: str) -> RegionEditor:
    """The phantom's own, or the one that a source names for its pictures; Unsupported where none edits regions."""
    if source == PHANTOM:
        return PhantomRegions()
    what = f"the fill `editor` needs the editor of the pictures' source, {source}"
    if source not in {plugin.name for plugin in plugins.available("sources")}:
        raise Unsupported(f"{what}, and no such source is installed here. Choose the fill zero or mean.")
    # Both are asked as classes: a source of files opens only on its copies, and an editor may need its weights.
    name = plugins.load("sources", source).editor
    kind = plugins.load("editors", name)
    if not hasattr(kind, "normal_within"):
        raise Unsupported(f"{what}, but {name} cannot edit any region. Choose the fill zero or mean.")
    editor: RegionEditor = kind()
    return editor
