"""From the relevance that an LVLM hands down to a method's evidence: what `lrp` and `attnlrp` share."""

from __future__ import annotations

from medground_bench.core.types import Attribution, Case, SaliencyMap
from medground_bench.lvlms import Lvlm, Rule


def propagated(lvlm: Lvlm, case: Case, rule: Rule, layer: int) -> Attribution:
    """Relevance of the image tokens at a layer's input, by a rule for attention, and the share that was kept.

    The share is what arrived at all positions or was kept by biases on the way, over what was handed down; 0 where that
    was nothing.
    """
    found = lvlm.relevance(case.picture, case.prompt, case.response, rule=rule, layer=layer)
    share = (found.everywhere + found.biases) / found.target if found.target else 0.0
    return Attribution(
        saliency=SaliencyMap(found.values, case.study), self_checks={"conserved_share": float(share)}
    )
