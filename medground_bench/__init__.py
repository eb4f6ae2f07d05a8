"""MedGround-Bench: causally validated visual attribution for chest X-rays.

The names below are what most programs need; each is imported from its room when it is first asked for, so that
importing the package is quick and needs neither torch nor gradio.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medground_bench.benchmark.join import join
    from medground_bench.benchmark.opening import Benchmark, open_benchmark
    from medground_bench.core.answers import read_answer
    from medground_bench.core.scoring import score
    from medground_bench.core.types import Box, Case, Frame, Mode
    from medground_bench.localizers import localize, open_localizer
    from medground_bench.lvlms import open_lvlm
    from medground_bench.methods import explain, open_method
    from medground_bench.pictures import read_picture
    from medground_bench.submission.read import read_submission

__version__ = "0.1.0"

__all__ = [
    "Benchmark",
    "Box",
    "Case",
    "Frame",
    "Mode",
    "explain",
    "join",
    "localize",
    "open_benchmark",
    "open_localizer",
    "open_lvlm",
    "open_method",
    "read_answer",
    "read_picture",
    "read_submission",
    "score",
]

_HOMES = {
    "benchmark.join": ("join",),
    "benchmark.opening": ("Benchmark", "open_benchmark"),
    "core.answers": ("read_answer",),
    "core.scoring": ("score",),
    "core.types": ("Box", "Case", "Frame", "Mode"),
    "localizers": ("localize", "open_localizer"),
    "lvlms": ("open_lvlm",),
    "methods": ("explain", "open_method"),
    "pictures": ("read_picture",),
    "submission.read": ("read_submission",),
}
"""Module -> the public names that it holds."""


def __getattr__(name: str) -> Any:  # the imports above give checkers the types
    """A public name, imported now."""
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """What a shell completes."""
    return sorted({*globals(), *__all__})
