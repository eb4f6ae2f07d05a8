"""Methods by where they come from: the paper's, extras, and controls. No method is imported for it."""

from __future__ import annotations

from enum import StrEnum

from medground_bench import plugins


class MethodGroup(StrEnum):
    """What a method is in the benchmark: the paper reports it, it was added, or it never asks the LVLM."""

    PAPER = "paper"
    EXTRA = "extra"
    CONTROL = "control"


def group_of(method: str) -> MethodGroup:
    """The group of the method of that name, as its file says it by `PAPER = True` or `CONTROL = True`."""
    if plugins.literal("methods", method, "CONTROL") is True:
        return MethodGroup.CONTROL
    return MethodGroup.PAPER if plugins.literal("methods", method, "PAPER") is True else MethodGroup.EXTRA


def grouped_methods() -> dict[MethodGroup, list[str]]:
    """Every method that is installed, sorted, by group; a group without a method is there too."""
    groups: dict[MethodGroup, list[str]] = {group: [] for group in MethodGroup}
    for method in plugins.available("methods"):
        groups[group_of(method.name)].append(method.name)
    return groups
