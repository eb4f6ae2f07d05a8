"""The three levels of publishing; which source has which stands in `columns`."""

from __future__ import annotations

from enum import StrEnum


class Level(StrEnum):
    """How much is published; each has what the one before it has.

    keys   opaque ids, findings, responses, answers, verdicts, the digest of a picture
    boxes  the experts' boxes and the size of a picture as well
    full   pictures as well; no credentialed source has this level
    """

    KEYS = "keys"
    BOXES = "boxes"
    FULL = "full"

    @property
    def height(self) -> int:
        """Counted from 0."""
        return _HEIGHTS[self]


_HEIGHTS = {level: height for height, level in enumerate(Level)}
