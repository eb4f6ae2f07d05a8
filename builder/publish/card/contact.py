"""Where readers ask, as a card says it, so that the next release says the same."""

from __future__ import annotations

from builder.publish.card.markdown import prose, words

HEADING = "\n## Contact\n"
USUAL = "Ask in the [discussions]("


def contact_text(contact: str, page: str) -> str:
    """A line; empty contacts mean the discussions of the repository, whose page this is."""
    return prose(contact) if contact else f"{USUAL}{page}/discussions)."


def contact_of(readme: str) -> str:
    """What a published card says; empty where it names the discussions, and for another text."""
    _before, _found, after = readme.replace("\r\n", "\n").rpartition(HEADING)
    line = after.partition("\n## ")[0].strip()
    return "" if line.startswith(USUAL) else words(line)
