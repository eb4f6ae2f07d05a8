"""The question template, the modes' suffixes and the editor's prompts: paper, section B.2."""

from __future__ import annotations

from medground_bench.core.types import Mode

NO_ABNORMALITY = "No abnormality"
"""Prompt of the second background edit."""

SUFFIXES = {
    Mode.DIRECT: "Answer directly with yes or no without any explanation.",
    Mode.REASON: "Think step by step and answer with yes or no.",
}


def question(finding: str) -> str:
    """The benchmark's question about a finding.

    >>> question("pleural effusion")
    'Is there evidence of pleural effusion in the image?'
    """
    return f"Is there evidence of {finding} in the image?"


def prompt(finding: str, mode: Mode) -> str:
    """What the LVLM is asked: the question, a line break, the mode's suffix.

    >>> prompt("mass", Mode.REASON).splitlines()
    ['Is there evidence of mass in the image?', 'Think step by step and answer with yes or no.']
    """
    return f"{question(finding)}\n{SUFFIXES[mode]}"


def no_finding(finding: str) -> str:
    """Prompt of the foreground edit and of the first background edit.

    >>> no_finding("pleural effusion")
    'No pleural effusion'
    """
    return f"No {finding}"
