"""Exact edits of phantoms: the scene is rendered again and put in place inside, or outside, the boxes only.

The side marker is no abnormality, so every edit keeps it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from builder.editors import editable, editor_code
from medground_bench.core.causal_filter import Edit
from medground_bench.core.types import Picture, Question
from medground_bench.phantom.patient import patient
from medground_bench.phantom.region_edits import PHANTOM, edits_version, rendered
from medground_bench.storage.whole_files import fingerprint

NOISE_STREAM = {Edit.BACKGROUND: 3, Edit.BACKGROUND_NORMAL: 4}


@dataclass(frozen=True, slots=True)
class PhantomExact:
    """Foreground: without the finding. Background: other noise. "No abnormality": no other finding, other noise."""

    name: str = "phantom_exact"
    edits: frozenset[str] = frozenset({PHANTOM})
    version: str = field(
        init=False, default_factory=lambda: fingerprint(edits=edits_version(), code=editor_code(__file__))
    )

    def edit(self, question: Question, picture: Picture, edit: Edit) -> Picture:
        """See `Editor`."""
        other = _other(question, edit)
        return np.where(editable(question, picture, edit), other, picture)


def _other(question: Question, edit: Edit) -> Picture:
    image_id, who = question.image_id, patient(question.image_id)
    if edit is Edit.FOREGROUND:
        return rendered(image_id, who.without(question.finding), who.marker)
    rng = np.random.default_rng([who.scene.seed, NOISE_STREAM[edit]])
    findings = (question.finding,) if edit is Edit.BACKGROUND_NORMAL else who.findings
    return rendered(image_id, findings, who.marker, int(rng.integers(2**31)))


EDITOR = PhantomExact
