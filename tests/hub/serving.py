"""The hub on a port of this machine, in a thread of the test or in a process of its own.

`python -m tests.hub.serving ORGANISATION` starts one by hand and prints the environment for its clients.
"""

from __future__ import annotations

import itertools
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.hub import leaderboards, managing, reading, writing
from tests.hub.asking import refusal
from tests.hub.faults import Rule, Wire
from tests.hub.repositories import Refused
from tests.hub.state import Hub

REPOSITORY = "/api/{kinds}/{org}/{name}"
ACCESS = f"{REPOSITORY}/user-access-request"
PAGES = {
    "GET /api/whoami-v2": managing.whoami,
    "POST /api/repos/create": managing.create,
    "POST /api/validate-yaml": managing.validate_card,
    f"PUT {REPOSITORY}/settings": managing.settings,
    f"POST {REPOSITORY}/duplicate": managing.duplicate,
    f"GET {REPOSITORY}/runtime": managing.runtime,
    f"GET {REPOSITORY}/auth-check": managing.may_read,
    f"GET {REPOSITORY}/leaderboard": leaderboards.leaderboard,
    "POST /{kinds}/{org}/{name}/ask-access": managing.ask_access,
    f"POST {ACCESS}/handle": managing.handle_access,
    f"POST {ACCESS}/grant": managing.grant_access,
    f"GET {ACCESS}/{{status}}": managing.access_requests,
    f"GET {REPOSITORY}": reading.about,
    f"GET {REPOSITORY}/revision/{{revision:path}}": reading.about,
    f"GET {REPOSITORY}/tree/{{revision}}": reading.tree,
    f"GET {REPOSITORY}/tree/{{revision}}/{{path:path}}": reading.tree,
    f"POST {REPOSITORY}/paths-info/{{revision:path}}": reading.paths_info,
    f"GET {REPOSITORY}/refs": reading.refs,
    f"GET {REPOSITORY}/commits/{{revision:path}}": reading.commits,
    "GET /{kinds}/{org}/{name}/resolve/{revision}/{path:path}": reading.resolve,
    "GET /{org}/{name}/resolve/{revision}/{path:path}": reading.resolve,
    "GET /_cdn/{kinds}/{org}/{name}/{oid}": reading.signed_content,
    f"POST {REPOSITORY}/preupload/{{revision:path}}": writing.preupload,
    "POST /{kinds}/{org}/{name}.git/info/lfs/objects/batch": writing.lfs_batch,
    "POST /{org}/{name}.git/info/lfs/objects/batch": writing.lfs_batch,
    "POST /_lfs/{kinds}/{org}/{name}/verify": writing.lfs_verify,
    "PUT /_lfs/{kinds}/{org}/{name}/{oid}": writing.lfs_put,
    f"POST {REPOSITORY}/commit/{{revision:path}}": writing.commit,
    f"POST {REPOSITORY}/tag/{{revision:path}}": writing.tag,
    f"DELETE {REPOSITORY}/tag/{{revision:path}}": writing.tag,
    f"POST {REPOSITORY}/branch/{{revision:path}}": writing.branch,
    f"DELETE {REPOSITORY}/branch/{{revision:path}}": writing.branch,
}
"""Where GET is answered, so is HEAD."""


def application(hub: Hub) -> Wire:
    """The hub as an ASGI application, with its wire."""

    async def unknown(request: Request) -> Response:
        raise Refused(404, f"This hub has no page {request.method} {request.url.path}")

    routes = [
        Route(page.partition(" ")[2], to, methods=[page.partition(" ")[0]]) for page, to in PAGES.items()
    ]
    routes.append(Route("/{path:path}", unknown, methods=["GET", "POST", "PUT", "DELETE", "PATCH"]))
    app = Starlette(routes=routes, exception_handlers={Refused: refusal})
    app.state.hub = hub
    return Wire(app)


@dataclass
class LoopbackHub:
    """A running hub: what it holds, what was asked, and what is to go wrong."""

    address: str
    state: Hub
    wire: Wire
    numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def requests(self) -> list[str]:
        """Method and path of every request so far."""
        return [str(request) for request in self.wire.requests]

    def spoil(self, pattern: str, fault: object, *, skip: int = 0, times: int = 1) -> None:
        """Add a rule."""
        self.wire.rules.append(Rule(pattern, fault, skip, times))  # type: ignore[arg-type]

    def organisation(self) -> str:
        """The name of a new organisation, whose members NAME-admin, NAME-writer and NAME-reader have tokens."""
        return organisation(self.state, f"org{next(self.numbers)}")


def organisation(hub: Hub, name: str) -> str:
    """An organisation with a member of each role; the token of a member is `hf_NAME-ROLE`."""
    for role in ("admin", "writer", "reader"):
        hub.person(f"{name}-{role}", role=role, of=name)
    return name


def _server(wire: Wire, **settings: object) -> tuple[uvicorn.Server, socket.socket]:
    listening = socket.socket(
        proto=socket.IPPROTO_TCP
    )  # else asyncio leaves its answers waiting for the last ACK
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    config = uvicorn.Config(
        wire, log_level="critical", lifespan="off", ws="none", proxy_headers=False, **settings
    )  # type: ignore[arg-type]
    return uvicorn.Server(config), listening


def _address(listening: socket.socket) -> str:
    return f"http://127.0.0.1:{listening.getsockname()[1]}"


@contextmanager
def running(wire: Wire, **settings: object) -> Iterator[str]:
    """The address of an application in a thread of this process; settings are uvicorn's."""
    server, listening = _server(wire, **settings)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    try:
        yield _address(listening)
    finally:
        server.should_exit = True
        thread.join(timeout=10)


@contextmanager
def served() -> Iterator[LoopbackHub]:
    """A hub in a thread, whose state and faults the test has at hand."""
    hub = Hub()
    wire = application(hub)
    with running(wire) as address:
        yield LoopbackHub(address, hub, wire)


@contextmanager
def served_by_a_process(name: str) -> Iterator[str]:
    """The address of a hub in a process of its own, with one organisation."""
    command = [sys.executable, "-m", "tests.hub.serving", name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip().partition("=")[2]
        finally:
            process.kill()


def main(name: str) -> None:
    """Serve until stopped."""
    hub = Hub()
    organisation(hub, name)
    server, listening = _server(application(hub))
    said = {"HF_ENDPOINT": _address(listening), "HF_TOKEN": f"hf_{name}-writer", "HF_HUB_DISABLE_XET": "1"}
    sys.stdout.write("".join(f"{variable}={value}\n" for variable, value in said.items()))
    sys.stdout.flush()
    server.run(sockets=[listening])


if __name__ == "__main__":
    main(sys.argv[1])
