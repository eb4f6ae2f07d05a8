"""`medground submit` and `medground withdraw`: a prediction file handed in, to a Space or to a store at hand."""

from __future__ import annotations

import getpass
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medground_bench.commands.options import JsonOption, PredictionsArgument
from medground_bench.core.errors import BadSubmission, SourceMissing
from medground_bench.submission.metadata import TrainingData

if TYPE_CHECKING:
    from medground_bench.leaderboard.accepting import Stage, SubmissionDesk, Upload
    from medground_bench.leaderboard.records import Receipt
    from medground_bench.leaderboard.replies import Reply

ToOption = Annotated[
    str, typer.Option("--to", help="Address of a Space, or a store: a folder, or a hub id such as org/name.")
]
StoresBenchmarkOption = Annotated[
    str | None,
    typer.Option("--benchmark", help="With a store: the benchmark folder or hub id whose truth scores."),
]
TrainingDataOption = Annotated[
    TrainingData,
    typer.Option("--training-data", help="Were pictures of the benchmark in the training data?"),
]
RevisionOption = Annotated[
    list[str] | None,
    typer.Option("--revision", help="LVLM=weights, once for each LVLM; by default as the .run.json says."),
]
PackageOption = Annotated[
    list[str] | None,
    typer.Option("--package", help="package=version, as often as needed; by default as the .run.json says."),
]
OnlyCheckOption = Annotated[
    bool, typer.Option("--only-check", help="Tell every problem; nothing is submitted or spent.")
]
PersonOption = Annotated[
    str | None, typer.Option("--person", help="Who submits; a Space on the hub asks the hub instead.")
]


def submit(
    file: PredictionsArgument,
    to: ToOption,
    name: Annotated[str, typer.Option("--name", help="What the row is called.")],
    training_data: TrainingDataOption = TrainingData.UNDISCLOSED,
    revision: RevisionOption = None,
    code: Annotated[str | None, typer.Option("--code", help="Link to the code, https.")] = None,
    about: Annotated[str | None, typer.Option("--about", help="A sentence or two, plain text.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="By default as the .run.json says.")] = None,
    package: PackageOption = None,
    benchmark: StoresBenchmarkOption = None,
    person: PersonOption = None,
    only_check: OnlyCheckOption = False,
    as_json: JsonOption = False,
) -> None:
    """Submit a prediction file: it is checked, scored and gets its row; the receipt is printed.

    The same file with the same words is one submission, however often it is sent.

    Example: medground submit mine.jsonl --to https://org-medground.hf.space --name "My method" --code
    https://github.com/org/my-method
    """
    from medground_bench.leaderboard.accepting import Upload

    given = {"method": name, "training_data": training_data.value, "code": code, "about": about, "seed": seed}
    metadata = _of_run(file) | {key: value for key, value in given.items() if value is not None}
    for field, pairs in (("lvlm_revisions", revision), ("versions", package)):
        metadata |= {field: _pairs(pairs)} if pairs else {}
    upload = Upload(
        person=person or getpass.getuser(),
        content=_content(file),
        metadata=json.dumps(metadata, sort_keys=True),
    )
    _show(_handed_in(upload, to, benchmark, only_check=only_check), as_json)


def withdraw(
    identity: Annotated[str, typer.Argument(metavar="ID", help="Of a receipt.")],
    to: ToOption,
    benchmark: StoresBenchmarkOption = None,
    person: PersonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take your own submission from the board; the log keeps that it was there.

    Example: medground withdraw b4a7edea7ddc58619de6 --to https://org-medground.hf.space
    """
    from medground_bench.leaderboard.client import SpaceClient
    from medground_bench.leaderboard.opening import is_address

    desk = SpaceClient(to) if is_address(to) else _desk(to, benchmark)
    _print_receipt(desk.withdraw(identity, person or getpass.getuser()), as_json)


def _desk(to: str, benchmark: str | None) -> SubmissionDesk:
    """The desk of a store at hand, which needs the benchmark whose truth scores."""
    from medground_bench.benchmark.opening import open_benchmark
    from medground_bench.leaderboard.accepting import SubmissionDesk
    from medground_bench.leaderboard.opening import open_store
    from medground_bench.leaderboard.truth import Truth

    if benchmark is None:
        raise typer.BadParameter("a store needs --benchmark, the folder or hub id whose truth scores.")
    return SubmissionDesk(open_store(to), Truth.of(open_benchmark(benchmark)))


def _handed_in(upload: Upload, to: str, benchmark: str | None, *, only_check: bool) -> Reply:
    """What a Space, or a desk at hand, replies."""
    from medground_bench.leaderboard.client import SpaceClient
    from medground_bench.leaderboard.opening import is_address

    if is_address(to):
        space = SpaceClient(to)
        return space.check(upload) if only_check else space.submit(upload)
    desk = _desk(to, benchmark)
    return desk.check(upload) if only_check else desk.submit(upload, _tell)


def _tell(stage: Stage) -> None:
    typer.echo(f"{stage} ...", err=True)


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError as error:
        raise SourceMissing(f"{file}: there is no such file. Check the path.") from error


def _of_run(file: Path) -> dict[str, object]:
    """What the run file beside a prediction file says by itself."""
    from medground_bench.runs.run_file import read_run

    run = read_run(file)
    return run.said if run else {}


def _pairs(texts: Sequence[str]) -> dict[str, str]:
    """`name=value` of every text."""
    pairs = [text.rpartition("=") for text in texts]
    wrong = next(
        (text for text, (name, _, value) in zip(texts, pairs, strict=True) if not (name and value)), None
    )
    if wrong is not None:
        raise typer.BadParameter(f"{wrong}: write name=value.")
    return {name: value for name, _, value in pairs}


def _show(reply: Reply, as_json: bool) -> None:
    """The receipt on stdout; BadSubmission for a file that was refused."""
    from medground_bench.leaderboard.replies import PASSES, REFUSED

    if reply.status == REFUSED:
        shown = "".join(f"\n  {problem}" for problem in reply.problems)
        more = f"\n  ... and {reply.more} more." if reply.more else ""
        raise BadSubmission(f"{reply.said}{shown}{more}")
    if reply.status == PASSES or reply.receipt is None:
        typer.echo(reply.said)
        return
    typer.echo(reply.said, err=True)
    _print_receipt(reply.receipt, as_json)


def _print_receipt(receipt: Receipt, as_json: bool) -> None:
    said = receipt.as_json()
    if as_json:
        typer.echo(json.dumps(said, indent=2))
        return
    for name, value in said.items():
        typer.echo(f"{name:17}{value}")
