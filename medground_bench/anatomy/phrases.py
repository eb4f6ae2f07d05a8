"""Which anatomical concepts a phrase names: "the right lower lobe" names the right lung."""

from __future__ import annotations

import re
from collections.abc import Sequence

STRUCTURES = (
    (r"costophrenic|cardiophrenic|cp angles?|phrenic angles?|sulcus|sulci", "{side} costophrenic angle"),
    (r"hilum|hila|hilar|perihilar", "{side} hilar structures"),
    (r"clavicles?|clavicular|collarbones?", "{side} clavicle"),
    (r"(?:upper|superior) mediastin\w+|trachea|tracheal|aortic (?:arch|knob)", "upper mediastinum"),
    (r"mediastin\w+|cardiomediastin\w+", "mediastinum"),
    (r"heart|cardiac", "cardiac silhouette"),
)
"""Words -> the concept they name, most specific first; each also takes its words out of the phrase."""

LUNG = re.compile(r"\b(?:lungs?|pulmonary|lobes?|hemithora(?:x|ces)|pleura|pleural)\b")
LUNG_END = re.compile(r"\b(?:apex|apices|apical|bases?|basal|basilar)\b")
"""The heart has an apex and a base too."""

JOINTS = re.compile(r"\band\b|[,;/]")
BOTH = re.compile(r"\b(?:bilateral(?:ly)?|both)\b")
PAIRS = re.compile(r"\b(?:lungs|hemithoraces|apices|bases|hila|clavicles|collarbones|angles|sulci)\b")
"""Of what each side has one, the plural means both."""

SIDES = ("left", "right")


def concepts_named(phrase: str) -> tuple[str, ...]:
    """Names out of the 11 concepts, none when the phrase names no anatomy.

    Sides are the patient's, as in reports; without a side both are meant. Parts of a lung, and the pleura, name the
    whole lung: the vocabulary has nothing smaller. "Left hilum of the lung" does not name the lung around it, "left
    hilum and lung" does. A part of the phrase without a side has the side of the others, unless it is a plural: "left
    hilum and base" names the left lung, "left hilum and lung bases" both.
    """
    words = " ".join(phrase.lower().split())
    concepts: dict[str, None] = {}
    for part in _parts(words):
        sides = _sides(part) or (not PAIRS.search(part) and _sides(words)) or SIDES
        concepts.update(dict.fromkeys(_structures(part, sides)))
    return tuple(concepts)


def _parts(phrase: str) -> list[str]:
    """Cut at joints so that each part names a structure: "left and right lungs" and "lungs, left more" stay whole."""
    parts: list[str] = []
    begun = ""
    for piece in JOINTS.split(phrase):
        begun = f"{begun} {piece}"
        if _structures(begun, SIDES):
            parts.append(begun)
            begun = ""
    return [*parts[:-1], parts[-1] + begun] if parts else []


def _sides(text: str) -> tuple[str, ...]:
    """The sides that the text says, none when it says none."""
    return SIDES if BOTH.search(text) else tuple(side for side in SIDES if re.search(rf"\b{side}\b", text))


def _structures(part: str, sides: Sequence[str]) -> list[str]:
    """The concepts that one part of a phrase names, on these sides where there are two."""
    named: list[str] = []
    for words, concept in STRUCTURES:
        part, count = re.subn(rf"\b(?:{words})\b", " ", part)
        if count:
            named += dict.fromkeys(concept.format(side=side) for side in sides)
    specific = any("costophrenic" in concept or "hilar" in concept for concept in named)
    lung = LUNG.search(part) or (LUNG_END.search(part) and "cardiac silhouette" not in named)
    return named + [f"{side} lung" for side in sides] if lung and not specific else named
