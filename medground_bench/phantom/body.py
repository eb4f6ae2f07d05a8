"""The body frame: sides of the body, and the heights of what lies in its middle.

x is the signed distance from the mid-line (positive towards image right = the patient's left), y runs from 0 (top) to
1 (bottom); both in sides of the square picture before the pose. `outward` is the distance from the mid-line towards one
side of the body.
"""

from __future__ import annotations

from typing import Literal

Laterality = Literal["right", "left"]
LATERALITIES: tuple[Laterality, ...] = ("right", "left")
SIGN: dict[Laterality, float] = {"right": -1.0, "left": 1.0}  # of x: the patient's right is image left

CARINA_Y = 0.335  # the trachea divides here
KNOB_Y = 0.285  # the aortic knob
UPPER_MEDIASTINUM_END_Y = 0.47
