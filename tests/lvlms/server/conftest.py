"""What tests of a server share: one with the tiny Gemma behind it, and its LVLM; and one with any family behind it."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from medground_bench.core.types import Response
from medground_bench.lvlms import open_lvlm
from tests.kit.chat_server import ChatServer, serving


@pytest.fixture
def server(tiny_lvlms) -> ChatServer:
    """Of one model, `tiny`."""
    return ChatServer(tiny_lvlms["gemma3"], "tiny")


@pytest.fixture
def location(server):
    """Where it is."""
    with serving(server) as location:
        yield location


@pytest.fixture
def waits() -> list[float]:
    """The seconds that the client would have waited."""
    return []


@pytest.fixture
def served(location, waits):
    """Its LVLM, which waits for nothing."""
    lvlm = open_lvlm(location)
    lvlm.chat.client.wait = waits.append
    return lvlm


@pytest.fixture
def open_served(lvlm):
    """Put the tiny LVLM behind a server of this kind with these traits; returns (server, served LVLM)."""
    with ExitStack() as running:

        def put(settings: str = "", kind: type[ChatServer] = ChatServer, **traits):
            server = kind(lvlm, "org/tiny", **traits)
            location = running.enter_context(serving(server))
            return server, open_lvlm(location.replace("#", f"{settings}#"))

        yield put


@pytest.fixture
def words(lvlm) -> Response:
    """A response whose text is tokenised into these very ids."""
    ids = lvlm.loaded.tokenizer("Yes the left lung", add_special_tokens=False)["input_ids"]
    return Response("Yes the left lung", tuple(ids), tuple(map(str, ids)))
