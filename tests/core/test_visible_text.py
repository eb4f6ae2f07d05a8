"""A hidden chain is never seen, whatever its marks; everything else stays."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medground_bench.core.visible_text import visible

PAIRS = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<Thinking time='3'>", "</Thinking >"),
    ("<reasoning>", "</reasoning>"),
    ("<thought_process>", "</thought_process>"),
    ("<reflection>", "</reflection>"),
    ("<scratchpad>", "</scratchpad>"),
    ("<cot>", "</cot>"),
    ("<inner monologue>", "</inner monologue>"),
    ("<mull>", "</mull>"),
    ("<details><summary>Why</summary>", "</details>"),
    ("<seed:think>", "</seed:think>"),
    ("<|think|>", "<|/think|>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<unused94>thought\n", "<unused95>"),
    ("<|channel>thought\n", "<channel|>"),
    ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
    ("\N{WHITE LEFT-POINTING TRIANGLE}think\N{WHITE RIGHT-POINTING TRIANGLE}",
     "\N{WHITE LEFT-POINTING TRIANGLE}/think\N{WHITE RIGHT-POINTING TRIANGLE}"),
    ("[THINK]", "[/THINK]"),
    ("&lt;think&gt;", "&lt;/think&gt;"),
    (r"\<think\>", r"\</think\>"),
    ("<!-- ", " -->"),
    (r"<think>", r"<\/think>"),
    ("\uff1cthink\uff1e", "\uff1c/think\uff1e"),
    ("```thinking\n", "\n```\n"),
    ("<think>one <think>two</think>", "</think>"),
]  # fmt: skip
UNCLOSED = [pair for pair in PAIRS if "summary" not in pair[0]]


@pytest.mark.parametrize(("opening", "closing"), PAIRS)
def test_what_stands_between_paired_marks_is_hidden(opening, closing):
    seen = visible(f"{opening}The answer is yes.{closing}No")
    assert "yes" not in seen and seen.endswith("No")
    assert (
        visible(f"No {opening}The answer is yes.{closing}").strip().startswith("No") or "channel|>" in opening
    )


@pytest.mark.parametrize(("opening", "closing"), UNCLOSED)
def test_a_chain_that_never_closes_leaves_nothing_of_itself(opening, closing):
    assert "yes" not in visible(f"{opening}The answer is yes.")


@pytest.mark.parametrize(
    "closing", ["</think>", "</thinking>", "<unused95>", "[/THINK]", "</mull>", "<channel|>"]
)
def test_a_lone_closing_mark_cuts_what_is_before_it(closing):
    assert visible(f"no, that is the chain{closing}\n\nYes.") == "Yes."


def test_an_opened_chain_hides_what_was_said_before_it():
    assert visible("Yes <think> wait") == ""


@pytest.mark.parametrize(
    "text",
    [
        "<answer>No</answer>",
        "Yes<end_of_turn>",
        "<|im_end|>",
        "<b>Yes</b><br/>",
        "<|box_start|>(10,20),(110,120)<|box_end|>",
        "<loc0512><loc0256><loc1023><loc0768> heart",
        "<ref>heart</ref><box>[[1, 2, 3, 4]]</box>",
        "<region>heart</region><bbox><xmin>1</xmin><ymin>2</ymin></bbox>",
        "heart<loc_250><loc_500><x10><y20><patch_index_0044>",
        "a heart of <5 cm and >3 cm",
        "[1, 2, 3, 4] and [left lung]",
        "blunted angle --> effusion",
        "```json\n[1]\n```",
    ],
)
def test_answers_boxes_and_plain_text_stay_as_they_are(text):
    assert visible(text) == text


@given(st.text(max_size=200))
def test_any_text_can_be_looked_at_and_seeing_twice_shows_no_more(text):
    seen = visible(text)
    assert set(visible(seen)) <= set(seen) | {"\n"}


@given(st.text(alphabet="abc .", max_size=40), st.sampled_from(PAIRS), st.text(alphabet="abc .", max_size=40))
def test_the_content_of_a_chain_has_no_influence(one, pair, other):
    opening, closing = pair
    assert visible(f"{opening}{one}{closing}rest") == visible(f"{opening}{other}{closing}rest")


@pytest.mark.parametrize(
    "unit",
    [
        "<think>",
        "</think>",
        "<a ",
        "[think",
        "<!--",
        "```think\n",
        "<|channel|>",
        "< / a",
        "<" + " " * 19_999,
        "<\n",
        "[ ",
        "<a" + " " * 190,
    ],
)
def test_a_long_degenerate_text_is_read_in_bounded_time(unit):
    start = time.process_time()
    visible(unit * (20_000 // len(unit)))
    assert time.process_time() - start < 1
