"""`python -m builder plan`: what a build will cost, before anything runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from builder.commands.options import JsonOption
from medground_bench.core.modes import Mode

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
    lvlm: LvlmsOption = None,
    mode: ModesOption = None,
    limit: LimitOption = None,
    costs: CostsOption = None,
    call_s: CallOption = None,
    edit_s: EditOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print calls, edits, GPU-hours and storage of a build into an empty store, at best and at worst.

    Example: python -m builder plan --call-s 1.5 --edit-s 20
    """
    from dataclasses import replace

    from builder.build import count_questions, open_source
    from builder.plan import PAPER_LVLMS, PAPER_QUESTIONS, Costs, Questions, read_costs
    from builder.plan import plan as planned
    from builder.report import plan_tables
    from medground_bench.core.types import Track

    unit = Costs() if costs is None else read_costs(costs)
    if call_s is not None:
        unit = replace(unit, call_s={each.value: call_s for each in Mode} | dict(unit.call_s))
    if edit_s is not None:
        unit = replace(unit, edit_s=edit_s)
    paper = [Questions(name, number) for name, number in PAPER_QUESTIONS.items()]
    questions = [count_questions(open_source(name), limit) for name in source] if source else paper
    tracks = [Track(one, each) for one in lvlm or PAPER_LVLMS for each in mode or tuple(Mode)]
    found = planned(questions, tracks, unit)
    if as_json:
        typer.echo(json.dumps(found.as_json(), indent=2))
    else:
        Console().print(plan_tables(found))
