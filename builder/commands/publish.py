"""`python -m builder publish`: a dataset folder becomes a gated dataset of the hub, in four steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from builder.commands.options import DryRunOption, StoreOption, YesOption
from builder.publish.levels import Level
from medground_bench.commands.console import progress

if TYPE_CHECKING:
    from medground_bench.benchmark.folder import DatasetFolder
    from medground_bench.storage.hub_calls import HubCalls

MOST_NAMES = 10

FolderArgument = Annotated[Path, typer.Argument(help="The dataset folder that was built.", metavar="DIR")]
ToOption = Annotated[str, typer.Option("--to", metavar="ORG/NAME", help="The dataset on the hub.")]
LevelOption = Annotated[
    Level,
    typer.Option(
        "--level",
        help="keys: ids, answers, verdicts; boxes: the experts' boxes too; full: pictures too, of the phantom alone.",
    ),
]
ShareOption = Annotated[
    list[str] | None,
    typer.Option(
        "--i-may-share",
        metavar='SOURCE="REASON"',
        help="Why you may share the boxes of a source; goes into the card. For level boxes, once for each source.",
    ),
]
KeyOption = Annotated[
    Path | None,
    typer.Option(
        "--id-key",
        help="The file with the key of opaque ids, the same for all who add to a dataset; by default that of your "
        "settings, made when it is first needed.",
    ),
]
ContactOption = Annotated[
    str, typer.Option("--contact", help="Where readers ask; by default the discussions of the dataset.")
]
RemoveOption = Annotated[
    bool,
    typer.Option("--remove-gone", help="Remove files of the dataset that the folder lacks; else they stay."),
]


def publish(
    folder: FolderArgument,
    to: ToOption,
    level: LevelOption = Level.KEYS,
    i_may_share: ShareOption = None,
    id_key: KeyOption = None,
    contact: ContactOption = "",
    store: StoreOption = None,
    remove_gone: RemoveOption = False,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
) -> None:
    """Publish a dataset folder behind a gate: policy, plan, push, read back.

    Every file is looked into before anything is sent, and refused unless it is known to be allowed. Then you see what
    would change and agree. Stopped at any point, the same command goes on. Readers see the old revision or the new one.

    Example: python -m builder publish medground-bench --to my-lab/medground-bench --level keys --dry-run
    """
    from builder.commands.publishing import send
    from builder.publish.staging import Choices, Staging, work_folder
    from medground_bench.storage.hub_calls import HubCalls

    calls = HubCalls()
    with _held(folder, store) as built:
        key = _key_of(built, id_key, to, calls, dry_run=dry_run)
        staging = Staging(
            built, Choices(to, level, key, _shares(i_may_share or ()), contact, remove_gone), calls, progress
        )
        own = staging.inspected()
        own.demand()
        _say_left_out(staging.left_out())
        prepare, log = partial(staging.shipment, own), work_folder(folder) / "log.jsonl"
        send("dataset", to, prepare, calls, log=log, dry_run=dry_run, yes=yes)


@contextmanager
def _held(folder: Path, store: str | None) -> Iterator[DatasetFolder]:
    """The dataset folder, which nobody builds meanwhile, and of which nothing waits in quarantine."""
    from builder.build import writing
    from medground_bench.benchmark.folder import DatasetFolder

    built = DatasetFolder(folder)
    built.demand()
    with writing(built):
        _demand_no_quarantine(built, store)
        yield built


def _say_left_out(names: Sequence[str]) -> None:
    if names:
        more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
        typer.echo(f"not sent, since no tables: {', '.join(names[:MOST_NAMES])}{more}", err=True)


def _shares(said: Sequence[str]) -> dict[str, str]:
    """Source -> reason, of `SOURCE=REASON` each."""
    shares = {}
    for each in said:
        source, found, reason = each.partition("=")
        if not found or source in shares:
            raise typer.BadParameter(
                'one SOURCE="REASON" for each source is meant.', param_hint="--i-may-share"
            )
        shares[source] = reason
    return shares


def _key_of(built: DatasetFolder, file: Path | None, to: str, calls: HubCalls, *, dry_run: bool) -> bytes:
    """The key of opaque ids, told where it is new; a dry run makes none."""
    import secrets

    from builder.publish.id_key import key_for, usual_place
    from builder.publish.released_rows import LEAST_KEY_BYTES
    from builder.publish.staging import has_opaque_ids

    place = file or usual_place()
    if place.exists() or file is not None:
        return key_for(built, file, new=False)
    new = not has_opaque_ids(to, calls)
    if new and dry_run:
        return secrets.token_bytes(LEAST_KEY_BYTES)
    key = key_for(built, None, new=new)
    if place.exists():
        typer.echo(
            f"A new key of opaque ids is in {place}. Keep it, never publish it, and give it to whoever adds to this "
            "dataset: without it nobody can.",
            err=True,
        )
    return key


def _demand_no_quarantine(built: DatasetFolder, store: str | None) -> None:
    """InQuarantine where questions of the folder have no verdict because something failed and nobody accepted it."""
    from builder.build import store_beside
    from builder.place import Place
    from builder.quarantine import Quarantine
    from medground_bench.benchmark.rows import QUESTIONS, SPLITS, QuestionColumns

    place = Place(store or store_beside(built.path)) / "quarantine"
    if place.local is not None and not place.local.is_dir():
        return
    asked = {row.question_id for split in SPLITS for row in built.columns(QUESTIONS, split, QuestionColumns)}
    Quarantine(place).demand_accepted(asked)
