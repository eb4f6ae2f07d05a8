"""Which anatomical concepts a phrase names: "the right lower lobe" names the right lung."""

from __future__ import annotations

import re

STRUCTURES = (
    (r"costophrenic|cardiophrenic|cp angles?|phrenic angles?|sulcus|sulci", "{side} costophrenic angle"),
    (r"hilum|hila|hilar|perihilar", "{side} hilar structures"),
    (r"clavicles?|clavicular|collarbones?", "{side} clavicle"),
    (r"(?:upper|superior) mediastin\w+|trachea|tracheal|aortic (?:arch|knob)", "upper mediastinum"),
    (r"mediastin\w+|cardiomediastin\w+", "mediastinum"),
    (r"heart|cardiac|cardiomediastin\w+", "cardiac silhouette"),
)
"""Words -> the concept they name, most specific first; each also takes its words out of the phrase."""

LUNG = re.compile(
    r"\b(?:lungs?|pulmonary|lobes?|hemithora(?:x|ces)|pleura|pleural|apex|apices|apical|bases?|basal|basilar)\b"
)
SIDED = re.compile(r"\b(left|right)\b")
BOTH = re.compile(r"\b(?:bilateral(?:ly)?|both)\b")
SIDES = ("left", "right")


def concepts_named(phrase: str) -> tuple[str, ...]:
    """Names out of the 11 concepts, none when the phrase names no anatomy.

    Sides are the patient's, as in reports; without a side both are meant. Parts of a lung, and the pleura, name the
    whole lung: the vocabulary has nothing smaller. "Left hilum" does not name the lung around it.
    """
    rest = " ".join(phrase.lower().split())
    named = set(SIDED.findall(rest))
    sides = SIDES if BOTH.search(rest) or not named else tuple(side for side in SIDES if side in named)
    concepts: dict[str, None] = {}
    for words, concept in STRUCTURES:
        rest, found = re.subn(rf"\b(?:{words})\b", " ", rest)
        if found:
            concepts.update(dict.fromkeys(concept.format(side=side) for side in sides))
    specific = any("costophrenic" in concept or "hilar" in concept for concept in concepts)
    if LUNG.search(rest) and not specific:
        concepts.update(dict.fromkeys(f"{side} lung" for side in sides))
    return tuple(concepts)
