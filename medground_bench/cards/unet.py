"""Examine the anatomy U-Net and write its card: `python -m medground_bench.cards.unet --help`.

Nothing in the card is typed by hand: the numbers come from `examination.json` beside the weights, which this program
writes, and from the `training.json` that training left there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, TypedDict

import torch
import typer

from medground_bench.anatomy.trained_weights import RECORD, WEIGHTS
from medground_bench.anatomy.unet.shipped import MODELS, shipped_net
from medground_bench.core.concepts import CONCEPTS
from medground_bench.localizers.phantom_unet import PhantomUnet
from medground_bench.phantom import seeds
from medground_bench.phantom.scene import Scene
from medground_bench.storage.whole_files import sha256, write_whole
from medground_bench.training.unet.examine import (
    OverlapSummary,
    beyond_the_masks,
    milliseconds,
    on_patients,
    on_phantoms,
    on_radiographs,
    radiographs,
    summary,
)
from medground_bench.training.unet.masked_pictures import SIDE_PX

EXAMINATION = "examination.json"
NAME = "phantom_unet"
MODEL = MODELS / NAME

ConceptOverlaps = dict[str, OverlapSummary]
"""Concept -> how well it is found."""


class NetExamination(TypedDict):
    """What is examined of every anatomy U-Net; beyond_the_masks is empty where no real picture was looked at."""

    weights_sha256: str
    weights_bytes: int
    parameters: int
    first_seed: int
    phantoms: ConceptOverlaps
    patients: ConceptOverlaps
    milliseconds: float
    beyond_the_masks: dict[str, dict[str, float]]


class UnetExamination(NetExamination):
    """`examination.json`; radiographs is empty where no real picture was looked at."""

    radiographs: dict[str, ConceptOverlaps]


class UnetTraining(TypedDict):
    """`training.json`."""

    recipe: dict[str, float]
    seconds: int
    threads: int
    versions: dict[str, str]


TEMPLATE = """---
license: apache-2.0
library_name: medground-bench
pipeline_tag: image-segmentation
tags: [medground-bench, chest-x-ray, anatomy, phantom, segmentation]
---

# {name}

A small U-Net that finds the 11 ImaGenome concepts of MedFocus on a frontal chest X-ray. It was trained on procedural
phantoms alone, with heavy domain randomisation: **no picture of a patient was used to train it or to choose its
weights**, so it needs no credentialed data and may be passed on.

- Architecture: U-Net over four scales, {parameters:,} parameters; 224 px in, one cell for 2 x 2 pixels, logits
  interpolated back to 224 px. Each concept is one piece without holes; the mediastinum also holds its parts.
- Weights: `{weights}`, {megabytes:.1f} MB in fp16, sha256 `{sha256}`, checked when they are loaded.
- Speed: {milliseconds:.0f} ms a picture on one CPU thread.
- Training: {phantoms:,} phantoms, {steps:,} steps of {batch}, {minutes:.0f} minutes, {threads} thread(s) to learn and
  one to draw the batches, torch {torch}.
- Again from nothing: `python -m medground_bench.training.unet.train {name} --out {name} --threads {threads}`.
- Recipe: `{recipe}`.

## Training data

Frontal phantoms with exact masks. A quarter are as the benchmark draws them; the others differ in habitus (narrow and
wide chests, deep and shallow breath, big hearts, faint and strong ribs, thick soft tissue, stomach gas), exposure and
pose, and more than half carry findings. Every batch is randomised anew: each organ brightens and darkens on its own,
lungs are veiled, filled from below or whitened, ellipses and arcs stand for arms, scapulae, bowel gas, wires and tubes,
boxes for lettering and devices; bodies are stretched, turned and bent; exposure, local contrast, sharpness, grain and
collimation change. Pictures are never mirrored or inverted.

## Phantoms it was not trained on

Box IoU in native pixels on {phantoms_examined} of the benchmark's phantoms, half with findings, scene seeds from
{first_seed:,}; and on {patients_examined} phantoms of every habitus, square. Tenth: one picture in ten is worse.
Found: share with any overlap.

| concept | mean | tenth | found | every habitus |
|---|---|---|---|---|
{phantom_rows}

## Real radiographs

{radiograph_text}

## Limits

Frontal views with the patient's right on the image's left; a mirrored or inverted picture is misread without a word.
Concepts are those of the phantom: lungs are whole outlines with the part behind the heart, clavicles run from the
sternum to the shoulder, while some expert masks stop at the edge of the lung field. The heart, the mediastinum, the
hila, the clavicles and the costophrenic angles were measured on phantoms only. A lung that is white from top to bottom,
a chest after surgery, and children are poorly covered. Not for clinical use of any kind.
"""

RADIOGRAPHS = """{pictures} frontal radiographs, not used for training or for choosing weights: against boxes that
radiologists drew around the lungs, and against the tight boxes of lung masks that other people drew on {masks} of them.
The last column is how well these two agree with each other. Box IoU in native pixels.

| concept | drawn boxes, mean | tenth | masks, mean | tenth | people with each other |
|---|---|---|---|---|---|
{rows}

Drawn boxes leave a margin that masks do not, so even these masks score no more than that against them. Beyond the
masks' boxes, in percent of a lung's width or height (below 0: they end inside):

| | medial | lateral | upper | lower |
|---|---|---|---|---|
{edge_rows}

What was seen of these pictures: the numbers above, for this network and for an earlier one that was trained for a third
as many steps, and one sheet of that network's output. One rule came from the sheet and changes no lung: a costophrenic
angle must touch its lung. The margin was measured after training and is not imitated."""


def examination(folder: Path | None, phantoms: int) -> UnetExamination:
    """Everything that the card says about how well it works; without a folder of radiographs, nothing on them."""
    torch.set_num_threads(1)
    localize = PhantomUnet().localize
    weights = (MODEL / WEIGHTS).read_bytes()
    examined: UnetExamination = {
        "weights_sha256": sha256(weights),
        "weights_bytes": len(weights),
        "parameters": sum(values.numel() for values in shipped_net(NAME).parameters()),
        "first_seed": seeds.EXAMINATION.start,
        "phantoms": summary(on_phantoms(localize, seeds.EXAMINATION[:phantoms])),
        "patients": summary(on_patients(localize, seeds.EXAMINATION[phantoms : 2 * phantoms], SIDE_PX)),
        "milliseconds": round(
            milliseconds(localize, Scene.sample(seeds.EXAMINATION.start).render(SIDE_PX)), 1
        ),
        "radiographs": {},
        "beyond_the_masks": {},
    }
    if folder:
        sightings = radiographs(localize, folder)
        examined["radiographs"] = {name: summary(rows) for name, rows in on_radiographs(sightings).items()}
        examined["beyond_the_masks"] = beyond_the_masks(sightings)
    return examined


def kept_card() -> str:
    """The card by the records beside the weights."""
    training, examined = (json.loads((MODEL / file).read_text("utf-8")) for file in (RECORD, EXAMINATION))
    return card(training, examined)


def card(training: UnetTraining, examined: UnetExamination) -> str:
    """The card as Markdown with the hub's YAML head."""
    return TEMPLATE.format(
        **told_of_all(NAME, training, examined),
        phantom_rows="\n".join(_phantom_rows(examined)),
        radiograph_text=_radiographs(examined["radiographs"], examined["beyond_the_masks"]),
    )


def told_of_all(name: str, training: UnetTraining, examined: NetExamination) -> dict[str, str | float]:
    """What the card of every anatomy U-Net says, by its place in the template."""
    recipe = training["recipe"]
    return {
        "name": name,
        "parameters": examined["parameters"],
        "weights": WEIGHTS,
        "megabytes": examined["weights_bytes"] / 1e6,
        "sha256": examined["weights_sha256"],
        "milliseconds": examined["milliseconds"],
        "phantoms": recipe["training_phantoms"],
        "steps": recipe["steps"],
        "batch": recipe["batch"],
        "minutes": training["seconds"] / 60,
        "threads": training["threads"],
        "torch": training["versions"]["torch"],
        "recipe": json.dumps(recipe, sort_keys=True),
        "first_seed": examined["first_seed"],
        "phantoms_examined": most_pictures(examined["phantoms"]),
        "patients_examined": most_pictures(examined["patients"]),
    }


def _phantom_rows(examined: UnetExamination) -> Iterator[str]:
    for concept in CONCEPTS:
        row, varied = examined["phantoms"][concept], examined["patients"][concept]
        yield f"| {concept} | {row['mean']:.2f} | {row['tenth']:.2f} | {row['found']:.0%} | {varied['mean']:.2f} |"


def _radiographs(against: dict[str, ConceptOverlaps], beyond: dict[str, dict[str, float]]) -> str:
    if not against:
        return "Not measured."
    boxes, masks, people = against["boxes"], against["masks"], against["people"]
    rows = [
        f"| {concept} | {row['mean']:.2f} | {row['tenth']:.2f} | {masks[concept]['mean']:.2f} "
        f"| {masks[concept]['tenth']:.2f} | {people[concept]['mean']:.2f} |"
        for concept, row in boxes.items()
    ]
    edge_rows = [
        f"| {name} | " + " | ".join(f"{share:+.1%}" for share in edges.values()) + " |"
        for name, edges in beyond.items()
    ]
    return RADIOGRAPHS.format(
        pictures=most_pictures(boxes),
        masks=most_pictures(masks),
        rows="\n".join(rows),
        edge_rows="\n".join(edge_rows),
    )


def most_pictures(rows: ConceptOverlaps) -> int:
    """Pictures on which the concept that most of them show was looked for."""
    return max(row["pictures"] for row in rows.values())


def main(
    out: Annotated[Path, typer.Option(help="folder of the cards")] = Path("model_cards"),
    folder: Annotated[
        Path | None, typer.Option("--radiographs", help="folder of real pictures with annotations.json")
    ] = None,
    phantoms: Annotated[int, typer.Option(help="phantoms of either kind to examine")] = 200,
) -> None:
    """Examine the shipped weights and write their card."""
    examined = examination(folder, phantoms)
    write_whole(MODEL / EXAMINATION, (json.dumps(examined, indent=1) + "\n").encode())
    write_whole(out / f"{NAME}.md", kept_card().encode())


if __name__ == "__main__":
    typer.run(main)
