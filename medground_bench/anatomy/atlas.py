"""Reference pools: normal chest X-rays in the study frame with a mask for every anatomical concept.

A pool is a folder: one grey PNG per picture, one 16-bit PNG of its masks (bit i set = the pixel belongs to concept i of
the manifest), and `manifest.json` with source, licence and SHA-256 of every file. The shipped pool holds 16 normal
phantoms, because pictures of credentialed data sets may not be passed on; a user's own pool (`medground atlas build`)
has the same form. The localizers use the shipped pool unless the environment variable MEDGROUND_ATLAS names another.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TypedDict, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from medground_bench.anatomy.regions import regions_of_masks
from medground_bench.core.concepts import CONCEPTS, ConceptRegions
from medground_bench.core.errors import BadAtlas, SourceMissing, told
from medground_bench.core.geometry import tight_box
from medground_bench.core.types import Box, Frame, Mask, Picture
from medground_bench.phantom import seeds
from medground_bench.pictures import mask_to_study, to_study
from medground_bench.pictures.synthetic import png_of
from medground_bench.storage.whole_files import sha256, write_whole

PHANTOM_POOL = Path(__file__).with_name("phantom_pool")
CT_POOL = Path(__file__).with_name("ct_pool")
MANIFEST = "manifest.json"
ATLAS_VARIABLE = "MEDGROUND_ATLAS"
"""Environment variable: folder of the pool that localizers use instead of the shipped one."""


class PoolFile(TypedDict):
    """A file of a pool: its name in the folder, and its digest."""

    file: str
    sha256: str


class PoolEntry(TypedDict):
    """One reference as the manifest tells it."""

    name: str
    source: str
    licence: str
    picture: PoolFile
    masks: PoolFile


class PoolManifest(TypedDict):
    """What `load_atlas` reads of `manifest.json`."""

    side: int
    concepts: list[str]
    pictures: list[PoolEntry]


@dataclass(frozen=True, slots=True, eq=False)
class ReferencePicture:
    """One normal picture (side, side) in the study frame and its concept masks, bool (side, side).

    synthetic  how it was made, where it shows no person as they are; its PNG says so
    """

    name: str
    picture: Picture
    masks: Mapping[str, Mask]
    source: str
    licence: str
    synthetic: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Atlas:
    """A verified reference pool.

    pictures  (references, side, side) uint8
    masks     (references, concepts, side, side) bool, none of them empty
    digest    of the pool it was read from, as `pool_digest`; None for one that was put together in memory
    """

    names: tuple[str, ...]
    concepts: tuple[str, ...]
    pictures: NDArray[np.uint8]
    masks: NDArray[np.bool_]
    digest: str | None = None

    def __repr__(self) -> str:
        """How many references of which pool: a localizer's settings are told by its repr, and go into run keys."""
        return f"<{len(self.names)} references, {self.digest[:12] if self.digest else 'in memory'}>"

    @property
    def frame(self) -> Frame:
        """The study frame of every reference."""
        return Frame.study_of(self.pictures[0])

    def first(self, count: int) -> Atlas:
        """The pool cut to its first references; all of them when there are fewer than `count`."""
        if count < 1:
            raise ValueError(f"an atlas needs at least one reference, not {count}")
        return replace(
            self, names=self.names[:count], pictures=self.pictures[:count], masks=self.masks[:count]
        )

    def regions(self, masks: NDArray[np.bool_]) -> ConceptRegions:
        """What a picture shows of the concepts, by their masks (concepts, side, side); one that is empty is missing."""
        return regions_of_masks(dict(zip(self.concepts, masks, strict=True)), sought=self.concepts)

    def mean_boxes(self) -> dict[str, Box]:
        """Concept -> the mean of its tight boxes over all references, study frame."""
        means = {}
        for concept, masks in zip(self.concepts, self.masks.swapaxes(0, 1), strict=True):
            x0, y0, x1, y1 = np.mean([self._box(mask).xyxy for mask in masks], axis=0).tolist()
            means[concept] = Box(x0, y0, x1, y1, self.frame)
        return means

    def _box(self, mask: Mask) -> Box:
        box = tight_box(mask, self.frame)
        assert box is not None, "load_atlas refuses empty masks"
        return box


def load_atlas(folder: Path) -> Atlas:
    """Read a pool and verify every checksum, size and concept; all problems are listed in one BadAtlas."""
    manifest = _read_manifest(folder)
    concepts, side = tuple(manifest["concepts"]), int(manifest["side"])
    names, pictures, masks, problems = [], [], [], []
    for entry in manifest["pictures"]:
        try:
            picture = _verified(folder, entry["picture"], side)
            planes = _verified(folder, entry["masks"], side)
        except BadAtlas as problem:
            problems.append(str(problem))
            continue
        split = (planes.astype(np.uint16) >> np.arange(len(concepts))[:, None, None]) & 1 == 1
        absent = [concept for concept, mask in zip(concepts, split, strict=True) if not mask.any()]
        if absent:
            problems.append(f"{entry['name']} has no mask of {', '.join(absent)}")
        names.append(entry["name"])
        pictures.append(picture.astype(np.uint8))
        masks.append(split)
    if problems or not names:
        _refuse(folder, problems or ["the manifest lists no picture"])
    return Atlas(tuple(names), concepts, np.stack(pictures), np.stack(masks), pool_digest(folder))


def atlas_folder() -> Path:
    """Folder of the pool that localizers use: MEDGROUND_ATLAS where it is set, the shipped one else."""
    return Path(os.environ.get(ATLAS_VARIABLE) or PHANTOM_POOL).resolve()


def pool_digest(folder: Path | None = None) -> str:
    """SHA-256 of a pool's manifest, which holds the digest of every file; None for the pool that localizers use."""
    return sha256(_manifest_of(folder or atlas_folder()))


def default_atlas() -> Atlas:
    """The pool of `atlas_folder`, read once a process."""
    return _kept(atlas_folder())


def phantom_atlas() -> Atlas:
    """The shipped pool of phantoms, read once a process."""
    return _kept(PHANTOM_POOL)


def ct_atlas() -> Atlas:
    """The shipped pool of radiographs that were rendered from one CT, read once a process."""
    return _kept(CT_POOL)


@cache
def _kept(folder: Path) -> Atlas:
    return load_atlas(folder)


def save_pool(folder: Path, references: Iterable[ReferencePicture], *, credentialed: bool = False) -> None:
    """Write a pool; a reference without one of the 11 concepts is refused. Same references, same bytes.

    A credentialed pool says so in its manifest, carries a .gitignore that hides all of it, and is refused a place
    inside a git checkout: its pictures may not be passed on.
    """
    if credentialed:
        _demand_private(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if credentialed:
        write_whole(folder / ".gitignore", b"*\n")
    entries: list[PoolEntry] = []
    side = 0
    for reference in references:
        missing = [concept for concept in CONCEPTS if not _any(reference.masks.get(concept))]
        if missing:
            _refuse(folder, [f"{reference.name} has no mask of {', '.join(missing)}"])
        planes = np.zeros(reference.picture.shape, np.uint16)
        for bit, concept in enumerate(CONCEPTS):
            planes |= reference.masks[concept].astype(np.uint16) << bit
        side = len(reference.picture)
        entries.append(
            {
                "name": reference.name,
                "source": reference.source,
                "licence": reference.licence,
                "picture": _save_png(
                    folder / f"{reference.name}.png", reference.picture, reference.synthetic
                ),
                "masks": _save_png(folder / f"{reference.name}.masks.png", planes),
            }
        )
    first: dict[str, object] = {"credentialed": True} if credentialed else {}
    manifest = first | {"side": side, "concepts": CONCEPTS, "pictures": entries}
    write_whole(folder / MANIFEST, (json.dumps(manifest, indent=1) + "\n").encode())


def build_phantom_pool(folder: Path, scenes: Iterable[int] = seeds.ATLAS) -> None:
    """Normal phantoms as a pool: each radiograph at its native size, letterboxed like every other picture."""
    from medground_bench.phantom.scene import Scene

    def reference(seed: int) -> ReferencePicture:
        scene = Scene.sample(seed)
        masks = {concept: mask_to_study(mask) for concept, mask in scene.native_concept_masks().items()}
        picture = to_study(scene.native()).picture
        return ReferencePicture(f"phantom-{seed}", picture, masks, f"phantom scene {seed}", "Apache-2.0")

    save_pool(folder, (reference(seed) for seed in scenes))


def _manifest_of(folder: Path) -> bytes:
    path = folder / MANIFEST
    if not path.is_file():
        raise SourceMissing(
            f"{folder} is no reference pool: it has no {MANIFEST}. Give the folder of a pool."
        )
    return path.read_bytes()


def _read_manifest(folder: Path) -> PoolManifest:
    path = folder / MANIFEST
    try:
        manifest = json.loads(_manifest_of(folder))
    except ValueError as error:
        raise BadAtlas(f"{path} is not JSON ({error}). Build the pool again.") from error
    if not isinstance(manifest, dict) or not {"side", "concepts", "pictures"} <= manifest.keys():
        raise BadAtlas(f"{path} needs the keys side, concepts and pictures. Build the pool again.")
    faults = _faults(manifest)
    if faults:
        _refuse(folder, faults)
    return cast(PoolManifest, manifest)


def _faults(manifest: Mapping[str, object]) -> list[str]:
    """What a manifest says in another form than `save_pool` writes it."""
    concepts, pictures = manifest["concepts"], manifest["pictures"]
    faults = [] if type(manifest["side"]) is int else ["side is no whole number"]
    if not isinstance(concepts, list) or sorted(map(str, concepts)) != sorted(CONCEPTS):
        faults.append(f"concepts are not the {len(CONCEPTS)} that a pool has masks of")
    if not isinstance(pictures, list) or not all(map(_is_entry, pictures)):
        faults.append("pictures needs entries with a name, and file and sha256 of picture and masks")
    return faults


def _is_entry(entry: object) -> bool:
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
        return False
    files = [entry.get(part) for part in ("picture", "masks")]
    return all(isinstance(file, dict) and all(isinstance(file.get(key), str) for key in ("file", "sha256"))
               for file in files)  # fmt: skip


def _verified(folder: Path, entry: PoolFile, side: int) -> NDArray[np.generic]:
    path = folder / entry["file"]
    if path.resolve().parent != folder.resolve():
        raise BadAtlas(f"{entry['file']} lies outside the pool")
    if not path.is_file():
        raise BadAtlas(f"{entry['file']} is missing")
    content = path.read_bytes()
    digest = sha256(content)
    if digest != entry["sha256"]:
        raise BadAtlas(f"{entry['file']} has SHA-256 {digest[:12]}..., expected {entry['sha256'][:12]}...")
    try:
        with Image.open(BytesIO(content), formats=("PNG",)) as image:
            values: NDArray[np.generic] = np.asarray(image)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise BadAtlas(f"{entry['file']} is no PNG that can be read ({type(error).__name__})") from error
    if values.shape != (side, side):
        raise BadAtlas(f"{entry['file']} has shape {values.shape}, expected ({side}, {side})")
    return values


def _save_png(path: Path, values: NDArray[np.generic], synthetic: str | None = None) -> PoolFile:
    content = png_of(values, synthetic)
    write_whole(path, content)
    return {"file": path.name, "sha256": sha256(content)}


def _demand_private(folder: Path) -> None:
    place = folder.resolve()
    for parent in (place, *place.parents):
        if (parent / ".git").exists():
            raise BadAtlas(
                f"{folder} lies in the git checkout {parent}, from where credentialed pictures are soon passed on. "
                "Give a folder outside of it, for example beside your copy of the source."
            )


def _any(mask: Mask | None) -> bool:
    return mask is not None and bool(mask.any())


def _refuse(folder: Path, problems: list[str]) -> None:
    raise BadAtlas(f"reference pool {folder}: {told(problems)}. Build or copy the pool again.")
