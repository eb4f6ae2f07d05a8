"""A reference pool from any folder of chest X-rays with one mask file per concept.

    normal-1.png                        a picture, any format that `pictures.read_picture` reads, any size
    normal-1.left lung.png              its mask of the left lung, same size; "left_lung" is read as well
    normal-1.cardiac silhouette.png     ... and so on for all 11 concepts of `concepts.CONCEPTS`

A name may have dots of its own, as a DICOM UID has: 1.2.3.png and 1.2.3.4.png are two pictures when both have masks.
A pixel belongs to a mask when it is brighter than half of the mask's brightest, so files of 0/1, 0/255 and true/false
work.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path

from medground_bench.anatomy.atlas import ReferencePicture
from medground_bench.core.concepts import CONCEPTS
from medground_bench.core.errors import BadAtlas, BadPicture, SourceMissing, told
from medground_bench.core.types import Mask, Picture
from medground_bench.pictures import SUFFIXES, Levels, mask_to_study, read_picture, to_study


def references_in(folder: Path, *, source: str, licence: str) -> list[ReferencePicture]:
    """Every picture of a folder with its masks, in the study frame, sorted by name.

    raises  BadAtlas with all problems at once: a concept without mask, an unknown concept, a mask of another size, a
            file that cannot be read, two files of one picture or mask; SourceMissing for a folder without pictures
    """
    files = _files(folder)
    masks = [file for file in files if _concept(file) is not None]
    others = [file for file in files if _concept(file) is None]
    owners = {_owner(mask) for mask in masks}
    pictures = {file.stem: file for file in others if file.stem in owners or not _mask_like(file, files)}
    if not pictures:
        raise SourceMissing(
            f"{folder} holds no picture. Give a folder of chest X-rays ({', '.join(SUFFIXES)})."
        )
    problems = [_unknown(file) for file in others if file.stem not in pictures]
    problems += [f"{file.name} is a mask of no picture" for file in masks if _owner(file) not in pictures]
    problems += _twice(files)
    references = []
    for name, file in sorted(pictures.items()):
        own = {concept: mask for mask in masks if _owner(mask) == name and (concept := _concept(mask))}
        try:
            references.append(reference_of(name, read_picture(file), own, source=source, licence=licence))
        except (BadAtlas, BadPicture) as problem:
            problems.append(str(problem))
    if problems:
        raise BadAtlas(
            f"{folder}: {told(problems)}. Every picture needs one mask <picture>.<concept>.png of each of the "
            "11 concepts."
        )
    return references


def skipped_in(folder: Path) -> dict[str, str]:
    """Name of a file that `references_in` does not read -> why; folders and hidden files are not told."""
    return {
        file.name: f"skipped, only {', '.join(SUFFIXES)} are read"
        for file in sorted(folder.iterdir())
        if file.is_file() and not file.name.startswith(".") and file.suffix.lower() not in SUFFIXES
    }


def reference_of(
    name: str, picture: Picture, masks: Mapping[str, Path], *, source: str, licence: str
) -> ReferencePicture:
    """One picture (height, width) with its mask files; BadAtlas names every concept that is missing or wrong."""
    problems = []
    missing = [concept for concept in CONCEPTS if concept not in masks]
    if missing:
        problems.append(f"{name} has no mask of {', '.join(missing)}")
    read: dict[str, Mask] = {}
    for concept, file in masks.items():
        try:
            read[concept] = mask_of(file, picture)
        except (BadAtlas, BadPicture) as problem:
            problems.append(str(problem))
    if problems:
        raise BadAtlas("; ".join(problems))
    return ReferencePicture(name, to_study(picture).picture, read, source, licence)


def mask_of(file: Path, picture: Picture) -> Mask:
    """A mask file of a picture, brought to the study frame."""
    grey = read_picture(file, Levels.MIN_MAX)
    if grey.shape != picture.shape:
        (height, width), (rows, columns) = grey.shape, picture.shape
        raise BadAtlas(f"{file.name} is {width} x {height} px, its picture {columns} x {rows} px")
    mask = mask_to_study(grey > grey.max() / 2)
    if not mask.any():
        raise BadAtlas(f"{file.name} is empty in the study frame")
    return mask


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise SourceMissing(f"{folder}: there is no such folder. Check the path.")
    return sorted(file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES)


def _owner(file: Path) -> str:
    return file.stem.rpartition(".")[0]


def _concept(file: Path) -> str | None:
    name = file.stem.rpartition(".")[2].replace("_", " ").lower()
    return name if name in CONCEPTS and _owner(file) else None


def _twice(files: Iterable[Path]) -> list[str]:
    """Two files of one picture or mask: which of them is meant is not ours to guess."""
    named = defaultdict(list)
    for file in files:
        concept = _concept(file)
        of = f"picture {file.stem}" if concept is None else f"mask of the {concept} of {_owner(file)}"
        named[of].append(file.name)
    return [f"{a} and {b} are both the {of}" for of, names in named.items() for a, b in pairwise(names)]


def _mask_like(file: Path, files: Sequence[Path]) -> bool:
    """Whether it is named as part of another picture, so that a misspelt concept is not taken for a picture."""
    return any(file.stem.startswith(f"{other.stem}.") for other in files if other != file)


def _unknown(file: Path) -> str:
    name = file.stem.rpartition(".")[2].replace("_", " ").lower()
    near = get_close_matches(name, CONCEPTS, n=2)
    return f"{file.name}: no concept is called {name!r}" + (f", perhaps {' or '.join(near)}" if near else "")
