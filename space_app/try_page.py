"""The page to try methods on: a picture, a question, the answer and what every method makes of it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import gradio as gr
import pandas as pd
from PIL import Image
from results_folder import errors_shown, results_folder

from medground_bench import plugins
from medground_bench.commands.demo_stages import TUNED
from medground_bench.core.errors import MedgroundError
from medground_bench.core.types import Mode
from medground_bench.drawing.overlays import for_page
from medground_bench.lvlms import Lvlm, checkpoints, embedded, open_lvlm
from medground_bench.phantom import seeds
from medground_bench.phantom.findings import FINDINGS
from medground_bench.phantom.scene import Scene
from medground_bench.pictures import picture_name
from medground_bench.runs.explain import (
    PHANTOM_NOTE,
    AnsweredCase,
    Explanation,
    Film,
    Query,
    ask,
    explain_by_each,
    read_film,
)
from medground_bench.runs.sweep import Tuned, tuned_method
from medground_bench.storage.whole_files import sha256

EXAMPLES = (
    (seeds.EXAMPLES[1], "cardiomegaly"),
    (seeds.EXAMPLES[2], "pleural effusion"),
    (seeds.EXAMPLES[3], "nodule"),
    (seeds.EXAMPLES[4], "pacemaker"),
    (seeds.EXAMPLES[5], "pneumothorax"),
    (seeds.EXAMPLES[6], "consolidation"),
)
"""Seed of a phantom and the finding it shows."""

BOX_COLUMNS = ("Method", "Concept", "x0", "y0", "x1", "y1")
WORDS_LABEL = "Loss of every word of the answer (nats)"


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
    with errors_shown():
        if not image:
            raise MedgroundError("There is no picture yet. Choose an example or upload a chest X-ray.")
        if not methods:
            raise MedgroundError("No method is chosen. Tick at least one.")
        film, is_example = _read(image), _is_example(image)
        about = {"question": question.strip()} if question.strip() else {"finding": finding}
        answered = _ask(film, picture_name(Path(image)), Query(Mode(mode), **about), lvlm)
        tuned = {
            name: tuned_method(name, _open(lvlm), Mode(mode), results_folder() / TUNED) for name in methods
        }
        settings = {name: chosen.method if chosen else None for name, chosen in tuned.items()}
        explanations, failures = explain_by_each(settings, _open(lvlm), answered.case)
        if not explanations:
            raise MedgroundError(" ".join(f"{name} failed: {why}" for name, why in failures.items()))
    note = "" if not embedded(lvlm) or is_example else f"\n\n**{PHANTOM_NOTE.format(lvlm=lvlm)}**"
    note += "".join(f"\n\n**Note:** {told}." for told in film.how.notes)
    note += "".join(f"\n\n**{name} failed:** {why}" for name, why in failures.items())
    overlays = [
        (for_page(each.overlay(film.picture)), caption_of(each, tuned[each.method])) for each in explanations
    ]
    boxes = [row for each in explanations for row in _box_cells(each)]
    return (
        _answer_text(answered) + note,
        overlays,
        _concept_charts(explanations),
        _word_drops(explanations),
        pd.DataFrame(boxes, columns=list(BOX_COLUMNS)),
    )


def preview(image: str | None) -> tuple[Image.Image | None, str]:
    """The picture as it is read and a line on how, or no picture and what is wrong with the file."""
    if not image:
        return None, ""
    try:
        film = _read(image)
    except MedgroundError as error:
        return None, f"**{error}**"
    lines = [film.how.as_text(), *(f"**Note:** {told}." for told in film.how.notes)]
    return for_page(Image.fromarray(film.picture)), "\n\n".join(lines)


def try_tab() -> None:
    """The page's components."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=320):
            inputs = _question()
            go = gr.Button("Ask and explain", variant="primary")
        with gr.Column(scale=3, min_width=420):
            outputs = _answer()
    go.click(
        attribute,
        inputs,
        outputs,
        api_name="attribute",
        show_progress_on=outputs[0],
        concurrency_limit=1,
        concurrency_id="lvlm",
    )


def _question() -> list[gr.components.Component]:
    """What `attribute` takes, in its order."""
    methods = [method.name for method in plugins.available("methods")]
    lvlms, files = _lvlm_choices(), [str(file) for file in example_files()]
    findings = [finding for _seed, finding in EXAMPLES]
    picture, reading = preview(files[0])
    image = gr.File(files[0], label="Chest X-ray: PNG, JPEG, TIFF, BMP, WEBP or DICOM", height=140)
    drawn = gr.Image(picture, interactive=False, show_label=False, height=320, buttons=["fullscreen"])
    how = gr.Markdown(reading, elem_classes="note")
    image.change(preview, image, [drawn, how], api_visibility="private", show_progress_on=drawn)
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
    """The example phantoms, drawn once a start into a folder of their own.

    They are served from there; copies among the uploads would be removed as they are.
    """
    folder = Path(tempfile.mkdtemp(prefix="medground-examples-"))
    files = []
    for seed, finding in EXAMPLES:
        file = folder / f"{finding.replace(' ', '-')}.png"
        Image.fromarray(Scene.sample(seed).native([finding])).save(file)
        files.append(file)
    gr.set_static_paths(folder)
    return tuple(files)


@lru_cache(maxsize=1)
def _example_digests() -> frozenset[str]:
    return frozenset(sha256(file.read_bytes()) for file in example_files())


def _is_example(image: str) -> bool:
    return sha256(Path(image).read_bytes()) in _example_digests()


def _lvlm_choices() -> list[str]:
    """The embedded LVLMs; the large ones only where there is a GPU to hold them."""
    import torch

    keys = list(checkpoints())
    return sorted(
        keys if torch.cuda.is_available() else filter(embedded, keys), key=lambda key: not embedded(key)
    )


@lru_cache(maxsize=2)
def _open(lvlm: str) -> Lvlm:
    return open_lvlm(lvlm)


def _read(image: str) -> Film:
    """As the command line reads it, but called by its name, not by where the upload lies."""
    if not Path(image).is_file():
        raise MedgroundError("The upload is no longer here: it is kept for an hour only. Upload it again.")
    return read_film(image, called=Path(image).name)


def _ask(film: Film, name: str, query: Query, lvlm: str) -> AnsweredCase:
    if lvlm not in _lvlm_choices():
        raise MedgroundError(f"This Space does not serve {lvlm}. It serves: {', '.join(_lvlm_choices())}.")
    return ask(_open(lvlm), film, query, name=name)


def _answer_text(answered: AnsweredCase) -> str:
    response = " ".join(answered.case.response.text.split())
    return f"**{answered.answer.value.capitalize()}.** \u201c{response}\u201d"


def caption_of(explanation: Explanation, tuned: Tuned | None) -> str:
    """What stands under an overlay: method, tuning, concept, and what was not read as a box."""
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
    words: list[tuple[str, str | float | None]] = [(word.text, round(word.drop, 3)) for word in first.words]
    return gr.HighlightedText(
        value=words, label=f"{first.method}: loss of every word with the {region} hidden (nats)"
    )


def _box_cells(explanation: Explanation) -> Iterator[list[object]]:
    concept = explanation.explained.attribution.concept or ""
    for box in explanation.explained.boxes:
        yield [explanation.method, concept, *(round(value, 1) for value in box.xyxy)]
