"""The Space's calls through real HTTP: the same receipt as at the desk, and nothing but the bytes that were sent."""

from __future__ import annotations

import base64
import json
import subprocess
import sys

import pytest
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Route

from medground_bench.core.errors import MedgroundError
from medground_bench.leaderboard import api
from medground_bench.leaderboard.api import SubmissionApi, login_of, reply_as_json, reply_of, upload_as_text
from medground_bench.leaderboard.board_api import BoardApi
from medground_bench.leaderboard.client import NoAnswer, NotReached, SpaceClient
from medground_bench.leaderboard.exports import EXPORTS
from medground_bench.leaderboard.published import board_of
from medground_bench.leaderboard.records import BadRecord
from medground_bench.leaderboard.replies import NotAccepted
from medground_bench.storage.hub_calls import HubRefused
from tests.hub.faults import Cut, Rule, Wire
from tests.hub.serving import running
from tests.kit.desks import said, upload

pytest.importorskip("gradio")
pytestmark = [
    pytest.mark.usefixtures("scored_here"),
    pytest.mark.filterwarnings("ignore:.*no_silent_downcasting"),  # of pandas, by gradio's own statistics
]


@pytest.fixture
def space(local):
    """A running app before a store, and its client."""
    from tests.kit.submission_space import served

    with served(local.open(page="https://org-board.hf.space")) as address:
        yield SpaceClient(address)


def test_the_client_gets_the_receipt_that_the_desk_gives_and_the_same_board(space, local):
    sent = upload(method="Mine")
    assert space.check(sent).status == "passes"
    reply = space.submit(sent)
    assert reply == local.desk.submit(sent) and reply.status == "scored"
    assert space.receipt(reply.receipt.id) == reply.receipt
    asked, words = BoardApi(lambda: board_of(local.store.look())), {"lvlm": "a", "sort": "-f1"}
    assert space.page(words) == asked.page(words) and space.page(words)["rows"][0]["shown"] == "Mine"
    assert space.table(words) == asked.table(words)
    assert all(space.file(words, ending) == asked.file(words, ending) for ending in EXPORTS)
    with pytest.raises(MedgroundError, match="no lvlm is called 'aa'"):
        space.page({"lvlm": "aa"})
    assert space.withdraw(reply.receipt.id, "ann").status == "withdrawn"
    faulty = space.submit(upload(content=b"{}", method="<b>"))
    assert faulty == local.desk.check(upload(content=b"{}", method="<b>"))
    with pytest.raises(MedgroundError, match="no submission has the id"):
        space.receipt("nobody's")


@pytest.mark.parametrize(
    "content",
    ["/etc/passwd", "file:///etc/passwd", json.dumps({"path": "/etc/passwd"}), "../../app.py", "\N{SNOWMAN}"],
)
def test_s28_a_path_on_the_server_is_no_upload(local, content):
    answer = SubmissionApi(local.open()).submit(content, said(), "ann")
    assert (
        answer["status"] == api.NOT_DONE and "not base64" in answer["said"] and "root" not in answer["said"]
    )


def test_s6_an_upload_beyond_the_cap_is_not_even_decoded(local, monkeypatch):
    monkeypatch.setattr(base64, "b64decode", None)
    answer = SubmissionApi(local.open()).submit("A" * (44 * 2**20 + 9000), said(), "ann")
    assert "33,554,432 bytes" in answer["said"]


def test_a_space_that_is_not_there_is_told_and_nothing_is_accepted():
    with pytest.raises(NotAccepted, match=r"try again: http://127\.0\.0\.1:9 gives no answer"):
        SpaceClient("http://127.0.0.1:9").submit(upload())
    for ask in (SpaceClient.check, SpaceClient.table):
        with pytest.raises(
            NotReached, match=r"^http://127\.0\.0\.1:9 gives no answer \([A-Za-z]+\)\. Is it a Space"
        ):
            ask(SpaceClient("http://127.0.0.1:9"), upload() if ask is SpaceClient.check else {})


async def a_page(request):
    return HTMLResponse("<h1>Something else</h1>")


async def a_list(request):
    return JSONResponse([1, 2])


async def an_object(request):
    return JSONResponse({"version": "6.31.0"})


async def broken(request):
    return HTMLResponse("Internal Server Error", status_code=500)


async def busy(request):
    return HTMLResponse("Slow down", status_code=429)


@pytest.mark.parametrize("page", [a_page, a_list, an_object, broken, busy])
@pytest.mark.parametrize("cut", [False, True])
def test_a_server_that_is_no_space_or_breaks_or_cuts_is_told_and_nothing_is_accepted(page, cut):
    wire = Wire(Starlette(routes=[Route("/{path:path}", page, methods=["GET", "POST"])]))
    wire.rules += [Rule(".", Cut(), times=1000)] * cut
    with running(wire) as address, pytest.raises(NotAccepted, match=f"try again: {address} gives no answer"):
        SpaceClient(address).submit(upload())


DYING = """
import os
import gradio as gr
def submit(content: str, metadata: str, person: str) -> dict:
    os._exit(1)
def receipt(identity: str) -> dict:
    return {"something": "else"}
with gr.Blocks(analytics_enabled=False) as app:
    gr.api(submit, api_name="submit")
    gr.api(receipt, api_name="receipt")
    app.launch(quiet=True, ssr_mode=False, prevent_thread_lock=True)
print(app.local_url, flush=True)
app.block_thread()
"""


def test_a_space_that_answers_otherwise_or_dies_in_the_middle_of_a_call_is_told():
    with subprocess.Popen([sys.executable, "-c", DYING], stdout=subprocess.PIPE, text=True) as dying:
        address = next(line.strip() for line in dying.stdout if line.startswith("http"))
        space = SpaceClient(address)
        with pytest.raises(BadRecord, match="is no receipt"):
            space.receipt("some-id")
        with pytest.raises(
            NoAnswer, match=r"gives no answer .* may have been received .* send the same file"
        ):
            space.submit(upload())


@pytest.mark.parametrize(
    "address", ["http://nobody.invalid", "http://", "http://[", "https://127.0.0.1:99999999"]
)
def test_a_wrong_address_is_told(address):
    with pytest.raises(NotAccepted, match="gives no answer"):
        SpaceClient(address).submit(upload())


def test_a_store_that_is_away_is_told_through_the_space(space, local, monkeypatch):
    def full(*_args, **_more):
        raise OSError(28, "No space left on device", "store")

    monkeypatch.setattr("medground_bench.leaderboard.folder_store.write_whole", full)
    with pytest.raises(MedgroundError, match="not accepted, try again"):
        space.submit(upload())


@pytest.mark.parametrize(
    "answer", [{}, {"status": "scored"}, {"status": 1, "said": 2, "receipt": {"id": 3}, "problems": []}]
)
def test_an_answer_of_something_else_is_no_reply(answer):
    with pytest.raises(BadRecord):
        reply_of(answer)


def test_a_reply_goes_through_json_unchanged(local):
    reply = local.open().submit(upload())
    assert reply_of(json.loads(json.dumps(reply_as_json(reply)))) == reply
    assert base64.b64decode(upload_as_text(b"\x00\xff")) == b"\x00\xff"


def test_s30_the_hub_says_whose_token_it_is_and_a_wrong_one_is_told_without_it(org):
    assert login_of(f"hf_{org}-writer") == f"{org}-writer"
    with pytest.raises(HubRefused) as refused:
        login_of("hf_" + "stolen")
    assert "stolen" not in str(refused.value)


@pytest.mark.parametrize(
    ("address", "sent"),
    [("https://org-board.hf.space", True), ("http://org-board.hf.space", False), ("https://evil.example", False),
     ("https://evil.example/.hf.space", False), ("https://x.hf.space.evil.example", False)],
)  # fmt: skip
def test_s30_the_hubs_token_goes_to_spaces_of_the_hub_alone(monkeypatch, address, sent):
    monkeypatch.setattr("huggingface_hub.get_token", lambda: "hf_" + "mine")
    assert (SpaceClient(address)._token() is not None) is sent
