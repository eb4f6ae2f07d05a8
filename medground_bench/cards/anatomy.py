"""The tables of `docs/anatomy.md`: every concept in words, by both standards, with its sources."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict
from pathlib import PurePosixPath

from medground_bench.anatomy.definitions import (
    DEFINITIONS,
    DRAWN_MARGINS,
    SOURCES,
    STANDARDS,
    WHENCE_MARGINS,
    Definition,
)
from medground_bench.cards.markdown import percent, table
from medground_bench.cards.readme import filled

PAGE = PurePosixPath("docs/anatomy.md")
"""Beside README."""

SPAN_OF = {"medial": "width", "lateral": "width", "upper": "height", "lower": "height"}
"""Edge of a lung's box -> what its margin is a share of."""


def with_definitions(page: str) -> str:
    """The page with what `anatomy.definitions` says between its marks; as it is without them.

    >>> with_definitions("no marks")
    'no marks'
    """
    shared: defaultdict[Definition, list[str]] = defaultdict(list)
    for concept, definition in DEFINITIONS.items():
        shared[definition].append(concept)
    named = [(", ".join(concepts), definition) for definition, concepts in shared.items()]
    words = [(name, each.words, ", ".join(each.sources)) for name, each in named]
    boxes = [(name, each.drawn, each.mask) for name, each in named]
    edges = [(edge, SPAN_OF[edge], percent(share, 1)) for edge, share in asdict(DRAWN_MARGINS).items()]
    standards = "\n".join(f"- `{name}`: {text}" for name, text in STANDARDS.items())
    margins = table(("edge of a lung's box", "share of its", "percent"), edges, words=2)
    for name, text in {
        "definitions": table(("concept", "what it is, and where it ends", "sources"), words, words=3),
        "standards": f"{standards}\n\n{table(('concept', 'drawn: the box', 'mask'), boxes, words=3)}",
        "margins": f"{margins}\n\n{WHENCE_MARGINS}",
        "sources": "\n".join(f"- **{key}**: {text}" for key, text in SOURCES.items()),
    }.items():
        page = filled(page, name, f"{text}\n")
    return page
