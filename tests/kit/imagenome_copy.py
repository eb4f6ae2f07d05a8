"""A synthetic copy of Chest ImaGenome and MIMIC-CXR-JPG in their true formats."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from PIL import Image

from medground_bench.core.geometry import Letterbox, tight_box
from medground_bench.core.types import Frame
from medground_bench.phantom.scene import Scene

NORMAL = ["nlp|yes|normal"]
PATIENT, STUDY = 10000032, 50414267


class Copy:
    """Scene graphs and pictures of phantoms, written as the two data sets are laid out."""

    def __init__(self, root: Path) -> None:
        self.graphs = root / "imagenome" / "silver_dataset" / "scene_graph"
        self.imagenome, self.images = root / "imagenome", root / "mimic-cxr-jpg"
        self.studies = self.images / "files" / "p10" / f"p{PATIENT}" / f"s{STUDY}"
        self.graphs.mkdir(parents=True)
        self.studies.mkdir(parents=True)

    def add(self, dicom: str, said: list[str], **changed: Any) -> Scene:
        """One picture; `changed` replaces boxes (concept with _ for spaces -> xyxy at 224 px, None leaves it out)."""
        scene = Scene.sample(6_000_200 + len(list(self.graphs.iterdir())))
        Image.fromarray(scene.native()).save(self.studies / f"{dicom}.jpg", quality=95)
        boxes = boxes_224(scene) | {name.replace("_", " "): box for name, box in changed.items()}
        objects = [box_object(dicom, name, box, scene) for name, box in boxes.items() if box is not None]
        objects.append(box_object(dicom, "spine", (100, 20, 120, 200), scene))
        graph = {
            "image_id": dicom, "viewpoint": "PA", "patient_id": PATIENT, "study_id": STUDY, "gender": "F",
            "age_decile": "50-60", "reason_for_exam": "made up", "StudyOrder": 1, "StudyDateTime": "2180-01-01",
            "objects": objects, "relationships": [],
            "attributes": [{
                "left lung": True, "bbox_name": "left lung", "synsets": ["C1"], "name": "Left lung",
                "attributes": [said], "attributes_ids": [["C2"]], "phrases": ["made up"], "phrase_IDs": ["1|1"],
                "sections": ["finalreport"], "object_id": f"{dicom}_left lung",
            }],
        }  # fmt: skip
        (self.graphs / f"{dicom}_SceneGraph.json").write_text(json.dumps(graph))
        return scene


def boxes_224(scene: Scene) -> dict[str, Any]:
    letterbox = letterbox_of(scene)
    boxes = {}
    for concept, mask in scene.native_concept_masks().items():
        box = tight_box(mask, letterbox.native)
        assert box is not None
        boxes[concept] = letterbox.to_study(box).xyxy
    return boxes


def letterbox_of(scene: Scene) -> Letterbox:
    return Letterbox.fit(Frame.native(scene.native_width, scene.native_height))


def box_object(dicom: str, name: str, box: Any, scene: Scene) -> dict[str, Any]:
    x1, y1, x2, y2 = (round(value) for value in box)
    ratio, letterbox = max(scene.native_width, scene.native_height) / 224, letterbox_of(scene)
    native = {
        f"original_{key}": round((value - bar) * ratio)
        for key, value, bar in zip(
            ("x1", "y1", "x2", "y2"), (x1, y1, x2, y2), (letterbox.left, letterbox.top) * 2, strict=True
        )
    }
    return {
        "object_id": f"{dicom}_{name}", "x1": x1, "y1": y1, "x2": x2, "y2": y2, "width": x2 - x1, "height": y2 - y1,
        "bbox_name": name, "synsets": ["C1"], "name": name, **native,
        "original_width": native["original_x2"] - native["original_x1"],
        "original_height": native["original_y2"] - native["original_y1"],
    }  # fmt: skip
