"""docs/anatomy.md says what the constants say."""

from __future__ import annotations

from medground_bench.anatomy.definitions import DEFINITIONS, SOURCES, STANDARDS
from medground_bench.cards.anatomy import PAGE, with_definitions
from tests.hub.clients import ROOT

TEXT = (ROOT / PAGE).read_text("utf-8")


def test_the_page_is_current_to_the_byte():
    assert with_definitions(TEXT) == TEXT, f"{PAGE} is stale: python -m medground_bench.cards"


def test_every_concept_standard_and_source_stands_on_the_page():
    assert all(each.words in TEXT and each.mask in TEXT for each in DEFINITIONS.values())
    assert all(words in TEXT for words in (*DEFINITIONS, *STANDARDS.values(), *SOURCES.values()))
