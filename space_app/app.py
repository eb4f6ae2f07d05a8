"""The Space of MedGround-Bench: board, cases, two rows compared, methods to try, submissions; a page a file.

Deployable as it stands. The board, and the settings that methods were tuned to, are read from the folder in
MEDGROUND_RESULTS, or from `results/` beside this file. MEDGROUND_STORE and MEDGROUND_BENCHMARK open it for submissions.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

import gradio as gr
from addresses import follow_addresses, tab_id
from board_page import board_tab
from cases_page import cases_tab
from compare_page import compare_tab
from lacking import lacking
from slow_bodies import BodyInTime
from starlette.middleware import Middleware
from submission_desk import take_up_beside
from submit_page import submit_tab
from try_page import try_tab
from visits import FOLDER_VARIABLE, end_old_visits

ABOUT = (
    "Which part of a chest X-ray did a vision-language model rest its answer on? Cases are questions whose answer is "
    "*causally* tied to the expert's boxes: it flips when the finding is edited out, and stays when anything else is."
)
KEPT_S, LOOKED_S = 3600, 60
"""An upload, or a picture shown, is removed when it is older than the first; gradio looks every so often."""

LARGEST_BODY = 64 * 2**20
"""Of a request, in bytes: an upload, or a prediction file in base64; what is larger is cut off while it comes in."""

BODY_WITHIN_S = 180
"""From a request's head to the end of its body, 3 Mbit/s for the largest; what is slower is cut off."""

CSS = """
.gradio-container {max-width: 1180px !important; width: 100% !important; margin: 0 auto !important}
.gradio-container main {width: 100%}
#title h1 {font-weight: 650; letter-spacing: -0.02em; margin-bottom: 0.2rem}
#title p, .note p, .note li {opacity: 0.78; max-width: 84ch; line-height: 1.5}
#research {position: fixed; left: 0; right: 0; bottom: 0; z-index: 50; text-align: center; font-size: 0.85rem;
  padding: 0.35rem 1rem; background: var(--background-fill-secondary);
  border-top: 1px solid var(--border-color-primary)}
button[role="tab"][aria-selected="true"] {color: var(--body-text-color) !important}
footer button, footer .divider {color: var(--body-text-color) !important}
.gradio-container {padding-bottom: 2.5rem}
"""


def build_app() -> gr.Blocks:
    """The whole page; models are opened when they are first asked."""
    with gr.Blocks(title="MedGround-Bench", analytics_enabled=False, delete_cache=(LOOKED_S, KEPT_S)) as app:
        gr.Markdown(f"# MedGround-Bench\n\n{ABOUT}", elem_id="title")
        missing = gr.Markdown(lacking(), elem_classes="note")
        app.load(lacking, None, missing, api_visibility="private", show_progress="hidden")
        gr.HTML("Research use, not for clinical decisions.", elem_id="research")
        with gr.Tabs() as tabs:
            with _page("board", "Board") as board:
                of_tracks = board_tab()
            with _page("cases", "Cases") as cases:
                of_cases = cases_tab()
            with _page("compare", "Compare") as compare:
                of_pairs = compare_tab()
            with _page("try", "Try it") as trying:
                try_tab(app, trying)
            with _page("submit", "Submit") as submitting:
                of_receipts = submit_tab()
        follow_addresses(
            app,
            tabs,
            {"board": board, "cases": cases, "compare": compare, "try": trying, "submit": submitting},
            {"board": of_tracks, "cases": of_cases, "compare": of_pairs, "submit": of_receipts},
        )
    queued: gr.Blocks = app.queue(default_concurrency_limit=4, max_size=32)
    return queued


def _page(name: str, label: str) -> gr.Tab:
    return gr.Tab(label, id=name, elem_id=tab_id(name))


def main() -> None:
    """Serve the page; `--browser` opens it too.

    No history of a visit is kept, not in the browser either, and no file is served but those that a visitor sent or was
    shown. These lie in a folder of this process alone, an hour at most, see `KEPT_S`, and are gone with it when the
    server is stopped by Ctrl-C or SIGTERM. A page asks about its upload more than once, so it is not removed when read.
    Rendering on the server stays off: with it gradio 6.27 to 6.31 can be made to act with the operator's token
    (CVE-2026-134825). Gradio's look at its own page (`_frontend`) is off: it gives up after three seconds, and with it
    the whole start, on a machine that is busy.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    parent = Path(os.environ.get(FOLDER_VARIABLE) or gettempdir())
    parent.mkdir(parents=True, exist_ok=True)
    with suppress(KeyboardInterrupt), TemporaryDirectory(prefix="medground-space-", dir=parent) as folder:
        os.environ[FOLDER_VARIABLE] = folder
        end_old_visits(LOOKED_S, KEPT_S)
        app = build_app()
        take_up_beside()
        app.launch(
            theme=_theme(),
            css=CSS,
            inbrowser="--browser" in sys.argv[1:],
            max_file_size="50mb",
            footer_links=["api"],
            run_history=False,
            show_error=False,
            allowed_paths=[],
            app_kwargs={
                "max_body_size": LARGEST_BODY,
                "middleware": [Middleware(BodyInTime, within_s=BODY_WITHIN_S)],
            },
            ssr_mode=False,
            _frontend=False,
        )


def _theme() -> gr.themes.Base:
    return gr.themes.Base(
        primary_hue="slate",
        neutral_hue="slate",
        radius_size="sm",
        font=[gr.themes.Font(name) for name in ("Inter", "system-ui", "sans-serif")],
        font_mono=[gr.themes.Font(name) for name in ("ui-monospace", "monospace")],
    ).set(body_text_color_subdued="*neutral_600", body_text_color_subdued_dark="*neutral_300")


if __name__ == "__main__":
    main()
