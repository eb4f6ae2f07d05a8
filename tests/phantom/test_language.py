"""What the embedded LVLMs learn to say is readable, and no early token gives the verdict away."""

import itertools

import numpy as np
import pytest

from medground_bench.core.answers import read_answer
from medground_bench.core.concepts import CONCEPTS
from medground_bench.core.prompts import question
from medground_bench.core.types import Answer, Mode
from medground_bench.phantom.findings import FINDINGS
from medground_bench.phantom.language import (
    KEYWORDS,
    REGIONS,
    SIGNS,
    WORDINGS,
    answer_text,
    draw_wording,
    region_named,
)
from medground_bench.phantom.scene import Scene

CHAINS = [
    (finding, present, region, wording)
    for finding in FINDINGS
    for region in REGIONS[finding]
    for present in (True, False)
    for wording in WORDINGS
]


def chain(finding, present, region, wording):
    return answer_text(finding, present=present, region=region, mode=Mode.REASON, wording=wording)


def test_every_finding_of_the_phantom_can_be_spoken_about():
    assert set(SIGNS) == set(REGIONS) == set(KEYWORDS) == set(FINDINGS)


@pytest.mark.parametrize("wording", WORDINGS)
def test_every_chain_is_read_back_as_the_answer_it_was_written_for(wording):
    for finding, present, region, used in CHAINS:
        if used is wording:
            expected = Answer.YES if present else Answer.NO
            assert read_answer(chain(finding, present, region, wording), finding) is expected


def test_every_chain_names_the_region_it_was_written_for():
    for finding, present, region, wording in CHAINS:
        assert region_named(chain(finding, present, region, wording)) == region


def test_text_without_a_concept_names_no_region():
    assert region_named("Yes") is None


def test_yes_and_no_chains_read_alike_until_after_the_region():
    for finding, region in ((f, r) for f in FINDINGS for r in REGIONS[f]):
        for wording in WORDINGS:
            yes, no = (chain(finding, present, region, wording) for present in (True, False))
            shared = sum(
                1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(yes, no, strict=False))
            )
            assert yes.index(region) + len(region) <= shared


def test_a_keyword_stands_in_the_question_of_its_finding_alone():
    for finding, keyword in KEYWORDS.items():
        assert [f for f in FINDINGS if f" {keyword}" in question(f)] == [finding]


@pytest.mark.parametrize("finding", FINDINGS)
def test_a_region_of_a_scene_is_one_the_language_knows(finding):
    regions = {Scene.sample(seed).region(finding) for seed in range(8)}
    assert regions <= set(REGIONS[finding]) <= set(CONCEPTS)


def test_wordings_vary_within_a_finding_and_favourites_between_findings():
    rng = np.random.default_rng(0)
    drawn = {finding: [draw_wording(finding, 0, rng) for _ in range(60)] for finding in FINDINGS}
    assert all(len(set(wordings)) > 1 for wordings in drawn.values())
    assert len({max(set(wordings), key=wordings.count) for wordings in drawn.values()}) == len(WORDINGS)
