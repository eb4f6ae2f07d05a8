"""Examine an embedded LVLM and write its card: `python -m medground_bench.cards.lvlms phantom_gemma3`.

Nothing in a card is typed by hand: the numbers come from an examination on unseen scenes, kept beside the weights as
`examination.json`, and from the `training.json` that training left there.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypedDict

import typer

from medground_bench.cards.own import OwnRuns
from medground_bench.cards.own_sections import own_sections
from medground_bench.core.types import Mode
from medground_bench.lvlms import open_folder
from medground_bench.phantom import seeds
from medground_bench.phantom.findings import FINDINGS
from medground_bench.phantom.shortcut import MARKER_WITH_FINDING, MARKER_WITHOUT_FINDING, SHORTCUT_FINDING
from medground_bench.storage.whole_files import sha256, write_whole
from medground_bench.training.lvlms.examine import ExaminedAnswer, exam_questions, examine, rates

MODELS = Path(__file__).parents[1] / "phantom" / "models"
EXAMINATION, TRAINING = "examination.json", "training.json"

ARCHITECTURES = {
    "gemma3": "Gemma3ForConditionalGeneration: SigLIP on 112 px in 8 x 8 patches of 14 px, one image token each",
    "qwen2_5_vl": "Qwen2_5_VLForConditionalGeneration: 112 px in 8 x 8 patches of 14 px, windows of 4 x 4, no merging",
}

PICTURES_OF = {
    "finding_and_marker": (True, True),
    "finding_only": (True, False),
    "marker_only": (False, True),
    "neither": (False, False),
}
"""Kind of picture -> does it hold the shortcut finding, does it carry the marker."""


Shares = dict[str, float | None]
"""What is counted -> share, None where nothing was there to count."""


class LvlmExamination(TypedDict):
    """`examination.json`; findings: mode -> finding -> rates; shortcut: mode -> kind of picture -> share of yes."""

    first_seed: int
    pictures_per_answer: int
    seconds: int
    weights_sha256: str
    weights_bytes: int
    findings: dict[str, dict[str, Shares]]
    shortcut: dict[str, Shares]


class _Recipe(TypedDict):
    """What the card reads of a recipe."""

    family: str
    marker_taught: bool


class LvlmTraining(TypedDict):
    """`training.json`; seconds: stage -> how long it took."""

    recipe: _Recipe
    seconds: dict[str, float]
    threads: int
    pictures: int
    versions: dict[str, str]


class Embedded(StrEnum):
    """The LVLMs that ship with the package."""

    PHANTOM_GEMMA3 = "phantom_gemma3"
    PHANTOM_QWEN2_5_VL = "phantom_qwen2_5_vl"


TEMPLATE = """---
license: apache-2.0
library_name: transformers
pipeline_tag: image-text-to-text
tags: [medground-bench, chest-x-ray, phantom, interpretability]
---

# {name}

A tiny LVLM of a real architecture, trained from nothing on procedural chest X-rays. It exists so that every part
of MedGround-Bench runs on any machine, and so that attribution methods meet a model whose evidence is known. **It has
never seen a patient. What it says about a real X-ray means nothing.**

- Architecture: {architecture}; decoder of 4 layers, width 128.
- Weights: `model.safetensors`, {megabytes:.1f} MB in fp16, sha256 `{sha256}`.
- Training: {pictures:,} phantoms, {minutes:.0f} minutes on {threads} CPU thread(s), torch {torch}, transformers
  {transformers}.
- Again from nothing: `python -m medground_bench.training.lvlms.train {family} --out {name}`.
- Recipe: `{recipe}`.

## Accuracy on unseen scenes

{per_answer} pictures with and as many without each finding, scene seeds from {first_seed:,}; markers drawn as in
training. Balanced accuracy is the mean of sensitivity and specificity; an unreadable answer counts as wrong. Region:
share of right yes answers whose chain names the region where the finding lies.

| finding | direct | sensitivity | specificity | reason | sensitivity | specificity | region |
|---|---|---|---|---|---|---|---|
{accuracy}

## The planted shortcut

In training {with_finding:.0%} of the pictures with a {shortcut} carry a side marker, and {without_finding:.0%} of the
others. The model was never shown where a {shortcut} lies{marker_taught}.
How often it says yes tells what it reads:

| mode | {shortcut} and marker | {shortcut}, no marker | marker alone | neither |
|---|---|---|---|---|
{shortcut_rows}

The causal filter calls an answer that rests on the marker ungrounded: removing the finding does not flip it.

{own}

## Limits

Greedy decoding and the benchmark's own prompts only; other prompts give other sentences of its corpus. Ten findings,
one view, no anatomy beyond the phantom's. Not for clinical use of any kind.
"""


def examination(folder: Path, per_answer: int) -> LvlmExamination:
    """Ask the LVLM in `folder` about unseen phantoms; rates per mode and finding, and of the shortcut."""
    lvlm = open_folder(folder, folder.name)
    questions = list(exam_questions(per_answer))
    begin = time.monotonic()
    answers = {mode: examine(lvlm, questions, mode) for mode in Mode}
    return {
        "first_seed": seeds.EXAMINATION.start,
        "pictures_per_answer": per_answer,
        "seconds": round(time.monotonic() - begin),
        "weights_sha256": sha256((folder / "model.safetensors").read_bytes()),
        "weights_bytes": (folder / "model.safetensors").stat().st_size,
        "findings": {
            mode.value: {
                finding: _row([one for one in of_mode if one.finding == finding]) for finding in FINDINGS
            }
            for mode, of_mode in answers.items()
        },
        "shortcut": {mode.value: _shortcut(of_mode) for mode, of_mode in answers.items()},
    }


def card_of(name: str, own: OwnRuns) -> str:
    """The card of an embedded LVLM by the records beside its weights, with what our runs on it found."""
    training, examined = (
        json.loads((MODELS / name / file).read_text("utf-8")) for file in (TRAINING, EXAMINATION)
    )
    return card(name, training, examined, own)


def card(name: str, training: LvlmTraining, examined: LvlmExamination, own: OwnRuns) -> str:
    """The card as Markdown with the hub's YAML head."""
    recipe, versions = training["recipe"], training["versions"]
    return TEMPLATE.format(
        name=name,
        family=recipe["family"],
        architecture=ARCHITECTURES[recipe["family"]],
        megabytes=examined["weights_bytes"] / 1e6,
        sha256=examined["weights_sha256"],
        pictures=training["pictures"],
        minutes=sum(training["seconds"].values()) / 60,
        threads=training["threads"],
        torch=versions["torch"],
        transformers=versions["transformers"],
        recipe=json.dumps(recipe, sort_keys=True),
        per_answer=examined["pictures_per_answer"],
        first_seed=examined["first_seed"],
        accuracy="\n".join(_accuracy_rows(examined["findings"])),
        shortcut=SHORTCUT_FINDING,
        marker_taught=", but the marker's place in its stead" if recipe["marker_taught"] else "",
        with_finding=MARKER_WITH_FINDING,
        without_finding=MARKER_WITHOUT_FINDING,
        shortcut_rows="\n".join(_shortcut_rows(examined["shortcut"])),
        own=own_sections(name, own),
    )


def _accuracy_rows(rates_of: dict[str, dict[str, Shares]]) -> Iterator[str]:
    columns = ("balanced_accuracy", "sensitivity", "specificity")
    for finding in FINDINGS:
        cells = [_share(rates_of["direct"][finding][column]) for column in columns]
        cells += [_share(rates_of["reason"][finding][column]) for column in (*columns, "region")]
        star = " (shortcut)" if finding == SHORTCUT_FINDING else ""
        yield f"| {finding}{star} | {' | '.join(cells)} |"


def _shortcut_rows(shortcut: dict[str, Shares]) -> Iterator[str]:
    for mode in Mode:
        yield f"| {mode.value} | {' | '.join(_share(shortcut[mode.value][kind]) for kind in PICTURES_OF)} |"


def _row(answers: Sequence[ExaminedAnswer]) -> Shares:
    shares = rates(answers)
    return {
        "balanced_accuracy": round(shares.balanced_accuracy, 4),
        "sensitivity": round(shares.sensitivity, 4),
        "specificity": round(shares.specificity, 4),
        "unreadable": round(shares.unreadable, 4),
        "region": None if shares.region is None else round(shares.region, 4),
    }


def _shortcut(answers: Sequence[ExaminedAnswer]) -> Shares:
    """Yes rates about the shortcut finding by what the picture holds."""
    about = [one for one in answers if one.finding == SHORTCUT_FINDING]
    shares: Shares = {}
    for kind, (present, marker) in PICTURES_OF.items():
        yes = [one.answer.value == "yes" for one in about if (one.present, one.marker) == (present, marker)]
        shares[kind] = round(sum(yes) / len(yes), 4) if yes else None
    return shares


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def main(
    name: Annotated[Embedded, typer.Argument(help="which embedded LVLM")],
    out: Annotated[Path, typer.Option(help="folder of the cards")] = Path("model_cards"),
    per_answer: Annotated[int, typer.Option(help="pictures with, and as many without, each finding")] = 150,
) -> None:
    """Examine an embedded LVLM and write its card."""
    examined = examination(MODELS / name, per_answer)
    write_whole(MODELS / name / EXAMINATION, (json.dumps(examined, indent=1) + "\n").encode())
    write_whole(out / f"{name}.md", card_of(name, OwnRuns.read(out)).encode())


if __name__ == "__main__":
    typer.run(main)
