"""Every picture of a phantom that an LVLM is asked about, drawn again to the bit: as it is, edited, without a cause.

An edit renders the scene again and puts it in place inside, or outside, the boxes only. The side marker is no
abnormality, so every edit keeps it.
"""

from __future__ import annotations

import numpy as np

from medground_bench.core.causal_filter import Edit
from medground_bench.core.causes import Counterfactual
from medground_bench.core.edit_regions import editable
from medground_bench.core.types import Picture, Question
from medground_bench.phantom.patient import patient
from medground_bench.phantom.region_edits import rendered

EXACT = "phantom_exact"
"""The editor whose edits these are."""

NOISE_STREAM = {Edit.BACKGROUND: 3, Edit.BACKGROUND_NORMAL: 4}


def original(image_id: str) -> Picture:
    """The patient's picture as it is."""
    who = patient(image_id)
    return rendered(image_id, who.findings, who.marker)


def edited(question: Question, picture: Picture, edit: Edit) -> Picture:
    """Foreground: without the finding. Background: other noise. "No abnormality": no other finding, other noise."""
    return np.where(editable(question, picture, edit), _other(question, edit), picture)


def without(question: Question, counterfactual: Counterfactual) -> Picture:
    """With the finding, the side marker or both taken out, and all else the same."""
    who = patient(question.image_id)
    keeps_finding = counterfactual is Counterfactual.WITHOUT_MARKER
    marker = who.marker and counterfactual is Counterfactual.WITHOUT_FINDING
    findings = who.findings if keeps_finding else who.without(question.finding)
    return rendered(question.image_id, findings, marker)


def _other(question: Question, edit: Edit) -> Picture:
    image_id, who = question.image_id, patient(question.image_id)
    if edit is Edit.FOREGROUND:
        return rendered(image_id, who.without(question.finding), who.marker)
    rng = np.random.default_rng([who.scene.seed, NOISE_STREAM[edit]])
    findings = (question.finding,) if edit is Edit.BACKGROUND_NORMAL else who.findings
    return rendered(image_id, findings, who.marker, int(rng.integers(2**31)))
