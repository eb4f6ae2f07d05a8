"""What the two commands that publish a program share: the four steps, and the wait for the Space to run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import typer

from builder.commands.publishing import send


def send_program(
    name: str, files: Mapping[str, bytes], place: Path, *, dry_run: bool, yes: bool
) -> str | None:
    """Publish a program and say how its Space does; the commit that it has then, None where nothing was to be sent."""
    from builder.publish.program_shipment import LOG, program_shipment
    from builder.publish.shipment import Remote, Shipment, demand_ours, look
    from builder.publish.space_stage import stage_reached
    from medground_bench.storage.hub_calls import HubCalls

    mark = files["README.md"].decode("utf-8").splitlines()[1]  # the title of its card
    calls, shipment = HubCalls(), program_shipment(name, files, place)

    def prepare(remote: Remote) -> Shipment:
        demand_ours(calls, "space", name, remote, mark)
        return shipment

    send("space", name, prepare, calls, log=place / LOG, dry_run=dry_run, yes=yes)
    if dry_run:
        return None
    commit = look(calls, "space", name).head
    typer.echo(stage_reached(shipment, commit, calls))
    return commit
