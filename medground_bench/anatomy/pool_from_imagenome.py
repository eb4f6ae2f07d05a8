"""A reference pool from a user's own copy of Chest ImaGenome and MIMIC-CXR-JPG.

Source: paper, Appendix D: normal pictures complete in all 11 concepts, 16 of them. What is read:

    <imagenome>/silver_dataset/scene_graph/<dicom_id>_SceneGraph.json    or any folder of such files
    <images>/files/p1x/<patient>/<study>/<dicom_id>.jpg                 or any folder of <dicom_id>.jpg or .png

Boxes are taken in ImaGenome's own frame (x1, y1, x2, y2: longest side 224 px, centred), which is the study frame, so
copies of the pictures at any size serve. A mask is its box unless the user gives mask files. A picture is normal when
its scene graph describes something and says `yes` to no anatomical finding, no disease and not to `abnormal`.

These pictures are credentialed: a pool of them stays where its user puts it, and calls them by a digest, because the
name of a reference travels with results.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from medground_bench.anatomy.atlas import Reference
from medground_bench.anatomy.concepts import CONCEPTS
from medground_bench.anatomy.pool_from_folder import mask_of
from medground_bench.durable import sha256
from medground_bench.errors import BadAtlas, BadPicture, SourceMissing, told
from medground_bench.pictures import SUFFIXES, read_picture, to_study
from medground_bench.types import Mask, Picture

ENDING = "_SceneGraph.json"
SIDE = 224
LICENCE = "PhysioNet Credentialed Health Data License 1.5.0: may not be passed on"
ABNORMAL = ("anatomicalfinding|yes|", "disease|yes|", "nlp|yes|abnormal")


@dataclass(frozen=True, slots=True)
class Collected:
    """What a pool is to be made of.

    references  in order of their names at the source
    left_out    ImaGenome id of a normal picture, or name of a file -> why it could not serve
    looked_at   scene graphs read; None where there are none to read
    """

    references: list[Reference]
    left_out: dict[str, str]
    looked_at: int | None


def imagenome_references(
    imagenome: Path, images: Path, *, count: int = 16, masks: Path | None = None
) -> Collected:
    """The first `count` normal pictures, by id, that are complete in all 11 concepts.

    masks   folder of <dicom_id>.<concept>.png, each taken instead of the box
    raises  SourceMissing where there are no scene graphs, BadAtlas where none of them will do
    """
    references: list[Reference] = []
    left_out: dict[str, str] = {}
    looked_at = 0
    for file in _scene_graphs(imagenome):
        looked_at += 1
        dicom = file.name.removesuffix(ENDING)
        try:
            graph = _read_graph(file)
            if _normal(graph):
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


def _read_graph(file: Path) -> Mapping[str, Any]:
    try:
        graph = json.loads(file.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise BadAtlas(f"{file.name} is not JSON ({error})") from error
    needed = ("objects", "attributes", "patient_id", "study_id")
    absent = [key for key in needed if not isinstance(graph, dict) or key not in graph]
    if absent:
        raise BadAtlas(f"{file.name} has no {' and no '.join(absent)}")
    try:
        _said(graph)
        _boxes(graph)
    except (KeyError, TypeError, AttributeError) as error:
        raise BadAtlas(
            f"{file.name} is damaged: its objects or attributes are not those of a graph"
        ) from error
    return graph


def _said(graph: Mapping[str, Any]) -> list[str]:
    """Everything that the report says of any place, such as `anatomicalfinding|yes|lung opacity`."""
    places = graph["attributes"]
    return [str(said) for place in places for group in place["attributes"] for said in group]


def _boxes(graph: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {each["bbox_name"]: each for each in graph["objects"] if each["bbox_name"] in CONCEPTS}


def _normal(graph: Mapping[str, Any]) -> bool:
    said = _said(graph)
    return bool(said) and not any(attribute.startswith(ABNORMAL) for attribute in said)


def _reference(dicom: str, graph: Mapping[str, Any], images: Path, masks: Path | None) -> Reference:
    picture = read_picture(_image(dicom, graph, images))
    boxes = _boxes(graph)
    found: dict[str, Mask] = {}
    problems = []
    for concept in CONCEPTS:
        try:
            file = _mask_file(masks, dicom, concept)
            if file is not None:
                found[concept] = mask_of(file, picture)
            elif concept in boxes:
                found[concept] = _box_mask(concept, boxes[concept], picture)
            else:
                problems.append(f"no box of {concept}")
        except (BadAtlas, BadPicture) as problem:
            problems.append(str(problem))
    if problems:
        raise BadAtlas(", ".join(problems))
    name = f"imagenome-{sha256(dicom.encode())[:12]}"
    source = f"Chest ImaGenome 1.0.0 and MIMIC-CXR-JPG, {dicom}"
    return Reference(name, to_study(picture, SIDE).picture, found, source, LICENCE)


def _image(dicom: str, graph: Mapping[str, Any], images: Path) -> Path:
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
    found = sorted(masks / name for name in names if (masks / name).is_file())
    if len(found) > 1:
        raise BadAtlas(f"{found[0].name} and {found[1].name} are both its mask of the {concept}")
    return found[0] if found else None


def _box_mask(concept: str, box: Mapping[str, Any], picture: Picture) -> Mask:
    """The box clipped to the radiograph; silver boxes can be negative, reach outside or have no area."""
    x0, y0, x1, y1 = _corners(concept, box)
    letterbox = to_study(picture, SIDE).letterbox
    radiograph = np.zeros((SIDE, SIDE), bool)
    radiograph[
        letterbox.top : letterbox.top + letterbox.content_height,
        letterbox.left : letterbox.left + letterbox.content_width,
    ] = True
    mask = np.zeros((SIDE, SIDE), bool)
    mask[round(max(y0, 0)) : round(max(y1, 0)), round(max(x0, 0)) : round(max(x1, 0))] = True
    if not mask.any():
        raise BadAtlas(f"the box of {concept} has no area")
    if 2 * (mask & radiograph).sum() < mask.sum():
        raise BadAtlas(f"the box of {concept} lies in the bars beside the picture: another one was annotated")
    return mask & radiograph


def _corners(concept: str, box: Mapping[str, Any]) -> list[float]:
    """x0, y0, x1, y1 of a box as it stands in the graph."""
    try:
        corners = [float(box[key]) for key in ("x1", "y1", "x2", "y2")]
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise BadAtlas(f"the box of {concept} is damaged") from error
    if not all(map(math.isfinite, corners)):
        raise BadAtlas(f"the box of {concept} is damaged")
    return corners
