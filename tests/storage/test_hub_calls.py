"""Calls of the hub: what is waited out, and what is said where the hub refuses."""

from __future__ import annotations

import pytest
from huggingface_hub import CommitOperationAdd

from medground_bench.storage.hub_calls import HubAway, HubCalls, HubRefused, Moved, NoSuchRepository
from tests.hub.faults import Answer, Cut, Silence
from tests.hub.state import Token

COMMIT = "POST .*/commit/main"


@pytest.fixture
def pauses() -> list[float]:
    """The seconds that were waited, without waiting them."""
    return []


@pytest.fixture
def calls(hub, org, pauses):
    """Of a member who may write."""
    return HubCalls(f"hf_{org}-writer", wait=pauses.append)


@pytest.fixture
def bench(hub, org):
    return hub.state.create("dataset", f"{org}/bench")


def commit(bench, parent=None):
    """The call that the hub's own client never makes again."""
    operations = [CommitOperationAdd("a.json", b"{}")]
    return lambda api: api.create_commit(
        bench.name, operations, commit_message="more", repo_type="dataset", parent_commit=parent
    )


def test_a_storm_of_429_is_waited_out_as_long_as_the_hub_asks(hub, bench, calls, pauses):
    hub.spoil(COMMIT, Answer(429, {"Retry-After": "30"}), times=5)
    calls.asked("commit", commit(bench))
    assert "a.json" in bench.at("main").files
    assert pauses == [30.0] * 5


@pytest.mark.parametrize("fault", [Answer(500), Answer(503), Silence(done=False)])
def test_a_hub_at_fault_is_asked_again_after_growing_waits(hub, bench, calls, pauses, fault):
    hub.spoil(COMMIT, fault, times=3)
    calls.asked("commit", commit(bench))
    assert [0.5 * due <= waited <= due for waited, due in zip(pauses, (1, 2, 4), strict=True)] == [True] * 3


def test_a_hub_that_stays_away_is_told_and_nothing_is_lost(hub, bench, calls, pauses):
    hub.spoil(COMMIT, Answer(500), times=99)
    with pytest.raises(
        HubAway, match=r"cannot commit: it is at fault itself \(500\), also after 7 more tries"
    ):
        calls.asked("commit", commit(bench))
    assert sum(pauses) <= 127


def test_a_commit_whose_answer_was_lost_is_no_second_commit(hub, bench, calls):
    head = bench.at("main").oid
    hub.spoil(COMMIT, Silence(done=True))
    with pytest.raises(Moved):
        calls.asked("commit", commit(bench, parent=head))
    assert [each.title for each in bench.history("main")] == ["more", "initial commit"]


def expired(hub, org):
    hub.state.tokens["hf_old"] = Token(f"{org}-writer", expired=True)
    return "hf_old"


def read_only(hub, org):
    hub.state.tokens[f"hf_{org}-ro"] = Token(f"{org}-writer", role="read")
    return f"hf_{org}-ro"


@pytest.mark.parametrize(
    ("token", "said"),
    [
        (lambda hub, org: "hf_nobody", "does not know your token, or it has expired"),
        (expired, "does not know your token, or it has expired"),
        (read_only, "your token may not. It needs the role `write`"),
        (lambda hub, org: f"hf_{org}-reader", "your token may not"),
    ],
    ids=["wrong", "expired", "read-only", "of a reader"],
)
def test_a_refusal_says_what_is_wrong_with_the_token_and_shows_it_nowhere(
    hub, org, bench, pauses, token, said
):
    text = token(hub, org)
    with pytest.raises(HubRefused, match=said) as refusal:
        HubCalls(text, wait=pauses.append).asked("commit", commit(bench))
    assert not pauses and text not in str(refusal.value) and text not in repr(refusal.value.__cause__)


def test_what_is_not_there_is_a_case_of_its_own(calls, org):
    with pytest.raises(NoSuchRepository, match="cannot look: the hub has nothing of that name"):
        calls.asked("look", lambda api: api.dataset_info(f"{org}/nothing"))


def test_the_token_is_in_no_repr(calls, org):
    assert f"hf_{org}" not in repr(calls)


def test_a_hub_that_is_switched_off_is_told_at_once(calls, bench, pauses, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(HubAway, match="Unset HF_HUB_OFFLINE"):
        calls.asked("look", lambda api: api.dataset_info(bench.name))
    assert not pauses


@pytest.mark.parametrize("fault", [Answer(500), Answer(503), Cut(), Silence(done=False)])
def test_a_fault_while_a_large_file_is_sent_is_one_of_the_hub_and_not_ours(
    hub, bench, calls, fault, monkeypatch
):
    """The hub's client tries a few times itself, and wraps what is left in an error of its own."""
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _seconds: None)
    large = CommitOperationAdd("rows.parquet", bytes(range(256)) * 400)
    hub.spoil("PUT /_lfs/", fault, times=8)
    calls.asked(
        "send", lambda api: api.create_commit(bench.name, [large], commit_message="more", repo_type="dataset")
    )
    assert "rows.parquet" in bench.at("main").files


def test_a_large_file_that_is_refused_is_told_in_words(hub, bench, calls):
    large = CommitOperationAdd("rows.parquet", bytes(range(256)) * 400)
    hub.spoil("PUT /_lfs/", Answer(403), times=99)
    with pytest.raises(HubRefused, match="cannot send: your token may not"):
        calls.asked(
            "send",
            lambda api: api.create_commit(bench.name, [large], commit_message="more", repo_type="dataset"),
        )


def test_an_error_that_has_nothing_to_do_with_the_hub_goes_on(calls):
    def fail(_api):
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        calls.asked("look", fail)
