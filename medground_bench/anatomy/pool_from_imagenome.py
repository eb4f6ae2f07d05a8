"""A reference pool from a user's own copy of Chest ImaGenome and MIMIC-CXR-JPG.

Source: paper, Appendix D: normal pictures complete in all 11 concepts, 16 of them. What is read:

    silver_dataset/scene_graph/<dicom_id>_SceneGraph.json    of ImaGenome, or any folder of such files
    files/p1x/<patient>/<study>/<dicom_id>.jpg               of the pictures, or any folder of <dicom_id>.jpg or .png

Boxes are taken in ImaGenome's own frame (x1, y1, x2, y2: longest side 224 px, centred), which is the study frame, so
copies of the pictures at any size serve. A mask is its box unless the user gives mask files. A picture is normal when
its scene graph describes something and says `yes` to no anatomical finding, no disease, no tube, line or device, and
not to `abnormal`. One that only a device keeps from being normal is told; so is one with two boxes of a concept.

These pictures are credentialed: a pool of them stays where its user puts it, and calls them by a digest, because the
name of a reference travels with results.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Literal, NotRequired, TypedDict

import numpy as np

from medground_bench.anatomy.atlas import ReferencePicture
from medground_bench.anatomy.pool_from_folder import mask_of
from medground_bench.core.concepts import CONCEPTS
from medground_bench.core.errors import BadAtlas, BadPicture, SourceMissing, told
from medground_bench.core.types import Mask, Picture
from medground_bench.pictures import SUFFIXES, read_picture, to_study
from medground_bench.storage.whole_files import sha256

ENDING = "_SceneGraph.json"
SIDE = 224
LICENCE = "PhysioNet Credentialed Health Data License 1.5.0: may not be passed on"
ABNORMAL = ("anatomicalfinding|yes|", "disease|yes|", "nlp|yes|abnormal")
DEVICE = ("tubesandlines|yes|", "device|yes|", "devices|yes|")
CORNERS: tuple[Literal["x1", "y1", "x2", "y2"], ...] = ("x1", "y1", "x2", "y2")
ORIGINAL = 1.2
"""Original pixels for one of the 224-px square, from which the two cannot be mistaken for each other."""

LEAST_INSIDE = 0.5
"""Share of a box that lies in the picture, at least; silver boxes reach a little beyond it."""


class GraphBox(TypedDict):
    """A place as the data set writes it: pixels of the 224-px square and, under `original_`, of the picture."""

    bbox_name: str
    object_id: NotRequired[object]
    x1: float
    y1: float
    x2: float
    y2: float
    original_x1: NotRequired[float]
    original_x2: NotRequired[float]


class GraphPlace(TypedDict):
    """What the report says of a place: lists in lists of texts."""

    attributes: object


class SceneGraph(TypedDict):
    """What is read of one, as the data set writes it; a file that does not is met where it is read."""

    objects: list[GraphBox]
    attributes: list[GraphPlace]
    patient_id: object
    study_id: object


@dataclass(frozen=True, slots=True)
class Collected:
    """What a pool is to be made of.

    references  in order of their names at the source
    left_out    ImaGenome id of a normal picture, or name of a file -> why it could not serve
    looked_at   scene graphs read; None where there are none to read
    """

    references: list[ReferencePicture]
    left_out: dict[str, str]
    looked_at: int | None


def imagenome_references(
    imagenome: Path,
    images: Path,
    *,
    count: int = 16,
    masks: Path | None = None,
    advance: Callable[[int], object] = lambda _more: None,
) -> Collected:
    """The first `count` normal pictures, by id, that are complete in all 11 concepts.

    masks    folder of <dicom_id>.<concept>.png, each taken instead of the box
    advance  is told how many more scene graphs were looked at
    raises   SourceMissing where there are no scene graphs, BadAtlas where none of them will do
    """
    references: list[ReferencePicture] = []
    left_out: dict[str, str] = {}
    looked_at = 0
    for file in _scene_graphs(imagenome):
        looked_at += 1
        advance(1)
        dicom = file.name.removesuffix(ENDING)
        try:
            graph = _read_graph(file)
            if _normal(graph):
                _refuse_devices(graph)
                references.append(_reference(dicom, graph, images, masks))
        except (BadAtlas, BadPicture) as problem:
            left_out[dicom] = str(problem)
        if len(references) == count:
            break
    if not references:
        reasons = [f"{dicom}: {reason}" for dicom, reason in left_out.items()]
        raise BadAtlas(
            f"none of {looked_at} scene graphs under {imagenome} gives a complete normal picture: "
            f"{told(reasons) if reasons else 'none is normal'}. Check the folders."
        )
    return Collected(references, left_out, looked_at)


def _scene_graphs(imagenome: Path) -> Iterator[Path]:
    """Sorted by id, so that the same copy gives the same pool."""
    usual = (imagenome / "silver_dataset" / "scene_graph", imagenome / "scene_graph", imagenome)
    for folder in usual:
        names = sorted(folder.glob(f"*{ENDING}")) if folder.is_dir() else []
        if names:
            return iter(names)
    raise SourceMissing(
        f"{imagenome} holds no scene graph (*{ENDING}). Give your copy of Chest ImaGenome with "
        "silver_dataset/scene_graph.zip unpacked."
    )


def _read_graph(file: Path) -> SceneGraph:
    try:
        graph: SceneGraph = json.loads(file.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise BadAtlas(f"{file.name} is not JSON ({error})") from error
    needed = ("objects", "attributes", "patient_id", "study_id")
    absent = [key for key in needed if not isinstance(graph, dict) or key not in graph]
    if absent:
        raise BadAtlas(f"{file.name} has no {' and no '.join(absent)}")
    try:
        _attributes(graph)
        _boxes(graph)
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadAtlas(
            f"{file.name} is damaged: its objects or attributes are not those of a graph"
        ) from error
    return graph


def _attributes(graph: SceneGraph) -> list[str]:
    """Everything that the report says of any place, such as `anatomicalfinding|yes|lung opacity`; lower case."""
    return [
        "|".join(" ".join(part.split()) for part in text.lower().split("|"))
        for place in graph["attributes"]
        for text in _texts(place["attributes"])
    ]


def _texts(nested: object) -> Iterator[str]:
    """The texts of lists in lists, however deep; TypeError for anything else, which must not pass for silence."""
    if isinstance(nested, str):
        yield nested
    elif isinstance(nested, list):
        for each in nested:
            yield from _texts(each)
    else:
        raise TypeError(f"{type(nested).__name__} among attributes")


def _boxes(graph: SceneGraph) -> dict[str, list[GraphBox]]:
    """Concept -> its boxes as they stand in the graph, one where all is well; names in any case and spacing."""
    boxes: dict[str, list[GraphBox]] = {}
    for each in graph["objects"]:
        name = " ".join(each["bbox_name"].lower().split())
        if name in CONCEPTS:
            boxes.setdefault(name, []).append(each)
    return boxes


def _normal(graph: SceneGraph) -> bool:
    attributes = _attributes(graph)
    return bool(attributes) and not any(attribute.startswith(ABNORMAL) for attribute in attributes)


def _refuse_devices(graph: SceneGraph) -> None:
    attributes = _attributes(graph)
    devices = {attribute.rpartition("|")[2] for attribute in attributes if attribute.startswith(DEVICE)}
    if devices:
        raise BadAtlas(f"it shows {', '.join(sorted(devices))}: no picture of normal anatomy alone")


def _reference(dicom: str, graph: SceneGraph, images: Path, masks: Path | None) -> ReferencePicture:
    picture = read_picture(_image(dicom, graph, images))
    boxes = _boxes(graph)
    drawn: dict[str, Mask] = {}
    problems = _doubled_ids(boxes)
    for concept in CONCEPTS:
        try:
            file = _mask_file(masks, dicom, concept)
            if file is not None:
                drawn[concept] = mask_of(file, picture)
            elif concept in boxes:
                drawn[concept] = _box_mask(concept, _the_box(concept, boxes), picture)
            else:
                problems.append(f"no box of {concept}")
        except (BadAtlas, BadPicture) as problem:
            problems.append(str(problem))
    if problems:
        raise BadAtlas(", ".join(problems))
    name = f"imagenome-{sha256(dicom.encode())[:12]}"
    source = f"Chest ImaGenome 1.0.0 and MIMIC-CXR-JPG, {dicom}"
    return ReferencePicture(name, to_study(picture, SIDE).picture, drawn, source, LICENCE)


def _image(dicom: str, graph: SceneGraph, images: Path) -> Path:
    patient, study = f"p{graph['patient_id']}", f"s{graph['study_id']}"
    nested = Path(patient[:3]) / patient / study
    for folder in (images / "files" / nested, images / nested, images):
        for suffix in SUFFIXES:
            if (folder / f"{dicom}{suffix}").is_file():
                return folder / f"{dicom}{suffix}"
    raise BadAtlas(f"its picture is not under {images}")


def _mask_file(masks: Path | None, dicom: str, concept: str) -> Path | None:
    if masks is None:
        return None
    names = {f"{dicom}.{concept}.png", f"{dicom}.{concept.replace(' ', '_')}.png"}
    files = sorted(masks / name for name in names if (masks / name).is_file())
    if len(files) > 1:
        raise BadAtlas(f"{files[0].name} and {files[1].name} are both its mask of the {concept}")
    return files[0] if files else None


def _doubled_ids(boxes: Mapping[str, list[GraphBox]]) -> list[str]:
    """What is wrong with the identities of the boxes of different concepts."""
    ids = Counter(str(box["object_id"]) for each in boxes.values() for box in each[:1] if "object_id" in box)
    return [f"the object id {name} stands for {count} concepts" for name, count in ids.items() if count > 1]


def _the_box(concept: str, boxes: Mapping[str, list[GraphBox]]) -> list[float]:
    """x0, y0, x1, y1 of the only box of a concept, pixels of the 224-px square."""
    own = boxes[concept]
    if len(own) > 1:
        raise BadAtlas(f"{len(own)} boxes of {concept}")
    corners = _corners(concept, own[0])
    scales = [scale for each in boxes.values() for box in each if (scale := _scale(box)) is not None]
    if _scale(own[0]) == 1 and median(scales) > ORIGINAL:
        raise BadAtlas(f"the box of {concept} is in original pixels, unlike the others")
    return corners


def _scale(box: GraphBox) -> float | None:
    """Original pixels for one of the 224-px square, by a box that the graph gives in both; None where it does not."""
    try:
        own = float(box["x2"]) - float(box["x1"])
        original = float(box["original_x2"]) - float(box["original_x1"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    return original / own if own > 0 and math.isfinite(original) else None


def _box_mask(concept: str, corners: list[float], picture: Picture) -> Mask:
    """The box clipped to the radiograph; silver boxes can be negative, reach outside or have no area."""
    x0, y0, x1, y1 = corners
    if x1 < x0 or y1 < y0:
        raise BadAtlas(f"the box of {concept} ends before it begins")
    letterbox = to_study(picture, SIDE).letterbox
    left, top = max(x0, letterbox.left), max(y0, letterbox.top)
    right = min(x1, letterbox.left + letterbox.content_width)
    bottom = min(y1, letterbox.top + letterbox.content_height)
    mask = np.zeros((SIDE, SIDE), bool)
    if left < right and top < bottom:
        mask[round(top) : round(bottom), round(left) : round(right)] = True
    if not mask.any():
        raise BadAtlas(f"the box of {concept} has no area in the picture")
    inside = (right - left) * (bottom - top) / ((x1 - x0) * (y1 - y0))
    if inside < LEAST_INSIDE:
        raise BadAtlas(
            f"{1 - inside:.0%} of the box of {concept} lie outside the picture: another one was annotated, or in other "
            f"pixels than those of a {SIDE}-px square"
        )
    return mask


def _corners(concept: str, box: GraphBox) -> list[float]:
    """x0, y0, x1, y1 of a box as it stands in the graph."""
    try:
        corners = [float(box[key]) for key in CORNERS]
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise BadAtlas(f"the box of {concept} is damaged") from error
    if not all(map(math.isfinite, corners)):
        raise BadAtlas(f"the box of {concept} is damaged")
    return corners
