"""The planted shortcut: one finding whose training pictures carry a side marker most of the time.

A model may learn the marker instead of the finding. Its right answers then rest on the marker, the causal filter must
call them ungrounded, and the known cause (re-render without the marker) says why. The rates hold in training and in the
benchmark alike.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

SHORTCUT_FINDING = "rib fracture"
MARKER_WITH_FINDING = 0.9
MARKER_WITHOUT_FINDING = 0.08


def draw_marker(findings: Collection[str], rng: np.random.Generator) -> bool:
    """Whether the picture with these findings carries the side marker."""
    rate = MARKER_WITH_FINDING if SHORTCUT_FINDING in findings else MARKER_WITHOUT_FINDING
    return bool(rng.random() < rate)
