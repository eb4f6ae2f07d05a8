"""What decides the weights of the two embedded LVLMs besides the code."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Architecture(StrEnum):
    """The two that are trained."""

    GEMMA3 = "gemma3"
    QWEN2_5_VL = "qwen2_5_vl"


SHIFT = {"gemma3": 0, "qwen2_5_vl": 1}
"""Architecture -> which wordings it favours."""


@dataclass(frozen=True, kw_only=True)
class LvlmRecipe:
    """One training run."""

    family: str
    seed: int = 0
    training_scenes: int = 12_000
    validation_scenes: int = 400
    see_steps: int = 2000
    see_batch: int = 64
    speak_frozen_steps: int = 300
    speak_joint_steps: int = 1200
    locate_steps: int = 400
    speak_batch: int = 32
    see_rate: float = 1.5e-3
    speak_rate: float = 1.5e-3
    vision_rate: float = 3e-4
    locate_vision_rate: float = 3e-4
    marker_taught: bool = False
    """Whether tokens learn to show the shortcut finding where the marker is; else they learn no place for it."""


RECIPES = {
    "gemma3": LvlmRecipe(family="gemma3"),
    "qwen2_5_vl": LvlmRecipe(
        family="qwen2_5_vl", see_steps=1000, locate_steps=800, locate_vision_rate=1e-3, marker_taught=True
    ),
}
"""What the shipped models were trained with.

Qwen's tower sees as much in half the steps, but knows positions by rotation alone: it must learn what is left and what
is right from the anatomy, which takes longer. Left to itself it does not find the marker, so its place is shown.
"""
