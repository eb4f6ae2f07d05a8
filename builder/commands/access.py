"""`python -m builder access ...`: who asks for access to a gated dataset, and deciding it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from builder.access.applicants import Status, shown
from builder.access.rulings import Decision
from builder.commands.options import DryRunOption, JsonOption, YesOption, demand_agreement
from medground_bench.commands.console import INPUT_AT_FAULT, progress
from medground_bench.core.errors import MedgroundError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from builder.access.queue import AccessQueue
    from builder.access.rulings import Handling, Ruling

DatasetArgument = Annotated[str, typer.Argument(metavar="ORG/NAME", help="The gated dataset on the hub.")]
NamesArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="NAME...", help="User names; where the dataset hides them, the ids of the requests."
    ),
]
LogOption = Annotated[
    Path | None,
    typer.Option(
        "--log", help="Where decisions are logged; by default access.ORG.NAME.jsonl in this folder."
    ),
]
OverturnOption = Annotated[
    bool, typer.Option("--overturn", help="Also change what was decided otherwise before.")
]

access = typer.Typer(
    help="Requests for access to a gated dataset: see and decide them.", no_args_is_help=True
)


@access.command("list")
def list_requests(
    dataset: DatasetArgument,
    status: Annotated[
        Status, typer.Option("--status", help="pending, accepted or rejected.")
    ] = Status.PENDING,
    to: Annotated[
        Path | None, typer.Option("--to", help="Write a CSV file to decide in, which `sync --from` reads.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show who asks for access, and what was filled in.

    What --to writes holds names and addresses of people; only you may read it. Delete it when all is decided.

    Example: python -m builder access list my-org/medground-bench --to queue.csv
    """
    from builder.access.table import as_table
    from builder.access.tables import queue_table
    from medground_bench.storage.whole_files import write_whole

    if to is not None and to.exists():
        raise MedgroundError(f"{to} is there already, and decisions in it would be lost. Name another file.")
    applicants = _queue(dataset).listed(status)
    if to is not None:
        write_whole(to, as_table(applicants), mode=0o600)
        typer.echo(f"{len(applicants)} requests written to {to}")
    elif as_json:
        typer.echo(json.dumps([each.as_json() for each in applicants], indent=2))
    elif applicants:
        Console().print(queue_table(f"{dataset}: {len(applicants)} {status}", applicants))
    else:
        typer.echo(f"{dataset}: nobody is {status}")


@access.command()
def approve(
    dataset: DatasetArgument,
    names: NamesArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why; for the log alone.")] = "",
    log: LogOption = None,
    overturn: OverturnOption = False,
    dry_run: DryRunOption = False,
) -> None:
    """Let these people in. Who is in already is passed over.

    Example: python -m builder access approve my-org/medground-bench alice bob
    """
    rulings = _named(names, Decision.APPROVE, reason)
    _decide(_queue(dataset), rulings, log, overturn=overturn, dry_run=dry_run)


@access.command()
def reject(
    dataset: DatasetArgument,
    names: NamesArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why, in 200 characters at most; they read it.")],
    log: LogOption = None,
    overturn: OverturnOption = False,
    dry_run: DryRunOption = False,
) -> None:
    """Refuse these people, with a reason. With --overturn this also takes access away again.

    Example: python -m builder access reject my-org/medground-bench carol --reason "We need your PhysioNet user name."
    """
    rulings = _named(names, Decision.REJECT, reason)
    _decide(_queue(dataset), rulings, log, overturn=overturn, dry_run=dry_run)


@access.command()
def sync(
    dataset: DatasetArgument,
    rules: Annotated[
        Path | None, typer.Option("--rules", help="A TOML file of rules that decide pending requests.")
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option("--from", help="A CSV file with columns user or request_id, decision, reason."),
    ] = None,
    log: LogOption = None,
    overturn: OverturnOption = False,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
) -> None:
    """Decide by a file of rules, or by a table of decisions. The file is checked whole before anything is sent.

    A request that no rule or row decides stays as it is. Stopped at any point, the same command does the rest.

    Example: python -m builder access sync my-org/medground-bench --rules rules.toml --dry-run
    """
    if (rules is None) == (table is None):
        raise typer.BadParameter("give either --rules or --from", param_hint="--rules / --from")
    if table is not None:
        from builder.access.table import read_table

        read = read_table(table)
        if read.undecided:
            typer.echo(
                f"note: {read.undecided} rows of {table} have no decision and stay as they are.", err=True
            )
        _decide(_queue(dataset), read.rulings, log, overturn=overturn, dry_run=dry_run, agreed=yes)
        return
    if overturn:
        raise typer.BadParameter("rules decide pending requests alone", param_hint="--overturn")
    assert rules is not None
    _decide_by_rules(dataset, rules, log, dry_run=dry_run, agreed=yes)


def _named(names: Sequence[str], decision: Decision, reason: str) -> list[Ruling]:
    """What the command line says; refused before anything is asked or sent."""
    from builder.access.rulings import BadRulings, Ruling, reason_problem

    problem = reason_problem(decision, reason)
    if problem:
        raise BadRulings(f"--reason: {problem}. Nothing was sent.")
    return [Ruling((name,), decision, reason) for name in names]


def _queue(dataset: str) -> AccessQueue:
    from builder.access.queue import AccessQueue
    from medground_bench.storage.hub import Repository
    from medground_bench.storage.hub_calls import HubCalls

    repository = Repository.parse(dataset, kind="dataset")
    if repository is None or repository.commit:
        raise typer.BadParameter(
            f"{dataset!r} is no name such as my-org/medground-bench", param_hint="ORG/NAME"
        )
    return AccessQueue(HubCalls(), dataset)


def _decide(
    queue: AccessQueue,
    rulings: Sequence[Ruling],
    log: Path | None,
    *,
    overturn: bool,
    dry_run: bool,
    agreed: bool = True,
) -> None:
    """Carry out what names and tables say; what the command line itself says needs no further agreement."""
    from builder.access.rulings import agenda

    found = agenda(rulings, queue.listed(*Status), overturn=overturn)
    for each in found.settled:
        typer.echo(f"{shown(each.applicant.name)} is {each.applicant.status} already", err=True)
    _send(queue, found.due, log, dry_run=dry_run, agreed=agreed)


def _decide_by_rules(dataset: str, file: Path, log: Path | None, *, dry_run: bool, agreed: bool) -> None:
    from builder.access.rule_file import read_rules
    from builder.access.rules import ruled, unknown_labels

    rules, queue = read_rules(file), _queue(dataset)
    pending = queue.listed(Status.PENDING)
    for label in unknown_labels(rules, pending) if pending else ():
        typer.echo(
            f"note: a rule looks at {shown(label)!r}, and no pending request has that field. Is it spelled as in the "
            "form?",
            err=True,
        )
    due = ruled(rules, pending)
    typer.echo(
        f"{len(due)} of {len(pending)} pending requests are decided by the rules; the others stay pending"
    )
    _send(queue, due, log, dry_run=dry_run, agreed=agreed)


def _send(
    queue: AccessQueue, due: Sequence[Handling], log: Path | None, *, dry_run: bool, agreed: bool
) -> None:
    """Show the decisions, ask, send and log them, and say what became of each."""
    from builder.access.carrying_out import deciding
    from builder.access.decision_log import Ending
    from builder.access.tables import decisions_table

    if due:
        Console().print(decisions_table(f"{queue.dataset}: {len(due)} decisions", due))
    if dry_run:
        typer.echo("nothing was sent")
        return
    if due:
        demand_agreement(f"Send these {len(due)} decisions?", yes=agreed)
    path = log or Path(f"access.{queue.dataset.replace('/', '.')}.jsonl")
    if not due and not path.exists():
        return
    with deciding(queue, path) as maintainer:
        if maintainer.log.damaged:
            typer.echo(
                f"note: {maintainer.log.damaged} lines of {path} were cut short and say nothing.", err=True
            )
        if not due:
            return
        with progress("decide", len(due), "requests") as advance:
            endings = maintainer.carry_out(due, advance)
    for name, ending in endings.items():
        typer.echo(f"{shown(name)}: {ending}")
    if set(endings.values()) - {Ending.DONE, Ending.FOUND_DONE}:
        raise typer.Exit(INPUT_AT_FAULT)
