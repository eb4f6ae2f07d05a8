"""What a build counts: the causal filter is lazy, edits are shared, and a resumed build says what it reused."""

from __future__ import annotations

import signal

import pytest

from builder.counters import Counters, by_track, read_records
from builder.place import Place
from medground_bench.benchmark.rows import ANSWERS, ORIGINAL, QUESTIONS, SPLITS
from medground_bench.commands.console import Stopped
from medground_bench.core.causal_filter import Edit
from tests.kit.builds import build
from tests.kit.fakes import RuleLvlm

FILTER = {ORIGINAL, *(edit.value for edit in Edit)}


def records(store):
    return read_records(Place(store / "builds"))


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """A store with a build by one LVLM and then by a second one, and the first one's folder."""
    root = tmp_path_factory.mktemp("two")
    first = build(root / "a", limit=16, store=root / "store")
    build(root / "b", lvlm=RuleLvlm(key="second"), limit=16, store=root / "store")
    return first, *records(root / "store")


def test_calls_and_edits_are_those_of_the_folder_and_at_most_60_percent_of_a_filter_that_is_not_lazy(two):
    folder, first, _ = two
    answers = [row for split in SPLITS for row in folder.read(ANSWERS, split)]
    questions = [row for split in SPLITS for row in folder.read(QUESTIONS, split)]
    positives = sum(row.answer == "yes" for row in questions)
    asked = [row.picture for row in answers if row.picture in FILTER]
    counters = first.counters
    assert (counters.questions, counters.positives) == (len(questions), positives)
    assert counters.calls_made == counters.calls == len(asked)
    assert counters.edits_made == counters.edits == len(asked) - len(questions)
    assert counters.cause_calls_made == len(answers) - len(asked)
    assert counters.naive_calls == len(questions) + 3 * positives
    assert counters.calls <= 0.6 * counters.naive_calls


def test_a_second_lvlm_makes_none_of_the_edits_that_it_can_reuse(two):
    _, first, second = two
    assert (second.lvlm, second.whole) == ("second", True)
    assert second.counters.edits_reused == first.counters.edits_made > 0
    assert second.counters.edits_made == 0
    assert second.counters.calls_made == first.counters.calls_made


def test_a_stopped_build_has_a_record_and_the_next_one_reuses_its_work(tmp_path):
    class Stopping(RuleLvlm):
        def generate(self, pictures, prompts, *, max_new_tokens=512):
            if self.asked > 20:
                raise Stopped(signal.SIGTERM)
            return super().generate(pictures, prompts, max_new_tokens=max_new_tokens)

    with pytest.raises(Stopped):
        build(tmp_path / "a", lvlm=Stopping(), limit=4)
    build(tmp_path / "a", limit=4)
    build(tmp_path / "a", limit=4)
    stopped, rest, last = (record for record in records(tmp_path / "a.store"))
    assert [each.whole for each in (stopped, rest, last)] == [False, True, True]
    assert stopped.counters.calls_made > 0 < rest.counters.calls_reused
    assert last.counters.calls_made == last.counters.edits_made == 0
    (work,) = by_track([stopped, rest, last])
    assert work.builds == 3
    assert work.calls_made == last.counters.calls == rest.counters.calls


def test_the_naive_filter_asks_four_times_about_a_positive_question_and_once_about_a_negative_one():
    assert Counters(questions=10, positives=4).naive_calls == 4 * 4 + 6
    assert Counters(questions=10, positives=4).naive_edits == 12
