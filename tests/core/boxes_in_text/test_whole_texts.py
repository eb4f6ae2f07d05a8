"""Several boxes in a text, hidden chains, limits."""

from __future__ import annotations

import json

import pytest

from medground_bench.core.boxes_in_text import BoxesRead, boxes_in, phrases_in
from medground_bench.methods.prompting import TEMPLATE
from tests.core.boxes_in_text.reading import BOX, OTHER_BOX, PIXELS, QUARTER, SMALL, STUDY, read, refused


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("First [10, 20, 110, 120] and then [1, 2, 30, 40]", [BOX, SMALL]),
        ('{"boxes": [[10, 20, 110, 120], [1, 2, 30, 40]]}', [BOX, SMALL]),
        ("[[10, 20, 110, 120], [30, 40, 5", [BOX]),  # cut off
        ("[[10, 20, 110, 120], ...]", [BOX]),
        ("[[10, 20, 110, 120], [10, 20, 110, 120]]", [BOX]),
        ("[[10, 20, 110, 120, [30, 40, 50, 60]]", [BOX, OTHER_BOX]),
        ("[10, 20, 110, 120], [30, 40, 50, 60]]", [BOX, OTHER_BOX]),
        ('[{"bbox_2d": [10, 20, 110, 120, "label": "a"}, {"bbox_2d": [30, 40, 50, 60]}]', [BOX, OTHER_BOX]),
        ('[{"bbox_xywh": [10, 20, 100, 100]}, {"bbox": [30, 40, 50, 60]}]', [BOX, OTHER_BOX]),
        ('[{"box_2d": [500, 250, 1000, 750]}, {"bbox_2d": [30, 40, 50, 60]}]', [QUARTER, OTHER_BOX]),
        ('{"left lung": [10, 20, 110, 120], "bbox": [30, 40, 50, 60]}', [OTHER_BOX]),
        ("Box 1: x1=10, y1=20, x2=110, y2=120\nBox 2: x1=30, y1=40, x2=50, y2=60", [BOX, OTHER_BOX]),
        ("A: top-left (10, 20), bottom-right (110, 120). B: top-left (1, 2), bottom-right (30, 40).", [BOX, SMALL]),
        ("<box>(0,0),(500,500)</box><box>(250,500),(750,1000)</box>", [(0, 0, 112, 112), QUARTER]),
        ("<loc0000><loc0000><loc0512><loc0512> a ; <loc0512><loc0256><loc1023><loc0768>", [(0, 0, 112, 112), QUARTER]),
        ("(10, 20), [30, 40, 50, 60], (110, 120)", [OTHER_BOX]),
        ("x: 10, y: 20, and the picture has size (w=224, h=224)", []),
        ("[[-50, 20, 110, 260]]", [(0, 20, 110, 224)]),
        ("[[-50, 20, 110, 900]]", []),
        (f"{TEMPLATE}\n[[10, 20, 110, 120]]", [BOX]),
        (f"{TEMPLATE}\n(10, 20), (110, 120)", [BOX]),
    ],
)  # fmt: skip
def test_boxes_come_in_the_order_of_the_text_each_once_and_clipped(text, expected):
    assert read(text) == expected


CHAINS = ["<think>{}</think>", "<unused94>thought\n{}<unused95>", "{}</think>", "```thinking\n{}\n```\n"]
CHAINS += [
    "\uff1cthink\uff1e{}\uff1c/think\uff1e",  # full width
    r"<think>{}<\/think>",
    r"\u003cthink\u003e{}\u003c/think\u003e",
]


@pytest.mark.parametrize("chain", CHAINS)
@pytest.mark.parametrize(
    "thought", ["maybe [[1, 2, 30, 40]]? no.", "box_2d: [", '{"confidence": ["left lung"', "(1,2)"]
)
def test_a_hidden_chain_has_no_influence(chain, thought):
    answer = '<answer>[[10, 20, 110, 120]]</answer> ["heart"]'
    said = chain.format(thought) + answer
    assert boxes_in(said, PIXELS, STUDY) == boxes_in(answer, PIXELS, STUDY)
    assert phrases_in(said) == phrases_in(answer) == ("heart",)


def test_a_chain_that_never_ends_holds_no_answer():
    assert boxes_in("<think>[[1, 2, 30, 40]]", PIXELS, STUDY) == BoxesRead(())
    assert phrases_in('<think>["heart"]') == ()


@pytest.mark.parametrize(
    "draft",
    [
        "Thinking:\n{}\n\nAnswer:\n",
        "Thought: {}\nAnswer: ",
        "## Reasoning\n{}\n## Answer\n",
        "**Reasoning:** {}\n**Final answer:** ",
        "1. **Analysis**\n{}\n\n2. **Result**\n",
        "Here's my step-by-step reasoning:\n{}\nSo the final boxes: ",
        "Initial guess: {}\nFinal: ",
        "Step 1: look.\nStep 2: {}\nFinal answer: ",
        '{{"thinking": {{"bbox": {}}}}} Answer: ',
        "Reasoning: it is {}. The final answer is ",
        "<mull>{}</mull>",
        "{}</mull>",
    ],
)
def test_boxes_of_a_draft_are_no_answers_and_are_shown(draft):
    said = draft.format("[1, 2, 30, 40]") + "[10, 20, 110, 120]"
    [piece] = refused(said)
    assert read(said) == [BOX] and piece.endswith("[1, 2, 30, 40]")


def test_without_an_answer_below_it_a_reasoning_is_read():
    assert read("Reasoning: the heart is at [10, 20, 110, 120].") == [BOX]
    assert read("Answer: [10, 20, 110, 120]\nReasoning: [10, 20, 110, 120] is white.") == [BOX]


def test_at_most_ten_boxes_are_taken():
    many = [[x, 0, x + 5, 9] for x in range(40)]
    assert read(json.dumps(many)) == [tuple(map(float, box)) for box in many[:10]]


def test_refused_pieces_are_few_short_and_printable():
    pieces = refused("".join(f"[{n}, 0, 0,\n\x1b  0] " for n in range(40)) + "[" + "1, " * 500 + "]")
    assert len(pieces) == 10 and all(piece.isprintable() and len(piece) <= 80 for piece in pieces)
    assert refused('{"heart":\n [10, 20,  110, 120]}') == ('"heart": [10, 20, 110, 120]',)
    assert len(refused("[" + "1, " * 500 + "]")[0]) == 80
