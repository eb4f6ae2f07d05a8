"""What the embedded LVLMs learn to say: answers and reasoning chains about phantom findings.

A chain names a region first and settles the verdict later, in one of several wordings, so that neither its second token
nor its length gives the verdict away.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from medground_bench.core.concepts import CONCEPTS
from medground_bench.core.prompts import prompt
from medground_bench.core.types import Mode

SIGNS = {
    "nodule": "round opacity",
    "consolidation": "patchy opacity",
    "pleural effusion": "fluid meniscus",
    "cardiomegaly": "enlarged heart",
    "pneumothorax": "pleural line",
    "atelectasis": "linear band",
    "pacemaker": "metal device",
    "hilar enlargement": "dense hilum",
    "aortic enlargement": "bulging aorta",
    "rib fracture": "displaced rib",
}
"""Finding -> the sign a chain names."""

KEYWORDS = {finding: finding.split()[0] for finding in SIGNS} | {
    "pleural effusion": "effusion",
    "rib fracture": "fracture",
}
"""Finding -> the one word of its question that no other finding's question holds."""

_LUNGS = ("left lung", "right lung")
REGIONS = {
    "nodule": _LUNGS,
    "consolidation": _LUNGS,
    "pleural effusion": ("left costophrenic angle", "right costophrenic angle"),
    "cardiomegaly": ("cardiac silhouette",),
    "pneumothorax": _LUNGS,
    "atelectasis": _LUNGS,
    "pacemaker": ("left clavicle", "right clavicle"),
    "hilar enlargement": ("left hilar structures", "right hilar structures"),
    "aortic enlargement": ("upper mediastinum",),
    "rib fracture": _LUNGS,
}
"""Finding -> where it can lie, in the vocabulary of the concepts."""


@dataclass(frozen=True, slots=True)
class Wording:
    """One way to word a chain; `yes` and `no` share their opening up to and beyond the region."""

    yes: str
    no: str


WORDINGS = (
    Wording(
        "I look at the {region}. There I see a {sign}, evidence of {finding}. Answer: yes",
        "I look at the {region}. There I see no {sign}, so no {finding}. Answer: no",
    ),
    Wording(
        "The {region} shows a {sign}. This supports {finding}. The answer is yes.",
        "The {region} shows no {sign}. This speaks against {finding}. The answer is no.",
    ),
    Wording(
        "First, the {region}: a {sign} is visible. Therefore the answer is yes.",
        "First, the {region}: no {sign} is visible. Therefore the answer is no.",
    ),
    Wording(
        "To judge {finding} I check the {region}. It has a {sign}. Final answer: yes",
        "To judge {finding} I check the {region}. It has no {sign}. Final answer: no",
    ),
)

FAVOURITE = 0.7
"""Share of a finding's chains in its favourite wording; the rest is spread over the others."""


def favourite_wording(finding: str, shift: int) -> int:
    """Index into WORDINGS that a model with this `shift` uses most for a finding."""
    return (list(SIGNS).index(finding) + shift) % len(WORDINGS)


def draw_wording(finding: str, shift: int, rng: np.random.Generator) -> Wording:
    """A wording for one training chain."""
    if rng.random() < FAVOURITE:
        return WORDINGS[favourite_wording(finding, shift)]
    return WORDINGS[int(rng.integers(len(WORDINGS)))]


def answer_text(finding: str, *, present: bool, region: str, mode: Mode, wording: Wording) -> str:
    """The target response."""
    if mode is Mode.DIRECT:
        return "Yes" if present else "No"
    form = wording.yes if present else wording.no
    return form.format(region=region, sign=SIGNS[finding], finding=finding)


def region_named(text: str) -> str | None:
    """The first concept that a chain names, None when it names none."""
    places = {name: text.find(name) for name in CONCEPTS if name in text}
    longest = {name: at for name, at in places.items() if not any(name != o and name in o for o in places)}
    return min(longest, key=lambda name: longest[name]) if longest else None


def corpus() -> Iterator[str]:
    """Every sentence the tokenizer must hold whole words for."""
    for finding, sign in SIGNS.items():
        for mode in Mode:
            yield prompt(finding, mode)
        for wording in WORDINGS:
            for region in CONCEPTS:
                for form in (wording.yes, wording.no):
                    yield form.format(region=region, sign=sign, finding=finding)
    yield "You are a helpful assistant. system user model assistant Yes No yes no YES NO"
    yield "Identify the local evidence in the image that supports the answer"
