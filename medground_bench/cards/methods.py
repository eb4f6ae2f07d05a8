"""The cards of the attribution methods; `python -m medground_bench.cards` writes them.

Nothing in a card is typed by hand. What a method is, its own file says; what it costs is counted by running it on a
small untrained model of the real architecture, and worked out for a full-size one; how it did, the paper and a board
of ours say.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

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
from medground_bench.cards.markdown import MEASURED, REPORTED, percent, table
from medground_bench.cards.own import BOX_FLOOR, MAP_FLOOR, Result, SelfCheck
from medground_bench.cards.own_sections import SEEDS, iou_cells, scored
from medground_bench.cards.prose import meanings, prose
from medground_bench.cards.records import METHODS, Records
from medground_bench.cards.reported import NAMES, Reported
from medground_bench.cards.rules import CHOSEN, rules_section
from medground_bench.core.prompts import prompt
from medground_bench.core.types import Case, Frame, Mode
from medground_bench.lvlms import open_lvlm
from medground_bench.lvlms.engine.local import LocalLvlm
from medground_bench.lvlms.engine.passes import Passes
from medground_bench.methods import Method, Tunable, explain, open_method
from medground_bench.phantom.limits import TAUGHT_WHERE

SCORES = ("source", "IoU", "precision", "recall", "F1")

OF_THIS_MACHINE = {
    "localizer": "uot_medsam when MedSAM's weights are in the hub's cache, else uot",
    "refiner": "MedSAM when its weights are in the hub's cache",
    "refiner_revision": "that of MedSAM's weights",
}
"""Defaults that depend on what is in this machine's cache: a card says them in words."""

LOCALIZERS_BY_CACHE = ("uot", "uot_medsam")

TEMPLATE = """# {name}

{about}

## Settings

{settings}

Needs of the LVLM: {needs}. {tuning}

## Cost of one case

{counted}

Worked out for {model} on one H200: bf16 at half of the 790 TFLOP/s peak, and one read of the weights for every token
written.{timed}

| | direct | reason |
|---|---|---|
{plan}

## Results

{measured}

{checks}{reported}
{rules}"""


def card(name: str, lvlm: LocalLvlm, records: Records) -> str:
    """The card of one method as Markdown."""
    method = open_method(name, lvlm)
    passes, gives_map = _passes(method, lvlm)
    floor = MAP_FLOOR if gives_map else BOX_FLOOR
    accelerator = records.accelerator
    return TEMPLATE.format(
        name=name,
        about=_about(method),
        settings=_settings(method),
        needs=", ".join(sorted(method.needs)) or "nothing",
        tuning=_tuning(name, method, lvlm),
        counted=_counted(passes, lvlm),
        model=GEMMA3_4B.name,
        timed=_timed_on(accelerator, name),
        plan="\n".join([*_plan(passes, lvlm), *_timed_ms(accelerator, name)]),
        measured=_measured([result for result in records.own.results if result.method == name], floor),
        checks=_checks([each for each in records.own.checks if each.method == name]),
        reported=_reported(name, records.paper),
        rules=rules_section(records.own.rules) if name == CHOSEN else "",
    )


def method_cards(records: Records) -> dict[Path, str]:
    """A card for every method of this package, `methods/<name>.md`."""
    with TemporaryDirectory() as folder:
        lvlm = untrained_lvlm(Path(folder))
        return {Path(METHODS) / f"{name}.md": card(name, lvlm, records) for name in own_methods()}


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


def _about(method: Method) -> str:
    module = importlib.import_module(type(method).__module__)
    settings = [field.name for field in fields(method)]  # type: ignore[arg-type]
    parts = (prose(module), prose(type(method), without=settings))
    evidence = f"**What it gives.** {prose(type(method).attribute)}"
    return "\n\n".join([*(part for part in parts if part), evidence])


def _settings(method: Method) -> str:
    named = [field.name for field in fields(method)]  # type: ignore[arg-type]
    if not named:
        return "None."
    meaning = meanings(type(method))
    rows = [
        (f"`{name}`", f"`{_shown(name, getattr(method, name))}`", meaning.get(name, "")) for name in named
    ]
    return table(("setting", "default", "what it is"), rows, words=3)


def _shown(name: str, value: object) -> str:
    is_named = name == "localizer" and value not in LOCALIZERS_BY_CACHE
    return str(value) if is_named else OF_THIS_MACHINE.get(name, str(value))


def _tuning(name: str, method: Method, lvlm: LocalLvlm) -> str:
    chosen = plugins.literal("methods", name, "CHOSEN_ON")
    if chosen:
        return "Chosen on the split `tune`: {cases} cases of {pictures} pictures, {candidates} candidates.".format(
            **chosen
        )
    if not isinstance(method, Tunable):
        return "Nothing is tuned."
    settings = [asdict(candidate) for candidate in type(method).candidates(lvlm)]  # type: ignore[call-overload]
    varying = [name for name in settings[0] if len({each[name] for each in settings}) > 1]
    return f"Chosen by `medground tune`: {', '.join(f'`{name}`' for name in varying)}."


def _passes(method: Method, lvlm: LocalLvlm) -> tuple[Passes, bool]:
    """What a case asks of an LVLM, and whether it comes to a map."""
    picture = phantom_atlas().pictures[0]
    question = prompt("cardiomegaly", Mode.DIRECT)
    response = lvlm.generate([picture], [question], max_new_tokens=2)[0]
    case = Case(
        "a/b/cardiomegaly@card:direct", "cardiomegaly", question, response, picture, Frame.native(224, 224)
    )
    passes = Passes()
    explained = explain(method, lvlm.counted_by(passes, write_at_most=1), case, np.random.default_rng(0))
    return passes, explained.attribution.saliency is not None


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


def _timed_on(accelerator: Accelerator | None, method: str) -> str:
    if accelerator is None or not accelerator.seconds(method):
        return ""
    return (
        f" Measured: a case alone, cold, with random weights of that size in bf16, on one {accelerator.device}\n"
        f"(torch {accelerator.torch}, transformers {accelerator.transformers})."
    )


def _timed_ms(accelerator: Accelerator | None, method: str) -> Iterator[str]:
    seconds = accelerator.seconds(method) if accelerator else {}
    if seconds:
        cells = [f"{1000 * seconds[mode]:.0f}" if mode in seconds else "-" for mode in Mode]
        yield _row("ms, measured", cells)


def _reported(name: str, paper: Reported) -> str:
    """Table 1 and 6, and of MedFocus table 5 as well."""
    pooled = [each for each in paper.pooled if each.method == name]
    if not pooled:
        return "The paper has no such method."
    seconds = next(each.seconds for each in paper.seconds if each.method == name)
    parts = [
        f"{REPORTED}: table 1, {pooled[0].mode} mode, percent, its six LVLMs pooled. Table 6: {seconds:.2f} s a case "
        "on an A100.",
        table(SCORES, [(NAMES[each.source], *_percents(each.all, 2)) for each in pooled]),
    ]
    if any(each.method == name for each in paper.by_lvlm):
        parts.append(f"{REPORTED}: table 5, IoU by LVLM; each LVLM's card has the other scores.")
        parts.append(table(("LVLM", "mode", *NAMES.values()), _by_lvlm(name, paper), words=2))
    return "\n\n".join(parts)


def _by_lvlm(name: str, paper: Reported) -> Iterator[tuple[object, ...]]:
    ious = {(each.lvlm, each.mode, each.source): each.iou for each in paper.by_lvlm if each.method == name}
    for lvlm, mode in dict.fromkeys((lvlm, mode) for lvlm, mode, _ in ious):
        yield (f"[{lvlm}](../{lvlm}.md)", mode, *(percent(ious[lvlm, mode, source], 2) for source in NAMES))


def _measured(results: Sequence[Result], floor: str) -> str:
    if not results:
        return "No run of ours is kept."
    columns = (
        "mode",
        "LVLM",
        "rank",
        "IoU",
        "95 %",
        *SCORES[2:],
        f"IoU of `{floor}`",
        "cases",
        "pictures",
        "no box",
    )
    rows = [
        (
            each.mode,
            each.lvlm,
            each.rank or "-",
            *iou_cells(each),
            *(scored(score) for score in (each.precision, each.recall, each.f1)),
            scored(_floor(each, floor)),
            each.cases,
            each.images,
            each.failed + each.without_boxes,
        )
        for each in results
    ]
    parts = [f"{MEASURED}: `medground demo` on phantoms, percent. {SEEDS}", table(columns, rows, words=2)]
    below = [f"{each.mode}, {each.lvlm}" for each in results if _below(each, _floor(each, floor))]
    if below:
        parts.append(f"**Below `{floor}`** in {len(below)} of {len(results)} rows: {'; '.join(below)}.")
    return "\n\n".join([*parts, TAUGHT_WHERE])


def _floor(result: Result, floor: str) -> float | None:
    return result.map_floor if floor == MAP_FLOOR else result.box_floor


def _below(result: Result, floor: float | None) -> bool:
    """Whether chance does better."""
    return floor is not None and result.iou is not None and not result.control and result.iou < floor


def _checks(kept: Sequence[SelfCheck]) -> str:
    if not kept:
        return ""
    columns = ("check", "mode", "LVLM", "least", "5 % below", "median", "5 % above", "most", "cases")
    rows = [
        (
            f"`{each.check}`",
            each.mode,
            each.lvlm,
            *map(_digits, (each.least, each.low, each.median, each.high, each.most)),
            each.cases,
        )
        for each in sorted(kept, key=lambda each: (each.check, each.mode, each.lvlm))
    ]
    return f"Self-checks on the same cases, as the distribution of their values:\n\n{table(columns, rows, words=3)}\n\n"


def _digits(value: float) -> str:
    return f"{value:.4f}"


def _percents(scores: Sequence[float], digits: int) -> list[str]:
    return [percent(score, digits) for score in scores]


def _row(first: str, cells: Sequence[str]) -> str:
    return f"| {first} | {' | '.join(cells)} |"
