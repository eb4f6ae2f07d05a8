"""What goes wrong on the wire, on demand; and a record of every request."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass(frozen=True)
class Answer:
    """This is answered, and nothing is done."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"{}"


@dataclass(frozen=True)
class Cut:
    """The connection is closed in the middle of the answer's body."""


@dataclass(frozen=True)
class Slow:
    """The answer's body comes in pieces, with a pause before each."""

    pause_s: float
    pieces: int = 4


@dataclass(frozen=True)
class Silence:
    """The connection is closed without an answer.

    done  whether the request was done all the same
    then  called before the connection is closed; it may kill the client
    """

    done: bool
    then: Callable[[], object] = lambda: None


@dataclass
class Rule:
    """What happens to the requests whose `METHOD /path` matches: after `skip` of them, to `times` of them."""

    pattern: str
    fault: Answer | Cut | Slow | Silence
    skip: int = 0
    times: int = 1

    def strikes(self, asked: str) -> bool:
        """Whether the fault happens to this request; each one that matches is counted."""
        if not self.times or not re.search(self.pattern, asked):
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.times -= 1
        return True


@dataclass
class Request:
    """What came in, and the status that was due; None where nothing was done. Sizes of bodies are in bytes."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    status: int | None = None
    received: int = 0
    sent: int = 0

    def __str__(self) -> str:
        """As rules match it."""
        return f"{self.method} {self.path}"


class Wire:
    """Between the clients and the hub: rules spoil requests, the first that strikes; all requests are kept."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.rules: list[Rule] = []
        self.requests: list[Request] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        request = Request(scope["method"], scope["path"], scope["query_string"].decode(), headers)
        self.requests.append(request)
        fault = next((rule.fault for rule in self.rules if rule.strikes(str(request))), None)
        if isinstance(fault, Answer):
            request.status = fault.status
            await _give(send, fault)
            return
        if isinstance(fault, Silence) and not fault.done:
            fault.then()
            await _close(receive, send)
            return
        start, body = await self._done(scope, receive, request)
        if isinstance(fault, Silence):
            fault.then()
            await _close(receive, send)
            return
        await send(start)
        if isinstance(fault, Cut):  # uvicorn closes the connection of an answer that does not end
            await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
            return
        pieces = fault.pieces if isinstance(fault, Slow) else 1
        for piece in _split(body, pieces):
            await asyncio.sleep(fault.pause_s if isinstance(fault, Slow) else 0)
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _done(self, scope: Scope, receive: Receive, request: Request) -> tuple[Message, bytes]:
        """The request is done; the start and the body of what is due."""
        messages: list[Message] = []

        async def counted() -> Message:
            message = await receive()
            request.received += len(message.get("body", b""))
            return message

        async def kept(message: Message) -> None:
            messages.append(message)

        await self.app(scope, counted, kept)
        body = b"".join(message.get("body", b"") for message in messages[1:])
        request.status, request.sent = messages[0]["status"], len(body)
        return messages[0], body


def _split(body: bytes, pieces: int) -> list[bytes]:
    size = max(1, -(-len(body) // pieces))
    return [body[start : start + size] for start in range(0, len(body), size)]


async def _give(send: Send, answer: Answer) -> None:
    headers = answer.headers | {"content-length": str(len(answer.body))}
    named = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": named})
    await send({"type": "http.response.body", "body": answer.body})


async def _close(receive: Receive, send: Send) -> None:
    """ASGI has no word for it: `send` is a method of uvicorn's cycle, which has the connection."""
    send.__self__.transport.close()  # type: ignore[attr-defined]
    while (await receive())["type"] != "http.disconnect":
        pass
