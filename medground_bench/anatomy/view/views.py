"""The views that are told apart, and what is said of each that is not as it should be."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum


class View(Enum):
    """In the order of the network's logits; one that is mirrored and inverted too is called inverted."""

    FRONTAL = "upright frontal chest"
    MIRRORED = "mirrored"
    INVERTED = "inverted"
    LATERAL = "lateral"
    NO_CHEST = "no upright chest"


NOTES: Mapping[View, str] = {
    View.MIRRORED: (
        "this picture looks mirrored (the heart lies on its left): flip it, unless the patient has situs inversus; "
        "what is found on it is named as if it were not"
    ),
    View.INVERTED: (
        "this picture looks inverted (air is white): exchange black and white, or what is found on it cannot be trusted"
    ),
    View.LATERAL: (
        "this picture looks like a lateral view: take the frontal one, since what is found on it cannot be trusted"
    ),
    View.NO_CHEST: (
        "this picture does not look like an upright, whole, frontal chest radiograph: turn it or take another, since "
        "what is found on it cannot be trusted"
    ),
}
"""Of every view but the right one: what was seen, and what to do."""
