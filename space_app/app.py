"""The Space of MedGround-Bench: the board, and attribution methods to try on a picture.

Deployable as it stands. The board, and the settings that methods were tuned to, are read from the folder in
MEDGROUND_RESULTS, or from `results/` beside this file.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import gradio as gr
import pandas as pd
from PIL import Image

from medground_bench import plugins
from medground_bench.board import ALL, Board, BoardRow
from medground_bench.demo import TUNED
from medground_bench.durable import sha256
from medground_bench.errors import MedgroundError
from medground_bench.lvlms import Lvlm, checkpoints, open_lvlm
from medground_bench.one_picture import PHANTOM_NOTE, Ask, Asked, Explanation, ask, embedded, explain_by_each
from medground_bench.phantom import seeds
from medground_bench.phantom.findings import FINDINGS
from medground_bench.phantom.scene import Scene
from medground_bench.pictures import read_picture
from medground_bench.scoring import By
from medground_bench.sweep import Tuned, tuned_method
from medground_bench.types import Mode

RESULTS_VARIABLE = "MEDGROUND_RESULTS"
EXAMPLES = (
    (seeds.EXAMPLES[1], "cardiomegaly"),
    (seeds.EXAMPLES[2], "pleural effusion"),
    (seeds.EXAMPLES[3], "nodule"),
    (seeds.EXAMPLES[4], "pacemaker"),
    (seeds.EXAMPLES[5], "pneumothorax"),
    (seeds.EXAMPLES[6], "consolidation"),
)
"""Seed of a phantom and the finding it shows."""

BOARD_COLUMNS = ("Method", "IoU", "low", "high", "F1", "Precision", "Recall", "Cases", "Failed")
FILTER_COLUMNS = ("LVLM", "Mode", "Source", "Questions", "Accuracy", "Positives", "Retained", "Retention")
BOX_COLUMNS = ("Method", "Concept", "x0", "y0", "x1", "y1")
WORDS_LABEL = "Loss of every word of the answer (nats)"
BOARD_NOTE = (
    "All scores in percent, averaged over cases; a case on which a method failed counts as 0. *low* and *high* bound "
    "the 95 % interval of IoU, images resampled. Rows marked **control** never ask the model: a method that does not "
    "beat them has not shown what the answer rests on."
)
ABOUT = (
    "Which part of a chest X-ray did a vision-language model rest its answer on? Cases are questions whose answer is "
    "*causally* tied to the expert's boxes: it flips when the finding is edited out, and stays when anything else is."
)
CSS = """
.gradio-container {max-width: 1180px !important; width: 100% !important; margin: 0 auto !important}
.gradio-container main {width: 100%}
#title h1 {font-weight: 650; letter-spacing: -0.02em; margin-bottom: 0.2rem}
#title p, .note p, .note li {opacity: 0.78; max-width: 84ch; line-height: 1.5}
#overlays .grid-wrap, #overlays .gallery-container, #charts .grid-wrap, #charts .gallery-container
  {height: auto !important; max-height: none !important; min-height: 0 !important}
#charts .thumbnail-lg {aspect-ratio: auto; padding-top: 1.6rem}
#charts .thumbnail-lg img {height: auto}
.answer p {font-size: 1.05rem; line-height: 1.5}
"""


def board_view(mode: str, source: str, lvlm: str) -> tuple[pd.DataFrame, str]:
    """The board of one view, and what it covers."""
    with _errors_shown():
        board = Board.read(results_folder())
        rows = board.view(mode, source, lvlm)
    table = pd.DataFrame([_board_cells(row) for row in rows], columns=list(BOARD_COLUMNS))
    if not rows:
        return table, "No method was run on all cases of this choice."
    return table, f"**{rows[0].cases} cases** on {rows[0].images} images, mode {mode}."


def attribute(
    image: str | None, finding: str, question: str, lvlm: str, mode: str, methods: list[str]
) -> tuple[
    str, list[tuple[Image.Image, str]], list[tuple[Image.Image, str]], gr.HighlightedText, pd.DataFrame
]:
    """Ask the LVLM about the picture and explain its answer by every chosen method.

    question  in the user's own words; asked instead of the finding when it is not empty
    returns   the answer and the methods that failed, an overlay per method, a chart per method that tries concepts,
              the words of the first method that scores words, and all boxes in native pixels
    """
    with _errors_shown():
        if not image:
            raise MedgroundError("There is no picture yet. Choose an example or upload a chest X-ray.")
        if not methods:
            raise MedgroundError("No method is chosen. Tick at least one.")
        asked = _asked(image, finding, question.strip(), lvlm, Mode(mode))
        tuned = {
            name: tuned_method(name, _open(lvlm), Mode(mode), results_folder() / TUNED) for name in methods
        }
        settings = {name: chosen.method if chosen else None for name, chosen in tuned.items()}
        explanations, failures = explain_by_each(settings, _open(lvlm), asked.case)
        if not explanations:
            raise MedgroundError(" ".join(f"{name} failed: {why}" for name, why in failures.items()))
    note = "" if not embedded(lvlm) or _is_example(image) else f"\n\n**{PHANTOM_NOTE.format(lvlm=lvlm)}**"
    note += "".join(f"\n\n**{name} failed:** {why}" for name, why in failures.items())
    overlays = [(each.overlay(asked.native), _caption(each, tuned[each.method])) for each in explanations]
    boxes = [row for each in explanations for row in _box_cells(each)]
    return (
        _answer_text(asked) + note,
        overlays,
        _concept_charts(explanations),
        _word_drops(explanations),
        pd.DataFrame(boxes, columns=list(BOX_COLUMNS)),
    )


def results_folder() -> Path:
    """Where the board and the tuned settings are read from."""
    return Path(os.environ.get(RESULTS_VARIABLE) or Path(__file__).parent / "results")


def build_app() -> gr.Blocks:
    """The whole page; models are opened when they are first asked."""
    with gr.Blocks(title="MedGround-Bench", analytics_enabled=False) as app:
        gr.Markdown(f"# MedGround-Bench\n\n{ABOUT}", elem_id="title")
        with gr.Tabs():
            with gr.Tab("Board"):
                _board_tab()
            with gr.Tab("Try it"):
                _try_tab()
    return app.queue(default_concurrency_limit=4, max_size=32)


def main() -> None:
    """Serve the page; `--browser` opens it too.

    No history of a visit is kept, not in the browser either, and no file is served but those that a visitor sent or was
    shown. Rendering on the server stays off: with it gradio 6.27 to 6.31 can be made to act with the operator's token
    (CVE-2026-134825).
    """
    theme = gr.themes.Base(
        primary_hue="slate",
        neutral_hue="slate",
        radius_size="sm",
        font=[gr.themes.Font(name) for name in ("Inter", "system-ui", "sans-serif")],
        font_mono=[gr.themes.Font(name) for name in ("ui-monospace", "monospace")],
    )
    build_app().launch(
        theme=theme,
        css=CSS,
        inbrowser="--browser" in sys.argv[1:],
        max_file_size="50mb",
        footer_links=["api"],
        run_history=False,
        show_error=False,
        allowed_paths=[],
        ssr_mode=False,
    )


def _board_tab() -> None:
    try:
        board = Board.read(results_folder())
    except MedgroundError as error:
        gr.Markdown(f"**No board here yet.** {error}")
        return
    modes, sources, lvlms = (board.choices(by) for by in (By.MODE, By.SOURCE, By.LVLM))
    with gr.Row():
        mode = gr.Dropdown(list(modes), value=modes[0] if modes else None, label="Mode")
        source = gr.Dropdown([ALL, *sources], value=ALL, label="Source")
        lvlm = gr.Dropdown([ALL, *lvlms], value=ALL, label="LVLM")
    rows, covered = board_view(modes[0] if modes else "", ALL, ALL)
    caption = gr.Markdown(covered)
    table = gr.Dataframe(
        rows,
        interactive=False,
        pinned_columns=1,
        datatype=["str"] + ["number"] * (len(BOARD_COLUMNS) - 1),
        column_widths=["24%"] + ["9.5%"] * (len(BOARD_COLUMNS) - 1),
        buttons=["copy", "fullscreen"],
        max_height=1000,
        label="Methods, best first",
    )
    gr.Markdown(BOARD_NOTE, elem_classes="note")
    gr.on(
        [mode.change, source.change, lvlm.change],
        board_view,
        [mode, source, lvlm],
        [table, caption],
        api_name="board",
        show_progress="hidden",
    )
    if board.tracks:
        gr.Markdown("### What the causal filter kept")
        gr.Dataframe(_filter_table(board), interactive=False, buttons=["copy"], label="Per LVLM and mode")
        gr.Markdown("\n".join(f"- {line}" for line in _shortcut_lines(board)), elem_classes="note")


def _try_tab() -> None:
    with gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=320):
            asked = _question()
            go = gr.Button("Ask and explain", variant="primary")
        with gr.Column(scale=3, min_width=420):
            shown = _answer()
    go.click(
        attribute,
        asked,
        shown,
        api_name="attribute",
        show_progress_on=shown[0],
        concurrency_limit=1,
        concurrency_id="lvlm",
    )


def _question() -> list[gr.components.Component]:
    """What `attribute` takes, in its order."""
    methods = [method.name for method in plugins.available("methods")]
    lvlms, files = _lvlm_choices(), [str(file) for file in example_files()]
    findings = [finding for _seed, finding in EXAMPLES]
    image = gr.Image(
        files[0], type="filepath", image_mode=None, sources=["upload"], label="Chest X-ray", height=320
    )
    finding = gr.Dropdown(list(FINDINGS), value=findings[0], label="Finding", allow_custom_value=True)
    gr.Examples(
        [list(example) for example in zip(files, findings, strict=True)],
        [image, finding],
        example_labels=findings,
        label="Phantoms (procedural pictures) to try",
        cache_examples=False,
    )
    question = gr.Textbox(label="Or a question of your own", placeholder="Is there ... in the image?")
    with gr.Row():
        lvlm = gr.Dropdown(lvlms, value=lvlms[0], label="LVLM")
        mode = gr.Radio([mode.value for mode in Mode], value=Mode.REASON.value, label="Mode")
    chosen = gr.CheckboxGroup(methods, value=["medfocus", "occlusion"], label="Methods")
    return [image, finding, question, lvlm, mode, chosen]


def _answer() -> list[gr.components.Component]:
    """What `attribute` returns, in its order; the words stand above the charts."""
    answer = gr.Markdown("The answer and what it rests on appear here.", elem_classes="answer")
    overlays = gr.Gallery(
        show_label=False, columns=2, height="auto", object_fit="contain", elem_id="overlays"
    )
    words = gr.HighlightedText(label=WORDS_LABEL, show_legend=False)
    concepts = gr.Gallery(
        label="Loss by concept", columns=1, height="auto", object_fit="contain", elem_id="charts"
    )
    boxes = gr.Dataframe(headers=list(BOX_COLUMNS), interactive=False, label="Boxes, native pixels")
    return [answer, overlays, concepts, words, boxes]


@lru_cache(maxsize=1)
def example_files() -> tuple[Path, ...]:
    """The example phantoms, drawn once a start into a folder of their own."""
    folder = Path(tempfile.mkdtemp(prefix="medground-examples-"))
    files = []
    for seed, finding in EXAMPLES:
        file = folder / f"{finding.replace(' ', '-')}.png"
        Image.fromarray(Scene.sample(seed).native([finding])).save(file)
        files.append(file)
    return tuple(files)


@lru_cache(maxsize=1)
def _example_digests() -> frozenset[str]:
    return frozenset(sha256(file.read_bytes()) for file in example_files())


def _is_example(image: str) -> bool:
    return sha256(Path(image).read_bytes()) in _example_digests()


def _lvlm_choices() -> list[str]:
    """The embedded LVLMs; the large ones only where there is a GPU to hold them."""
    import torch

    known = list(checkpoints())
    return sorted(
        known if torch.cuda.is_available() else filter(embedded, known), key=lambda key: not embedded(key)
    )


@lru_cache(maxsize=2)
def _open(lvlm: str) -> Lvlm:
    return open_lvlm(lvlm)


def _asked(image: str, finding: str, question: str, lvlm: str, mode: Mode) -> Asked:
    if lvlm not in _lvlm_choices():
        raise MedgroundError(f"This Space does not serve {lvlm}. It serves: {', '.join(_lvlm_choices())}.")
    native = read_picture(image)
    wanted = Ask(mode, question=question) if question else Ask(mode, finding=finding)
    return ask(_open(lvlm), native, wanted, name=Path(image).stem)


def _answer_text(asked: Asked) -> str:
    said = " ".join(asked.case.response.text.split())
    return f"**{asked.answer.value.capitalize()}.** \u201c{said}\u201d"


def _caption(explanation: Explanation, tuned: Tuned | None) -> str:
    concept = explanation.explained.attribution.concept
    name = f"{explanation.method} (tuned on {tuned.sweep.cases} cases)" if tuned else explanation.method
    caption = f"{name}: {concept}" if concept else name
    refused = explanation.explained.attribution.refused
    return f"{caption}; not read as boxes: {'; '.join(refused)}" if refused else caption


def _concept_charts(explanations: Sequence[Explanation]) -> list[tuple[Image.Image, str]]:
    return [(chart, each.method) for each in explanations if (chart := each.concept_chart())]


def _word_drops(explanations: Sequence[Explanation]) -> gr.HighlightedText:
    """The words of the first method that scores words, under its name and that of the region it hid."""
    first = next((each for each in explanations if each.words), None)
    if first is None:
        return gr.HighlightedText(value=[], label=WORDS_LABEL)
    region = first.explained.attribution.concept
    words = [(word.text, round(word.drop, 3)) for word in first.words]
    return gr.HighlightedText(
        value=words, label=f"{first.method}: loss of every word with the {region} hidden (nats)"
    )


def _box_cells(explanation: Explanation) -> Iterator[list[Any]]:
    concept = explanation.explained.attribution.concept or ""
    for box in explanation.explained.boxes:
        yield [explanation.method, concept, *(round(value, 1) for value in box.xyxy)]


def _board_cells(row: BoardRow) -> list[Any]:
    name = f"{row.method} (control)" if row.control else row.method
    scores = (row.iou, row.iou_low, row.iou_high, row.f1, row.precision, row.recall)
    return [
        name,
        *(None if score is None else round(100 * score, 1) for score in scores),
        row.cases,
        row.failed,
    ]


def _filter_table(board: Board) -> pd.DataFrame:
    rows = [
        [
            track.lvlm,
            track.mode,
            track.source,
            track.questions,
            round(100 * track.accuracy, 1),
            track.positives,
            track.grounded,
            round(100 * track.retention, 1),
        ]
        for track in board.tracks
    ]
    return pd.DataFrame(rows, columns=list(FILTER_COLUMNS))


def _shortcut_lines(board: Board) -> list[str]:
    from medground_bench.show import shortcut_sentence

    return [shortcut_sentence(track) for track in board.tracks if track.shortcut_right]


@contextmanager
def _errors_shown() -> Iterator[None]:
    try:
        yield
    except MedgroundError as error:
        raise gr.Error(str(error), duration=None, print_exception=False) from error


if __name__ == "__main__":
    main()
