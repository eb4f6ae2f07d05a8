"""The third step: a repository becomes what was planned, by calls that do no more when they are done twice.

Order: it is made private, all files come with one commit that names its parent, its gate is set, then it is made
visible, and the commit gets its tag. A reader has the old revision or the new one, never a part of one.
"""

from __future__ import annotations

from builder.publish.folder_files import files_of
from builder.publish.plan import Fate, PushPlan
from builder.publish.policy import demand_unchanged
from builder.publish.shipment import look
from medground_bench.storage.hub_calls import HubCalls, Moved


def push(plan: PushPlan, calls: HubCalls) -> str:
    """Do what was planned; the commit that the repository has then.

    Moved where another commit came first, Unpublishable where the folder is not the one that was inspected.
    """
    shipment, remote = plan.shipment, plan.remote
    demand_unchanged(files_of(shipment.folder), shipment.statement.read_bytes())
    kind, name = shipment.kind, shipment.name
    if not remote.there:
        calls.asked(
            f"make the {kind} {name}",
            lambda api: api.create_repo(
                name,
                repo_type=kind,
                private=True,
                exist_ok=True,
                space_sdk="gradio" if kind == "space" else None,
            ),
        )
    if plan.gate_first:
        _set_gate(plan, calls)
    commit = _commit(plan, calls) if plan.changes else remote.head
    if shipment.gate and not plan.gate_first and remote.gate != shipment.gate:
        _set_gate(plan, calls)
    if not remote.there or remote.private:
        calls.asked(
            f"make {name} visible", lambda api: api.update_repo_settings(name, repo_type=kind, private=False)
        )
    if plan.tag:
        _tag(plan, commit, calls)
    return commit


def _commit(plan: PushPlan, calls: HubCalls) -> str:
    """One commit with its parent: a second one of the same finds that the parent is no longer the newest."""
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    shipment, files = plan.shipment, plan.shipment.files()
    added = [CommitOperationAdd(file.name, files[file.name]) for file in plan.sent]
    deleted = [CommitOperationDelete(file.name) for file in plan.files if file.fate is Fate.GONE]
    parent = plan.remote.head or _first_commit(plan, calls)
    made = calls.asked(
        f"commit to {shipment.name}",
        lambda api: api.create_commit(
            shipment.name,
            [*added, *deleted],
            commit_message=shipment.title,
            repo_type=shipment.kind,
            parent_commit=parent,
        ),
    )
    return str(made.oid)


def _first_commit(plan: PushPlan, calls: HubCalls) -> str:
    """The one with which the hub makes a repository; Moved where somebody else has put files there meanwhile."""
    made = look(calls, plan.shipment.kind, plan.shipment.name)
    if made.own:
        raise Moved(f"somebody else has made {plan.shipment.name}. Run the same command again.")
    return made.head


def _set_gate(plan: PushPlan, calls: HubCalls) -> None:
    kind, name, gate = plan.shipment.kind, plan.shipment.name, plan.shipment.gate
    calls.asked(
        f"set the gate of {name}", lambda api: api.update_repo_settings(name, repo_type=kind, gated=gate)
    )


def _tag(plan: PushPlan, commit: str, calls: HubCalls) -> None:
    kind, name, tag = plan.shipment.kind, plan.shipment.name, plan.tag or ""
    calls.asked(
        f"call the commit of {name} {tag}",
        lambda api: api.create_tag(name, tag=tag, revision=commit, repo_type=kind, exist_ok=True),
    )
    if look(calls, kind, name).tags.get(tag) != commit:
        raise Moved(f"somebody else has called another commit of {name} {tag}. Run the same command again.")
