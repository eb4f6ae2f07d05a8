"""What is kept of a visitor lies in a folder of the visit, whatever the browser calls itself, and goes with it."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

gradio = pytest.importorskip("gradio")
visits, zero_gpu = pytest.importorskip("visits"), pytest.importorskip("zero_gpu")
try_run = pytest.importorskip("try_run")


@pytest.fixture
def visit(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "temp"))
    return visits.Visit.of(SimpleNamespace(session_hash="somebody"))


@pytest.mark.parametrize("name", ["../../etc", "/etc", "", None, "a\0b"])
def test_no_name_of_a_browser_leads_out_of_the_folder(tmp_path, monkeypatch, name):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    folder = visits.Visit.of(SimpleNamespace(session_hash=name)).folder
    assert folder.parent == tmp_path / "visits" and folder.name.isalnum()


def test_a_visit_that_ends_takes_what_was_sent_and_made_with_it_and_leaves_what_is_ours(visit, tmp_path):
    ours, sent = tmp_path / "ours.png", tmp_path / "temp" / "abc" / "own.png"
    sent.parent.mkdir(parents=True)
    for file in (ours, sent):
        file.write_bytes(b"x")
        visit.sent(file)
    visit.begin()
    visit.keep(visits.FinishedRun(None))
    assert visit.wanted.is_file() and visit.last_run is not None
    visit.end()
    assert ours.is_file() and not sent.exists() and not visit.folder.exists() and visit.last_run is None


def test_the_same_file_sent_by_two_goes_with_the_last_of_them(visit, tmp_path):
    other, sent = (
        visits.Visit.of(SimpleNamespace(session_hash="another")),
        tmp_path / "temp" / "abc" / "own.png",
    )
    sent.parent.mkdir(parents=True)
    sent.write_bytes(b"x")
    for each in (visit, other):
        each.sent(sent)
    visit.end()
    assert sent.is_file()
    other.end()
    assert not sent.exists()


def test_runs_are_kept_of_few_visits_and_a_new_run_forgets_the_one_before(visit):
    first = visits.FinishedRun(None)
    visit.keep(first)
    visit.begin()
    assert visit.last_run is None
    others = [
        visits.Visit.of(SimpleNamespace(session_hash=str(each))) for each in range(visits.RUNS_KEPT + 1)
    ]
    for each in others:
        each.keep(first)
    assert [each.last_run is None for each in others] == [True] + [False] * visits.RUNS_KEPT
    for each in others:
        each.end()


def test_old_visits_are_ended_although_a_file_of_another_goes_while_it_is_looked_at(visit, tmp_path):
    vanishing = visit.folder.parent / "other"
    vanishing.mkdir(parents=True)
    (vanishing / "wanted").symlink_to(tmp_path / "gone")
    visit.begin()
    visits.end_visits_older_than(60)
    assert visit.folder.exists()
    visits.end_visits_older_than(-1)
    assert not visit.folder.exists()


def test_what_is_left_of_an_upload_that_was_cut_off_goes_when_it_is_old_and_nothing_else_does(
    visit, tmp_path
):
    part, whole = tmp_path / "temp" / "tmp1f2e", tmp_path / "temp" / "abc" / "own.png"
    whole.parent.mkdir(parents=True)
    for file in (part, whole):
        file.write_bytes(b"x")
    visits.remove_cut_uploads(60)
    assert part.is_file()
    visits.remove_cut_uploads(-1)
    assert not part.exists() and whole.is_file()


def test_off_zerogpu_the_steps_are_the_same_function_and_there_a_gpu_is_asked_for_as_long_as_they_take(
    monkeypatch,
):
    def steps(wanted):
        yield wanted

    monkeypatch.setitem(sys.modules, "spaces", None)
    monkeypatch.setattr(zero_gpu, "find_spec", lambda _name: None)
    assert zero_gpu.on_gpu(steps, len) is steps
    asked = {}

    def gpu(duration):
        asked["seconds"] = duration
        return lambda function: function

    monkeypatch.setattr(zero_gpu, "find_spec", lambda _name: object())
    monkeypatch.setitem(sys.modules, "spaces", SimpleNamespace(GPU=gpu))
    assert zero_gpu.on_gpu(steps, len) is steps and asked["seconds"] is len


def test_a_run_asks_for_the_seconds_that_its_methods_were_measured_to_take():
    def wanted(*methods):
        return SimpleNamespace(methods=methods, query=SimpleNamespace(mode=SimpleNamespace(value="reason")))

    few, many = (try_run.seconds_wanted(wanted(*each)) for each in (["medfocus"], ["medfocus", "prompting"]))
    assert 10 < few < 15 < many < 120
    assert try_run.seconds_wanted(wanted("of_somebody_else")) >= many - few


@pytest.mark.parametrize(
    ("about", "finding", "question"),
    [(" pacemaker ", "pacemaker", None), ("Is there a device?", None, "Is there a device?")],
)
def test_what_ends_as_a_question_is_one(about, finding, question):
    query = try_run.query_of(about, "direct")
    assert (query.finding, query.question) == (finding, question)
