"""Exact edits of phantoms: the scene is rendered again and put in place inside, or outside, the boxes only."""

from __future__ import annotations

from dataclasses import dataclass, field

from builder.editors import editor_code
from medground_bench.core.causal_filter import Edit
from medground_bench.core.types import Picture, Question
from medground_bench.phantom.exact_edits import EXACT, edited
from medground_bench.phantom.region_edits import PHANTOM, edits_version
from medground_bench.storage.whole_files import fingerprint


@dataclass(frozen=True, slots=True)
class PhantomExact:
    """The library's exact edits, so that whoever has a benchmark can draw them again."""

    name: str = EXACT
    edits: frozenset[str] = frozenset({PHANTOM})
    version: str = field(
        init=False, default_factory=lambda: fingerprint(edits=edits_version(), code=editor_code(__file__))
    )

    def edit(self, question: Question, picture: Picture, edit: Edit) -> Picture:
        """See `Editor`."""
        return edited(question, picture, edit)


EDITOR = PhantomExact
