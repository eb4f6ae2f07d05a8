"""One digest of all the code that decides a phantom's pixels, so that kept pictures are known to be current."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from medground_bench.storage.whole_files import fingerprint, sha256

DRAWING = (
    *(
        "anatomy",
        "body",
        "fields",
        "hemithorax",
        "marker",
        "placement",
        "pose",
        "raster",
        "render",
        "scene",
        "shortcut",
    ),
    *("findings/__init__", "findings/chest_wall", "findings/lung", "findings/mediastinum", "findings/pleura"),
)
"""The modules beside this one that draw a scene or choose what is drawn."""


@lru_cache(maxsize=1)
def renderer_digest() -> str:
    """Changes whenever code that decides pixels changes."""
    folder = Path(__file__).parent
    return fingerprint(**{name: sha256((folder / f"{name}.py").read_bytes()) for name in DRAWING})
