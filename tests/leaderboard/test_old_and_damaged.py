"""Records of earlier rules, and files that are damaged: what a store goes on with, and what it says before it stops."""

from __future__ import annotations

import re

import pytest

from medground_bench.core.protocol import PROTOCOL
from medground_bench.leaderboard.keeping import remove
from medground_bench.leaderboard.published import board_of
from medground_bench.leaderboard.records import BadRecord, SubmissionRecord
from medground_bench.leaderboard.register import Register
from medground_bench.leaderboard.replies import NotAccepted
from medground_bench.leaderboard.verifying import verify
from medground_bench.submission import metadata
from tests.kit.desks import OPERATOR, upload

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
