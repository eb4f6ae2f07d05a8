"""A request whose body does not come in within a time is answered 408, and its connection is closed."""

from __future__ import annotations

import asyncio

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class BodyInTime:
    """Middleware for whatever reads bodies; a server alone waits for ever where a byte comes now and then."""

    def __init__(self, app: ASGIApp, within_s: float) -> None:
        self.app = app
        self.within_s = within_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; all of its body has the same end."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        until, whole = asyncio.get_running_loop().time() + self.within_s, False

        async def received() -> Message:
            nonlocal whole
            if whole:  # what comes now is that the visitor has left
                return await receive()
            try:
                async with asyncio.timeout_at(until):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(408, headers={"Connection": "close"}) from None
            whole = not message.get("more_body", False)
            return message

        return await self.app(scope, received, send)
