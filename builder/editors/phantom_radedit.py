"""Edits of phantoms by `radedit`'s own code, with a tiny diffusion model that comes with the program.

The model was trained on phantoms alone (see `builder.diffusion.training`) and knows their ten findings by name; on any
other picture its edits mean nothing. It sees 112 px, as the embedded LVLMs do; what it edits comes out without grain.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

from builder.diffusion.weights import PHANTOM
from builder.editors import editor_code
from builder.editors.radedit import RadEdit
from medground_bench.core.causal_filter import Edit
from medground_bench.core.types import Picture, Question
from medground_bench.phantom.region_edits import PHANTOM as PHANTOM_SOURCE
from medground_bench.storage.whole_files import fingerprint


@cache
def _radedit() -> RadEdit:
    """Settings chosen on ten phantoms that no number of the card comes from."""
    return RadEdit(steps=10, guidance=3.0, skip=0.0, side_px=112, feather_px=2.0, weights=PHANTOM)


def _version() -> str:
    return fingerprint(radedit=_radedit().version, code=editor_code(__file__))


@dataclass(frozen=True, slots=True)
class PhantomRadEdit:
    """See the module."""

    name: str = "phantom_radedit"
    edits: frozenset[str] = frozenset({PHANTOM_SOURCE})
    version: str = field(init=False, default_factory=_version)

    def edit(self, question: Question, picture: Picture, edit: Edit) -> Picture:
        """See `Editor`."""
        return _radedit().edit(question, picture, edit)


EDITOR = PhantomRadEdit
