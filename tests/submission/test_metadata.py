"""What is said about a file: every problem at once, nothing repaired, and whatever the text, one of two results."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medground_bench.submission import metadata
from medground_bench.submission.metadata import Metadata, TrainingData, read_metadata
from medground_bench.submission.schema import metadata_schema

GOOD = {"method": "Mine", "training_data": "overlap", "lvlm_revisions": {"a": "1f2e"}}


def codes(**changed):
    found = read_metadata(json.dumps(GOOD | changed))
    return [] if isinstance(found, Metadata) else [(problem.name, problem.code.value) for problem in found]


def test_what_is_said_comes_back_as_it_was_said():
    whole = GOOD | {
        "about": "Caf\N{LATIN SMALL LETTER E WITH ACUTE}, 5 \N{GREEK SMALL LETTER MU}m, a < b & c.",
        "code": "https://github.com/a/b/tree/main?x=1#L3",
        "dataset_revision": "sha256:0f",
        "seed": 0,
        "versions": {"torch": "2.13.0+cpu", "medground-bench": "0.1.0"},
    }
    found = read_metadata(json.dumps(whole))
    assert isinstance(found, Metadata) and found.training_data is TrainingData.OVERLAP
    assert found.as_json() == whole


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"method": 3}, ("method", "WRONG_FIELD_TYPE")),
        ({"method": None}, ("method", "WRONG_FIELD_TYPE")),
        ({"method": "x" * 61}, ("method", "BAD_NAME")),
        ({"method": " x"}, ("method", "BAD_NAME")),
        ({"method": "Mine (ours)"}, ("method", "BADGE_IN_NAME")),
        ({"method": "Mine-scored_by.us"}, ("method", "BADGE_IN_NAME")),
        ({"method": "OFFICIAL Mine"}, ("method", "BADGE_IN_NAME")),
        ({"about": "x" * 501}, ("about", "BAD_TEXT")),
        ({"about": "two\nlines"}, ("about", "BAD_TEXT")),
        ({"about": "\N{RIGHT-TO-LEFT OVERRIDE}x"}, ("about", "BAD_TEXT")),
        ({"about": "\N{ZERO WIDTH SPACE}"}, ("about", "BAD_TEXT")),
        ({"about": "\ud800"}, ("about", "BAD_TEXT")),
        ({"about": "\N{FULLWIDTH LATIN CAPITAL LETTER A}"}, ("about", "BAD_TEXT")),
        ({"training_data": "clean"}, ("training_data", "BAD_CHOICE")),
        ({"seed": True}, ("seed", "WRONG_FIELD_TYPE")),
        ({"seed": 1.5}, ("seed", "WRONG_FIELD_TYPE")),
        ({"seed": -1}, ("seed", "BAD_SEED")),
        ({"lvlm_revisions": []}, ("lvlm_revisions", "WRONG_FIELD_TYPE")),
        ({"lvlm_revisions": {"a": 1}}, ("lvlm_revisions", "WRONG_FIELD_TYPE")),
        ({"lvlm_revisions": {"a b": "1"}}, ("lvlm_revisions", "BAD_ENTRY")),
        ({"versions": {f"p{n}": "1" for n in range(31)}}, ("versions", "BAD_ENTRY")),
        ({"versions": {"=cmd": "1"}}, ("versions", "BAD_ENTRY")),
        ({"iou": 0.9}, ("iou", "UNKNOWN_FIELD")),
    ],
)
def test_each_field_has_its_limits(changed, problem):
    assert codes(**changed) == [problem]


def test_a_word_that_holds_one_of_a_badge_is_a_word():
    assert codes(method="Unofficial hours") == codes(method="By usage") == []


def test_all_problems_are_told_at_once_in_the_order_of_the_fields():
    found = read_metadata('{"seed": -1, "method": "", "<b>": 1}')
    assert [(problem.name, problem.code.value) for problem in found] == [
        ("method", "BAD_NAME"), ("training_data", "MISSING_FIELD"), ("lvlm_revisions", "MISSING_FIELD"),
        ("seed", "BAD_SEED"), ("<b>", "UNKNOWN_FIELD"),
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "[]", "nonsense", "[" * 15_000, '{"a": 1, "a": 2}', "x" * 20_001])
def test_a_text_that_is_no_object_is_one_problem(text):
    (problem,) = read_metadata(text)
    assert problem.code == "NOT_READ"
    assert re.findall(r"\[[A-Z_]+\]", str(problem)) == ["[NOT_READ]"] and "a line" not in str(problem)


anything = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5)  # fmt: skip  # noqa: E501


@given(st.dictionaries(st.sampled_from([*metadata.READERS, "x"]), anything))
def test_whatever_is_said_it_is_read_or_refused_in_printable_words(said):
    found = read_metadata(json.dumps(said))
    if not isinstance(found, Metadata):
        assert all(str(problem).isprintable() and str(problem).isascii() for problem in found)


@given(st.text())
def test_whatever_the_text_it_is_read_or_refused(text):
    assert read_metadata(text)


def test_the_schema_takes_and_refuses_what_the_checker_does():
    properties = metadata_schema()["properties"]
    assert list(properties) == list(metadata.READERS) and metadata_schema()["required"] == list(
        metadata.NEEDED
    )
    for name, text, good in (
        ("method", "MedFocus (2)", True),
        ("method", "<b>", False),
        ("code", "https://github.com/a/b", True),
        ("code", "http://github.com/a/b", False),
        ("dataset_revision", "1f2e", True),
        ("dataset_revision", "-", False),
    ):
        assert bool(re.search(properties[name]["pattern"], text)) is good is (not codes(**{name: text}))
