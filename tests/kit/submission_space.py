"""A small Gradio app that offers what a Space offers to programs, by the library's own calls: see `SubmissionApi`
and `BoardApi`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps

import gradio as gr

from medground_bench.core.errors import MedgroundError
from medground_bench.leaderboard import api, board_api
from medground_bench.leaderboard.accepting import SubmissionDesk
from medground_bench.leaderboard.api import SubmissionApi
from medground_bench.leaderboard.board_api import BoardApi
from medground_bench.leaderboard.published import board_of


def submission_app(desk: SubmissionDesk) -> gr.Blocks:
    """Whoever calls gives a name, as on a machine of one's own."""
    calls = SubmissionApi(desk)
    asked = BoardApi(lambda: board_of(desk.store.look()))

    def check(content: str, metadata: str, person: str) -> dict:
        return calls.check(content, metadata, person)

    def submit(content: str, metadata: str, person: str) -> dict:
        return calls.submit(content, metadata, person)

    def withdraw(identity: str, person: str) -> dict:
        return calls.withdraw(identity, person)

    def receipt(identity: str) -> dict:
        return calls.receipt(identity)

    def board(query: dict) -> dict:
        return asked.page(query)

    def board_table(query: dict) -> dict:
        return asked.table(query)

    def board_file(query: dict, ending: str) -> dict:
        return asked.file(query, ending)

    calls_by_name = {
        api.CHECK: check,
        api.SUBMIT: submit,
        api.WITHDRAW: withdraw,
        api.RECEIPT: receipt,
        board_api.PAGE: shown(board),
        board_api.TABLE: shown(board_table),
        board_api.FILE: shown(board_file),
    }
    with gr.Blocks(analytics_enabled=False) as app:
        for name, call in calls_by_name.items():
            gr.api(call, api_name=name, concurrency_limit=4)
    return app


def shown(call: Callable[..., dict]) -> Callable[..., dict]:
    """Our own errors as the Space shows them."""

    @wraps(call)
    def told(*words: object) -> dict:
        try:
            return call(*words)
        except MedgroundError as error:
            raise gr.Error(str(error), print_exception=False) from error

    return told


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
