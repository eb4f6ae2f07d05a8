"""Data that a few tests measure with and that does not stand in the repository: where it is looked for."""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "MEDGROUND_TEST_DATA"
"""Names a folder with `real_cxr/` (images/, annotations.json) and `medground_release/` (direct.json)."""

BESIDE_THE_CHECKOUT = Path(__file__).parents[3] / "shared" / "data"


def outside_data(name: str) -> Path:
    """A folder of that data, there or not."""
    return Path(os.environ.get(VARIABLE) or BESIDE_THE_CHECKOUT) / name
