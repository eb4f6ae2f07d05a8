"""Decisions on a hub that is busy, that loses answers, and on which others decide at the same time."""

from __future__ import annotations

import errno

import huggingface_hub
import pytest

from builder.access.applicants import Status
from builder.access.carrying_out import deciding
from builder.access.decision_log import Ending, LogLine
from builder.access.queue import AccessQueue
from builder.access.rulings import Decision, Handling, Ruling, agenda
from medground_bench.storage.hub_calls import HubAway, HubCalls, HubRefused, NoSuchRepository
from tests.hub.faults import Answer, Silence
from tests.hub.state import Token
from tests.kit.access import applicant, logged

HANDLE = "POST .*/user-access-request/handle"


@pytest.fixture
def send(maintainer):
    """Carries out decisions about people; gives what became of each."""

    def sent(*people: str, decision: Decision = Decision.APPROVE, reason: str = ""):
        rulings = [Ruling((person,), decision, reason) for person in people]
        due = agenda(rulings, maintainer.queue.listed(*Status), overturn=True).due
        return maintainer.carry_out(due, lambda _done: None)

    return sent


def statuses(bench) -> list[str]:
    return [asked.status for asked in bench.requests.values()]


def test_people_are_let_in_and_refused_and_both_are_logged(bench, send, log, org):
    assert send("ann") == {"ann": Ending.DONE}
    send("bob", decision=Decision.REJECT, reason="Not yet.")
    assert statuses(bench) == ["accepted", "rejected", "pending"]
    assert bench.requests["bob"].reason == "Not yet."
    assert logged(log) == [
        ("ann", "approve", "begun"),
        ("ann", "approve", "done"),
        ("bob", "reject", "begun"),
        ("bob", "reject", "done"),
    ]
    assert f'"by": "{org}-writer"' in log.read_text()


def test_what_people_typed_is_in_no_line_of_the_log(bench, send, log):
    send("ann", "bob")
    said = log.read_text()
    assert "example.org" not in said and "Kenya" not in said and "Ann" not in said and "PhysioNet" not in said


def test_the_line_is_on_the_disk_before_the_decision_is_sent(hub, bench, send, log, monkeypatch):
    seen = []
    hub.spoil(HANDLE, Silence(done=False, then=lambda: seen.append(logged(log))))
    send("ann")
    assert seen == [[("ann", "approve", "begun")]]


def test_nothing_is_sent_that_could_not_be_logged(hub, bench, queue, log, monkeypatch):
    due = handlings(queue, "ann")

    def full(_handle, _content):
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space left"), deciding(queue, log) as maintainer:
        monkeypatch.setattr("builder.publish.log.os.write", full)
        maintainer.carry_out(due, lambda _done: None)
    assert statuses(bench) == ["pending"] * 3 and not [each for each in hub.requests if "POST" in each]


@pytest.mark.parametrize(
    "fault",
    [Answer(429, {"Retry-After": "7"}), Answer(503), Silence(done=False)],
    ids=["asked to slow down", "at fault", "cut off"],
)
def test_a_busy_hub_is_asked_again(hub, bench, send, pauses, fault):
    hub.spoil(HANDLE, fault, times=2)
    assert send("ann") == {"ann": Ending.DONE}
    assert bench.requests["ann"].status == "accepted" and len(pauses) == 2
    assert not isinstance(fault, Answer) or fault.status == 503 or pauses == [7, 7]


def test_a_decision_whose_answer_is_lost_is_seen_to_be_done(hub, bench, send, log):
    hub.spoil(HANDLE, Silence(done=True))
    assert send("ann") == {"ann": Ending.FOUND_DONE}
    assert statuses(bench) == ["accepted", "pending", "pending"]
    assert logged(log)[-1] == ("ann", "approve", "found done")


def handlings(queue, *people: str) -> list[Handling]:
    """The decisions as they are before others do something."""
    return list(agenda([Ruling((each,), Decision.APPROVE) for each in people], queue.listed(*Status)).due)


def test_the_others_go_on_when_a_request_is_gone_or_was_decided_meanwhile(bench, maintainer, queue, log):
    due = handlings(queue, "ann", "bob", "eve")
    del bench.requests["ann"]
    bench.decide("accepted", person="bob")
    endings = maintainer.carry_out(due, lambda _done: None)
    assert endings == {"ann": Ending.GONE, "bob": Ending.FOUND_DONE, "eve": Ending.DONE}
    assert [ending for _, _, ending in logged(log)][1::2] == ["request is gone", "found done", "done"]


def test_what_the_hub_does_not_do_is_not_done(hub, bench, maintainer, queue):
    """A person whose account is gone, say, with a request that is still listed."""
    due = handlings(queue, "ann", "bob")
    hub.spoil(HANDLE, Answer(404))
    assert maintainer.carry_out(due, lambda _done: None) == {"ann": Ending.UNDONE, "bob": Ending.DONE}
    assert statuses(bench) == ["pending", "accepted", "pending"]


def test_access_is_taken_away_again(bench, send):
    send("ann")
    assert send("ann", decision=Decision.REJECT, reason="The agreement has ended.") == {"ann": Ending.DONE}
    assert (bench.requests["ann"].status, bench.requests["ann"].reason) == (
        "rejected",
        "The agreement has ended.",
    )


@pytest.mark.skipif(huggingface_hub.__version__ < "2", reason="that client cannot read hidden user names")
def test_where_user_names_are_hidden_the_id_of_the_request_is_all_there_is(bench, queue, send, log):
    bench.hides_user_names = True
    pending = queue.listed(Status.PENDING)
    assert {(each.user, each.full_name, each.email) for each in pending} == {(None, None, None)}
    assert send(pending[0].name) == {pending[0].name: Ending.DONE}
    send(pending[1].name, decision=Decision.REJECT, reason="No.")
    assert statuses(bench) == ["accepted", "rejected", "pending"]
    assert logged(log)[0][0] == pending[0].request


def test_a_client_that_cannot_read_hidden_names_is_told_what_to_install(bench, queue, monkeypatch):
    def listing(_api, _name, **_more):
        yield {}["user"]

    monkeypatch.setattr("huggingface_hub.HfApi.list_pending_access_requests", listing)
    with pytest.raises(HubRefused, match="hides user names, and this version of the hub's client cannot"):
        queue.listed(Status.PENDING)


def test_a_long_queue_comes_whole_and_oldest_first(bench, queue, monkeypatch):
    monkeypatch.setattr("tests.hub.asking.PAGE", 2)
    for number in range(5):
        bench.ask(f"later{number}")
    names = [each.name for each in queue.listed(Status.PENDING)]
    assert names == ["ann", "bob", "eve", *(f"later{number}" for number in range(5))]


@pytest.mark.parametrize(
    ("token", "said"),
    [
        ("hf_{org}-reader", "your token may not. It needs the role `write`"),
        ("hf_read-only", "your token may not. It needs the role `write`"),
        ("hf_expired", "does not know your token, or it has expired"),
        ("hf_nobody", "does not know your token, or it has expired"),
    ],
)
def test_who_may_not_decide_is_told_so_and_nothing_is_sent(hub, org, bench, token, said):
    hub.state.tokens["hf_read-only"] = Token(f"{org}-writer", role="read")
    hub.state.tokens["hf_expired"] = Token(f"{org}-writer", expired=True)
    with pytest.raises(HubRefused, match=said):
        AccessQueue(HubCalls(token.format(org=org)), bench.name).listed(Status.PENDING)


def test_a_role_that_is_lost_on_the_way_ends_the_run_and_the_open_line_is_closed_later(
    hub, org, bench, queue, log
):
    due = handlings(queue, "ann", "bob")
    hub.spoil(HANDLE, Answer(403), skip=1)
    refused = pytest.raises(HubRefused, match="cannot approve a request for access to")
    with refused, deciding(queue, log) as maintainer:
        maintainer.carry_out(due, lambda _done: None)
    assert logged(log)[-1] == ("bob", "approve", "begun")
    with deciding(queue, log):
        pass
    assert logged(log)[-1] == ("bob", "approve", "not done")


def test_a_dataset_without_a_gate_and_one_that_is_not_there_have_no_queue(bench, queue, org):
    with pytest.raises(NoSuchRepository):
        AccessQueue(queue.calls, f"{org}/nothing").listed(Status.PENDING)
    bench.gated = False
    with pytest.raises(HubRefused, match="the hub answers 400: The repository is not gated"):
        queue.listed(Status.PENDING)


def test_a_hub_that_stays_away_leaves_an_open_line_and_the_next_run_closes_it(hub, bench, queue, log):
    due = handlings(queue, "ann")
    hub.spoil(HANDLE, Answer(500), times=99)
    with pytest.raises(HubAway, match="run the same command again later"), deciding(queue, log) as maintainer:
        maintainer.carry_out(due, lambda _done: None)
    hub.wire.rules.clear()
    bench.decide("accepted", person="ann")
    with deciding(queue, log):
        pass
    assert logged(log) == [("ann", "approve", "begun"), ("ann", "approve", "found done")]


def test_open_lines_of_another_dataset_are_left_alone(queue, log, maintainer):
    other = Handling(applicant("ann"), Ruling(("ann",), Decision.APPROVE))
    maintainer.log.append(LogLine.begun(other, "other/bench", "me"))
    maintainer.close_open_lines()
    assert logged(log) == [("ann", "approve", "begun")]
