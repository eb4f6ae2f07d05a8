"""Laws of the reader: sentences drawn from the grammar itself, and what an unknown word may do to them."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medground_bench.core.answers import read, read_answer
from medground_bench.core.types import Answer
from tests.kit.answer_drawing import sentence

FINDING, OTHER, UNKNOWN = "pleural effusion", "pneumothorax", "zork"
OF_IT = {"FINDING": FINDING, "AFFIRMED": FINDING, "ASIDE": OTHER}
OF_ANOTHER = {"FINDING": OTHER, "AFFIRMED": OTHER, "ASIDE": OTHER}
often = settings(max_examples=400)
seeds = st.integers(0, 2**32 - 1).map(np.random.default_rng)


def with_a_word(text: str, place: int) -> str:
    """The text with an unknown word before the word at that place, or at its end."""
    words = text.split()
    at = place % (len(words) + 1)
    return " ".join([*words[:at], UNKNOWN, *words[at:]])


@often
@given(seeds)
def test_what_the_rules_affirm_is_read_as_yes(rng):
    drawn = sentence("YES", rng, OF_IT)
    assert read_answer(f"{drawn}.", FINDING) is Answer.YES, drawn


@often
@given(seeds)
def test_what_the_rules_deny_is_read_as_no(rng):
    drawn = sentence("NO", rng, OF_IT)
    expected = Answer.NO if FINDING in drawn else Answer.UNREADABLE
    assert read_answer(f"{drawn}.", FINDING) is expected, drawn


@often
@given(seeds, st.sampled_from(["YES", "NO", "STATEMENT"]))
def test_what_is_said_of_another_finding_says_nothing_of_this_one(rng, rule):
    drawn = sentence(rule, rng, OF_ANOTHER)
    assert read_answer(f"{drawn}.", FINDING) is Answer.UNREADABLE, drawn


@often
@given(seeds, st.sampled_from(["YES", "NO"]), st.integers(0, 100))
def test_a_statement_with_an_unknown_word_anywhere_says_nothing(rng, rule, place):
    drawn = with_a_word(sentence(rule, rng, OF_IT), place)
    assert read_answer(f"{drawn}.", FINDING) is Answer.UNREADABLE, drawn


@often
@given(
    seeds,
    st.integers(0, 100),
    st.sampled_from(["{}.", "Yes, {}.", "No, {}.", "The answer is yes, {}.", "{}. No."]),
)
def test_an_unknown_word_never_turns_a_reading_into_the_opposite(rng, place, frame):
    rule = ("YES", "NO", "STATEMENT", "IT_IS", "IT_IS_NOT")[place % 5]
    text = frame.format(sentence(rule, rng, OF_IT) or "it is there")
    before, after = read_answer(text, FINDING), read_answer(with_a_word(text, place), FINDING)
    assert before is Answer.UNREADABLE or after in (before, Answer.UNREADABLE), (text, place)


@given(st.text(max_size=300), st.text(max_size=30))
def test_any_text_gets_an_answer(response, finding):
    assert read(response, finding).answer is read_answer(response, finding)
    assert read_answer(f"There is no {finding}. There is no {finding}.", finding) is not Answer.YES


@given(
    st.lists(
        st.sampled_from(["yes", "no", "the", "answer", "is", "there", ".", "\n", ",", "not"]), max_size=30
    )
)
def test_a_response_without_yes_no_or_a_statement_is_never_read(words):
    text = " ".join(word for word in words if word not in ("yes", "no", "not"))
    assert read_answer(text, FINDING) is Answer.UNREADABLE


@pytest.mark.parametrize(
    "unit",
    [
        "no ", "clearly ", "answer ", "the answer is: ", "I cannot answer: no ", "if so the answer is yes, ",
        "no evidence ", "no evidence of a, b c, d or e nor ", "there is no pneumothorax, mass, ",
        "there is a large left pleural ", "no pleural effusion or ", "pleural effusion is clearly clearly ",
        "pleural effusion, and ", "There is no pleural effusion. ", "however, ", "based on the image, so ", "no, ",
        "actually no, ", "yes. wait ", "a ", "<think>", "yes or ", "\n", "- ", "so ", "**a** ", '"a', "(", "**", "|a",
        "the lungs are clear and ", "in the left lung ",
    ],
)  # fmt: skip
def test_a_long_degenerate_response_is_read_in_bounded_time(unit):
    start = time.process_time()
    read_answer(unit * (20_000 // len(unit)), FINDING)
    read_answer(unit * (400 // len(unit)) + ".", FINDING)
    assert time.process_time() - start < 2
