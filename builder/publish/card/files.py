"""All files that a card consists of: rows and facts in, bytes out, the same for the same."""

from __future__ import annotations

from builder.publish.card.about import About
from builder.publish.card.croissant import croissant
from builder.publish.card.facts import CardFacts
from builder.publish.card.head import eval_yaml, head, modes_of
from builder.publish.card.licence import FILE, licence_file
from builder.publish.card.text import body
from medground_bench.benchmark.folder import DatasetFolder


def card_files(folder: DatasetFolder, about: About) -> dict[str, bytes]:
    """Name -> bytes: README.md and croissant.json; eval.yaml where there are cases; LICENSE where terms need one.

    SourceMissing for a folder without rows, UnknownName for rows of a source whose terms are not known.
    """
    facts = CardFacts.of(folder)
    modes = modes_of(facts)
    texts = {
        "README.md": head(facts) + body(facts, about),
        "croissant.json": croissant(facts, about),
        "eval.yaml": eval_yaml(modes) if modes else None,
        FILE: licence_file(facts.credentialed, with_release=facts.with_release),
    }
    return {name: text.encode("utf-8") for name, text in texts.items() if text is not None}
