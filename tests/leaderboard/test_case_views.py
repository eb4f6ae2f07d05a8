"""One case as it is looked at: its place, the methods on it, and the phantom's pictures as the builder made them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from builder.editors.phantom_exact import PhantomExact
from builder.sources.phantom import Phantom
from medground_bench.core.causal_filter import Edit
from medground_bench.core.causes import Counterfactual
from medground_bench.core.types import Answer
from medground_bench.leaderboard.case_book import CaseBook
from medground_bench.leaderboard.case_choice import CaseChoice, listed
from medground_bench.leaderboard.case_views import LISTED_AT_ONCE, opened, withheld_sentence
from tests.kit.builds import SHARED_LIMIT
from tests.kit.case_books import book_of, with_harm

SOURCE = Phantom()
CHOICE = CaseChoice(methods=("medfocus", "occlusion", "prompting"))


@pytest.fixture(scope="module")
def book(built):
    return book_of(built)


def view_of(book, case, choice=CHOICE):
    return opened(book, choice, case.case_id).view


def test_the_pictures_are_those_that_the_builder_asked_about_to_the_pixel(book):
    asked = {each.question.question_id: each.question for each in SOURCE.questions("test", SHARED_LIMIT)}
    for case in book.cases:
        question = asked[case.case_id.partition("@")[0]]
        picture = SOURCE.picture(question)
        wanted = {"original": picture}
        wanted |= {edit: PhantomExact().edit(question, picture, edit) for edit in Edit}
        wanted |= {each: SOURCE.without(question, each) for each in Counterfactual}
        view = view_of(book, case)
        assert np.array_equal(view.picture, picture)
        assert len(view.answers) == len(case.answers) >= 5
        for answer in view.answers:
            assert np.array_equal(answer.picture, wanted[answer.given.picture]), answer.told


def test_the_answers_stand_in_the_order_of_the_causal_filter_and_flip_where_they_must(book):
    view = view_of(book, book.cases[0])
    assert [answer.given.picture for answer in view.answers][:4] == [
        "original",
        *[edit.value for edit in Edit],
    ]
    assert [answer.given.said for answer in view.answers][:4] == [
        Answer.YES,
        Answer.NO,
        Answer.YES,
        Answer.YES,
    ]
    assert view.cause == "the finding alone"


def test_a_method_has_its_boxes_and_score_or_says_that_it_failed(book):
    failed = next(score.case_id for score in book.scores("occlusion").values() if not score.predicted)
    right, wrong, empty = opened(book, CHOICE, failed).view.methods
    assert right.score.overlap.iou == 1 and right.boxes == book.by_id[failed].boxes and not right.failed
    assert wrong.failed and not wrong.boxes
    assert not empty.boxes and not empty.failed and empty.score.overlap.iou == 0


def test_previous_and_next_walk_the_whole_list_once(book):
    ids = [each.case.case_id for each in listed(book, CHOICE)]
    walked, case = [], ids[0]
    while case:
        view = opened(book, CHOICE, case).view
        assert view.place == len(walked) and view.total == len(ids)
        assert view.previous == (walked[-1] if walked else "")
        walked.append(case)
        case = view.following
    assert walked == ids


def test_a_long_list_is_shown_in_parts_that_lead_to_each_other(book):
    cases = tuple(
        replace(book.cases[0], case_id=f"phantom/{number:03}/nodule@a:direct") for number in range(45)
    )
    long = CaseBook(cases)
    middle = opened(long, CaseChoice(), cases[LISTED_AT_ONCE + 3].case_id).view
    assert (middle.first, len(middle.around)) == (LISTED_AT_ONCE, LISTED_AT_ONCE)
    assert (middle.earlier, middle.later) == (cases[0].case_id, cases[2 * LISTED_AT_ONCE].case_id)
    last = opened(long, CaseChoice(), cases[-1].case_id).view
    assert (len(last.around), last.later) == (5, "")


def test_of_a_credentialed_source_there_is_a_frame_and_no_picture(book):
    harmful = with_harm(book)
    foreign = next(case for case in harmful.cases if case.source == "vindr_cxr")
    view = view_of(harmful, foreign)
    assert view.picture is None and all(answer.picture is None for answer in view.answers)
    assert view.answers and view.notes == (
        f"Pictures of vindr_cxr may not be shown; the frame has the picture's size, {foreign.width} x "
        f"{foreign.height} px.",
    )


def test_a_phantom_that_would_be_drawn_otherwise_is_not_shown(book):
    changed = replace(book.cases[0], image_sha256="0" * 64)
    view = view_of(CaseBook((changed,)), changed, CaseChoice())
    assert view.picture is None and "drew it otherwise" in view.notes[0]
    assert all(answer.picture is None for answer in view.answers)


def test_edits_of_another_editor_are_not_shown_and_the_exact_pictures_are(book):
    case = book.cases[0]
    answers = tuple(replace(each, editor=each.editor and "harmonic@1") for each in case.answers)
    other = replace(case, answers=answers)
    view = view_of(CaseBook((other,)), other, CaseChoice())
    shown = {answer.given.picture: answer.picture is not None for answer in view.answers}
    assert shown == {name: name in ("original", *Counterfactual) for name in shown}
    assert "Edits by harmonic are not shown" in view.notes[0]


def test_a_case_that_is_not_there_is_named_and_the_first_shown(book):
    found = opened(book, CHOICE, "phantom/0/none@a:direct")
    assert "no case phantom/0/none@a:direct" in found.note and found.view.place == 0


def test_a_choice_without_a_case_has_no_view(book):
    assert opened(book, replace(CHOICE, mode="direct", lvlm="gone")).view is None


def test_one_sentence_says_which_cases_lack_their_boxes():
    assert withheld_sentence(CaseBook(())) == ""
    said = withheld_sentence(CaseBook((), (), {"imagenome": 12, "vindr_cxr": 3}))
    assert said.startswith("Not among them: 12 of imagenome and 3 of vindr_cxr. ") and "expert boxes" in said
