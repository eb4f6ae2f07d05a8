"""`python -m builder board ...`: what an operator does with a store of submissions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from medground_bench.leaderboard.accepting import SubmissionDesk

StoreArgument = Annotated[
    str, typer.Argument(metavar="STORE", help="A folder, or a dataset of the hub, org/name.")
]
BenchmarkOption = Annotated[str, typer.Option("--benchmark", help="The folder or hub id whose truth scores.")]
IdArgument = Annotated[str, typer.Argument(metavar="ID", help="Of a submission, as its receipt says.")]
ByOption = Annotated[str, typer.Option("--by", help="Your login; it stands in the log.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="In one line; it stands in the log.")]

PageOption = Annotated[str, typer.Option("--page", help="Address of the Space, for the links of receipts.")]
OperatorOption = Annotated[
    list[str] | None, typer.Option("--operator", help="Login that may submit under the names of our methods.")
]
ReserveOption = Annotated[
    list[str] | None, typer.Option("--reserve", help="A further name that only an operator may give.")
]
TeamOption = Annotated[
    list[str] | None,
    typer.Option("--team", help="Logins that share one quota, as ann,bob; once for each team."),
]
ScoredOption = Annotated[
    int, typer.Option("--scored-per-week", min=1, help="Submissions of one person that are scored.")
]
RefusedOption = Annotated[
    int, typer.Option("--refused-per-day", min=1, help="Faulty files of one person that are looked into.")
]

board = typer.Typer(help="A store of submissions: open it, and decide about rows.", no_args_is_help=True)


@board.command("open")
def open_store_for(
    store: StoreArgument,
    benchmark: BenchmarkOption,
    by: ByOption,
    page: PageOption = "",
    operator: OperatorOption = None,
    reserve: ReserveOption = None,
    team: TeamOption = None,
    scored_per_week: ScoredOption = 10,
    refused_per_day: RefusedOption = 30,
) -> None:
    """Make a store and open it for a benchmark; or open it for another revision, protocol, or with other settings.

    Under a new protocol every submission is scored again from its boxes, and the board as it was stays in `boards/`.

    Example: python -m builder board open my-org/medground-store --benchmark my-org/medground-bench --by alice
    """
    from medground_bench.benchmark.opening import open_benchmark
    from medground_bench.leaderboard.board import control_names
    from medground_bench.leaderboard.keeping import open_edition
    from medground_bench.leaderboard.names import own_names
    from medground_bench.leaderboard.opening import make_store
    from medground_bench.leaderboard.store import StoreSettings
    from medground_bench.leaderboard.truth import Truth

    settings = StoreSettings(
        page=page.rstrip("/"),
        controls=tuple(sorted(control_names())),
        operators=tuple(operator or (by,)),
        reserved=(*own_names(), *(reserve or ())),
        teams=tuple(tuple(map(str.strip, each.split(","))) for each in team or ()),
        scored_per_week=scored_per_week,
        refused_per_day=refused_per_day,
    )
    truth = Truth.of(open_benchmark(benchmark))
    open_edition(make_store(store), truth, settings, by)
    typer.echo(
        f"{store} is open for {truth.dataset} at revision {truth.revision}, edition {truth.edition.key}"
    )


@board.command("list")
def list_submissions(
    store: StoreArgument,
) -> None:
    """Every submission and where it stands, oldest first.

    Example: python -m builder board list my-org/medground-store
    """
    from medground_bench.leaderboard.opening import open_store
    from medground_bench.leaderboard.people import people_of
    from medground_bench.leaderboard.register import Register

    snapshot = open_store(store).look()
    people = people_of(snapshot)
    for each in Register.read(snapshot.log).submissions.values():
        who = people.get(each.person, each.person)
        typer.echo(f"{each.id}  {each.status:9}  {each.accepted.at}  {who}  {each.accepted.method}")


@board.command()
def settle(
    store: StoreArgument,
    identity: IdArgument,
    benchmark: BenchmarkOption,
    by: ByOption,
    reason: ReasonOption,
    show: Annotated[
        bool | None, typer.Option("--show/--remove", help="Put it on the board, or take it away.")
    ] = None,
) -> None:
    """Decide about a submission that is held for review.

    Example: python -m builder board settle store b4a7edea --benchmark bench --by alice --show --reason "a rerun"
    """
    from medground_bench.leaderboard.keeping import settle as settled

    if show is None:
        raise typer.BadParameter("say --show or --remove.")
    settled(_desk(store, benchmark), identity, by, shown=show, reason=reason)
    typer.echo(f"{identity} is {'on the board' if show else 'removed'}")


@board.command()
def remove(
    store: StoreArgument, identity: IdArgument, benchmark: BenchmarkOption, by: ByOption, reason: ReasonOption
) -> None:
    """Take a row from the board. The log keeps that it was there, who removed it and why.

    Example: python -m builder board remove store b4a7edea --benchmark bench --by alice --reason "expert boxes"
    """
    from medground_bench.leaderboard.keeping import remove as removed

    removed(_desk(store, benchmark), identity, by, reason=reason)
    typer.echo(f"{identity} is not on the board")


@board.command("take-up")
def take_up(store: StoreArgument, benchmark: BenchmarkOption) -> None:
    """Finish what was received and not scored, as after a kill. A Space does so by itself, every minute.

    Example: python -m builder board take-up my-org/medground-store --benchmark my-org/medground-bench
    """
    from medground_bench.leaderboard.register import SubmissionStatus

    replies = _desk(store, benchmark).take_up()
    for reply in replies:
        if reply.receipt is not None:
            typer.echo(f"{reply.receipt.id}: {reply.said}")
    waiting = sum(reply.status == SubmissionStatus.RECEIVED for reply in replies)
    typer.echo(f"{len(replies) - waiting} taken up" + (f", {waiting} still wait" if waiting else ""))


@board.command()
def forget(
    store: StoreArgument,
    login: Annotated[str, typer.Argument(metavar="LOGIN", help="Whose name is taken out.")],
    by: ByOption,
) -> None:
    """Take a person's name out: rows and log stay, under a pseudonym. On the hub, squash the history as well.

    Example: python -m builder board forget my-org/medground-store bob --by alice
    """
    from medground_bench.leaderboard.keeping import forget as forgotten
    from medground_bench.leaderboard.opening import open_store

    forgotten(open_store(store), login, by)
    typer.echo("the name is taken out")


def _desk(store: str, benchmark: str) -> SubmissionDesk:
    from medground_bench.benchmark.opening import open_benchmark
    from medground_bench.leaderboard.accepting import SubmissionDesk
    from medground_bench.leaderboard.opening import open_store
    from medground_bench.leaderboard.truth import Truth

    return SubmissionDesk(open_store(store), Truth.of(open_benchmark(benchmark)))
