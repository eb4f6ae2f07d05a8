"""Positive questions as an LVLM answered them, retained or not."""

from __future__ import annotations

import shutil
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from builder.sources.phantom import Phantom
from medground_bench.benchmark.attempts import Attempts, has_answers
from medground_bench.benchmark.opening import open_benchmark
from medground_bench.core.errors import SourceMissing
from medground_bench.core.prompts import prompt
from medground_bench.core.types import Group, Mode, Track
from medground_bench.pictures import to_study
from tests.kit.builds import SHARED_LIMIT

LVLM = "rule_lvlm"


def attempts_of(benchmark, mode=Mode.DIRECT, *, limit=None, groups=frozenset(Group)) -> Attempts:
    return Attempts.of(benchmark, Track(LVLM, mode), groups=groups, limit=limit)


def test_every_verdict_on_a_positive_question_is_an_attempt_of_its_group(benchmark):
    for mode in Mode:
        table = pd.read_parquet(benchmark.folder / "verdicts" / f"test-{LVLM}.parquet")
        expected = table[table["mode"] == mode.value]
        attempts = attempts_of(benchmark, mode)
        assert Counter(attempts.groups.values()) == Counter(map(Group, expected["group"]))
        said = {case.partition("@")[0]: group for case, group in attempts.groups.items()}
        assert said == dict(zip(expected["question_id"], map(Group, expected["group"]), strict=True))


def test_cases_are_walked_by_id_with_their_truth(benchmark):
    attempts = attempts_of(benchmark)
    walked = list(attempts.walk())
    ids = [each.case.case_id for each in walked]
    assert ids == sorted(ids) == [each.case_id for each in attempts.references] and len(ids) == len(attempts)
    assert all(each.reference.case_id == each.case.case_id for each in walked)
    assert all(each.reference.boxes and each.reference.native == each.case.native for each in walked)


def test_a_retained_attempt_is_the_benchmarks_case(benchmark):
    cases = {case.case_id: case for case in benchmark.cases(lvlm=LVLM, mode=Mode.REASON)}
    walked = list(attempts_of(benchmark, Mode.REASON, groups={Group.GROUNDED}).walk())
    assert {each.case.case_id for each in walked} == set(cases)
    for each in walked:
        same = cases[each.case.case_id]
        assert (each.case.prompt, each.case.response) == (same.prompt, same.response)
        assert np.array_equal(each.case.picture, same.picture)


def test_a_question_that_was_turned_away_comes_with_its_own_picture_boxes_prompt_and_answer(benchmark):
    source = Phantom()
    known = {each.question.question_id: each.question for each in source.questions("test", SHARED_LIMIT)}
    walked = list(attempts_of(benchmark, groups={Group.INCORRECT, Group.UNGROUNDED}).walk())
    assert {each.group for each in walked} == {Group.INCORRECT, Group.UNGROUNDED}
    for each in walked:
        question = known[each.case.case_id.partition("@")[0]]
        assert np.array_equal(each.case.picture, to_study(source.picture(question)).picture)
        assert each.reference.boxes == question.boxes
        assert each.case.prompt == prompt(question.finding, Mode.DIRECT)
        if question.finding == "nodule":  # the rule LVLM says no to every nodule
            assert (each.group, each.case.response.text) == (Group.INCORRECT, "No.")


def test_a_smaller_limit_keeps_some_of_a_larger_ones_and_so_many_of_each_group(benchmark):
    everything, three, two = (attempts_of(benchmark, limit=limit) for limit in (None, 3, 2))
    assert set(two.groups) < set(three.groups) < set(everything.groups)
    assert two.groups.items() <= everything.groups.items()
    assert set(Counter(three.groups.values()).values()) == {3}


def test_the_limit_does_not_just_take_the_first_pictures(benchmark):
    everything, four = (attempts_of(benchmark, limit=limit, groups={Group.UNGROUNDED}) for limit in (None, 4))
    first = sorted({each.image_id for each in everything.references})
    assert [each.image_id for each in four.references] != [each.image_id for each in everything.references][
        :4
    ]
    assert {each.image_id for each in four.references} <= set(first)


def test_a_benchmark_without_answers_has_its_retained_cases_only(benchmark, tmp_path):
    published = tmp_path / "medground-bench"
    shutil.copytree(benchmark.folder, published, ignore=shutil.ignore_patterns("answers"))
    opened = open_benchmark(published)
    assert has_answers(benchmark) and not has_answers(opened)
    assert set(attempts_of(opened).groups.values()) == {Group.GROUNDED}


def test_a_picture_that_is_not_there_says_so(benchmark, tmp_path):
    copy = tmp_path / "medground-bench"
    shutil.copytree(benchmark.folder, copy)
    file = next((copy / "questions").glob("test-*.parquet"))
    table = pd.read_parquet(file)
    table["image"] = None
    table.to_parquet(file)
    with pytest.raises(SourceMissing, match="may not be shared"):
        list(attempts_of(open_benchmark(copy), groups={Group.INCORRECT}).walk())
