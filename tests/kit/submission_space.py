"""A small Gradio app that offers what a Space offers to programs, by the library's own calls: see `SubmissionApi`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import gradio as gr

from medground_bench.leaderboard import api
from medground_bench.leaderboard.accepting import SubmissionDesk
from medground_bench.leaderboard.api import SubmissionApi


def submission_app(desk: SubmissionDesk) -> gr.Blocks:
    """Whoever calls gives a name, as on a machine of one's own."""
    calls = SubmissionApi(desk)

    def check(content: str, metadata: str, person: str) -> dict:
        return calls.check(content, metadata, person)

    def submit(content: str, metadata: str, person: str) -> dict:
        return calls.submit(content, metadata, person)

    def withdraw(identity: str, person: str) -> dict:
        return calls.withdraw(identity, person)

    def receipt(identity: str) -> dict:
        return calls.receipt(identity)

    def board() -> dict:
        return calls.board()

    names = (api.CHECK, api.SUBMIT, api.WITHDRAW, api.RECEIPT, api.SHOWN_BOARD)
    with gr.Blocks(analytics_enabled=False) as app:
        for name, call in zip(names, (check, submit, withdraw, receipt, board), strict=True):
            gr.api(call, api_name=name, concurrency_limit=4)
    return app


@contextmanager
def served(desk: SubmissionDesk) -> Iterator[str]:
    """The address of the running app."""
    app = submission_app(desk)
    app.launch(
        prevent_thread_lock=True,
        quiet=True,
        ssr_mode=False,
        run_history=False,
        allowed_paths=[],
        show_error=False,
    )
    try:
        yield app.local_url
    finally:
        app.close(verbose=False)
