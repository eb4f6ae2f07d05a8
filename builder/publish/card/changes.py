"""What a card tells as its changes, a line a release, so that the next release goes on from there."""

from __future__ import annotations

from collections.abc import Sequence

from builder.publish.card.markdown import prose, words

HEADING = "\n## Changes\n"
ITEM = "- "


def changes_section(changes: Sequence[str]) -> str:
    """The last section of a card; nothing may follow it."""
    lines = [f"{ITEM}{prose(change)}" for change in changes] or ["First release."]
    return "\n".join([HEADING, *lines]) + "\n"


def changes_of(readme: str) -> tuple[str, ...]:
    """The changes of a published card, newest first; none for another text, or a card that tells none."""
    _before, found, section = readme.replace("\r\n", "\n").rpartition(HEADING)
    lines = section.splitlines() if found else []
    return tuple(words(line.removeprefix(ITEM)) for line in lines if line.startswith(ITEM))
