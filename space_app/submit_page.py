"""The page of submissions: a file and what is said about it, checked, scored, with a receipt that has an address."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from urllib.parse import parse_qsl

import gradio as gr
from addresses import AddressedPage
from gradio.events import api
from results_folder import errors_shown
from signing_in import caller, visitor, who_field
from submission_desk import NOT_OPEN, changing_desk, kept_desk, takes_submissions
from submit_view import (
    Shown,
    lvlm_lines,
    metadata_text,
    run_fields,
    shown_error,
    shown_receipt,
    shown_reply,
    shown_stage,
    words_of,
)
from templates import from_template
from visits import Visit, still_there

from medground_bench.core.errors import MedgroundError
from medground_bench.leaderboard.accepting import Stage, SubmissionDesk, Upload
from medground_bench.leaderboard.api import CHECK, RECEIPT, SUBMIT, WITHDRAW, SubmissionApi, answered
from medground_bench.leaderboard.records import Receipt
from medground_bench.leaderboard.replies import Reply
from medground_bench.submission.metadata import HOSTS, MOST_ABOUT, TrainingData

ABOUT_SUBMITTING = (
    "A prediction file is checked, scored here against expert boxes that nobody can download, and gets its row with a "
    "receipt. `Check` tells every problem and spends nothing; only what was scored counts against the quota. From a "
    "terminal: `medground submit`."
)
FIELDS = {
    "method": ("Name of the method", "What its row is called, with up to 60 plain characters"),
    "training_data": ("Training data", "Were pictures of the benchmark in it?"),
    "lvlm_revisions": ("LVLM and weights", "A line for each LVLM of the file: `LVLM=commit`"),
    "code": ("Link to the code", f"https, on {', '.join(HOSTS)}; it is shown and never fetched"),
    "about": ("About", f"A sentence or two, up to {MOST_ABOUT} characters of plain text"),
    "seed": ("Seed", "A whole number, where something is drawn"),
    "versions": ("Packages", "A line for each: `package=version`"),
    "dataset_revision": (
        "Revision of the benchmark",
        "If you know it; another one than the board's is refused",
    ),
}
"""Field -> how the form calls it, and what it asks for."""

CHOICES = {
    "no picture of the benchmark was in it": TrainingData.CLEAN,
    "some were": TrainingData.OVERLAP,
    "not disclosed": TrainingData.UNDISCLOSED,
}
AT_ONCE = 2
"""Files that are looked into at a time, each by a process of its own."""

TO_THE_REPLY = "() => document.querySelector('#submit').scrollIntoView({block: 'nearest'})"
"""On a phone the reply stands far below the form."""


def submit_tab() -> AddressedPage | None:
    """The page's components; None where no submissions are taken."""
    if not takes_submissions():
        gr.Markdown(NOT_OPEN)
        return None
    gr.Markdown(ABOUT_SUBMITTING, elem_classes="note")
    with gr.Row(equal_height=False):
        with gr.Column(scale=3, min_width=300):
            who, file = who_field(), gr.File(label="Prediction file (.jsonl, .jsonl.gz)", height=150)
            record = gr.UploadButton("Fill in from its .run.json", size="sm")
            form = _form()
            with gr.Row():
                check, go = gr.Button("Check"), gr.Button("Submit", variant="primary")
        with gr.Column(scale=4, min_width=300):
            panel = from_template("submit")
            identity = gr.Textbox(label="Where a submission stands: the id of its receipt", submit_btn="Show")
    sent = [file, who, *form.values()]
    for button, answer in ((check, check_sent), (go, submit_sent)):
        button.click(
            answer,
            sent,
            panel,
            concurrency_limit=AT_ONCE,
            concurrency_id="submissions",
            api_visibility="private",
            show_progress="minimal",
        )
        button.click(None, js=TO_THE_REPLY, queue=False)
    weights, filled = form["lvlm_revisions"], [*form.values(), panel]
    file.upload(name_lvlms, [file, weights], weights, api_visibility="private", show_progress="hidden")
    record.upload(fill_in, [file, record], filled, api_visibility="private", show_progress="hidden")
    panel.select(withdraw_shown, who, panel, api_visibility="private", show_progress="hidden")
    identity.submit(show_receipt, identity, panel, api_visibility="private", show_progress="hidden")
    _offer_to_programs()
    return AddressedPage(open_receipt, [panel])


def open_receipt(query: str) -> list[object]:
    """The receipt of an address, or an empty page."""
    identity = dict(parse_qsl(query)).get("receipt", "")
    return [_receipt(identity, navigate=False) if identity else {}]


def show_receipt(identity: str) -> Shown:
    """Where the submission of an id stands."""
    return _receipt(identity.strip(), navigate=True)


def name_lvlms(file: str, written: str | None, request: gr.Request) -> str:
    """The LVLMs of a file that was just sent, each with a line for its weights."""
    with errors_shown():
        return lvlm_lines(_read(file, request), written or "")


def fill_in(file: str | None, record: str, request: gr.Request) -> list[object]:
    """What the run file of a prediction file says, put into the form; other fields stay as they are."""
    try:
        known = run_fields(_read(record, request), _read(file, request))
    except MedgroundError as error:
        return [*(gr.skip() for _ in FIELDS), shown_error(error)]
    return [*(known.get(name, gr.skip()) for name in FIELDS), {}]


def check_sent(
    file: str | None,
    name: str | None,
    profile: gr.OAuthProfile | None,
    request: gr.Request,
    *form: str | None,
) -> Shown:
    """Everything that is wrong with what a visitor sent; nothing is spent."""
    try:
        upload = _upload(file, visitor(name, profile, request), request, form)
        return shown_reply(kept_desk().check(upload), upload.metadata)
    except MedgroundError as error:
        return shown_error(error)


def submit_sent(
    file: str | None,
    name: str | None,
    profile: gr.OAuthProfile | None,
    request: gr.Request,
    *form: str | None,
) -> Iterator[Shown]:
    """What a visitor sent, handed in; every stage, and in the end the receipt or what is wrong."""
    try:
        upload = _upload(file, visitor(name, profile, request), request, form)
        with changing_desk() as desk:
            reply = yield from _stages(desk, upload)
        yield shown_reply(reply, upload.metadata)
    except MedgroundError as error:
        yield shown_error(error)


def withdraw_shown(
    name: str | None, profile: gr.OAuthProfile | None, request: gr.Request, event: gr.EventData
) -> Shown:
    """The receipt that is shown, after its submission was taken back; the page has asked once more before."""
    try:
        with changing_desk() as desk:
            receipt = desk.withdraw(str(event.identity), visitor(name, profile, request))
            return _shown(desk, receipt, navigate=False)
    except MedgroundError as error:
        return _receipt(str(event.identity), navigate=False) | shown_error(error)


def check_file(content: str, metadata: str, person: str, request: gr.Request) -> Shown:
    """Everything that is wrong with a prediction file: base64 of its bytes, and a JSON object of what is said of it."""
    return answered(lambda: _calls().check(content, metadata, caller(person, request)))


def submit_file(content: str, metadata: str, person: str, request: gr.Request) -> Shown:
    """A prediction file handed in, as of /check; the answer holds its receipt."""

    def submitted() -> Shown:
        with changing_desk() as desk:
            return SubmissionApi(desk).submit(content, metadata, caller(person, request))

    return answered(submitted)


def withdraw_submission(identity: str, person: str, request: gr.Request) -> Shown:
    """One's own submission taken from the board, by the id of its receipt."""

    def withdrawn() -> Shown:
        with changing_desk() as desk:
            return SubmissionApi(desk).withdraw(identity, caller(person, request))

    return answered(withdrawn)


def receipt_of(identity: str) -> Shown:
    """The receipt of a submission, which says where it stands."""
    return answered(lambda: _calls().receipt(identity))


def _offer_to_programs() -> None:
    api(check_file, api_name=CHECK, concurrency_limit=AT_ONCE, concurrency_id="submissions")
    api(submit_file, api_name=SUBMIT, concurrency_limit=AT_ONCE, concurrency_id="submissions")
    api(withdraw_submission, api_name=WITHDRAW)
    api(receipt_of, api_name=RECEIPT)


def _form() -> dict[str, gr.components.Component]:
    """A component for each field."""

    def line(name: str, lines: int = 1) -> gr.Textbox:
        label, info = FIELDS[name]
        return gr.Textbox(label=label, info=info, lines=lines, max_lines=max(lines, 6) if lines > 1 else 1)

    label, info = FIELDS["training_data"]
    form: dict[str, gr.components.Component] = {"method": line("method")}
    form["training_data"] = gr.Radio(
        list(CHOICES.items()), value=TrainingData.UNDISCLOSED, label=label, info=info
    )
    form["lvlm_revisions"], form["code"] = line("lvlm_revisions", 2), line("code")
    with gr.Accordion("More about it", open=False):
        form |= {"about": line("about"), "seed": line("seed")}
        form |= {"versions": line("versions", 3), "dataset_revision": line("dataset_revision")}
    return {name: form[name] for name in FIELDS}


def _read(file: str | None, request: gr.Request) -> bytes:
    """What a visitor sent; it goes when the page is left."""
    if not file:
        raise MedgroundError("There is no file yet. Choose a prediction file (.jsonl or .jsonl.gz).")
    path = still_there(file)
    Visit.of(request).sent(path)
    return path.read_bytes()


def _upload(file: str | None, person: str, request: gr.Request, form: Sequence[str | None]) -> Upload:
    metadata = metadata_text(dict(zip(FIELDS, form, strict=True)))
    return Upload(person=person, content=_read(file, request), metadata=metadata)


def _stages(desk: SubmissionDesk, upload: Upload) -> Generator[Shown, None, Reply]:
    """Every stage as the desk comes to it; returns the reply."""
    told: SimpleQueue[Stage | None] = SimpleQueue()
    with ThreadPoolExecutor(1) as beside:
        reply = beside.submit(desk.submit, upload, told.put)
        reply.add_done_callback(lambda _done: told.put(None))
        for stage in iter(told.get, None):
            yield shown_stage(stage)
    return reply.result()


def _receipt(identity: str, *, navigate: bool) -> Shown:
    try:
        desk = kept_desk()
        return _shown(desk, desk.receipt(identity), navigate=navigate)
    except MedgroundError as error:
        return shown_error(error)


def _shown(desk: SubmissionDesk, receipt: Receipt, *, navigate: bool) -> Shown:
    return shown_receipt(receipt, desk.said(receipt.id), words_of(receipt, desk.at_work), navigate=navigate)


def _calls() -> SubmissionApi:
    return SubmissionApi(kept_desk())
