"""Lists of phrases."""

from __future__ import annotations

import json

import pytest

from medground_bench.core.boxes_in_text import phrases_in


@pytest.mark.parametrize(
    "text, expected",
    [
        ('["left lung", "heart"]', ("left lung", "heart")),
        ('```json\n["left lung"]\n```', ("left lung",)),
        ("['left lung', 'heart']", ("left lung", "heart")),
        ("[\N{LEFT DOUBLE QUOTATION MARK}left lung\N{RIGHT DOUBLE QUOTATION MARK}]", ("left lung",)),
        ('The regions are: ["left  lung",\n "left lung"].', ("left lung",)),
        ('[{"label": "left lung", "bbox_2d": [1, 2, 3, 4]}]', ("left lung",)),
        ('{"regions": ["left lung"]}', ("left lung",)),
        ('[1, 2] ["left lung"]', ("left lung",)),
        ('["", "  ", "12"]', ()),
        ("left lung", ()),
        ("[region1, region2]", ()),
        ('["a\\u0007b"]', ()),  # an alarm bell is no phrase
        ("[" * 5000, ()),
    ],
)
def test_phrases_are_read_in_every_form_models_write(text, expected):
    assert phrases_in(text) == expected


def test_phrases_are_few_and_short():
    phrases = phrases_in(json.dumps(["x" * 500, *(f"region {n}" for n in range(50))]))
    assert len(phrases) == 10 and len(phrases[0]) == 80
