"""Tokens to words: sums by hand, and the law that nothing is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medground_bench.core.types import TokenDrop
from medground_bench.core.word_drops import WordDrop, word_drops


def words_of(*tokens: tuple[str, float]) -> list[tuple[str, float]]:
    return [(word.text, word.drop) for word in word_drops([TokenDrop(*token) for token in tokens])]


def test_pieces_of_a_word_are_summed_and_punctuation_stays_with_its_word():
    tokens = [("The", 0.25), (" cardio", 1.0), ("meg", 0.5), ("aly", 2.0), (".", 0.25), (" Yes", 1.0)]
    assert words_of(*tokens) == [("The", 0.25), (" cardiomegaly.", 3.75), (" Yes", 1.0)]


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        ([("Yes", 1), (" ", 2), (".", 4)], [("Yes", 1), (" .", 6)]),
        ([("Clear.\n\n", 1), ("Yes", 2)], [("Clear.\n\n", 1), ("Yes", 2)]),
        ([("\n", 1), ("\n", 2), ("Yes", 4), ("\n", 8)], [("\n\nYes\n", 15)]),
        ([("caf", 1), ("", 2), ("é", 4), (" au", 8)], [("café", 7), (" au", 8)]),
        ([("the", 1), ("", 2), (" é", 4), ("", 8)], [("the", 1), (" é", 14)]),
        ([(" ", 3)], [(" ", 3)]),
        ([], []),
    ],
)
def test_white_space_counts_with_the_next_word_and_half_characters_with_the_whole_one(tokens, words):
    assert words_of(*tokens) == words


@given(st.lists(st.tuples(st.text(alphabet="ab. \n\t", max_size=4), st.integers(0, 9)), max_size=30))
def test_texts_join_to_the_response_and_drops_add_up(tokens):
    words = words_of(*tokens)
    assert "".join(text for text, _ in words) == "".join(text for text, _ in tokens)
    assert sum(drop for _, drop in words) == sum(drop for _, drop in tokens)
    said = "".join(text for text, _ in tokens).split()
    assert len(words) <= max(1, len(said)), (
        "a token with white space inside is not split, and nothing else joins words"
    )


def test_a_word_is_a_value():
    assert word_drops([TokenDrop("no", 0.5)]) == [WordDrop("no", 0.5)]
