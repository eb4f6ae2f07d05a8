"""Phantoms written as the three real sources have them: folders, names, columns, codings and known oddities.

Ids are made up while a test runs. Rows stand in no order. Every finding is told as an expert would have annotated it.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom.uid import (
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from builder.editors.phantom_exact import PhantomExact
from medground_bench.core.causal_filter import Edit
from medground_bench.core.types import Answer, Picture, Question
from medground_bench.phantom import seeds
from medground_bench.phantom.patient import patient
from medground_bench.phantom.region_edits import rendered
from tests.kit.containers import dicom

CODINGS = (
    ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless, JPEGLSLossless, JPEGLosslessSV1, JPEG2000Lossless,
    HTJ2KLossless,
)  # fmt: skip
BLACK_16, STEP_16 = 300, 14
"""16-bit PNG: about 12 bits in 16, with an offset."""

FRACTION = 0.25
"""Of a pixel, by which VinDr's boxes here begin and end later."""

MIMIC_QUALITY = 95


@dataclass(frozen=True)
class Trees:
    """Where the copies are, and which phantom is behind (source, image id)."""

    imagenome: tuple[Path, Path]
    vindr_cxr: Path
    padchest_gr: Path
    phantom_of: dict[tuple[str, str], str] = field(default_factory=dict)

    def roots(self, source: str) -> tuple[Path, ...]:
        """The folders of a source, as --root gives them."""
        others = {"phantom": (), "vindr_cxr": (self.vindr_cxr,), "padchest_gr": (self.padchest_gr,)}
        return self.imagenome if source == "imagenome" else others[source]

    def twin(self, question: Question) -> Question:
        """The same question about the phantom itself."""
        return replace(
            question, source="phantom", image_id=self.phantom_of[question.source, question.image_id]
        )


@dataclass(frozen=True)
class TreeEditor:
    """Edits the picture of a tree exactly, by the phantom behind it."""

    trees: Trees
    name: str = "tree"
    version: str = "1"

    def edit(self, question: Question, picture: Picture, edit: Edit) -> Picture:
        """See `Editor`."""
        return PhantomExact().edit(self.trees.twin(question), picture, edit)


def full_range(count: int) -> list[str]:
    """The first phantoms whose greys reach from 0 to 255, so that a stretch by the own range changes none of them."""
    ids = map(str, seeds.TEST)
    return list(islice((each for each in ids if (native(each).min(), native(each).max()) == (0, 255)), count))


def native(phantom: str) -> Picture:
    """The picture of a phantom."""
    who = patient(phantom)
    return rendered(phantom, who.findings, who.marker)


@cache
def findings(phantom: str) -> dict[str, list[tuple[float, float, float, float]]]:
    """Every visible finding with its boxes."""
    who = patient(phantom)
    boxes = {finding: [box.xyxy for box in who.boxes(finding)] for finding in who.findings}
    return {finding: own for finding, own in boxes.items() if own}


def made_up(*parts: object, digits: str = "0123456789abcdef") -> Iterator[str]:
    """Endless digits that follow from the parts."""
    count = 0
    while True:
        for byte in hashlib.sha256(repr((parts, count)).encode()).digest():
            yield digits[byte % len(digits)]
        count += 1


def digits_of(length: int, *parts: object, digits: str = "0123456789abcdef") -> str:
    """The first of them."""
    endless = made_up(*parts, digits=digits)
    return "".join(next(endless) for _ in range(length))


def write_trees(root: Path, phantoms: Sequence[str]) -> Trees:
    """All three copies of the same phantoms."""
    trees = Trees(
        (root / "chest-imagenome", root / "mimic-cxr-jpg"), root / "vindr-cxr", root / "padchest-gr"
    )
    write_imagenome(trees, phantoms)
    write_vindr(trees, phantoms)
    write_padchest(trees, phantoms)
    return trees


def shuffled(rows: list, seed: int) -> list:
    """The rows in no order."""
    return [rows[i] for i in np.random.default_rng(seed).permutation(len(rows))]


def table(path: Path, rows: list[dict], delimiter: str = ",") -> None:
    """A table with the columns of its first row."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


GOLD = "gold_dataset/gold_object_attribute_with_coordinates.txt"
DENIED = "granuloma"
"""Only ever denied, with relation 1; no phantom has it."""

REGIONS = ("left lung", "right lung", "cardiac silhouette", "left lower lung zone", "right hilar structures")


def write_imagenome(trees: Trees, phantoms: Sequence[str]) -> None:
    """Two pictures a patient; whole pixels; a region may be named twice; other categories and denials among them.

    A finding of each picture is denied of another region, and `DENIED` is denied alone, both with relation 1.
    """
    gold, images = trees.imagenome
    rows = []
    for number, phantom in enumerate(phantoms):
        who = 10_000_000 + int(digits_of(6, "patient", number // 2, digits="0123456789"))
        study = 50_000_000 + int(digits_of(6, "study", number, digits="0123456789"))
        image_id = "-".join(digits_of(8, "image", phantom, part) for part in range(5))
        trees.phantom_of["imagenome", image_id] = phantom
        path = images / "files" / f"p{str(who)[:2]}" / f"p{who}" / f"s{study}" / f"{image_id}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(native(phantom)).save(path, quality=MIMIC_QUALITY)
        rows += list(
            _gold_rows(phantom, {"patient_id": who, "study_id": study, "image_id": f"{image_id}.dcm"})
        )
    table(gold / GOLD, shuffled(rows, 1), delimiter="\t")


def _gold_rows(phantom: str, ids: dict) -> Iterator[dict]:
    there = findings(phantom)
    for sentence, (finding, boxes) in enumerate(there.items()):
        for number, box in enumerate(boxes):
            yield gold_row(ids, finding, sentence, box, bbox=REGIONS[number % len(REGIONS)])
        if sentence == 0:
            yield gold_row(ids, finding, 90, boxes[0], bbox=REGIONS[0])
            yield gold_row(ids, finding, 93, (1, 1, 9, 9), bbox="spine", context="no")
    yield gold_row(ids, DENIED, 94, (1, 1, 9, 9), context="no")
    for other in ("mass", "fracture"):
        yield gold_row(ids, other, 91, (1, 1, 9, 9), relation=0, context="no")
    for category in ("technicalassessment", "tubesandlines", "device", "nlp"):
        yield gold_row(ids, f"a {category}", 92, (1, 1, 9, 9), categoryID=category)


def gold_row(ids: dict, finding: str, sentence: int, box: Sequence[float], **changed: object) -> dict:
    """A row of the gold table with all of its columns."""
    corners = [round(value) for value in box]
    category = "disease" if finding in ("atelectasis", "pneumothorax") else "anatomicalfinding"
    row = {
        "row_id": f"{ids['study_id']}|{sentence}", "sentence": 'It says: "made up\tfor a test", naïve.',
        "section": "finalreport", "bbox": "left lung", "relation": 1, "context": "yes", "label_name": finding,
        "categoryID": category, "attribute": "", "coord224": str([1, 1, 9, 9]), "coord_original": str(corners),
        **ids, "object_id": "", **changed,
    }  # fmt: skip
    row["attribute"] = f"{row['categoryID']}|{row['context']}|{row['label_name']}"
    return row


TEST_TABLE = "annotations/annotations_test.csv"


def write_vindr(trees: Trees, phantoms: Sequence[str]) -> None:
    """12 bits in 16, every other one MONOCHROME1, codings by turns; fractions of pixels; a normal without a box.

    Of four, one has a window beyond which its white lies, and one says that its white, in MONOCHROME1, is padding.
    """
    rows = [dict.fromkeys(("image_id", "class_name", "x_min", "y_min", "x_max", "y_max"), "")]
    rows[0] |= {"image_id": digits_of(32, "normal"), "class_name": "No finding"}
    (trees.vindr_cxr / "test").mkdir(parents=True)
    for number, phantom in enumerate(phantoms):
        image_id = digits_of(32, "vindr", phantom)
        trees.phantom_of["vindr_cxr", image_id] = phantom
        syntax = CODINGS[number % len(CODINGS)]
        if number % 4 == 3:
            content = windowed(native(phantom), syntax)
        else:
            padding = {"PixelPaddingValue": 0} if number % 4 == 2 else {}
            content = twelve_bits(native(phantom), syntax, inverted=number % 2 == 0, **padding)
        (trees.vindr_cxr / "test" / f"{image_id}.dicom").write_bytes(content)
        for finding, boxes in findings(phantom).items():
            for box in boxes:
                rows.append(vindr_row(image_id, finding, [value + FRACTION for value in box]))
    table(trees.vindr_cxr / TEST_TABLE, shuffled(rows, 2))


def vindr_row(image_id: str, finding: str, box: Sequence[object]) -> dict:
    """A row of the test table."""
    return {"image_id": image_id, "class_name": finding} | dict(
        zip(("x_min", "y_min", "x_max", "y_max"), box, strict=True)
    )


def windowed(picture: Picture, syntax: str) -> bytes:
    """A DICOM file of 12 bits in 16 whose white pixels lie far beyond its window."""
    values = np.rint(picture.astype(np.float64) * 3000 / 255).astype(np.uint16)
    values[picture == 255] = 4000
    return dicom(
        values, syntax, BitsStored=12, HighBit=11, WindowCenter=["1500", "9"], WindowWidth=["3000", "9"]
    )


def twelve_bits(
    picture: Picture, syntax: str = ExplicitVRLittleEndian, *, inverted: bool, **elements: object
) -> bytes:
    """A DICOM file of 12 bits in 16."""
    values = np.rint(picture.astype(np.float64) * 4095 / 255).astype(np.uint16)
    values = 4095 - values if inverted else values
    return dicom(
        values, syntax, BitsStored=12, HighBit=11,
        PhotometricInterpretation="MONOCHROME1" if inverted else "MONOCHROME2", **elements,
    )  # fmt: skip


CHOSEN, OFFICIAL = "filtered_studies.json", "grounded_reports_20240819.json"
MASTER_COLUMNS = (
    "StudyID", "ImageID", "PatientID", "PatientSex_DICOM", "PatientBirth", "PatientAge", "StudyDate_DICOM",
    "study date", "year", "label", "label_group", "locations", "boxes_count", "extra_boxes_count", "prior_study",
    "prior_imageID",
    "progression_status", "sentence_en", "sentence_es", "study_is_benchmark", "study_is_validation",
    "patient_is_benchmark", "split",
)  # fmt: skip


def write_padchest(trees: Trees, phantoms: Sequence[str]) -> None:
    """16-bit PNG, shares of the sides, second readers' boxes apart, normal findings without their keys."""
    folder = trees.padchest_gr / "PadChest_GR"
    folder.mkdir(parents=True)
    records, master = [], []
    for number, phantom in enumerate(phantoms):
        study = digits_of(30, "study", phantom, digits="0123456789")
        image_id = f"{study}_{digits_of(6, 'image', phantom, digits='0123456789')}"
        trees.phantom_of["padchest_gr", image_id] = phantom
        values = native(phantom).astype(np.uint16) * STEP_16 + BLACK_16
        Image.fromarray(values).save(folder / f"{image_id}.png")
        records.append({"StudyID": study, "ImageID": f"{image_id}.png", "findings": list(_grounded(phantom))})
        row = dict.fromkeys(MASTER_COLUMNS, "") | {"StudyID": study, "PatientID": f"patient{number // 2}"}
        master += [row | {"label": finding} for finding in findings(phantom)]
    records = shuffled(records, 3)
    normal = {"StudyID": "0", "ImageID": "0.png", "findings": [{"sentence_en": "Normal.", "abnormal": False}]}
    (trees.padchest_gr / CHOSEN).write_text(json.dumps(records), "utf-8")
    (trees.padchest_gr / OFFICIAL).write_text(json.dumps([normal, *records]), "utf-8")
    table(trees.padchest_gr / "master_table.csv", shuffled(master, 4))


def _grounded(phantom: str) -> Iterator[dict]:
    height, width = native(phantom).shape
    for finding, boxes in findings(phantom).items():
        shares = [[x0 / width, y0 / height, x1 / width, y1 / height] for x0, y0, x1, y1 in boxes]
        yield grounded(finding, shares[:1], shares[1:])
    yield {"sentence_en": "No mass.", "sentence_es": "Sin masa.", "abnormal": False}


def grounded(finding: str, boxes: list, extra: list, **changed: object) -> dict:
    """An abnormal finding with all of its keys."""
    return {
        "sentence_en": "Made up.", "sentence_es": "Inventado.", "abnormal": True, "boxes": boxes, "extra_boxes": extra,
        "labels": [finding], "locations": [], "progression": None, **changed,
    }  # fmt: skip


def positives(phantoms: Sequence[str]) -> dict[tuple[str, str], Question]:
    """(phantom, finding) -> the phantom's own question, where the finding is there."""
    return {
        (phantom, finding): Question(
            "phantom",
            phantom,
            finding,
            Answer.YES,
            patient(phantom).native,
            patient(phantom).boxes(finding),
        )
        for phantom in phantoms
        for finding in findings(phantom)
    }
