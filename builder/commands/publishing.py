"""What the commands that push to the hub share: the plan is shown, agreed to, pushed and read back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.table import Table

from builder.commands.options import demand_agreement

if TYPE_CHECKING:
    from builder.publish.plan import PushPlan
    from builder.publish.shipment import Remote, Shipment
    from medground_bench.storage.hub_calls import HubCalls, Kind

DIGITS = 12


def send(
    kind: Kind,
    name: str,
    prepare: Callable[[Remote], Shipment],
    calls: HubCalls,
    *,
    log: Path,
    dry_run: bool,
    yes: bool,
) -> None:
    """PushPlan, ask, push and read back; with `dry_run` the plan alone.

    prepare  makes the shipment of what the repository holds
    log      is told before and after something is changed
    """
    from builder.publish import log as logs
    from builder.publish.read_back import read_back
    from builder.publish.steps import planned, published

    plan = planned(calls, kind, name, prepare)
    _say(plan)
    if dry_run:
        return
    if plan.done:
        read_back(plan.shipment, plan.remote.head, calls)
        typer.echo(f"{name} is up to date at {plan.remote.head[:DIGITS]}: {plan.shipment.page}")
        return
    demand_agreement(f"Publish this to {name}?", yes=yes)
    who = calls.asked("ask who you are", lambda api: str(api.whoami()["name"]))
    said = {"who": who, "to": name, "statement": plan.shipment.statement.read_text("utf-8")}
    logs.append(log, {"did": "begin", "parent": plan.remote.head, **said})
    done = published(plan, calls, prepare)
    said["statement"] = done.plan.shipment.statement.read_text("utf-8")  # another commit may have come first
    logs.append(
        log, {"did": "published", "commit": done.commit, "release": done.plan.shipment.release, **said}
    )
    release = f" as {done.plan.shipment.release}" if done.plan.shipment.release else ""
    typer.echo(
        f"{name} is published{release}, and was read back, at {done.commit[:DIGITS]}: {done.plan.shipment.page}"
    )


def _say(plan: PushPlan) -> None:
    """The plan: the repository, every file, and what pushing does."""
    shipment = plan.shipment
    gate = f"gate {shipment.gate}: you let readers in one by one" if shipment.gate else "open to all"
    table = Table(
        "file", "rows", "bytes", "", title=f"{shipment.kind} {shipment.name}, {gate}", title_justify="left"
    )
    for column in table.columns[1:3]:
        column.justify = "right"
    for file in plan.files:
        table.add_row(
            file.name, "" if file.rows is None else f"{file.rows:,}", f"{file.size:,}", file.fate.value
        )
    Console().print(table)
    for step in plan.steps():
        typer.echo(f"- {step}")
    for note in shipment.notes:
        typer.echo(f"Note: {note}.")
    typer.echo(f"Every file as it is sent: {shipment.folder}")
    typer.echo(f"What was looked into: {shipment.statement}")
