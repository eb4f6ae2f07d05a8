"""uot solved by POT, to check the paper's localizer with another solver: half a second; needs the extra `reference`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from medground_bench.localizers.uot import Uot


@dataclass(frozen=True, kw_only=True)
class UotPot(Uot):
    """As `uot`, by another solver; every other setting is the paper's."""

    solver: Literal["separable", "pot"] = "pot"


LOCALIZER = UotPot
