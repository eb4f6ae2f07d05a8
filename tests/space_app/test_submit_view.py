"""What the page of submissions says of where one stands."""

from __future__ import annotations

from dataclasses import replace

import pytest

from medground_bench.leaderboard.records import Receipt
from medground_bench.leaderboard.replies import LATER, SAID, Reply

submit_view = pytest.importorskip("submit_view")
SCORED = Receipt(
    id="a1", status="scored", method="Mine", file_sha256="f", dataset="d", dataset_revision="r", protocol=3,
    received_at="2026-11-28T00:00:00Z", entry="e", link="l",
    tracks="rule_lvlm direct",
)  # fmt: skip
RECEIVED = replace(SCORED, status="received")


def test_what_is_received_is_said_to_wait_unless_it_is_being_scored():
    reply = Reply(status="received", said=LATER, receipt=RECEIVED)
    assert submit_view.shown_reply(reply, "{}")["said"] == LATER
    assert submit_view.words_of(RECEIVED, set()) == LATER
    assert submit_view.words_of(RECEIVED, {"a1"}) == SAID["received"]
    assert submit_view.words_of(SCORED, set()) == SAID["scored"]
