"""What an operator does: editions, review, removal, names; each with an entry, none without a trace."""

from __future__ import annotations

import json

import pytest

from medground_bench.core.errors import MedgroundError
from medground_bench.core.protocol import PROTOCOL
from medground_bench.leaderboard import case_scores, keeping, scoring_process
from medground_bench.leaderboard.keeping import forget, open_edition, remove, settle
from medground_bench.leaderboard.published import board_of
from medground_bench.leaderboard.register import Register
from medground_bench.leaderboard.store import StoreSettings
from medground_bench.leaderboard.verifying import verify
from tests.kit.desks import OPERATOR, REVISION, stopped, truth, upload

pytestmark = pytest.mark.usefixtures("scored_here")


def rows(place, name="board.json"):
    saved = json.loads(place.store.look().read(name))["rows"]
    return {row["method"]: row["iou"] for row in saved if (row["lvlm"], row["source"]) == ("a", "all")}


def last(place):
    return Register.read(place.store.look().log).entries[-1]


def test_opening_twice_with_the_same_settings_changes_nothing(place):
    place.open()
    head = place.store.look().head
    place.open()
    assert place.store.look().head == head


def test_other_settings_are_an_entry(local):
    local.open()
    local.open(scored_per_week=3)
    assert (last(local).event, last(local).by) == ("settings", OPERATOR)
    assert StoreSettings.of(local.store.look()).scored_per_week == 3 and verify(local.store.look()).rows == 0


def test_s37_a_new_protocol_scores_every_row_again_from_its_boxes_and_keeps_the_old_board(place, monkeypatch):
    desk = place.open()
    for person in ("ann", "bob"):
        desk.submit(upload(person, method=f"Of {person}"))
    gone = desk.submit(upload("cid", method="Gone")).receipt.id
    desk.withdraw(gone, "cid")
    before, old = rows(place), place.store.look().read("board.json")
    monkeypatch.setattr("medground_bench.leaderboard.truth.PROTOCOL", PROTOCOL + 1)
    mended = scoring_process.score_line
    monkeypatch.setattr(
        scoring_process,
        "score_line",
        lambda score, took: [mended(score, took)[0], mended(score, took)[1] / 2, *mended(score, took)[2:]],
    )
    place.open()
    assert rows(place) == pytest.approx({method: iou / 2 for method, iou in before.items()}, abs=1e-6)
    kept = f"boards/v{PROTOCOL}-1f2e1f2e1f2e-9.json"
    assert place.store.look().read(kept) == old and rows(place, kept) == before
    assert verify(place.store.look(), place.truth).rescored == 2
    assert place.desk.submit(upload("dan", method="New")).receipt.protocol == PROTOCOL + 1


def test_under_a_new_protocol_cases_may_be_classed_otherwise(local, monkeypatch):
    with monkeypatch.context() as earlier:
        earlier.setattr(keeping, "cases_name", lambda edition: f"cases/{edition.revision[:12]}.json")
        local.open().submit(upload(method="Mine"))
    old = local.store.look().read("cases/1f2e1f2e1f2e.json")
    monkeypatch.setattr("medground_bench.leaderboard.truth.PROTOCOL", PROTOCOL + 1)
    monkeypatch.setattr(case_scores, "SIZES", {"any": 0.0})
    local.truth = truth()
    local.open()
    assert {case.size for case in board_of(local.store.look()).scores.cases} == {"any"}
    assert list(rows(local)) == ["Mine"] and verify(local.store.look(), local.truth).rescored == 1
    assert local.store.look().read("cases/1f2e1f2e1f2e.json") == old


def test_another_revision_starts_an_empty_board_and_keeps_the_old_one(local):
    local.open().submit(upload(method="Mine"))
    before = rows(local)
    local.truth = truth("0" * 40)
    desk = local.open()
    assert rows(local) == {} and rows(local, f"boards/v{PROTOCOL}-1f2e1f2e1f2e-4.json") == before
    assert desk.submit(upload(method="Mine")).receipt.dataset_revision == "0" * 40
    assert verify(local.store.look(), local.truth).rows == 1


def test_an_edition_that_was_closed_is_opened_again_with_its_rows_and_every_board_is_kept(place):
    editions = (truth(), truth("0" * 40))
    for number in range(4):
        place.truth = editions[number % 2]
        place.open().submit(upload(f"person{number}", method=f"M{number}"))
    place.truth = editions[0]
    place.open()
    snapshot = place.store.look()
    kept = sorted(
        (name for name in snapshot.names if name.startswith("boards/")),
        key=lambda n: int(n[:-5].split("-")[2]),
    )
    assert [sorted(rows(place, name)) for name in kept] == [["M0"], ["M1"], ["M0", "M2"], ["M1", "M3"]]
    assert sorted(rows(place)) == ["M0", "M2"] and verify(snapshot, place.truth).rescored == 2


def test_what_waits_when_another_revision_is_opened_ends_without_counting_and_can_be_sent_again(place):
    desk = place.open(scored_per_week=1)
    identity = stopped(desk, upload("ann", dataset_revision=REVISION))
    place.truth = truth("0" * 40)
    other = place.open(scored_per_week=1)
    entry = Register.read(place.store.look().log).submissions[identity].last
    assert (entry.event, entry.by) == ("failed", OPERATOR) and "another revision" in entry.reason
    assert other.receipt(identity).status == "failed" and other.take_up() == ()
    assert other.submit(upload("ann", method="Mine")).status == "scored"  # it did not count
    place.truth = truth()
    assert place.open(scored_per_week=2).submit(upload("ann", dataset_revision=REVISION)).status == "scored"


def test_what_waits_when_another_protocol_is_opened_is_scored_under_that(local, monkeypatch):
    stopped(local.open(), upload("ann"))
    monkeypatch.setattr("medground_bench.leaderboard.truth.PROTOCOL", PROTOCOL + 1)
    assert [reply.status for reply in local.open().take_up()] == ["scored"]
    assert list(rows(local)) == ["Mine"]


@pytest.mark.parametrize(("shown", "status"), [(True, "scored"), (False, "removed")])
def test_what_is_held_is_shown_or_removed_with_a_reason(local, shown, status):
    desk = local.open()
    desk.submit(upload("ann", method="Mine"))
    held = desk.submit(upload("bob", content=upload("ann").content, method="Copy")).receipt.id
    assert "Copy" not in rows(local)
    settle(desk, held, OPERATOR, shown=shown, reason="the same method, run again")
    assert desk.receipt(held).status == status and ("Copy" in rows(local)) is shown
    assert (last(local).by, last(local).reason) == (OPERATOR, "the same method, run again")
    with pytest.raises(MedgroundError, match="not held"):
        settle(desk, held, OPERATOR, shown=shown, reason="again")
    verify(local.store.look(), local.truth)


def test_s36_a_removed_row_leaves_a_tombstone_with_who_and_why_and_the_board_follows(place):
    desk = place.open()
    identity = desk.submit(upload(method="Mine")).receipt.id
    with pytest.raises(MedgroundError, match="give a reason"):
        remove(desk, identity, OPERATOR, reason=" ")
    remove(desk, identity, OPERATOR, reason="boxes of the experts")
    assert (last(place).event, last(place).subject) == ("removed", identity)
    assert (last(place).by, last(place).reason) == (OPERATOR, "boxes of the experts")
    assert rows(place) == {} and desk.receipt(identity).status == "removed"
    assert f"submissions/{identity}.json" in place.store.look().names and verify(place.store.look()).rows == 0


def test_s40_a_name_can_be_taken_out_while_rows_and_chain_stay(place):
    desk = place.open()
    desk.submit(upload("ann", method="Mine"))
    board = place.store.look().read("board.json")
    forget(place.store, "ann", OPERATOR, place.clock)
    snapshot = place.store.look()
    assert not [name for name in snapshot.names if b"ann" in snapshot.read(name)]
    assert snapshot.read("board.json") == board and verify(snapshot, place.truth).rows == 1
    forget(place.store, "ann", OPERATOR, place.clock)
    assert place.store.look().head == snapshot.head


def test_an_edition_is_opened_by_somebody_with_a_login(local):
    with pytest.raises(MedgroundError, match="is no login"):
        open_edition(local.store, local.truth, StoreSettings(), "", local.clock)
