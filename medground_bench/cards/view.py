"""Examine the network of views and write its card: `python -m medground_bench.cards.view --help`.

No number in the card is typed by hand: the numbers come from `examination.json` beside the weights, which this program
writes, and from the `training.json` that training left there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, TypedDict

import numpy as np
import torch
import typer

from medground_bench.anatomy.plausible import doubts
from medground_bench.anatomy.trained_weights import RECORD, WEIGHTS
from medground_bench.anatomy.view.shipped import MODEL, load_finder
from medground_bench.anatomy.view.views import View
from medground_bench.core.errors import BadPicture
from medground_bench.core.types import Picture
from medground_bench.localizers import open_localizer
from medground_bench.phantom import seeds
from medground_bench.storage.whole_files import sha256, write_whole
from medground_bench.training.radiograph.renders import HELD_OUT, renders
from medground_bench.training.unet.examine import milliseconds
from medground_bench.training.unet.phantoms import phantoms
from medground_bench.training.view.drawn import drawn
from medground_bench.training.view.examine import (
    Missed,
    Recognition,
    benchmark_pictures,
    missed_mirrored,
    on_spoiled,
    radiographs,
    recognition,
)
from medground_bench.training.view.other_renders import bellies, laterals

EXAMINATION = "examination.json"
NAME = "view"
PROJECTIONS, LATERALS, BELLIES, DRAWN, PATIENTS, BENCHMARK = 200, 60, 20, 200, 300, 120
"""What is examined; of every projection, lateral and belly there are two pictures."""
DOUBTED = ("film_unet", "phantom_unet", "uot")
"""Localizers whose findings on some upright pictures are asked for doubts."""
ASKED_FOR_DOUBTS = 60


class ViewExamination(TypedDict):
    """`examination.json`.

    renders, benchmark, patients  kind of picture -> how well it is told
    missed                        among the mirrored renders
    doubts                        localizer -> share of upright pictures on which `anatomy.plausible` doubts it
    doubts_of_nothing             the same, of pictures that show no chest
    radiographs                   upright real pictures; None where nobody looked at any
    """

    weights_sha256: str
    weights_bytes: int
    parameters: int
    milliseconds: float
    renders: dict[str, Recognition]
    benchmark: dict[str, Recognition]
    patients: dict[str, Recognition]
    missed: Missed
    doubts: dict[str, float]
    doubts_of_nothing: dict[str, float]
    radiographs: Recognition | None


class ViewTraining(TypedDict):
    """`training.json`."""

    least_odds: float
    recipe: dict[str, float]
    seconds: int
    versions: dict[str, str]


TEMPLATE = """---
license: cc-by-3.0
library_name: medground-bench
pipeline_tag: image-classification
tags: [medground-bench, chest-x-ray, view, synthetic]
---

# {name}

A very small network that tells whether a picture is an upright frontal chest radiograph, as every localizer of this
package expects: or mirrored, inverted, a lateral view, or no upright chest. What it sees is said in one sentence by
`medground localize`, by `medground attribute` and in the Space's Try it. It is a warning: nothing is refused, and
nothing else is found because of it.

- Architecture: five convolutions, {parameters:,} parameters. Black edges are cut away, what is left becomes a square of
  64 px of mean 0 and spread 1, so that no letterbox, size or exposure decides.
- Weights: `{weights}`, {kilobytes:.0f} KB in fp16, sha256 `{sha256}`, checked when they are loaded.
- Speed: {milliseconds:.1f} ms a picture on one CPU thread.
- It speaks where the log-odds of another view against an upright one exceed {least_odds:.2f} nats.
  At most {false_alarms:.0%} of {calibration_renders} upright renders and of {calibration_phantoms} phantoms do,
  of seeds kept for that.
- Training: {steps:,} steps, {minutes:.0f} minutes on one thread, torch {torch}.
- Again from nothing: `python -m medground_bench.training.view.train --out view`.
- Recipe: `{recipe}`.

## Training data

Two pictures of each of {projections:,} frontal projections of one open CT and {phantoms:,} procedural phantoms of every
habitus; {laterals} lateral projections and {bellies} of the belly. Every other picture of a batch is randomised as for
the anatomy U-Net: organs, opacities, tubes, tags, bends, exposure, grain, collimation. Mirrored and inverted pictures
are made of these. No upright chest are: the same turned by quarters, parts of less than a third of a side, and the
pieces of one in another order; bellies; noise, clouds, gradients, stripes, shapes and letters.

The CT is LIDC-IDRI-0001 (The Cancer Imaging Archive, CC BY 3.0, doi 10.7937/K9/TCIA.2015.LO9QL9SX; Armato et al. 2011,
Clark et al. 2013; labels by TotalSegmentator, Wasserthal et al. 2023), changed and reduced; the full text is in
`medground_bench/training/radiograph/ct/NOTICE.md`. These weights learned from it and carry its attribution.

## Pictures it was not trained on

Share that is called what it is, and behind it the share that is called anything but upright: what a user hears of. For
upright pictures the second number is the false alarms. Renders are of other exposures of the same CT; both kinds of
phantom have seeds from {first_seed:,}.

| picture | renders | the benchmark's phantoms | phantoms of every habitus |
|---|---|---|---|
{rows}

{missed}

## Doubts about what was found

`anatomy.plausible` also says so when lungs were found that no chest has: none, too small, far too unequal, exchanged or
far off the middle. Its bars were set on true outlines. Share of upright held-out pictures, half renders and half
phantoms, on which it doubts a localizer: {doubts}. Of the drawn pictures, which show no chest: {doubts_of_nothing}.

## Real radiographs

{radiographs}

## Limits

A patient with situs inversus looks mirrored. What hides the heart's side hides the mirroring too: a white left lung, a
heart in the middle. A picture that is mirrored and inverted is called inverted alone. Lateral views and bellies were
learned from renders of one body, and no other part of the body was seen at all: a hand or a photograph may pass for a
chest. Not for clinical use of any kind.
"""

REAL = """Not used for training or for the threshold: {warned} of {pictures} frontal pictures were called something
else. Every look at them was for this number alone. Other thresholds, one for each view, were tried once and gave one
false alarm less; they were not kept. None of the pictures was spoiled, so nothing is known here of real pictures that
should be recognised."""


def examination(work: Path, folder: Path | None) -> ViewExamination:
    """Everything that the card says about how well it works; without a folder of radiographs, nothing on them."""
    torch.set_num_threads(1)
    finder, weights = load_finder(MODEL), (MODEL / WEIGHTS).read_bytes()
    rendered = renders(HELD_OUT[:PROJECTIONS], work, processes=1)
    varied = phantoms(seeds.EXAMINATION[:PATIENTS], work, processes=1).pictures
    benchmark = benchmark_pictures(seeds.EXAMINATION[PATIENTS : PATIENTS + BENCHMARK])
    nothing = [
        (each * 255).to(torch.uint8).numpy() for each in drawn(DRAWN, torch.Generator().manual_seed(1))
    ]
    others = {
        "lateral": recognition(finder, laterals(HELD_OUT[:LATERALS], work), View.LATERAL),
        "belly": recognition(finder, bellies(HELD_OUT[:BELLIES], work), View.NO_CHEST),
        "drawn": recognition(finder, nothing, View.NO_CHEST),
    }
    upright = [*rendered.pictures[:ASKED_FOR_DOUBTS], *varied[:ASKED_FOR_DOUBTS]]
    return {
        "weights_sha256": sha256(weights),
        "weights_bytes": len(weights),
        "parameters": sum(values.numel() for values in finder.net.parameters()),
        "milliseconds": round(milliseconds(finder, rendered.pictures[0]), 2),
        "renders": on_spoiled(finder, list(rendered.pictures)) | others,
        "benchmark": on_spoiled(finder, benchmark),
        "patients": on_spoiled(finder, list(varied)),
        "missed": missed_mirrored(finder, rendered),
        "doubts": {name: _doubted(name, upright) for name in DOUBTED},
        "doubts_of_nothing": {name: _doubted(name, nothing) for name in DOUBTED},
        "radiographs": recognition(finder, radiographs(folder), View.FRONTAL) if folder else None,
    }


def _doubted(localizer: str, pictures: Sequence[Picture]) -> float:
    """Share of pictures on which something is said: a doubt, or that the picture is blank."""
    opened, said = open_localizer(localizer), []
    for picture in pictures:
        try:
            said.append(bool(doubts(opened.localize(picture))))
        except BadPicture:
            said.append(True)
    return round(float(np.mean(said)), 4)


def kept_card() -> str:
    """The card by the records beside the weights."""
    training, examined = (json.loads((MODEL / file).read_text("utf-8")) for file in (RECORD, EXAMINATION))
    return card(training, examined)


def card(training: ViewTraining, examined: ViewExamination) -> str:
    """The card as Markdown with the hub's YAML head."""
    recipe = training["recipe"]
    return TEMPLATE.format(
        name=NAME,
        parameters=examined["parameters"],
        weights=WEIGHTS,
        kilobytes=examined["weights_bytes"] / 1000,
        sha256=examined["weights_sha256"],
        milliseconds=examined["milliseconds"],
        least_odds=training["least_odds"],
        false_alarms=recipe["false_alarms"],
        calibration_renders=2 * recipe["calibration_projections"],
        calibration_phantoms=recipe["calibration_phantoms"],
        steps=recipe["steps"],
        minutes=training["seconds"] / 60,
        torch=training["versions"]["torch"],
        recipe=json.dumps(recipe, sort_keys=True),
        projections=recipe["projections"],
        phantoms=recipe["phantoms"],
        laterals=recipe["laterals"],
        bellies=recipe["bellies"],
        first_seed=seeds.EXAMINATION.start,
        rows="\n".join(_rows(examined)),
        missed=_missed(examined["missed"]),
        doubts=_shares(examined["doubts"]),
        doubts_of_nothing=_shares(examined["doubts_of_nothing"]),
        radiographs=_real(examined["radiographs"]),
    )


def _rows(examined: ViewExamination) -> Iterator[str]:
    groups = (examined["renders"], examined["benchmark"], examined["patients"])
    for kind in examined["renders"]:
        told = " | ".join(_told(group.get(kind)) for group in groups)
        yield f"| {kind} | {told} |"


def _told(row: Recognition | None) -> str:
    return f"{row['recognised']:.1%}, {row['warned']:.1%} of {row['pictures']}" if row else ""


def _shares(of: dict[str, float]) -> str:
    return ", ".join(f"`{name}` {share:.1%}" for name, share in of.items())


def _missed(missed: Missed) -> str:
    if not missed["missed"]:
        return "No mirrored render was missed."
    return (
        f"Of the mirrored renders {missed['missed']} passed for upright; in {missed['white_left']} of them the left "
        "lung is about as white as the heart."
    )


def _real(row: Recognition | None) -> str:
    if not row:
        return "Not looked at."
    return REAL.format(warned=round(row["warned"] * row["pictures"]), pictures=row["pictures"])


def main(
    out: Annotated[Path, typer.Option(help="folder of the cards")] = Path("model_cards"),
    work: Annotated[Path, typer.Option(help="folder for rendered pictures")] = Path("view-training"),
    folder: Annotated[
        Path | None, typer.Option("--radiographs", help="folder of real pictures with annotations.json")
    ] = None,
) -> None:
    """Examine the shipped weights and write their card."""
    examined = examination(work, folder)
    write_whole(MODEL / EXAMINATION, (json.dumps(examined, indent=1) + "\n").encode())
    write_whole(out / f"{NAME}.md", kept_card().encode())


if __name__ == "__main__":
    typer.run(main)
