"""Records of earlier rules, and files that are damaged: what a store goes on with, and what it says before it stops."""

from __future__ import annotations

import re

import pytest

from medground_bench.core.protocol import PROTOCOL
from medground_bench.leaderboard.keeping import remove
from medground_bench.leaderboard.published import board_of
from medground_bench.leaderboard.records import BadRecord, SubmissionRecord
from medground_bench.leaderboard.register import Register
from medground_bench.leaderboard.replies import LATER, NotAccepted
from medground_bench.leaderboard.verifying import verify
from medground_bench.submission import metadata, read
from tests.kit.desks import OPERATOR, stopped, upload

pytestmark = pytest.mark.usefixtures("scored_here")


def events(place):
    return [entry.event.value for entry in Register.read(place.store.look().log).entries][2:]


def on_the_board(place):
    return {row.method for row in board_of(place.store.look()).view("direct", lvlm="a")}


def damage(place, name, old, new):
    (path,) = place.store.folder.glob(name)
    assert old in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(old, new, 1))


def test_what_was_accepted_under_wider_rules_stays_and_others_are_accepted_beside_it(local, monkeypatch):
    desk = local.open()
    old = upload("ann", method="Mine (2nd)", code="https://codeberg.org/ann/mine", about="a word")
    identity = desk.submit(old).receipt.id
    monkeypatch.setattr(metadata, "METHOD", re.compile("[A-Za-z]+"))
    monkeypatch.setattr(metadata, "LINK", re.compile("https://github.com/.+"))
    monkeypatch.setattr(metadata, "MOST_ABOUT", 3)
    assert desk.submit(upload("bob", method="Other")).status == "scored"
    assert on_the_board(local) == {"Mine (2nd)", "Other"}
    assert verify(local.store.look(), local.truth).rescored == 2
    assert "[BAD_NAME]" in desk.check(upload("cid", method="Mine (2nd)")).problems[0]
    record = SubmissionRecord.of(local.store.look().read(f"submissions/{identity}.json"))
    assert (record.metadata.method, record.metadata.about) == ("Mine (2nd)", "a word")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"method": "Mine"', b'"method": 7'),
        (b'"training_data": "undisclosed"', b'"training_data": "none"'),
        (b'"lvlm_revisions": {"a": "1f2e"}', b'"lvlm_revisions": ["a"]'),
        (b'"method": "Mine"', b'"name": "Mine"'),
    ],
)
def test_a_record_of_other_types_is_no_record(local, old, new):
    local.open().submit(upload(method="Mine"))
    damage(local, "submissions/*.json", old, new)
    with pytest.raises(BadRecord):
        board_of(local.store.look())


@pytest.mark.parametrize("name", ["scores/*/*.json", "submissions/*.json", "cases/*.json"])
def test_with_a_damaged_file_nothing_is_accepted_and_no_slot_is_taken(local, name):
    desk = local.open(scored_per_week=1)
    identity = desk.submit(upload("ann", method="Mine")).receipt.id
    (path,) = local.store.folder.glob(name)
    whole = path.read_bytes()
    damage(local, name, b'"', b"")
    with pytest.raises(NotAccepted, match="Nothing was kept"):
        desk.submit(upload("bob", method="Other"))
    assert events(local) == ["received", "scored"]
    path.write_bytes(whole)
    assert desk.submit(upload("bob", method="Other")).status == "scored"
    assert desk.receipt(identity).status == "scored"


def test_a_row_whose_scores_are_damaged_can_be_removed_and_the_store_goes_on(local):
    desk = local.open()
    identity = desk.submit(upload("ann", method="Mine")).receipt.id
    damage(local, f"scores/v{PROTOCOL}-*/{identity}.json", b'"scores"', b'"numbers"')
    remove(desk, identity, OPERATOR, reason="its file of scores is damaged")
    assert desk.submit(upload("bob", method="Other")).status == "scored"
    assert on_the_board(local) == {"Other"}


@pytest.mark.parametrize("harm", ["changed", "gone"])
def test_a_damaged_record_that_waits_holds_up_no_other_and_is_scored_when_it_is_whole_again(local, harm):
    desk = local.open()
    first, _ = stopped(desk, upload("ann", method="First")), stopped(desk, upload("bob", method="Second"))
    path = local.store.folder / f"submissions/{first}.json"
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"0", b"1", 1)) if harm == "changed" else path.unlink()
    replies = desk.take_up()
    assert [(reply.status, reply.receipt.method) for reply in replies] == [
        ("received", "First"),
        ("scored", "Second"),
    ]
    assert replies[0].said == LATER and desk.take_up() == replies[:1]
    path.write_bytes(whole)
    assert desk.take_up()[0].status == "scored" and on_the_board(local) == {"First", "Second"}
    assert events(local) == ["received", "received", "scored", "scored"]


@pytest.mark.parametrize("harm", ["changed", "gone"])
@pytest.mark.parametrize("waits", [True, False])
def test_a_damaged_record_is_mended_by_sending_the_same_file_again(local, harm, waits):
    desk = local.open()
    identity = stopped(desk, upload("ann")) if waits else desk.submit(upload("ann")).receipt.id
    path = local.store.folder / f"submissions/{identity}.json"
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"0", b"1", 1)) if harm == "changed" else path.unlink()
    assert desk.said(identity) is None and desk.receipt(identity).id == identity
    other = upload("ann", about="other words")
    if not waits:
        with pytest.raises(NotAccepted, match="Nothing was kept"):
            desk.submit(other)
    assert desk.submit(upload("ann")).status == "scored"
    assert path.read_bytes() == whole and desk.said(identity).method == "Mine"
    assert events(local) == (["received", "mended", "scored"] if waits else ["received", "scored", "mended"])
    assert verify(local.store.look(), local.truth).rescored == 1
    assert desk.submit(upload("ann")).status == "scored" and len(events(local)) == 3


def test_where_a_row_cannot_be_compared_with_the_submission_waits(local):
    """The board was made of the row before; a copy of its boxes must not slip by."""
    desk = local.open()
    row = desk.submit(upload("ann", method="First")).receipt.id
    waits = stopped(desk, upload("bob", method="Second"))
    damage(local, f"submissions/{row}.json", b'"case_id"', b'"name"')
    (reply,) = desk.take_up()
    assert (reply.status, reply.said, reply.receipt.id) == ("received", LATER, waits)


def test_boxes_that_are_no_longer_accepted_when_they_are_taken_up_fail_and_are_no_row_of_zeros(
    local, monkeypatch
):
    desk = local.open()
    stopped(desk, upload("ann"))
    monkeypatch.setattr(read, "MAX_BOXES", 0)
    assert [reply.status for reply in desk.take_up()] == ["failed"]
    last = Register.read(local.store.look().log).entries[-1]
    assert last.reason == "its boxes are no longer accepted: TOO_MANY_BOXES" and on_the_board(local) == set()


def test_what_is_being_scored_is_not_taken_up_beside(local):
    desk, taken = local.open(), []
    desk.submit(upload(), lambda stage: taken.append((stage, desk.take_up())))
    assert [replies for _, replies in taken] == [()] * len(taken) and len(taken) == 5
    assert events(local) == ["received", "scored"]
