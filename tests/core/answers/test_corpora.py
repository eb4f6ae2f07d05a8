"""Two corpora of made-up responses: adversarial ones, none read wrongly, and plain ones, nearly all read.

`want` holds every reading that is not wrong to a careful radiologist.
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import pytest

from medground_bench.core.answers import read_answer
from medground_bench.core.types import Answer

MOST_UNREADABLE = 0.03
"""Of the plain responses."""


def corpus(name: str) -> dict[str, list[dict]]:
    """Family -> its rows."""
    families = defaultdict(list)
    for line in (Path(__file__).parent / f"{name}.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        families[row["family"]].append(row)
    return families


ADVERSARIAL, PLAIN = corpus("adversarial"), corpus("plain")


def misread(rows: list[dict]) -> list[tuple[str, str, str]]:
    """Finding, response and reading of those that are read as what they do not say."""
    readings = ((row, read_answer(row["response"], row["finding"])) for row in rows)
    return [
        (row["finding"], row["response"], reading.value)
        for row, reading in readings
        if reading is not Answer.UNREADABLE and reading.value not in row["want"]
    ]


@pytest.mark.parametrize("family", sorted(ADVERSARIAL))
def test_no_adversarial_response_is_read_as_what_it_does_not_say(family):
    assert misread(ADVERSARIAL[family]) == []


@pytest.mark.parametrize("family", sorted(PLAIN))
def test_no_plain_response_is_read_as_the_contrary(family):
    assert misread(PLAIN[family]) == []


def test_at_most_three_in_a_hundred_plain_responses_are_unreadable():
    rows = [row for family in PLAIN.values() for row in family]
    unreadable = [row for row in rows if read_answer(row["response"], row["finding"]) is Answer.UNREADABLE]
    assert len(unreadable) <= MOST_UNREADABLE * len(rows), [row["response"] for row in unreadable]


def test_both_corpora_are_large_and_hold_no_response_twice():
    for families in (ADVERSARIAL, PLAIN):
        rows = [row for family in families.values() for row in family]
        assert len(rows) >= 300
        assert len({(row["finding"], row["response"]) for row in rows}) == len(rows)
    assert all(len(rows) >= 10 for rows in ADVERSARIAL.values())
    assert all({*row["want"]} <= {"yes", "no"} for rows in PLAIN.values() for row in rows)
