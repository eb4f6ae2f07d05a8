"""Write the cards of the attribution methods: `python -m medground_bench.cards.methods`.

Nothing in a card is typed by hand. What a method is, its own file says; what it costs is counted by running it on a
small untrained model of the real architecture, and worked out for a full-size one; how it did, a board says.
"""

from __future__ import annotations

import importlib
import inspect
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from doctest import DocTestParser
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import typer

from medground_bench import plugins
from medground_bench.anatomy.atlas import phantom_atlas
from medground_bench.cards.costs import (
    ANSWER_TOKENS,
    GEMMA3_4B,
    LENGTHS,
    Accelerator,
    attention_bytes,
    flops,
    milliseconds_h200,
)
from medground_bench.core.prompts import prompt
from medground_bench.core.scoring import By
from medground_bench.core.types import Case, Frame, Mode
from medground_bench.leaderboard.board import ALL, Board, BoardRow
from medground_bench.lvlms import open_lvlm
from medground_bench.lvlms.engine.local import LocalLvlm
from medground_bench.lvlms.engine.passes import Passes
from medground_bench.methods import Method, Tunable, explain, open_method
from medground_bench.storage.whole_files import write_whole

CARDS = Path("model_cards") / "methods"
RESULTS = "results.json"
"""Beside the cards: the rows of the last board they were written from."""

MEASURED = "accelerator.json"
"""Beside the cards: the times that `python -m tests.performance.accelerator` took."""

BAR = "random_box"
"""The control that every method should beat."""

OF_THIS_MACHINE = {
    "refiner": "MedSAM when its weights are in the hub's cache",
    "refiner_revision": "that of MedSAM's weights",
}
"""Defaults that depend on what is in this machine's cache: a card says them in words."""

TEMPLATE = """# {name}

{about}

## Settings

{settings}

Needs of the LVLM: {needs}. {tuning}

## Cost of one case

{counted}

Worked out for {model} on one H200: bf16 at half of the 790 TFLOP/s peak, and one read of the weights for every token
written.{measured}

| | direct | reason |
|---|---|---|
{plan}

## Results

{results}
"""


@dataclass(frozen=True, slots=True)
class Result:
    """A method's scores on one board view, fractions 0..1; `bar` is the IoU of `random_box` on the same cases."""

    method: str
    mode: str
    lvlm: str
    iou: float
    precision: float
    recall: float
    f1: float
    cases: int
    failed: int
    bar: float | None


def card(name: str, lvlm: LocalLvlm, results: Sequence[Result], accelerator: Accelerator | None) -> str:
    """The card of one method as Markdown."""
    method = open_method(name, lvlm)
    passes = _passes(method, lvlm)
    return TEMPLATE.format(
        name=name,
        about=_about(method),
        settings=_settings(method),
        needs=", ".join(sorted(method.needs)) or "nothing",
        tuning=_tuning(method, lvlm),
        counted=_counted(passes, lvlm),
        model=GEMMA3_4B.name,
        measured=_measured_on(accelerator, name),
        plan="\n".join([*_plan(passes, lvlm), *_measured_ms(accelerator, name)]),
        results=_results([result for result in results if result.method == name]),
    )


def write_cards(out: Path, results: Sequence[Result], accelerator: Accelerator | None) -> list[Path]:
    """A card for every method of this package, `<name>.md`."""
    with TemporaryDirectory() as folder:
        lvlm = untrained_lvlm(Path(folder))
        cards = {name: card(name, lvlm, results, accelerator) for name in own_methods()}
    for name, text in cards.items():
        write_whole(out / f"{name}.md", text.encode())
    return [out / f"{name}.md" for name in cards]


def own_methods() -> list[str]:
    """Methods whose file is in this package, sorted."""
    return [plugin.name for plugin in plugins.available("methods") if plugins.is_own(plugin, "methods")]


def untrained_lvlm(folder: Path) -> LocalLvlm:
    """A Gemma 3 as small as the embedded one: what a method asks for does not depend on the weights."""
    from medground_bench.training.lvlms.architecture import build

    build("gemma3", seed=0).save(folder / "gemma3")
    lvlm = open_lvlm(str(folder / "gemma3"), device="cpu")
    assert isinstance(lvlm, LocalLvlm)
    return lvlm


def results_of(board: Board) -> list[Result]:
    """Every method in every mode, all LVLMs together and each alone, sources pooled."""
    views = [(mode, lvlm) for mode in Mode for lvlm in (ALL, *board.choices(By.LVLM))]
    return [
        _result(row, board.view(mode, ALL, lvlm))
        for mode, lvlm in views
        for row in sorted(board.view(mode, ALL, lvlm), key=lambda row: row.method)
    ]


def read_results(out: Path) -> list[Result]:
    """The results that were kept beside the cards; none when there is no such file."""
    file = out / RESULTS
    return [Result(**row) for row in json.loads(file.read_text("utf-8"))] if file.is_file() else []


def _result(row: BoardRow, view: Sequence[BoardRow]) -> Result:
    bar = next((other.iou for other in view if other.method == BAR), None)
    return Result(
        method=row.method,
        mode=row.mode,
        lvlm=row.lvlm,
        iou=round(row.iou, 4),
        precision=round(row.precision, 4),
        recall=round(row.recall, 4),
        f1=round(row.f1, 4),
        cases=row.cases,
        failed=row.failed,
        bar=None if bar is None else round(bar, 4),
    )


def _about(method: Method) -> str:
    module = importlib.import_module(type(method).__module__)
    parts = (_prose(module), _prose(type(method)))
    evidence = f"**What it gives.** {_prose(type(method).attribute)}"
    return "\n\n".join([*(part for part in parts if part), evidence])


def _prose(what: object) -> str:
    """Its docstring without the examples, which show a program."""
    parts = DocTestParser().parse(inspect.getdoc(what) or "")
    return "".join(part for part in parts if isinstance(part, str)).strip()


def _settings(method: Method) -> str:
    named = fields(method)  # type: ignore[arg-type]
    if not named:
        return "None."
    rows = [f"| `{field.name}` | `{_shown(field.name, getattr(method, field.name))}` |" for field in named]
    return "\n".join(["| setting | default |", "|---|---|", *rows])


def _shown(name: str, value: object) -> str:
    return OF_THIS_MACHINE.get(name, str(value))


def _tuning(method: Method, lvlm: LocalLvlm) -> str:
    if not isinstance(method, Tunable):
        return "Nothing is tuned."
    settings = [asdict(candidate) for candidate in type(method).candidates(lvlm)]  # type: ignore[call-overload]
    varying = [name for name in settings[0] if len({each[name] for each in settings}) > 1]
    return f"Chosen by `medground tune`: {', '.join(f'`{name}`' for name in varying)}."


def _passes(method: Method, lvlm: LocalLvlm) -> Passes:
    picture = phantom_atlas().pictures[0]
    question = prompt("cardiomegaly", Mode.DIRECT)
    response = lvlm.generate([picture], [question], max_new_tokens=2)[0]
    case = Case(
        "a/b/cardiomegaly@card:direct", "cardiomegaly", question, response, picture, Frame.native(224, 224)
    )
    passes = Passes()
    explain(method, lvlm.counted_by(passes, write_at_most=1), case, np.random.default_rng(0))
    return passes


def _counted(passes: Passes, lvlm: LocalLvlm) -> str:
    if passes == Passes():
        return "No model call, so every number below is 0."
    lines = [
        f"- pictures through the vision tower: {passes.pictures}{_back(passes.pictures_backward)}",
        f"- rows through the decoder: {passes.rows}{_back(passes.rows_backward)}",
    ]
    if passes.steps:
        lines.append(f"- tokens written: at most {passes.steps + passes.rows}")
    if passes.attention_layers:
        every = passes.attention_layers >= lvlm.layers
        which = (
            "every layer"
            if every
            else "one layer"
            if passes.attention_layers == 1
            else f"{passes.attention_layers} layers"
        )
        what = "whole maps" if passes.whole_attention else "the response's rows"
        lines.append(f"- attention looked at: {what} of {which}")
    return "Counted by running it:\n\n" + "\n".join(lines)


def _back(count: float) -> str:
    """A part of a row when the gradient stops at a layer on the way."""
    return f", back: {count:g}" if count else ""


def _plan(passes: Passes, lvlm: LocalLvlm) -> Iterator[str]:
    modes = [mode.value for mode in Mode]
    lengths = [LENGTHS[mode] for mode in modes]
    yield _row("tokens of a row", [str(length) for length in lengths])
    yield _row("TFLOP", [f"{flops(passes, GEMMA3_4B, length) / 1e12:.1f}" for length in lengths])
    if passes.attention_layers:
        layers = GEMMA3_4B.layers if passes.attention_layers >= lvlm.layers else passes.attention_layers
        held = [
            attention_bytes(passes, GEMMA3_4B, LENGTHS[mode], ANSWER_TOKENS[mode]) / 1e6 for mode in modes
        ]
        yield _row("attention of one layer, float32, MB", [f"{each:.2f}" for each in held])
        yield _row("layers looked at", [str(layers)] * len(modes))
    yield _row("ms", [f"{milliseconds_h200(passes, GEMMA3_4B, length):.0f}" for length in lengths])


def _measured_on(accelerator: Accelerator | None, method: str) -> str:
    if accelerator is None or not accelerator.seconds(method):
        return ""
    return (
        f" Measured: a case alone, cold, with random weights of that size in bf16, on one {accelerator.device}\n"
        f"(torch {accelerator.torch}, transformers {accelerator.transformers})."
    )


def _measured_ms(accelerator: Accelerator | None, method: str) -> Iterator[str]:
    seconds = accelerator.seconds(method) if accelerator else {}
    if seconds:
        cells = [f"{1000 * seconds[mode]:.0f}" if mode in seconds else "-" for mode in Mode]
        yield _row("ms, measured", cells)


def _results(results: Sequence[Result]) -> str:
    if not results:
        return "No board was at hand when this card was written."
    heading = ["| mode | LVLM | mean IoU, % | precision | recall | F1 | cases | failed |", "|" + "---|" * 8]
    rows = [
        _row(each.mode, [each.lvlm, *_percents(each), str(each.cases), str(each.failed)]) for each in results
    ]
    below = [result for result in results if result.bar is not None and result.iou < result.bar]
    notes = [
        f"\nBelow `{BAR}` ({100 * (result.bar or 0):.1f}) in mode {result.mode}, LVLM {result.lvlm}."
        for result in below
        if result.method != BAR
    ]
    return "\n".join(["On the phantom benchmark, shares of 100.", "", *heading, *rows, *notes])


def _percents(result: Result) -> list[str]:
    return [f"{100 * score:.1f}" for score in (result.iou, result.precision, result.recall, result.f1)]


def _row(first: str, cells: Sequence[str]) -> str:
    return f"| {first} | {' | '.join(cells)} |"


def main(
    out: Annotated[Path, typer.Option(help="folder of the cards")] = CARDS,
    board: Annotated[
        Path | None, typer.Option(help="folder with a board.json, as medground demo writes it")
    ] = None,
) -> None:
    """Write the card of every method; with a board, keep its rows beside the cards."""
    if board is not None:
        rows: list[Mapping[str, object]] = [asdict(result) for result in results_of(Board.read(board))]
        write_whole(out / RESULTS, (json.dumps(rows, indent=1) + "\n").encode())
    for path in write_cards(out, read_results(out), Accelerator.read(out / MEASURED)):
        typer.echo(str(path))


if __name__ == "__main__":
    typer.run(main)
