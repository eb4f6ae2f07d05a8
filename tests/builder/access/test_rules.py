"""Rules: who is let in, who is refused, who stays pending; and files of rules with all that is wrong with them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.access.rule_file import parse_rules, read_rules
from builder.access.rules import ruled, unknown_labels
from builder.access.rulings import BadRulings, Decision
from builder.publish.card import gate
from builder.publish.card.sources import SOURCES
from tests.kit.access import PEOPLE, RULES, applicant

PAGE = Path(__file__).parents[3] / "docs" / "access_requests.md"


def decided(rules: str, fields: dict) -> str:
    """What becomes of a request with these fields: approve, reject or pending."""
    found = ruled(parse_rules(rules.encode(), "rules.toml"), [applicant("ann", fields)])
    return found[0].ruling.decision if found else "pending"


def one_rule(condition: str, decision: str = "approve") -> str:
    return f'[[rule]]\nname = "r"\ndecision = "{decision}"\nreason = "No."\n{condition}\n'


@pytest.mark.parametrize(
    ("condition", "holds", "does_not"),
    [
        ("ticked = ['a']", [{"a": True}, {"a": "true"}, {"a": "on"}, {"a": "True"}], [
            {}, {"a": False}, {"a": "false"}, {"a": None}, {"a": ""}, {"a": 1}, {"a": "I agree"}, {"A": True}]),
        ("ticked = ['a', 'b']", [{"a": True, "b": True}], [{"a": True}, {"a": True, "b": False}]),
        ("matches = { n = '[a-z]{3,9}' }", [{"n": "ann"}, {"n": " ann "}], [
            {}, {"n": ""}, {"n": "an"}, {"n": "ann lee"}, {"n": "Ann"}, {"n": None}, {"n": ["ann"]}, {"n": "a\nnn"}]),
        ("matches = { n = '.*' }", [{"n": "x"}], [{"n": ""}, {"n": "  "}, {}, {"n": "x" * 1001}]),
        ("matches = { n = 'x+', m = 'y+' }", [{"n": "x", "m": "y"}], [{"n": "x"}, {"n": "x", "m": "x"}]),
        ("among = { c = ['Kenya', 'Österreich'] }", [{"c": "kenya"}, {"c": "ÖSTERREICH"}], [
            {}, {"c": ""}, {"c": "Kenyaa"}, {"c": None}]),
        ("not_among = { c = ['Kenya'] }", [{"c": "Austria"}], [
            {}, {"c": ""}, {"c": " "}, {"c": "KENYA "}, {"c": None}]),
        ("ticked = ['a']\nnot_among = { c = ['Kenya'] }", [{"a": True, "c": "Austria"}], [
            {"a": True}, {"a": True, "c": "Kenya"}, {"c": "Austria"}]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("decision", Decision)
def test_a_rule_decides_when_all_of_its_conditions_hold(condition, holds, does_not, decision):
    for fields in holds:
        assert decided(one_rule(condition, decision), fields) == decision, fields
    for fields in does_not:
        assert decided(one_rule(condition, decision), fields) == "pending", fields


@pytest.mark.parametrize(
    ("condition", "holds", "does_not"),
    [
        ("unticked = ['a', 'b']", [{"a": False, "b": True}, {"b": "false"}, {"a": "off"}], [
            {}, {"a": True, "b": True}, {"a": "no idea"}, {"a": None}]),
        ("not_matches = { n = '[a-z]+' }", [{"n": ""}, {"n": "A"}, {"n": "a" * 1001}], [{}, {"n": "ann"}, {"n": None}]),
    ],
)  # fmt: skip
def test_what_an_incomplete_form_lacks_may_refuse_and_never_let_in(condition, holds, does_not):
    for fields in holds:
        assert decided(one_rule(condition, "reject"), fields) == "reject", fields
    for fields in does_not:
        assert decided(one_rule(condition, "reject"), fields) == "pending", fields
    with pytest.raises(BadRulings, match="for rejections alone"):
        decided(one_rule(condition), {})


def test_the_first_rule_that_speaks_decides_and_what_none_decides_stays_pending():
    people = [applicant(name, fields) for name, fields in PEOPLE.items()]
    found = ruled(parse_rules(RULES.encode(), "rules.toml"), people)
    assert [(each.applicant.name, each.ruling.decision, each.ruling.rule) for each in found] == [
        ("ann", "approve", "agreed and known"),
        ("bob", "reject", "no agreement"),
    ]
    refused_first = one_rule("among = { Country = ['Kenya'] }", "reject") + RULES
    assert decided(refused_first, dict(PEOPLE["ann"])) == "reject"


ANYTHING = st.one_of(st.none(), st.booleans(), st.integers(), st.text(), st.lists(st.text(), max_size=2))


@given(st.dictionaries(st.sampled_from(["a", "n", "c", "d", "other"]), ANYTHING), st.sampled_from("ancd"))
def test_whatever_is_filled_in_nobody_is_let_in_without_each_field_that_the_rule_names(fields, missing):
    rule = one_rule(
        "ticked = ['a']\nmatches = { n = '.*' }\namong = { c = ['x'] }\nnot_among = { d = ['y'] }"
    )
    complete = {"a": True, "n": "x", "c": "x", "d": "x"}
    assert decided(rule, complete) == "approve"
    assert decided(rule, complete | {missing: None}) == "pending"
    some = {**complete, **fields}
    del some[missing]
    assert decided(rule, some) == "pending"


def test_a_field_that_no_request_has_is_named():
    rules = parse_rules(one_rule("ticked = ['a', 'agree']").encode(), "rules.toml")
    assert unknown_labels(rules, [applicant("ann", {"a": True}), applicant("bob")]) == ["agree"]


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (b"\xff", "is no TOML file"),
        (b"[[rule]\n", "is no TOML file"),
        (b"", r"there is no \[\[rule\]\]"),
        (b"rule = 3", r"there is no \[\[rule\]\]"),
        (b"rule = [3]", r"rule 1 is no \[\[rule\]\]"),
        (b"[[rules]]\n", "'rules' is no word of a rule file"),
        (one_rule("ticket = ['a']").encode(), "rule 1: 'ticket' is none of its words"),
        (one_rule("").encode(), "rule 1: it has no condition, so it would decide every request"),
        (one_rule("ticked = []").encode(), "rule 1: ticked is no list of texts"),
        (one_rule("ticked = 'a'").encode(), "rule 1: ticked is no list of texts"),
        (one_rule("ticked = ['a', 3]").encode(), "rule 1: ticked is no list of texts"),
        (one_rule("among = { c = 'Kenya' }").encode(), "rule 1: among, c is no list of texts"),
        (one_rule("among = { c = [''] }").encode(), "rule 1: among, c is no list of texts"),
        (one_rule("matches = { n = '(' }").encode(), "rule 1: matches, n is no regular expression: missing"),
        (one_rule("matches = { n = 3 }").encode(), "rule 1: matches, n is no regular expression: it is no text"),
        (one_rule("matches = ['n']").encode(), "rule 1: matches is no table of labels"),
        (one_rule("ticked = ['a']", "accept").encode(), "rule 1: its decision must be approve or reject"),
        (one_rule("ticked = ['a']").replace('"No."', "3").encode(), "rule 1: its reason is no text"),
        (one_rule("ticked = ['a']").replace('name = "r"\n', "").encode(), "rule 1: it needs a name"),
        (one_rule("ticked = ['a']").encode() * 2, "rule 2: an earlier rule is called 'r' too"),
        (one_rule("ticked = ['a']", "reject").replace("No.", "").encode(), "rule 1: a rejection needs a reason"),
        (one_rule("ticked = ['a']", "reject").replace("No.", "x" * 201).encode(), "takes 200 at most"),
        (b"#" * 300_000, "larger than 200,000 bytes"),
    ],
)  # fmt: skip
def test_a_file_of_rules_with_a_mistake_is_refused(file, said):
    with pytest.raises(BadRulings, match=said):
        parse_rules(file, "rules.toml")


def test_all_mistakes_of_a_file_are_told_at_once():
    file = one_rule("ticket = ['a']", "accept") + one_rule("among = { c = [] }")
    with pytest.raises(BadRulings, match=r"rules.toml: 4 problem\(s\): .*rule 1: .*rule 2: "):
        parse_rules(file.encode(), "rules.toml")


def test_the_example_of_the_module_can_be_read_and_that_of_the_page_fits_the_form_of_the_card(tmp_path):
    from builder.access import rule_file

    shown = re.search(r"(    \[\[rule\]\]\n.*?)\n\n`unticked`", rule_file.__doc__, re.DOTALL)[1]
    assert len(parse_rules(re.sub("^    ", "", shown, flags=re.MULTILINE).encode(), "example")) == 2
    example = re.search(r"```toml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)[1]
    (tmp_path / "rules.toml").write_text(example)
    rules = read_rules(tmp_path / "rules.toml")
    [approving] = [rule for rule in rules if rule.decision is Decision.APPROVE]
    boxes = [label for each in approving.conditions if each.word == "ticked" for label in each.labels]
    assert boxes == gate.boxes(SOURCES)
    complete = dict.fromkeys(boxes, True) | {gate.PHYSIONET_USER: "ann-lee", gate.INTENDED_USE: gate.USES[0]}
    assert not unknown_labels(rules, [applicant("ann", gate.fields(SOURCES))])
    assert decided(example, complete) == "approve"
    assert decided(example, complete | {gate.PHYSIONET_USER: ""}) == "reject"
    for missing in complete:
        assert (
            decided(example, {label: complete[label] for label in complete if label != missing}) == "pending"
        )
