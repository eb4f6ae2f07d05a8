"""What becomes of a submission: checked, counted, written down, scored once, told; and what is refused why."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from medground_bench.core.errors import MedgroundError
from medground_bench.core.protocol import PROTOCOL
from medground_bench.core.scoring import score
from medground_bench.leaderboard import published
from medground_bench.leaderboard.names import own_names
from medground_bench.leaderboard.people import NoLogin
from medground_bench.leaderboard.register import Register, SubmissionStatus
from medground_bench.leaderboard.replies import LATER, SAID, NoSubmission, NotAccepted
from medground_bench.leaderboard.store import SETTINGS, NoStore
from medground_bench.submission.read import read_submission
from tests.hub.faults import Answer, Silence
from tests.kit.desks import OPERATOR, REVISION, boxes, file_of, hub_place, truth, upload

pytestmark = pytest.mark.usefixtures("scored_here")


def board_of(place):
    return published.board_of(place.store.look())


def events(place):
    return [entry.event.value for entry in Register.read(place.store.look().log).entries]


def refusals(place):
    """What is in the log of files that were refused."""
    return [
        entry.reason for entry in Register.read(place.store.look().log).entries if entry.event == "refused"
    ]


def test_a_sound_file_is_scored_and_its_row_is_on_the_board_with_the_score_of_the_scorer(place):
    desk, sent = place.open(), upload(method="Mine")
    reply = desk.submit(sent)
    (row,) = board_of(place).view("direct", lvlm="a")
    found = read_submission(sent.content, place.truth.references)
    touched = [each for each in place.truth.references if each.lvlm == "a"]
    (wanted,) = score(touched, found.predictions)
    assert (reply.status, reply.said) == ("scored", SAID[SubmissionStatus.SCORED])
    assert (row.method, row.badge, row.cases) == ("Mine", "scored", 12)
    assert (row.iou, row.f1) == pytest.approx((wanted.mean.iou, wanted.mean.f1), abs=1e-6)
    assert events(place) == ["settings", "opened", "received", "scored"]


def test_a_receipt_says_id_hash_revision_protocol_and_where_it_stands(local):
    reply = local.open(page="https://org-board.hf.space").submit(upload(method="Mine"))
    receipt = reply.receipt
    assert (receipt.method, receipt.dataset, receipt.dataset_revision) == ("Mine", "org/bench", REVISION)
    assert receipt.tracks == "a direct"
    assert (receipt.protocol, receipt.received_at) == (PROTOCOL, "2026-12-01T00:00:00+00:00")
    assert receipt.link == f"https://org-board.hf.space/?tab=submit&receipt={receipt.id}"
    assert local.desk.receipt(receipt.id) == receipt


def test_without_a_page_the_link_is_that_of_the_record_in_the_store(place):
    receipt = place.open().submit(upload()).receipt
    assert receipt.link == place.store.address(f"submissions/{receipt.id}.json")


def test_the_same_file_with_the_same_words_by_the_same_person_is_one_row_with_the_same_receipt(place):
    desk = place.open()
    first, second = desk.submit(upload()), desk.submit(upload())
    assert first == second
    assert events(place).count("received") == events(place).count("scored") == 1
    other = desk.submit(replace(upload(), metadata=upload(method="Another").metadata))
    assert other.receipt.id != first.receipt.id


def test_a_check_tells_every_problem_of_the_file_and_of_what_is_said_and_keeps_nothing(local):
    desk = local.open()
    before = local.store.look().head
    bad = upload(content=b'{"case_id": "x", "boxes": []}\n', method="<b>", seed=-1)
    reply = desk.check(bad)
    assert [problem.rpartition("[")[2] for problem in reply.problems] == [
        "BAD_NAME]", "BAD_SEED]", "UNKNOWN_CASE]",
    ]  # fmt: skip
    assert desk.check(upload()).status == "passes"
    assert local.store.look().head == before


def test_a_refused_file_leaves_its_hash_and_codes_alone_and_takes_no_slot(local):
    desk = local.open(scored_per_week=1)
    assert desk.submit(upload(content=b"{}", about="secret words")).status == "refused"
    (entry,) = [each for each in Register.read(local.store.look().log).entries if each.event == "refused"]
    assert entry.reason == "MISSING_KEY" and b"secret" not in local.store.look().log
    assert not [name for name in local.store.look().names if name.startswith("submissions/")]
    assert desk.submit(upload()).status == "scored"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ({"lvlms": ("b",)}, "LVLM_DIFFERS"),
        ({"lvlms": ("a", "b")}, "LVLM_DIFFERS"),
        ({"dataset_revision": "0" * 40}, "OTHER_DATASET"),
    ],
)
def test_s23_what_is_said_must_fit_the_file_and_the_revision(local, words, code):
    (problem,) = local.open().submit(upload(**words)).problems
    assert problem.endswith(f"[{code}]")
    assert code != "OTHER_DATASET" or REVISION in problem


def test_only_scored_submissions_count_and_a_slot_is_free_again_after_a_week(local):
    desk = local.open(scored_per_week=2)
    for number in range(2):
        assert desk.submit(upload(method=f"Mine {number}")).status == "scored"
    third = upload(method="Mine 3")
    assert "[QUOTA_SPENT]" in desk.check(third).problems[0]
    stages = []
    assert "[QUOTA_SPENT]" in desk.submit(third, stages.append).problems[0]
    assert stages == [] and refusals(local) == [
        "QUOTA_SPENT"
    ]  # it is in the log, and its file was not looked into
    assert desk.submit(upload("bob", method="Other")).status == "scored"
    local.clock.pass_by(timedelta(days=7))
    assert desk.submit(third).status == "scored"


def test_faulty_files_have_a_cap_of_their_own_after_which_none_is_looked_into_for_a_day(local):
    desk = local.open(refused_per_day=2)
    for _ in range(2):
        assert desk.submit(upload(content=b"{}")).status == "refused"
    with pytest.raises(NotAccepted, match="TOO_MANY_REFUSED"):
        desk.submit(upload())
    assert desk.submit(upload("bob", method="Other")).status == "scored"
    local.clock.pass_by(timedelta(days=1))
    assert desk.submit(upload()).status == "scored"


def test_a_name_belongs_to_whoever_had_it_first_and_a_method_may_come_in_several_files(local):
    desk = local.open()
    desk.submit(upload(method="Mine"))
    assert "[NAME_TAKEN]" in desk.submit(upload("bob", method="mine")).problems[0]
    again = upload(content=file_of(boxes(truth(), 99)), method="Mine")
    assert "[NAME_TAKEN]" in desk.submit(again).problems[0]
    other_track = upload(content=file_of(boxes(truth(), 5, ["b"])), method="Mine", lvlms=["b"])
    assert desk.submit(other_track).status == "scored"
    (pooled,) = board_of(local).view("direct")
    assert (pooled.method, pooled.cases) == ("Mine", 24)


def test_a_refusal_for_what_else_there_is_counts_as_any_other_does(local):
    desk = local.open(refused_per_day=2)
    desk.submit(upload("ann", method="Mine"))
    for _ in range(2):
        assert "[NAME_TAKEN]" in desk.submit(upload("bob", method="Mine")).problems[0]
    assert refusals(local) == ["NAME_TAKEN"] * 2
    with pytest.raises(NotAccepted, match="TOO_MANY_REFUSED"):
        desk.submit(upload("bob", method="Mine"))


def test_s20_a_team_has_one_quota(local):
    desk = local.open(scored_per_week=1, teams=(("ann", "bob"), ("dan", "eve")))
    assert desk.submit(upload("ann", method="Of ann")).status == "scored"
    assert "[QUOTA_SPENT]" in desk.submit(upload("bob", method="Of bob")).problems[0]
    for person in ("cid", "dan"):
        assert desk.submit(upload(person, method=f"Of {person}")).status == "scored"


@pytest.mark.parametrize("name", ["MedFocus", "medfocus (7 seeds)", "Grad-CAM++", "RISE.", "Ben (2nd)"])
def test_a_name_that_would_pass_for_one_of_our_methods_is_for_operators(local, name):
    desk = local.open(reserved=(*own_names(), "ben"))
    assert "[NAME_TAKEN]" in desk.submit(upload(method=name)).problems[0]
    assert (
        desk.check(upload(OPERATOR, method=name)).status
        == desk.check(upload(method="My RISE")).status
        == "passes"
    )


def test_settings_of_an_earlier_version_reserve_the_names_of_our_methods(local):
    local.open()
    path = local.store.folder / SETTINGS
    known = json.loads(path.read_bytes())
    path.write_text(json.dumps({name: known[name] for name in known if name not in ("reserved", "teams")}))
    assert "[NAME_TAKEN]" in local.desk.check(upload(method="MedFocus")).problems[0]


def test_a_controls_name_is_for_operators(local):
    desk = local.open()
    assert "[NAME_TAKEN]" in desk.submit(upload(method="whole_image")).problems[0]
    assert desk.submit(upload(OPERATOR, method="whole_image")).status == "scored"
    assert board_of(local).view("direct", lvlm="a")[0].control


def test_whoever_submitted_can_withdraw_and_a_tombstone_stays(place):
    desk = place.open()
    identity = desk.submit(upload()).receipt.id
    with pytest.raises(MedgroundError, match="another person's submission"):
        desk.withdraw(identity, "bob")
    assert desk.withdraw(identity, "ann").status == desk.withdraw(identity, "ann").status == "withdrawn"
    assert board_of(place).rows == () and events(place)[-2:] == ["scored", "withdrawn"]
    assert f"submissions/{identity}.json" in place.store.look().names
    with pytest.raises(NoSubmission):
        desk.withdraw("nobody's", "ann")


def test_a_withdrawn_row_may_be_corrected_under_its_name_but_its_slot_stays_used(local):
    desk = local.open(scored_per_week=2)
    desk.withdraw(desk.submit(upload(method="Mine")).receipt.id, "ann")
    corrected = upload(content=file_of(boxes(truth(), 99)), method="Mine")
    assert desk.submit(corrected).status == "scored"
    assert "[QUOTA_SPENT]" in desk.submit(upload(method="Third")).problems[0]


AWAY = [("GET .*/api/datasets/", 0), ("GET .*/api/datasets/", 1), ("POST .*/commit/", 0)]
AWAY_LATER = [("GET .*/api/datasets/", 2), ("GET .*/api/datasets/", 3), ("POST .*/commit/", 1)]


@pytest.mark.parametrize(("at", "skip"), AWAY)
def test_s34_with_the_store_away_nothing_is_accepted_and_no_row_is_without_a_receipt(hub, org, at, skip):
    place = hub_place(org)
    desk = place.open()
    hub.spoil(at, Answer(503), skip=skip, times=99)
    with pytest.raises(NotAccepted, match="not accepted, try again"):
        desk.submit(upload())
    hub.wire.rules.clear()
    assert not board_of(place).rows
    reply = desk.submit(upload())
    assert reply.status == "scored" and len(board_of(place).rows) > 0
    assert events(place).count("received") == events(place).count("scored") == 1


@pytest.mark.parametrize(("at", "skip"), AWAY_LATER)
def test_s34_with_the_store_away_while_it_is_scored_a_submission_has_its_receipt_and_is_scored_later(
    hub, org, at, skip
):
    place = hub_place(org)
    desk = place.open(scored_per_week=1)
    hub.spoil(at, Answer(503), skip=skip, times=99)
    reply = desk.submit(upload())
    assert (reply.status, reply.said) == ("received", LATER)
    assert desk.take_up()[0] == reply if "POST" in at else True
    hub.wire.rules.clear()
    (ended,) = desk.take_up()
    assert (ended.status, ended.receipt) == ("scored", replace(reply.receipt, status="scored"))
    assert desk.submit(upload()) == ended and desk.take_up() == ()
    assert events(place)[2:] == ["received", "scored"]


@pytest.mark.parametrize("skip", [0, 1])
def test_a_commit_whose_answer_is_lost_is_not_made_twice(hub, org, skip):
    place = hub_place(org)
    desk = place.open()
    hub.spoil("POST .*/commit/", Silence(done=True), skip=skip)
    assert desk.submit(upload()).status == "scored"
    assert events(place) == ["settings", "opened", "received", "scored"]


def test_a_full_disk_is_no_acceptance(local, monkeypatch):
    desk = local.open()

    def full(*_args, **_more):
        raise OSError(28, "No space left on device", "store")

    monkeypatch.setattr("medground_bench.leaderboard.folder_store.write_whole", full)
    with pytest.raises(NotAccepted, match=r"try again: the store cannot be written \(No space left"):
        desk.submit(upload())
    monkeypatch.undo()


def test_a_desk_for_another_revision_or_protocol_takes_nothing(local):
    local.open()
    local.truth = truth("0" * 40)
    with pytest.raises(NoStore, match=f"open for org/bench at revision {REVISION}"):
        local.desk.submit(upload())


@pytest.mark.parametrize("person", ["", "a b", "../x", "x\n", "a" * 97, "-a"])
def test_a_text_that_is_no_login_is_nobody(local, person):
    with pytest.raises(NoLogin):
        local.open().submit(upload(person))


def test_the_record_names_nobody_and_holds_neither_scores_nor_expert_boxes(local):
    identity = local.open().submit(upload("ann")).receipt.id
    record = json.loads(local.store.look().read(f"submissions/{identity}.json"))
    assert sorted(record["about"]) == [
        "dataset", "dataset_revision", "file_sha256", "id", "metadata", "person", "tracks",
    ]  # fmt: skip
    assert {tuple(sorted(line)) for line in record["lines"]} == {("boxes", "case_id")}
    everything = b"".join(
        local.store.look().read(name) for name in local.store.look().names if name != "people.json"
    )
    assert b'"ann"' not in everything
    for each in local.truth.references:
        assert json.dumps(list(each.boxes[0].xyxy)).encode() not in everything
