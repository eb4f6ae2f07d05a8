"""What tests of a server share: one with the tiny Gemma behind it, and its LVLM, which waits for nothing."""

from __future__ import annotations

import pytest

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
    """Its LVLM."""
    lvlm = open_lvlm(location)
    lvlm.chat.client.wait = waits.append
    return lvlm
