"""What the card of `medfocus_plus` says of its rule: every rule tried on the split `tune`, in tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from medground_bench.cards.markdown import MEASURED, interval, percent, table
from medground_bench.cards.own import AblationResult
from medground_bench.cards.own_sections import MODES
from medground_bench.leaderboard.rows import ALL

CHOSEN = "medfocus_plus"
"""The method whose localizer, rule and groups were chosen by these numbers."""

COLUMNS = ("IoU", "95 %", "area", "whole image", "failed")

Places = Mapping[tuple[str, str], AblationResult]
"""Results by label and mode."""


def rules_section(rules: Sequence[AblationResult]) -> str:
    """A section of Markdown; empty where no table of rules is kept."""
    if not rules:
        return ""
    pooled = {each.mode: each for each in rules if each.lvlm == each.size == ALL}
    counted = " and ".join(
        f"{each.cases} cases of {each.images} pictures in {mode} mode" for mode, each in pooled.items()
    )
    head = (
        f"## How its rule was chosen\n\n{MEASURED}: `medground ablate --what rules --split {rules[0].split}` on "
        f"phantoms, percent; {counted}.\nArea: share of the picture that the boxes cover. Whole image: no region "
        "mattered enough. Pictures: shown to the LVLM for a case."
    )
    lvlms = sorted({each.lvlm for each in rules} - {ALL})
    tables = [f"{_named(lvlm)}:\n\n{_scores(_places(rules, lvlm, ALL))}" for lvlm in (ALL, *lvlms)]
    by_size = f"IoU by the share of the picture under the expert's boxes, both LVLMs:\n\n{_by_size(rules)}"
    return "\n" + "\n\n".join([head, *tables, by_size]) + "\n"


def _named(lvlm: str) -> str:
    return "Both LVLMs" if lvlm == ALL else f"`{lvlm}`"


def _places(rules: Sequence[AblationResult], lvlm: str, size: str) -> Places:
    return {(each.label, each.mode): each for each in rules if (each.lvlm, each.size) == (lvlm, size)}


def _labels(places: Places) -> list[str]:
    return list(dict.fromkeys(label for label, _mode in places))


def _scores(places: Places) -> str:
    columns = ("regions by: rule", "pictures", *(f"{column}, {mode}" for mode in MODES for column in COLUMNS))
    return table(columns, [(label, *_score_cells(places, label)) for label in _labels(places)])


def _score_cells(places: Places, label: str) -> Iterator[str]:
    of_modes = [places.get((label, mode)) for mode in MODES]
    asked = [each.asked for each in of_modes if each and each.asked is not None]
    yield f"{max(asked):.0f}" if asked else "-"
    for each in of_modes:
        if each is None:
            yield from ["-"] * len(COLUMNS)
        else:
            yield from (percent(each.iou, 1), interval(each.low, each.high))
            yield from (percent(share, 1) for share in (each.area, each.whole_image, each.failed))


def _by_size(rules: Sequence[AblationResult]) -> str:
    sizes = {
        size: _places(rules, ALL, size)
        for size in dict.fromkeys(each.size for each in rules if each.size != ALL)
    }
    labels = _labels({key: each for places in sizes.values() for key, each in places.items()})
    columns = ("regions by: rule", *(f"{size}, {mode}" for mode in MODES for size in sizes))
    rows = [
        (label, *(_with_interval(sizes[size].get((label, mode))) for mode in MODES for size in sizes))
        for label in labels
    ]
    return table(columns, rows)


def _with_interval(result: AblationResult | None) -> str:
    return "-" if result is None else f"{percent(result.iou, 1)} ({interval(result.low, result.high)})"
