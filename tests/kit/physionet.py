"""PhysioNet on a port of this machine: what its own source says it does with a request for a file of a project.

Only programs whose `User-Agent` it knows may log in by HTTP Basic authentication; the password of any other one is not
looked at, and it is refused like everybody who may not see a file (403). A client without a password is asked for one
(401) and given a cookie; one that brings cookies gets a session, so that its password is checked once.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.hub.faults import Answer, Rule, Wire
from tests.hub.serving import running

SUMS = "SHA256SUMS.txt"
MAY_LOG_IN = ("Wget/", "libwfdb/")


@dataclass
class PhysioNet:
    """Its projects by name and version, its people, and what is to go wrong.

    folders    "project/version" -> where its files are
    passwords  of its people
    signed     who signed the agreement of a project; by default everybody
    moved      path of a request -> where it is sent instead
    checked    how often a password was looked at
    """

    folders: Mapping[str, Path]
    passwords: dict[str, str]
    signed: dict[str, set[str]] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    gives_ranges: bool = True
    checked: int = 0
    sessions: set[str] = field(default_factory=set)
    address: str = ""
    wire: Wire = field(init=False)

    def __post_init__(self) -> None:
        page = "/files/{project}/{version}/{path:path}"
        self.wire = Wire(Starlette(routes=[Route(page, self.give, methods=["GET", "HEAD"])]))

    @property
    def asked(self) -> list[str]:
        """Paths of the requests so far that brought a password or a session, without their common beginning."""
        return [
            request.path.removeprefix("/files/")
            for request in self.wire.requests
            if "authorization" in request.headers
        ]

    def spoil(self, pattern: str, fault: object, *, skip: int = 0, times: int = 1) -> None:
        """Add a rule."""
        self.wire.rules.append(Rule(pattern, fault, skip, times))  # type: ignore[arg-type]

    def write_sums(self, project: str) -> None:
        """The list of checksums that PhysioNet adds to a project."""
        folder = self.folders[project]
        lines = [
            f"{hashlib.sha256(file.read_bytes()).hexdigest()} {file.relative_to(folder).as_posix()}\n"
            for file in sorted(folder.rglob("*"))
            if file.is_file() and file.name != SUMS
        ]
        (folder / SUMS).write_text("".join(lines))

    async def give(self, request: Request) -> Response:
        """A file, or why not."""
        project = f"{request.path_params['project']}/{request.path_params['version']}"
        if request.url.path in self.moved:
            return RedirectResponse(self.moved[request.url.path], 302)
        if project not in self.folders:
            return PlainTextResponse("Not found", 404)
        refusal, who = self._refusal(request, project)
        if refusal is not None:
            return refusal
        file = self.folders[project] / request.path_params["path"]
        if not file.is_file():
            return PlainTextResponse("Not found", 404)
        if not self.gives_ranges:
            return Response(file.read_bytes(), headers={"ETag": '"1"'})
        answer = FileResponse(file)
        if request.cookies and "sessionid" not in request.cookies:
            self.sessions.add(f"session-of-{who}")
            answer.set_cookie("sessionid", f"session-of-{who}", httponly=True)
        return answer

    def _refusal(self, request: Request, project: str) -> tuple[Response | None, str | None]:
        """Why somebody may not see files of a project, and who it is."""
        knows_program = request.headers.get("user-agent", "").startswith(MAY_LOG_IN)
        who = self._person(request) if knows_program else None
        if who is None and knows_program:
            asks = PlainTextResponse(
                "", 401, {"WWW-Authenticate": 'Basic realm="PhysioNet", charset="UTF-8"'}
            )
            asks.set_cookie("testcookie", "1", httponly=True, samesite="lax")
            return asks, None
        if who is None or who not in self.signed.get(project, self.passwords):
            return PlainTextResponse("Forbidden", 403), None
        return None, who

    def _person(self, request: Request) -> str | None:
        scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        session = request.cookies.get("sessionid", "")
        if session in self.sessions:
            return session.removeprefix("session-of-")
        self.checked += 1
        name, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        return name if self.passwords.get(name) == password else None


@contextmanager
def served(site: PhysioNet, **settings: object) -> Iterator[PhysioNet]:
    """The site in a thread; settings are uvicorn's, those of TLS."""
    with running(site.wire, **settings) as address:
        site.address = address.replace("http:", "https:") if settings else address
        yield site


def busy(seconds: float | None = None, status: int = 429) -> Answer:
    """Too many requests; come back after so long."""
    return Answer(status, {} if seconds is None else {"Retry-After": str(seconds)})
