"""A phantom's leading finding as an LVLM answers about it: what the probes of single cases work with."""

from __future__ import annotations

from medground_bench.core.prompts import prompt
from medground_bench.core.types import Case, Mode, Reference
from medground_bench.phantom.exact_edits import EXACT, original
from medground_bench.phantom.patient import patient
from medground_bench.pictures import to_study
from medground_bench.probes.subjects import Shown


def answered(lvlm, image_id: str, finding: str | None = None, mode: Mode = Mode.DIRECT) -> Shown:
    """Whatever the LVLM says, right or wrong; by default about the first finding that is there."""
    who = patient(image_id)
    finding = finding or who.findings[0]
    native, words = original(image_id), prompt(finding, mode)
    study = to_study(native).picture
    [response] = lvlm.generate([study], [words])
    name = f"phantom/{image_id}/{finding.replace(' ', '-')}@{lvlm.key}:{mode}"
    truth = Reference(name, "phantom", image_id, lvlm.key, mode, finding, who.native, who.boxes(finding))
    return Shown(Case(name, finding, words, response, study, who.native), truth, native, EXACT)
