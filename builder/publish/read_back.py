"""The last step: what the hub has now is what was planned, as the maintainer sees it and as a stranger does."""

from __future__ import annotations

from collections.abc import Iterator

from builder.publish.shipment import Remote, Shipment, look
from medground_bench.core.errors import MedgroundError, told
from medground_bench.storage.hub_calls import HubCalls, HubRefused


class NotAsPlanned(MedgroundError):
    """A repository that is not what was pushed to it."""


def read_back(shipment: Shipment, commit: str, calls: HubCalls) -> None:
    """NotAsPlanned unless the repository holds the shipment at this commit, and shows it to whom it should."""
    found = look(calls, shipment.kind, shipment.name, commit)
    open_to_strangers = list(_seen_by_a_stranger(shipment, commit, calls))
    problems = [*_differences(shipment, found), *open_to_strangers]
    if shipment.gate and open_to_strangers:
        kind, name = shipment.kind, shipment.name
        calls.asked(f"hide {name}", lambda api: api.update_repo_settings(name, repo_type=kind, private=True))
        problems.append("so it was made private again")
    if problems:
        raise NotAsPlanned(
            f"{shipment.name} is not as planned at {commit[:12]}: {told(problems)}. Run the same command again; "
            f"if that does not mend it, make it private on {shipment.page}/settings and look into it."
        )


def _differences(shipment: Shipment, found: Remote) -> Iterator[str]:
    ours = shipment.files()
    for name in sorted(ours.keys() | found.own.keys()):
        if name not in found.files:
            yield f"{name} is missing"
        elif name not in ours:
            yield f"{name} is more than was sent"
        elif not found.files[name].is_as(ours[name]):
            yield f"{name} has another content"
    if found.private:
        yield "it is private"
    if (found.gate or False) != shipment.gate:
        yield f"its gate is {found.gate or 'open'}"


def _seen_by_a_stranger(shipment: Shipment, commit: str, calls: HubCalls) -> Iterator[str]:
    """A file that is not the card, asked for without a token: a gate refuses it, without a gate it is there."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    name = next((each for each in shipment.files() if each != "README.md"), None)
    if name is None:
        return
    address = hf_hub_url(shipment.name, name, repo_type=shipment.kind, revision=commit)
    stranger = HubCalls(token=False, wait=calls.wait)
    try:
        stranger.asked(
            f"read {name} without a token", lambda _api: get_hf_file_metadata(address, token=False)
        )
    except HubRefused as refusal:
        if not shipment.gate:
            yield f"a stranger is refused ({refusal})"
    else:
        if shipment.gate:
            yield f"a stranger can read {name}"
