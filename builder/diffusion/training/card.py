"""Write the card of the embedded diffusion model: `python -m builder.diffusion.training.card --help`.

Nothing in the card is typed by hand: the numbers come from the `retention.csv` of a fidelity run, which is kept as
`examination.json` beside the weights, and from the `training.json` that training left there.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, TypedDict

import typer

from builder.diffusion.weights import EMBEDDED, PHANTOM, RECORD
from medground_bench.benchmark.statistics import ALL
from medground_bench.storage.whole_files import write_whole

EXAMINATION = "examination.json"
NAME = "phantom_radedit"


class EditorExamination(TypedDict):
    """`examination.json`: rows of `RetentionRow`, as they stand in the file."""

    weights: list[str]
    bytes: int
    retention: list[dict[str, str]]


class EditorTraining(TypedDict):
    """`training.json`."""

    digests: dict[str, str]
    recipe: dict[str, object]
    seconds: int
    threads: int
    versions: dict[str, str]


TEMPLATE = """---
license: apache-2.0
library_name: medground-bench
tags: [medground-bench, chest-x-ray, phantom, diffusion, image-editing]
---

# {name}

A tiny latent diffusion model with which `radedit`'s own code edits phantoms: UNet, autoencoder and text encoder of the
true classes (`UNet2DConditionModel`, `AutoencoderKL`, `BertModel`). It was trained on procedural phantoms alone: no
picture of a patient was used.

- Weights: `unet`, `vae` and `text`, {megabytes:.1f} MB in fp16, checked when they are loaded.
- Training: {minutes:.0f} minutes on {threads} thread(s) of a shared machine, torch {torch}.
- Again from nothing: `python -m builder.diffusion.training.train --out {name}`.
- Recipe: `{recipe}`.

## Training data

Phantoms of 112 px, each with its findings, without one of them, and without any, in the same noise. The autoencoder
learns to give them back. The denoiser learns from pairs: it is shown a picture with noise and a prompt, and the picture
to end in is one to which the prompt is true ("No nodule", "No abnormality", or none). In about half of the pairs the
two differ by what the prompt denies. **Such pairs exist for phantoms only**, and RadEdit itself was not trained that
way: an ordinary diffusion model learns from pictures and their reports.

## What it does to the causal filter

Right answers to phantoms that it was not trained on, direct mode, against the exact editor; from
`python -m builder fidelity`.

| LVLM | editor | right answers | same verdict | retained, exact editor | retained, this editor | by both |
|---|---|---|---|---|---|---|
{rows}

By finding, `{name}`:

| finding | LVLM | right answers | same verdict | retained, exact editor | retained, this editor |
|---|---|---|---|---|---|
{finding_rows}

## Limits

It knows the phantom's ten findings by name and nothing else; on a radiograph its edits mean nothing. What is edited
comes out without grain and a little blurred. That it agrees with the exact editor says that the code path works where a
model has learned the edit; it says nothing about RadEdit's own weights.
"""


def card(training: EditorTraining, examined: EditorExamination) -> str:
    """The card as Markdown with the hub's YAML head."""
    return TEMPLATE.format(
        name=NAME,
        megabytes=examined["bytes"] / 1e6,
        minutes=training["seconds"] / 60,
        threads=training["threads"],
        torch=training["versions"]["torch"],
        recipe=json.dumps(training["recipe"], sort_keys=True),
        rows="\n".join(_rows(examined)),
        finding_rows="\n".join(_finding_rows(examined)),
    )


def _rows(examined: EditorExamination) -> Iterator[str]:
    for row in examined["retention"]:
        if row["finding"] == row["size"] == ALL:
            yield (
                f"| {row['lvlm']} | {row['editor']} | {row['answers']} | {_share(row, 'agree')} "
                f"| {_share(row, 'exact')} | {_share(row, 'other')} | {row['both']} |"
            )


def _finding_rows(examined: EditorExamination) -> Iterator[str]:
    for row in sorted(examined["retention"], key=lambda row: (row["finding"], row["lvlm"])):
        if row["editor"] == NAME and row["finding"] != ALL:
            yield (
                f"| {row['finding']} | {row['lvlm']} | {row['answers']} | {_share(row, 'agree')} "
                f"| {_share(row, 'exact')} | {_share(row, 'other')} |"
            )


def _share(row: dict[str, str], column: str) -> str:
    return f"{int(row[column]) / int(row['answers']):.1%}"


def examination(fidelity: Path) -> EditorExamination:
    """Of the weights that come with the program, by the folder of a fidelity run."""
    with (fidelity / "retention.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    files = sorted(file for file in EMBEDDED.glob("*/*") if file.is_file())
    return {
        "weights": list(PHANTOM.revisions()),
        "bytes": sum(file.stat().st_size for file in files),
        "retention": rows,
    }


def main(
    fidelity: Annotated[Path, typer.Option(help="folder of a fidelity run with this editor")],
    out: Annotated[Path, typer.Option(help="folder of the cards")] = Path("model_cards"),
) -> None:
    """Keep the numbers of a fidelity run and write the card."""
    examined = examination(fidelity)
    write_whole(EMBEDDED / EXAMINATION, (json.dumps(examined, indent=1) + "\n").encode())
    training = json.loads((EMBEDDED / RECORD).read_text("utf-8"))
    write_whole(out / f"{NAME}.md", card(training, examined).encode())


if __name__ == "__main__":
    typer.run(main)
