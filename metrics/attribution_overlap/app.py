"""The metric's Space: boxes as lists, what they cover drawn, and every score worked out from its areas."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from threading import Lock

import evaluate
import gradio as gr

from medground_bench.core.unions import Corners, CoverAreas, union_areas, union_overlap

Picture = Sequence[Corners]
"""The boxes of one picture."""

METRIC = evaluate.load(str(Path(__file__).with_name("attribution_overlap.py")), keep_in_memory=True)
"""Loaded once: `evaluate.load` in several threads at a time fails now and then."""

ONE_AT_A_TIME = Lock()
"""A metric keeps what is added until it is computed."""

EXPERT = "[[[60, 80, 180, 200]],\n [[20, 30, 90, 110], [130, 30, 200, 110]],\n []]"
SUBMITTED = "[[[80, 60, 200, 160], [100, 120, 160, 220]],\n [[30, 40, 90, 120]],\n []]"
EXAMPLES = (
    (SUBMITTED, EXPERT),
    ("[[[10, 10, 60, 60]]]", "[[[10, 10, 60, 60]]]"),
    ("[[[0, 0, 100, 100]]]", "[[[20, 20, 60, 60]]]"),
    ("[[[10, 10, 50, 50], [10, 10, 50, 50], [30, 30, 70, 70]]]", "[[[10, 10, 70, 70]]]"),
    ("[[]]", "[[[10, 10, 60, 60]]]"),
)
EXAMPLE_LABELS = (
    "three pictures",
    "the same box",
    "too large a box",
    "boxes that repeat and overlap",
    "none found",
)

MOST_LETTERS, MOST_PICTURES, MOST_BOXES = 20_000, 12, 50
"""What this page takes; the metric itself has no such bounds."""

INTRODUCTION = """\
# Attribution overlap

How well the boxes of an attribution method cover the boxes of the evidence: the score of MedGround-Bench. Boxes are
`[x0, y0, x1, y1]`, half-open, in native image pixels; each list holds one list of boxes per picture. What is covered
twice counts once. Change the numbers and press **Score**.
"""

CSS = """
.gradio-container {max-width: 1080px !important; margin: 0 auto !important}
.legend, .pictures figcaption, .mean {line-height: 1.5}
.legend span {display: inline-block; margin-right: 1.2rem}
.legend i {display: inline-block; width: 0.9em; height: 0.9em; margin-right: 0.4em; vertical-align: -0.1em}
.pictures {display: grid; grid-template-columns: repeat(auto-fit, minmax(250px, 1fr)); gap: 1.2rem; margin: 0.8rem 0}
.pictures figure {margin: 0; min-width: 0; max-width: 480px}
.pictures svg {display: block; width: 100%; aspect-ratio: 4 / 3; background: #14181d; border-radius: 4px}
.pictures figcaption {margin-top: 0.4rem; overflow-wrap: anywhere; font-variant-numeric: tabular-nums}
.mean {font-size: 1.05rem}
"""

REFERENCE, PREDICTION, BOTH = "#56b4e9", "#ffb000", "#00c88c"
LEGEND = "".join(
    f'<span><i style="background: {colour}"></i>{what}</span>'
    for colour, what in (
        (REFERENCE, "expert boxes (references)"),
        (PREDICTION, "submitted boxes (predictions)"),
        (BOTH, "covered by both"),
    )
)


def score(predictions: str, references: str) -> tuple[str, dict[str, float | int | None]]:
    """The pictures with their scores worked out, and what the metric returns; a sentence for what it cannot read."""
    try:
        predicted, expected = _read(predictions, "predictions"), _read(references, "references")
        with ONE_AT_A_TIME:
            scores = METRIC.compute(predictions=predicted, references=expected)
    except ValueError as error:
        raise gr.Error(escape(str(error), quote=False), duration=None, print_exception=False) from error
    pairs = zip(predicted, expected, strict=True)
    figures = "".join(_figure(number, *pair) for number, pair in enumerate(pairs, start=1))
    return f'<p class="legend">{LEGEND}</p><div class="pictures">{figures}</div>{_mean(scores)}', scores


def _read(text: str, what: str) -> list[Picture]:
    """The pictures of a JSON text, as far as their number goes; the metric looks at the boxes."""
    if len(text) > MOST_LETTERS:
        raise ValueError(f"{what} has {len(text):,} letters, and this page takes {MOST_LETTERS:,}.")
    try:
        pictures = json.loads(text)
    except (ValueError, RecursionError) as error:
        why = str(error) if isinstance(error, ValueError) else "it is nested too deeply"
        raise ValueError(f"{what} is not JSON: {why}. Write it as [[[x0, y0, x1, y1]], []].") from error
    if isinstance(pictures, list):
        most = max((len(boxes) for boxes in pictures if isinstance(boxes, list)), default=0)
        if len(pictures) > MOST_PICTURES or most > MOST_BOXES:
            raise ValueError(
                f"{what} has {len(pictures)} pictures with up to {most} boxes, and this page draws {MOST_PICTURES} "
                f"pictures with {MOST_BOXES} boxes. The metric itself takes any number."
            )
    return pictures  # type: ignore[no-any-return]  # whatever it is, the metric refuses what is none


def _figure(number: int, predicted: Picture, expected: Picture) -> str:
    lines = [f"<b>Picture {number}</b>", *_worked(predicted, expected)]
    return f"<figure>{_drawing(number, predicted, expected)}<figcaption>{'<br>'.join(lines)}</figcaption></figure>"


def _drawing(number: int, predicted: Picture, expected: Picture) -> str:
    """What both lists cover, as SVG. Half-open pixels are the plane's own coordinates, so nothing is rounded."""
    x0, y0, x1, y1 = _view([*predicted, *expected])
    line = max(x1 - x0, y1 - y0) / 160
    clip = f"expected-{number}"
    parts = (
        f'<clipPath id="{clip}">{_rectangles(expected)}</clipPath>',
        f'<g fill="{REFERENCE}" opacity="0.35">{_rectangles(expected)}</g>',
        f'<g fill="{PREDICTION}" opacity="0.35">{_rectangles(predicted)}</g>',
        f'<g fill="{BOTH}" clip-path="url(#{clip})">{_rectangles(predicted)}</g>',
        f'<g fill="none" stroke="{REFERENCE}" stroke-width="{line}">{_rectangles(expected)}</g>',
        f'<g fill="none" stroke="{PREDICTION}" stroke-width="{line}" stroke-dasharray="{3 * line} {line}">'
        f"{_rectangles(predicted)}</g>",
    )
    told = f"Picture {number}: {len(expected)} expert boxes and {len(predicted)} submitted boxes"
    view = f"{x0} {y0} {x1 - x0} {y1 - y0}"
    return f'<svg viewBox="{view}" role="img" aria-label="{told}">{"".join(parts)}</svg>'


def _view(boxes: Picture) -> Corners:
    """The corners of what is shown: all boxes with a margin, from the origin where they are near it."""
    if not boxes:
        return (0, 0, 240, 180)
    x0, y0 = (min(0.0, *(box[side] for box in boxes)) for side in (0, 1))
    x1, y1 = (max(box[side] for box in boxes) for side in (2, 3))
    margin = max(x1 - x0, y1 - y0) / 10
    return (x0 - margin / 2, y0 - margin / 2, x1 + margin, y1 + margin)


def _rectangles(boxes: Picture) -> str:
    return "".join(
        f'<rect x="{x0}" y="{y0}" width="{x1 - x0}" height="{y1 - y0}"/>' for x0, y0, x1, y1 in boxes
    )


def _worked(predicted: Picture, expected: Picture) -> list[str]:
    """The scores of a picture as fractions of areas, or the rule where a list is empty."""
    if not predicted and not expected:
        return ["Both lists are empty: every score is 1."]
    if not predicted or not expected:
        return [f"No box in {'references' if predicted else 'predictions'}: every score is 0."]
    areas = union_areas(predicted, expected)
    one = union_overlap(predicted, expected)
    first, second, both = map(_pixels, (areas.first, areas.second, areas.both))
    return [
        f"submitted <b>P</b> {first}, expert <b>R</b> {second}, both <b>B</b> {both} px²",
        f"IoU = B / (P + R &minus; B) = {both} / {_pixels(_either(areas))} = <b>{one.iou:.3f}</b>",
        f"precision = B / P = <b>{one.precision:.3f}</b>, recall = B / R = <b>{one.recall:.3f}</b>",
        f"F1 = 2 B / (P + R) = <b>{one.f1:.3f}</b>",
    ]


def _either(areas: CoverAreas) -> float:
    return areas.first + areas.second - areas.both


def _pixels(area: float) -> str:
    return f"{area:,.0f}" if area == int(area) else f"{area:,.1f}"


def _mean(scores: dict[str, float | int | None]) -> str:
    if not scores["n"]:
        return '<p class="mean">There is no picture, so there is no score.</p>'
    told = ", ".join(
        f"{name} <b>{scores[key]:.3f}</b>"
        for name, key in (("IoU", "iou"), ("precision", "precision"), ("recall", "recall"), ("F1", "f1"))
    )
    return f'<p class="mean">Mean of {scores["n"]} picture{"s" * (scores["n"] != 1)}: {told}</p>'


def build_app() -> gr.Blocks:
    """The page; it starts with the first example scored."""
    drawn, returned = score(SUBMITTED, EXPERT)
    page = gr.Blocks(title="Attribution overlap", analytics_enabled=False)
    with page:
        gr.Markdown(INTRODUCTION)
        asked, answered = gr.Column(), gr.Column()
        with answered:
            outputs = [gr.HTML(drawn), gr.JSON(returned, label="The metric returns")]
        with asked:
            with gr.Row():
                inputs = [_boxes_input(SUBMITTED, "predictions"), _boxes_input(EXPERT, "references")]
            go = gr.Button("Score", variant="primary")
            gr.Examples(
                [list(example) for example in EXAMPLES],
                inputs,
                outputs,
                score,
                run_on_click=True,
                cache_examples=False,
                example_labels=list(EXAMPLE_LABELS),
                api_visibility="private",
            )
        go.click(score, inputs, outputs, api_name="score")
    return page


def _boxes_input(text: str, name: str) -> gr.Code:
    with gr.Column(min_width=320):
        return gr.Code(text, language="json", label=name, lines=3, max_lines=12)


if __name__ == "__main__":
    build_app().launch(
        theme=gr.themes.Base(primary_hue="slate", neutral_hue="slate", radius_size="sm"),
        css=CSS,
        footer_links=["api"],
        run_history=False,
        show_error=False,
        allowed_paths=[],
        ssr_mode=False,
        _frontend=False,
    )
