"""`python -m builder plan`: what a build will cost, before anything runs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from builder.commands.options import JsonOption, RootOption
from medground_bench.core.modes import Mode

if TYPE_CHECKING:
    from builder.plan import BuildPlan, Costs

SourcesOption = Annotated[
    list[str] | None,
    typer.Option("--source", help="Count its questions; by default the paper's sources with their numbers."),
]
LvlmsOption = Annotated[
    list[str] | None, typer.Option("--lvlm", help="May be given again; by default the paper's six.")
]
ModesOption = Annotated[
    list[Mode] | None, typer.Option("--mode", help="May be given again; by default both.")
]
LimitOption = Annotated[
    int | None, typer.Option("--limit", min=1, help="At most so many pictures of each --source.")
]
MeasuredOption = Annotated[
    str | None,
    typer.Option(
        "--store", help="Where earlier builds kept their work: what a call and an edit took there is taken."
    ),
]
CostsOption = Annotated[
    Path | None,
    typer.Option(
        "--costs",
        help="JSON with measured unit costs: call_s (seconds by mode or by track), edit_s, call_bytes, edit_bytes.",
    ),
]
CallOption = Annotated[
    float | None, typer.Option("--call-s", min=0, help="Seconds of one call, where the file has none.")
]
EditOption = Annotated[float | None, typer.Option("--edit-s", min=0, help="Seconds of one edit.")]


def plan(
    source: SourcesOption = None,
    root: RootOption = None,
    lvlm: LvlmsOption = None,
    mode: ModesOption = None,
    limit: LimitOption = None,
    store: MeasuredOption = None,
    costs: CostsOption = None,
    call_s: CallOption = None,
    edit_s: EditOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print calls, edits, GPU-hours and storage of a build into an empty store, at best and at worst.

    Of the seconds of a unit, --costs goes before --call-s and --edit-s, and these before what was measured in --store.

    Example: python -m builder plan --call-s 1.5 --edit-s 20
    """
    from builder.build import count_questions, open_source
    from builder.plan import PAPER_LVLMS, PAPER_QUESTIONS, Questions
    from builder.plan import plan as planned
    from builder.report import plan_tables
    from medground_bench.core.types import Track

    unit = _costs(store, costs, call_s, edit_s)
    paper = [Questions(name, number) for name, number in PAPER_QUESTIONS.items()]
    questions = (
        [count_questions(open_source(name, root or ()), limit) for name in source] if source else paper
    )
    tracks = [Track(one, each) for one in lvlm or PAPER_LVLMS for each in mode or tuple(Mode)]
    found = planned(questions, tracks, unit)
    _tell_bounded_alone(found)
    if as_json:
        typer.echo(json.dumps(found.as_json(), indent=2))
    else:
        Console().print(plan_tables(found))


def _tell_bounded_alone(found: BuildPlan) -> None:
    from builder.plan import is_bounded_alone
    from medground_bench.core.types import Track

    names = {of.lvlm for of in found.tracks if is_bounded_alone(of.source, Track(of.lvlm, of.mode))}
    if names:
        words = (
            "of these LVLMs the paper says nothing here, so their calls lie between no and all answers right"
        )
        typer.echo(f"note: {words}: {', '.join(sorted(names))}.", err=True)


def _costs(store: str | None, file: Path | None, call_s: float | None, edit_s: float | None) -> Costs:
    """The unit costs, each from where it is known best."""
    from builder.counters import read_records
    from builder.place import Place
    from builder.plan import Costs, measured_costs, read_costs

    measured = Costs() if store is None else measured_costs(read_records(Place(store) / "builds"))
    given = Costs() if file is None else read_costs(file)
    by_mode = {} if call_s is None else {each.value: call_s for each in Mode}
    edits = [each for each in (given.edit_s, edit_s, measured.edit_s) if each is not None]
    calls = by_mode or dict(measured.call_s)
    return replace(given, call_s=calls | dict(given.call_s), edit_s=edits[0] if edits else None)
