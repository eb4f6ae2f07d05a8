"""Examine the U-Net of real films and write its card: `python -m medground_bench.cards.film_unet --help`.

Nothing in the card is typed by hand, but for what is said about looks at real pictures: `looks.json` beside the weights
holds one entry for every time that anybody looked, and this program adds one when it looks.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypedDict

import torch
import typer

from medground_bench.anatomy.definitions import STANDARDS, WHENCE_MARGINS
from medground_bench.anatomy.trained_weights import RECORD, WEIGHTS
from medground_bench.anatomy.unet.confidence import CALIBRATION
from medground_bench.anatomy.unet.shipped import MODELS, shipped_net
from medground_bench.cards.markdown import table
from medground_bench.cards.unet import (
    EXAMINATION,
    ConceptOverlaps,
    NetExamination,
    UnetTraining,
    most_pictures,
    told_of_all,
)
from medground_bench.core.concepts import CONCEPTS
from medground_bench.localizers.film_unet import FilmUnet
from medground_bench.phantom import seeds
from medground_bench.storage.whole_files import sha256, write_whole
from medground_bench.training.radiograph.renders import UNWATCHED, renders
from medground_bench.training.unet.examine import (
    beyond_the_masks,
    milliseconds,
    on_patients,
    on_phantoms,
    on_radiographs,
    on_renders,
    radiographs,
    summary,
)
from medground_bench.training.unet.masked_pictures import SIDE_PX

NAME = "film_unet"
MODEL = MODELS / NAME
LOOKS = "looks.json"
NUMBERS_ALONE = "the numbers of this card; no picture was looked at"


class FilmUnetExamination(NetExamination):
    """`examination.json`; drawn and mask are empty where no real picture was looked at."""

    renders: ConceptOverlaps
    drawn: dict[str, ConceptOverlaps]
    mask: dict[str, ConceptOverlaps]


class WeightsLook(TypedDict):
    """One look at the real pictures."""

    date: str
    weights_sha256: str
    what: str


TEMPLATE = """---
license: cc-by-3.0
library_name: medground-bench
pipeline_tag: image-segmentation
tags: [medground-bench, chest-x-ray, anatomy, synthetic, segmentation]
---

# {name}

A small U-Net that finds the 11 ImaGenome concepts of MedFocus on a frontal chest X-ray. It was trained on synthetic
pictures alone: radiographs rendered from **one** open chest CT in ever new bodies, poses, exposures and findings,
mixed with procedural phantoms. No radiograph of a patient was used to train it or to choose its weights.

- Architecture: that of `phantom_unet`, {parameters:,} parameters; 224 px in, one cell for 2 x 2 pixels.
- Weights: `{weights}`, {megabytes:.1f} MB in fp16, sha256 `{sha256}`, checked when they are loaded.
- Speed: {milliseconds:.0f} ms a picture on one CPU thread.
- Training: {projections:,} projections in two pictures each and {phantoms:,} phantoms, {steps:,} steps of {batch},
  {share:.0%} of them phantoms, {minutes:.0f} minutes, {threads} thread(s) to learn and one to draw the batches, torch
  {torch}.
- Again from nothing: `python -m medground_bench.training.unet.train {name} --out {name} --threads {threads}`, then
  `python -m medground_bench.training.unet.calibrate {name}`.
- Recipe: `{recipe}`.

## Whose body it learned from

The CT is case LIDC-IDRI-0001 of The Cancer Imaging Archive (CC BY 3.0, doi 10.7937/K9/TCIA.2015.LO9QL9SX; Armato et
al., Med. Phys. 38 (2011) 915; Clark et al., J. Digit. Imaging 26 (2013) 1045), labelled by TotalSegmentator v2
(Wasserthal et al. 2023), resampled and changed: the patient's own tumour of 30 mm was taken out first. The weights
are derived from it and carry its licence and this attribution. "The authors acknowledge the National Cancer
Institute and the Foundation for the National Institutes of Health, and their critical role in the creation of the
free publicly available LIDC/IDRI Database used in this study."

## What it tells

Boxes by one of two standards ([docs/anatomy.md](../docs/anatomy.md)): {standards}. {whence}

For every concept it tells the box IoU to expect: that of its tight box with the tight box of the truth, as it is on
renders, on turned ones and on pictures without a chest. A concept below {least:.2f} counts as not found, so MedFocus
does not try it. On renders of held-out bodies expected and found IoU are {error:.3f} apart in the mean over tenths of
the pictures (worst concept: {worst}, {worst_error:.3f}).

## Pictures it was not trained on

Box IoU in native pixels, tight boxes: {renders_examined} renders of held-out bodies; {phantoms_examined} of the
benchmark's phantoms, half with findings, scene seeds from {first_seed:,}; {patients_examined} phantoms of every
habitus. Tenth: one picture in ten is worse. Found: share with any overlap.

{rows}

## What was aimed at

{targets}

## Real radiographs

{radiograph_text}

## Looks at the real pictures

{looks}

The table of all localizers in docs/anatomy.md keeps a list of its own.

## Limits

One person's heart, spine and vessels are in every render, however bent; hilum and upper mediastinum are drawn by
rules; clavicles are drawn, not scanned. Frontal views with the patient's right on the image's left. Children, chests
after surgery and white lungs are poorly covered ([bad films](../docs/anatomy.md)). Not for clinical use of any
kind."""

REAL = """{pictures} frontal radiographs with lungs that radiologists boxed and, on {masks} of them, masks that others
drew; not used for training, for choosing weights, margins or thresholds; one rule was thought of after a look (below).
Each standard against what it stands for. The last column is how well people agree with each other. Box IoU in native
pixels.

{rows}

Beyond the masks' boxes, in percent of a lung's width or height (below 0: they end inside):

{edges}"""


def examination(folder: Path | None, work: Path, phantoms: int, projections: int) -> FilmUnetExamination:
    """Everything that the card says about how well it works; without a folder of radiographs, nothing on them."""
    torch.set_num_threads(1)
    tight, drawn, mask = (FilmUnet(standard=each).localize for each in (None, "drawn", "mask"))
    held = renders(UNWATCHED[:projections], work, processes=2)
    weights = (MODEL / WEIGHTS).read_bytes()
    examined: FilmUnetExamination = {
        "weights_sha256": sha256(weights),
        "weights_bytes": len(weights),
        "parameters": sum(values.numel() for values in shipped_net(NAME).parameters()),
        "first_seed": seeds.EXAMINATION.start,
        "phantoms": summary(on_phantoms(tight, seeds.EXAMINATION[:phantoms])),
        "patients": summary(on_patients(tight, seeds.EXAMINATION[phantoms : 2 * phantoms], SIDE_PX)),
        "renders": summary(on_renders(tight, held)),
        "milliseconds": round(milliseconds(drawn, held.pictures[0]), 1),
        "drawn": {},
        "mask": {},
        "beyond_the_masks": {},
    }
    if folder:
        by_drawn, by_mask = radiographs(drawn, folder), radiographs(mask, folder)
        examined["drawn"] = {name: summary(rows) for name, rows in on_radiographs(by_drawn).items()}
        examined["mask"] = {name: summary(rows) for name, rows in on_radiographs(by_mask).items()}
        edges = {"found, drawn": beyond_the_masks(by_drawn), "found, mask": beyond_the_masks(by_mask)}
        examined["beyond_the_masks"] = {"radiologists": edges["found, drawn"]["drawn"]} | {
            name: each["found"] for name, each in edges.items()
        }
    return examined


def kept_card() -> str:
    """The card by the records beside the weights."""
    training, examined, calibration, looks = (
        json.loads((MODEL / file).read_text("utf-8")) for file in (RECORD, EXAMINATION, CALIBRATION, LOOKS)
    )
    return card(training, examined, calibration["held_out_error"], looks)


def card(
    training: UnetTraining, examined: FilmUnetExamination, errors: dict[str, float], looks: list[WeightsLook]
) -> str:
    """The card as Markdown with the hub's YAML head; `errors` are the calibration's, by concept."""
    recipe, worst = training["recipe"], max(errors, key=errors.__getitem__)
    return TEMPLATE.format(
        **told_of_all(NAME, training, examined),
        projections=recipe["training_projections"],
        share=recipe["phantom_share"],
        standards="; ".join(f"`{name}`, {text}" for name, text in STANDARDS.items()),
        whence=WHENCE_MARGINS,
        least=FilmUnet().least_iou,
        error=sum(errors.values()) / len(errors),
        worst=worst,
        worst_error=errors[worst],
        renders_examined=most_pictures(examined["renders"]),
        rows=_made_rows(examined),
        targets=_targets(examined),
        radiograph_text=_real(examined),
        looks="\n".join(
            f"- {each['date']}, weights `{each['weights_sha256'][:12]}`: {each['what']}" for each in looks
        ),
    )


def _made_rows(examined: FilmUnetExamination) -> str:
    rows = []
    for concept in CONCEPTS:
        made = examined["renders"][concept]
        others = (examined[kind][concept]["mean"] for kind in ("phantoms", "patients"))
        rows.append(
            (
                concept,
                f"{made['mean']:.2f}",
                f"{made['tenth']:.2f}",
                f"{made['found']:.0%}",
                *(f"{x:.2f}" for x in others),
            )
        )
    return table(("concept", "renders", "tenth", "found", "phantoms", "every habitus"), rows)


def _targets(examined: FilmUnetExamination) -> str:
    """Mean box IoU of both sides, beside what was wanted before anything was trained."""
    made = [
        (f"renders: {name}", aim, _mean(examined["renders"], end))
        for name, aim, end in (
            ("lungs", 0.94, "lung"),
            ("heart", 0.90, "silhouette"),
            ("clavicles", 0.80, "clavicle"),
        )
    ]
    real = [
        (f"real lungs, {kind}", aim, _mean(rows[kind], "lung"))
        for kind, aim, rows in (("boxes", 0.84, examined["drawn"]), ("masks", 0.90, examined["mask"]))
        if rows
    ]
    rows = [(name, f"{aim:.2f}", f"{reached:.3f}") for name, aim, reached in (*made, *real)]
    return table(("mean box IoU", "aimed at", "reached"), rows)


def _mean(rows: ConceptOverlaps, end: str) -> float:
    means = [row["mean"] for concept, row in rows.items() if concept.endswith(end)]
    return sum(means) / len(means)


def _real(examined: FilmUnetExamination) -> str:
    drawn, mask = examined["drawn"], examined["mask"]
    if not drawn:
        return "Not measured."
    rows = [
        (concept, f"{row['mean']:.3f}", f"{row['tenth']:.2f}", f"{mask['masks'][concept]['mean']:.3f}",
         f"{mask['masks'][concept]['tenth']:.2f}", f"{drawn['people'][concept]['mean']:.3f}")
        for concept, row in drawn["boxes"].items()
    ]  # fmt: skip
    head = ("concept", "drawn, against drawn boxes", "tenth", "mask, against masks' boxes", "tenth", "people")
    edges = [
        (name, *(f"{share:+.1%}" for share in each.values()))
        for name, each in examined["beyond_the_masks"].items()
    ]
    return REAL.format(
        pictures=most_pictures(drawn["boxes"]),
        masks=most_pictures(mask["masks"]),
        rows=table(head, rows),
        edges=table(("", "medial", "lateral", "upper", "lower"), edges),
    )


def note_look(folder: Path, what: str) -> None:
    """Add today's look at the real pictures to the list of a network's folder."""
    file = folder / LOOKS
    looks: list[WeightsLook] = json.loads(file.read_text("utf-8")) if file.exists() else []
    today = datetime.now(UTC).date().isoformat()
    looks.append({"date": today, "weights_sha256": sha256((folder / WEIGHTS).read_bytes()), "what": what})
    write_whole(file, (json.dumps(looks, indent=1) + "\n").encode())


def main(
    out: Annotated[Path, typer.Option(help="folder of the cards")] = Path("model_cards"),
    folder: Annotated[
        Path | None, typer.Option("--radiographs", help="folder of real pictures with annotations.json")
    ] = None,
    work: Annotated[Path, typer.Option(help="folder for rendered pictures")] = Path("unet-training"),
    phantoms: Annotated[int, typer.Option(help="phantoms of either kind to examine")] = 200,
    projections: Annotated[
        int, typer.Option(help="held-out projections to examine, two pictures each")
    ] = 100,
) -> None:
    """Examine the shipped weights and write their card."""
    examined = examination(folder, work, phantoms, projections)
    write_whole(MODEL / EXAMINATION, (json.dumps(examined, indent=1) + "\n").encode())
    if folder:
        note_look(MODEL, NUMBERS_ALONE)
    write_whole(out / f"{NAME}.md", kept_card().encode())


if __name__ == "__main__":
    typer.run(main)
