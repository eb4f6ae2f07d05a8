"""What the LVLM is asked, word for word."""

from __future__ import annotations

from medground_bench.core.prompts import NO_ABNORMALITY, no_finding, prompt, question
from medground_bench.core.types import Mode


def test_the_prompts_are_the_papers_word_for_word():
    assert question("pleural effusion") == "Is there evidence of pleural effusion in the image?"
    assert prompt("mass", Mode.DIRECT) == (
        "Is there evidence of mass in the image?\nAnswer directly with yes or no without any explanation."
    )
    assert prompt("mass", Mode.REASON) == (
        "Is there evidence of mass in the image?\nThink step by step and answer with yes or no."
    )
    assert (no_finding("mass"), NO_ABNORMALITY) == ("No mass", "No abnormality")
