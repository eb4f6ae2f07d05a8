"""The page to try methods on: a picture, a question, the answer and what every method makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import gradio as gr
import pandas as pd
from example_pictures import examples
from gradio.processing_utils import save_file_to_cache
from gradio.utils import get_upload_folder
from results_folder import errors_shown
from templates import Shown, from_template
from try_run import BOX_COLUMNS, STOPPED, query_of, run_of
from try_view import shown_preview
from visits import Visit, still_there

from medground_bench.cards.costs import GEMMA3_4B, Accelerator
from medground_bench.core.errors import MedgroundError
from medground_bench.core.types import Mode
from medground_bench.lvlms import checkpoints, embedded
from medground_bench.phantom.findings import FINDINGS
from medground_bench.runs.explain import Film, read_film
from medground_bench.runs.explanation_zip import zipped
from medground_bench.runs.live import kept_lvlm
from medground_bench.runs.method_groups import MethodGroup, grouped_methods

GROUP_LABELS = {
    MethodGroup.PAPER: "Methods of the paper",
    MethodGroup.EXTRA: "Extras",
    MethodGroup.CONTROL: "Controls, which never ask the model",
}
CHOSEN_AT_FIRST = ("medfocus", "occlusion")
PRIVACY = (
    "What you upload, and what is made of it, stays on this server only while this page is open: it is removed when "
    "you leave or reload it, and an hour after the last question at the latest."
)


TO_THE_ANSWER = "() => document.querySelector('#try-status').scrollIntoView({block: 'nearest'})"
"""On a phone the answer stands far below the question."""


def attribute(
    image: str | None, about: str, lvlm: str, mode: str, methods: list[str], request: gr.Request
) -> Iterator[tuple[Shown, Shown | None, Shown | None, pd.DataFrame]]:
    """Ask the LVLM about the picture and explain its answer by every chosen method, one after the other.

    about    a finding, or a question of one's own, which ends in a question mark
    returns  how far it is, the answer, every method's picture and the trials of those that hide regions, and all boxes
             in native pixels
    """
    with errors_shown():
        if not image:
            raise MedgroundError("There is no picture yet. Choose an example or upload a chest X-ray.")
        if not methods:
            raise MedgroundError("No method is chosen. Tick at least one.")
        if lvlm not in _lvlm_choices():
            raise MedgroundError(
                f"This Space does not serve {lvlm}. It serves: {', '.join(_lvlm_choices())}."
            )
        visit, picture = Visit.of(request), still_there(image)
        visit.sent(picture)
        run = run_of(visit, picture, query_of(about, mode), lvlm, methods)
        for _step in run.steps():
            if (finished := run.finished()) is not None:
                visit.keep(finished)
            yield run.status, run.answer, run.results, run.boxes()


def preview(image: str | None, request: gr.Request) -> Shown:
    """The picture as it is read and how, or what is wrong with the file."""
    if not image:
        return {}
    try:
        picture = still_there(image)
        Visit.of(request).sent(picture)
        film = read_film(picture, called=picture.name)
    except MedgroundError as error:
        return {"problem": str(error)}
    return _shown(film, picture)


def stop(request: gr.Request) -> Shown:
    """End the visit's run after the pass through the model that is going on; one that waits does not begin."""
    Visit.of(request).stop()
    return STOPPED


def leave(request: gr.Request) -> None:
    """End the visit."""
    Visit.of(request).end()


def download(request: gr.Request) -> str:
    """The visit's last run as a ZIP."""
    with errors_shown():
        visit = Visit.of(request)
        if visit.last_run is None:
            raise MedgroundError("There is nothing to download yet. Ask and explain first.")
        file = visit.folder / "medground.zip"
        file.write_bytes(zipped(visit.last_run.attributed, visit.last_run.trials))
        served: str = save_file_to_cache(file, get_upload_folder())  # where gradio would copy it to
        visit.sent(Path(served))
        return served


def try_tab(app: gr.Blocks, tab: gr.Tab) -> None:
    """The page's components; the first LVLM is opened while a visitor looks at them."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=300):
            inputs = _question()
            with gr.Row():
                go = gr.Button("Ask and explain", variant="primary")
                halt = gr.Button("Stop")
            inputs.append(_methods())
        with gr.Column(scale=3, min_width=300):
            outputs = _answer()
            with gr.Row():
                pack = gr.Button("Download all (ZIP)")
                packed = gr.DownloadButton(elem_id="packed", visible="hidden")
    running = go.click(
        attribute,
        inputs,
        outputs,
        api_name="attribute",
        show_progress="minimal",
        show_progress_on=outputs[0],
        concurrency_limit=1,
        concurrency_id="lvlm",
    )
    go.click(None, js=TO_THE_ANSWER, queue=False)
    halt.click(
        stop,
        None,
        outputs[0],
        cancels=[running],
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )
    made = pack.click(download, None, packed, api_name="download")
    made.success(None, js="() => document.querySelector('#packed').click()")
    tab.select(_open_first, queue=False, show_progress="hidden", api_visibility="private")
    app.unload(leave)


def _question() -> list[gr.components.Component]:
    """What `attribute` takes, in its order, up to the methods."""
    shown, lvlms = examples(), _lvlm_choices()
    first = shown[0]
    chooser = from_template("try_examples", {"pictures": [each.as_json() for each in shown]})
    image = gr.File(
        str(first.file), label="Or your own: PNG, JPEG, TIFF, BMP, WEBP, DICOM; 8 to 16 bits", height=150
    )
    drawn = from_template("try_preview", _shown(read_film(first.file), first.file))
    about = gr.Dropdown(
        list(FINDINGS),
        value=first.finding,
        label="Finding, or a question of your own that ends in ?",
        allow_custom_value=True,
    )
    with gr.Row():
        lvlm = gr.Dropdown(lvlms, value=lvlms[0], label="LVLM", min_width=180)
        mode = gr.Radio([mode.value for mode in Mode], value=Mode.REASON.value, label="Mode", min_width=180)
    image.change(preview, image, drawn, api_visibility="private", show_progress_on=drawn)
    chooser.select(_example, None, [image, about], api_visibility="private", show_progress="hidden")
    return [image, about, lvlm, mode]


def _methods() -> gr.components.Component:
    """Methods by group with what each costs; the component that is returned holds all that are ticked."""
    times = Accelerator.shipped()
    boxes = []
    for group, names in grouped_methods().items():
        ticked = [name for name in names if name in CHOSEN_AT_FIRST]
        choices = [(_with_cost(name, times), name) for name in names]
        with gr.Accordion(GROUP_LABELS[group], open=group is MethodGroup.PAPER):
            boxes.append(gr.CheckboxGroup(choices, value=ticked, show_label=False, container=False))
    note = f"Seconds of one case in reason mode, cold, with a model of the size of {GEMMA3_4B.name} on one"
    gr.Markdown(f"{note} {times.device}.", elem_classes="note")
    methods = gr.CheckboxGroup(
        [name for names in grouped_methods().values() for name in names],
        value=list(CHOSEN_AT_FIRST),
        visible=False,
    )
    gr.on(
        [box.input for box in boxes], None, boxes, methods, js="(...ticked) => [ticked.flat()]", queue=False
    )
    return methods


def _with_cost(method: str, times: Accelerator) -> str:
    seconds = times.seconds(method).get(Mode.REASON.value)
    return method if seconds is None else f"{method}, {seconds:.2g} s"


def _answer() -> list[gr.components.Component]:
    """What `attribute` returns, in its order."""
    status = from_template("try_status")
    answer = from_template("try_answer")
    results = from_template("try_results")
    with gr.Accordion("All boxes as numbers", open=False):
        boxes = gr.Dataframe(headers=list(BOX_COLUMNS), interactive=False, label="Native pixels")
    gr.Markdown(PRIVACY, elem_classes="note")
    return [status, answer, results, boxes]


def _example(event: gr.EventData) -> tuple[str, str]:
    """The picture that was clicked, and a finding to ask for."""
    chosen = examples()[int(event.index)]
    return str(chosen.file), chosen.finding


def _shown(film: Film, picture: Path) -> Shown:
    """One of ours is known by its name and content, whoever sends it."""
    for each in examples():
        if each.credit and each.file.name == picture.name and each.file.read_bytes() == picture.read_bytes():
            return shown_preview(film, each.credit, each.link)
    return shown_preview(film)


def _open_first() -> None:
    kept_lvlm(_lvlm_choices()[0])


@cache
def _lvlm_choices() -> list[str]:
    """The embedded LVLMs; the large ones only where there is a GPU to hold them."""
    import torch

    keys = list(checkpoints())
    return sorted(
        keys if torch.cuda.is_available() else filter(embedded, keys), key=lambda key: not embedded(key)
    )
