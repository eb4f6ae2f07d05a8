"""The same 40 phantoms through all four sources: same questions, boxes, greys and verdicts."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from builder.build import bench_at, open_source
from builder.editors.phantom_exact import PhantomExact
from builder.sources import SourceQuestion
from builder.stages import answer_questions
from medground_bench.core.causal_filter import decide
from medground_bench.core.types import Answer, Mode
from medground_bench.lvlms import open_lvlm
from tests.kit.fakes import RuleLvlm
from tests.kit.trees import FRACTION, TreeEditor, native, positives

REAL = ("imagenome", "vindr_cxr", "padchest_gr")

BOX_PX = {"imagenome": 0.5, "vindr_cxr": FRACTION, "padchest_gr": 0.001}
"""What a source's own numbers cost: whole pixels, the fraction put on, decimals of shares."""

GREY_LEVELS = {"imagenome": (16, 2.0), "vindr_cxr": (0, 0.0), "padchest_gr": (0, 0.0)}
"""Largest and mean difference that a container costs: JPEG of quality 95 over the phantoms' noise, else nothing, since
12 and 16 bits hold 8, and these phantoms have both ends of the range."""

RULED = ("pacemaker", "rib fracture", "cardiomegaly", "nodule", "atelectasis")
"""Findings about which `RuleLvlm` says what it sees; about others it goes by the digest of all greys."""


@pytest.fixture(scope="module")
def truth(phantoms):
    return positives(phantoms)


@pytest.fixture(scope="module")
def known(trees):
    """Source -> (phantom, finding) -> its question."""
    listed = {name: open_source(name, trees.roots(name)).questions("test", None) for name in REAL}
    return {
        name: {(trees.twin(each.question).image_id, each.question.finding): each for each in questions}
        for name, questions in listed.items()
    }


def verdicts(trees, name, questions, lvlm, folder):
    """(phantom, finding) -> the verdict of an LVLM, by exact edits."""
    editor = PhantomExact() if name == "phantom" else TreeEditor(trees)
    opened = open_source(name, trees.roots(name))
    source = SimpleNamespace(name=name, picture=opened.picture)  # without the phantom's exact causes
    decided = {}
    with bench_at(folder / name, source, "phantom_exact") as bench:
        for interview in answer_questions(questions, lvlm, Mode.DIRECT, replace(bench, editor=editor)):
            question = interview.question if name == "phantom" else trees.twin(interview.question)
            decided[question.image_id, question.finding] = decide(interview.answers())
    return decided


@pytest.mark.parametrize("name", REAL)
def test_the_questions_are_the_same(trees, known, truth, name):
    assert len(truth) > 100
    assert known[name].keys() == truth.keys()
    assert all(
        each.question.answer is Answer.YES and each.question.source == name for each in known[name].values()
    )
    assert len({each.question.question_id for each in known[name].values()}) == len(truth)
    assert not open_source(name, trees.roots(name)).may_show


@pytest.mark.parametrize("name", REAL)
def test_the_boxes_are_the_same_within_half_a_pixel(known, truth, name):
    for key, question in truth.items():
        ours = sorted(box.xyxy for box in known[name][key].question.boxes)
        assert known[name][key].question.native == question.native
        assert np.abs(np.array(ours) - sorted(box.xyxy for box in question.boxes)).max() <= BOX_PX[name]


@pytest.mark.parametrize("name", REAL)
def test_the_greys_are_the_same_within_the_loss_of_the_container(trees, known, phantoms, name):
    source = open_source(name, trees.roots(name))
    questions = {key[0]: each.question for key, each in known[name].items()}
    assert questions.keys() == set(phantoms)
    largest, mean = GREY_LEVELS[name]
    for phantom, question in questions.items():
        off = np.abs(source.picture(question).astype(int) - native(phantom))
        assert off.max() <= largest and off.mean() <= mean


def test_the_verdicts_of_a_rule_are_the_same(trees, known, truth, tmp_path):
    asked = [SourceQuestion(question) for key, question in truth.items() if key[1] in RULED]
    wanted = verdicts(trees, "phantom", asked, RuleLvlm(), tmp_path)
    assert {verdict.group.value for verdict in wanted.values()} == {"incorrect", "ungrounded", "grounded"}
    for name in REAL:
        own = [each for key, each in known[name].items() if key[1] in RULED]
        assert verdicts(trees, name, own, RuleLvlm(), tmp_path) == wanted


def test_the_verdicts_by_every_single_grey_are_the_same_where_nothing_is_lost(trees, known, truth, tmp_path):
    wanted = verdicts(trees, "phantom", map(SourceQuestion, truth.values()), RuleLvlm(), tmp_path)
    assert verdicts(trees, "padchest_gr", known["padchest_gr"].values(), RuleLvlm(), tmp_path) == wanted


def test_the_verdicts_of_an_embedded_lvlm_are_the_same(trees, known, truth, phantoms, tmp_path):
    few, lvlm = set(phantoms[:4]), open_lvlm("phantom_gemma3")
    asked = [SourceQuestion(question) for key, question in truth.items() if key[0] in few]
    wanted = verdicts(trees, "phantom", asked, lvlm, tmp_path)
    for name in REAL:
        own = [each for key, each in known[name].items() if key[0] in few]
        assert verdicts(trees, name, own, lvlm, tmp_path) == wanted
