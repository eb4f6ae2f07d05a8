"""PushPlan, push and read back of any folder, apart from what it holds: also of Spaces, which have no gate."""

from __future__ import annotations

from dataclasses import replace

import pytest

from builder.publish.folder_files import files_of
from builder.publish.levels import Level
from builder.publish.plan import Fate
from builder.publish.policy import Inspected, Inspection, Unpublishable, statement
from builder.publish.push import GateNotTaken, push
from builder.publish.read_back import NotAsPlanned, read_back
from builder.publish.shipment import Shipment
from builder.publish.steps import Conflict, planned, published
from medground_bench.storage.hub_calls import HubCalls
from medground_bench.storage.whole_files import sha256
from tests.hub.faults import Answer, Silence

COMMIT = "POST .*/commit/main"


@pytest.fixture
def calls(hub, org):
    return HubCalls(f"hf_{org}-writer", wait=lambda _seconds: None)


def shipped(folder, name, kind="dataset", **files: str) -> Shipment:
    """A shipment of small files, with their statement."""
    for each in folder.rglob("*.txt"):
        each.unlink()
    for each, content in files.items():
        (folder / f"{each}.txt").write_text(content)
    looked = [
        Inspected(file.name, sha256(file.content), len(file.content), None) for file in files_of(folder)
    ]
    paper = folder.with_suffix(".json")
    paper.write_bytes(statement(Inspection(Level.KEYS, {}, (), tuple(looked), ())))
    gate = "manual" if kind == "dataset" else False
    return Shipment(kind, name, folder, "more", paper, gate, made_of_the_rest=("README.md",))


@pytest.fixture
def place(tmp_path):
    (tmp_path / "ours").mkdir()
    return tmp_path / "ours"


def sent(calls, shipment):
    """Planned and pushed."""
    return published(
        planned(calls, shipment.kind, shipment.name, lambda _: shipment), calls, lambda _: shipment
    )


def test_a_plan_names_every_file_of_both_sides(hub, org, calls, place):
    sent(calls, shipped(place, f"{org}/d", a="1", b="1", c="1"))
    plan = planned(calls, "dataset", f"{org}/d", lambda _: shipped(place, f"{org}/d", b="1", c="2", d="1"))
    assert {file.name: file.fate for file in plan.files} == {
        "a.txt": Fate.GONE, "b.txt": Fate.SAME, "c.txt": Fate.CHANGED, "d.txt": Fate.NEW,
    }  # fmt: skip
    assert plan.sent_bytes == 2 and not plan.done


def test_a_space_is_made_of_gradio_open_and_read_back_by_a_stranger(hub, org, calls, place):
    done = sent(calls, shipped(place, f"{org}/space", "space", app="print()"))
    made = hub.state.repositories["space", f"{org}/space"]
    assert (made.private, made.gated, made.sdk) == (False, False, "gradio")
    assert (
        made.branches["main"] == done.commit
        and planned(calls, "space", f"{org}/space", lambda _: done.plan.shipment).done
    )


def test_a_dataset_that_can_be_seen_without_a_gate_gets_it_before_any_file(hub, org, calls, place):
    hub.state.create("dataset", f"{org}/d")
    sent(calls, shipped(place, f"{org}/d", a="1"))
    changes = [asked for asked in hub.requests if asked.startswith(("POST", "PUT"))]
    first = next(n for n, asked in enumerate(changes) if "settings" in asked)
    assert first < next(n for n, asked in enumerate(changes) if "/commit/" in asked)


def test_a_lost_answer_of_a_commit_that_happened_is_recognised(hub, org, calls, place):
    hub.spoil(COMMIT, Silence(done=True))
    done = sent(calls, shipped(place, f"{org}/d", a="1"))
    history = list(hub.state.repositories["dataset", f"{org}/d"].history("main"))
    assert [commit.title for commit in history] == ["more", "initial commit"] and history[
        0
    ].oid == done.commit


def test_another_commit_that_came_first_is_planned_over(hub, org, calls, place):
    made = sent(calls, shipped(place, f"{org}/d", a="1"))
    repository = hub.state.repositories["dataset", f"{org}/d"]
    ours = shipped(place, f"{org}/d", a="1", b="1")
    plan = planned(calls, "dataset", f"{org}/d", lambda _: ours)
    theirs = repository.commit({"README.md": b"theirs"})

    def prepare(remote):
        (place / "README.md").write_bytes(b"ours and theirs")
        return shipped(place, f"{org}/d", a="1", b="1")

    done = published(plan, calls, prepare)
    files = repository.at("main").files
    assert [each.oid for each in repository.history("main")][:3] == [done.commit, theirs.oid, made.commit]
    assert files["README.md"].content == b"ours and theirs" and "b.txt" in files


def test_two_who_change_one_file_differently_are_told_and_nothing_is_overwritten(hub, org, calls, place):
    sent(calls, shipped(place, f"{org}/d", a="1"))
    repository = hub.state.repositories["dataset", f"{org}/d"]
    ours = shipped(place, f"{org}/d", a="2")
    plan = planned(calls, "dataset", f"{org}/d", lambda _: ours)
    repository.commit({"a.txt": b"3"})
    with pytest.raises(Conflict, match=r"a\.txt .* was changed by somebody else"):
        published(plan, calls, lambda _: ours)
    assert repository.at("main").files["a.txt"].content == b"3"


def test_a_folder_that_changed_after_it_was_inspected_is_not_sent(hub, org, calls, place):
    plan = planned(calls, "dataset", f"{org}/d", lambda _: shipped(place, f"{org}/d", a="1"))
    (place / "a.txt").write_text("2")
    with pytest.raises(Unpublishable, match=r"1 problem\(s\): a\.txt that changed"):
        push(plan, calls)
    assert ("dataset", f"{org}/d") not in hub.state.repositories


def spoilt(how):
    """What somebody does to the repository after the push."""
    return {
        "has another content": lambda made: made.commit({"a.txt": b"9"}),
        "is more than was sent": lambda made: made.commit({"z.txt": b"9"}),
        "is missing": lambda made: made.commit({}, deleted=["a.txt"]),
        "it is private": lambda made: setattr(made, "private", True),
        "its gate is open": lambda made: setattr(made, "gated", False),
        "a stranger can read a.txt": lambda made: setattr(made, "gated", False),
    }[how]


@pytest.mark.parametrize(
    "how",
    [
        "has another content",
        "is more than was sent",
        "is missing",
        "it is private",
        "its gate is open",
        "a stranger can read a.txt",
    ],
)
def test_what_is_not_as_planned_is_found_when_it_is_read_back(hub, org, calls, place, how):
    shipment = shipped(place, f"{org}/d", a="1", b="1")
    sent(calls, shipment)
    made = hub.state.repositories["dataset", f"{org}/d"]
    spoilt(how)(made)
    with pytest.raises(NotAsPlanned, match=how):
        read_back(shipment, made.branches["main"], calls)


def test_a_release_that_somebody_else_has_called_their_own_is_planned_again(hub, org, calls, place):
    sent(calls, shipped(place, f"{org}/d", a="1"))
    repository = hub.state.repositories["dataset", f"{org}/d"]
    release = iter(("v1", "v2"))

    def prepare(_remote):
        return replace(shipped(place, f"{org}/d", a="1", b="1"), release=next(release))

    plan = planned(calls, "dataset", f"{org}/d", prepare)
    repository.tags["v1"] = repository.branches["main"]
    done = published(plan, calls, prepare)
    assert repository.tags["v2"] == done.commit


def test_what_somebody_published_after_the_plan_is_not_removed_by_it(hub, org, calls, place):
    sent(calls, shipped(place, f"{org}/d", a="1"))
    repository = hub.state.repositories["dataset", f"{org}/d"]
    ours = shipped(place, f"{org}/d", a="1", b="1")
    plan = planned(calls, "dataset", f"{org}/d", lambda _: ours)
    repository.commit({"theirs.txt": b"3"})
    with pytest.raises(Conflict, match=r"theirs\.txt"):
        published(plan, calls, lambda _: ours)
    assert "theirs.txt" in repository.at("main").files


def test_a_repository_that_is_opened_while_the_plan_is_read_gets_its_gate_before_any_file(
    hub, org, calls, place
):
    hub.state.create("dataset", f"{org}/d", private=True)
    ours = shipped(place, f"{org}/d", a="1")
    plan = planned(calls, "dataset", f"{org}/d", lambda _: ours)
    made = hub.state.repositories["dataset", f"{org}/d"]
    made.private = False
    seen = []
    hub.spoil(COMMIT, Silence(done=True, then=lambda: seen.append((made.private, made.gated))))
    published(plan, calls, lambda _: ours)
    assert seen == [(False, "manual")]


def test_somebody_who_makes_it_open_first_changes_nothing_about_the_gate(hub, org, calls, place):
    ours = shipped(place, f"{org}/d", a="1")
    plan = planned(calls, "dataset", f"{org}/d", lambda _: ours)
    made = hub.state.create("dataset", f"{org}/d")
    seen = []
    hub.spoil(COMMIT, Silence(done=True, then=lambda: seen.append(made.gated)))
    published(plan, calls, lambda _: ours)
    assert seen == ["manual"]


def test_a_hub_that_does_not_set_the_gate_gets_no_file(hub, org, calls, place):
    hub.spoil("PUT .*/settings", Answer(200), times=9)
    with pytest.raises(GateNotTaken, match="so nothing was sent"):
        sent(calls, shipped(place, f"{org}/d", a="1"))
    made = hub.state.repositories["dataset", f"{org}/d"]
    assert made.private and "a.txt" not in made.at("main").files


def test_what_turns_out_to_be_open_is_hidden_again(hub, org, calls, place):
    shipment = shipped(place, f"{org}/d", a="1")
    sent(calls, shipment)
    made = hub.state.repositories["dataset", f"{org}/d"]
    made.gated = False
    with pytest.raises(NotAsPlanned, match="so it was made private again"):
        read_back(shipment, made.branches["main"], calls)
    assert made.private
