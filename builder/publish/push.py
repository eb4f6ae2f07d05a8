"""The third step: a repository becomes what was planned, by calls that do no more when they are done twice.

Order: it is made private and gets its gate, all files come with one commit that names its parent, then it is made
visible, and the commit gets its tag. A reader has the old revision or the new one, never a part of one; and what is
gated is never to be seen without its gate, whatever somebody else does to the repository meanwhile.
"""

from __future__ import annotations

from builder.publish.folder_files import files_of
from builder.publish.plan import Fate, PushPlan
from builder.publish.policy import demand_unchanged
from builder.publish.shipment import Remote, Shipment, look
from medground_bench.core.errors import MedgroundError
from medground_bench.storage.hub_calls import HubCalls, Moved


class GateNotTaken(MedgroundError):
    """A hub that does not set the gate that it is asked to set."""


def push(plan: PushPlan, calls: HubCalls) -> str:
    """Do what was planned; the commit that the repository has then.

    Moved where another commit came first, Unpublishable where the folder is not the one that was inspected.
    """
    shipment, remote = plan.shipment, plan.remote
    demand_unchanged(files_of(shipment.folder), shipment.statement.read_bytes())
    if not remote.there:
        _make(shipment, calls)
    now = look(calls, shipment.kind, shipment.name)
    if now.own != remote.own or remote.head not in ("", now.head):
        raise Moved(f"somebody else has changed {shipment.name}. Run the same command again.")
    _set_gate(shipment, now, calls)
    commit = _commit(plan, now.head, calls) if plan.changes else now.head
    _make_visible(shipment, calls)
    tags = {**remote.untagged, **({plan.tag: commit} if plan.tag else {})}
    for tag, meant in tags.items():
        _tag(shipment, tag, meant, calls)
    return commit


def _make(shipment: Shipment, calls: HubCalls) -> None:
    kind, name = shipment.kind, shipment.name
    sdk = "gradio" if kind == "space" else None
    calls.asked(
        f"make the {kind} {name}",
        lambda api: api.create_repo(name, repo_type=kind, private=True, exist_ok=True, space_sdk=sdk),
    )


def _set_gate(shipment: Shipment, now: Remote, calls: HubCalls) -> None:
    """GateNotTaken where the hub says yes and has another one afterwards."""
    kind, name, gate = shipment.kind, shipment.name, shipment.gate
    if not gate or now.gate == gate:
        return
    calls.asked(
        f"set the gate of {name}", lambda api: api.update_repo_settings(name, repo_type=kind, gated=gate)
    )
    if look(calls, kind, name).gate != gate:
        raise GateNotTaken(
            f"the hub did not set the gate {gate} of {name}, so nothing was sent. Set it on {shipment.page}/settings, "
            "then run the same command again."
        )


def _commit(plan: PushPlan, parent: str, calls: HubCalls) -> str:
    """One commit with its parent: a second one of the same finds that the parent is no longer the newest."""
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    shipment, files = plan.shipment, plan.shipment.files()
    added = [CommitOperationAdd(file.name, files[file.name]) for file in plan.sent]
    deleted = [CommitOperationDelete(file.name) for file in plan.files if file.fate is Fate.GONE]
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


def _make_visible(shipment: Shipment, calls: HubCalls) -> None:
    kind, name = shipment.kind, shipment.name
    now = look(calls, kind, name)
    if shipment.gate and now.gate != shipment.gate:
        raise Moved(f"somebody else has changed the gate of {name}. Run the same command again.")
    if now.private:
        calls.asked(
            f"make {name} visible", lambda api: api.update_repo_settings(name, repo_type=kind, private=False)
        )


def _tag(shipment: Shipment, tag: str, commit: str, calls: HubCalls) -> None:
    kind, name = shipment.kind, shipment.name
    calls.asked(
        f"call a commit of {name} {tag}",
        lambda api: api.create_tag(name, tag=tag, revision=commit, repo_type=kind, exist_ok=True),
    )
    if look(calls, kind, name).tags.get(tag) != commit:
        raise Moved(f"somebody else has called another commit of {name} {tag}. Run the same command again.")
