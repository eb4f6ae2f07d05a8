"""What every page of the hub needs: who asks, for which repository, and pages of long lists."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.hub.repositories import Kind, Refused, Repository
from tests.hub.state import Hub, Token

PAGE = 1000
"""Rows of one page of a listing."""


def hub_of(request: Request) -> Hub:
    """The hub that is asked."""
    hub: Hub = request.app.state.hub
    return hub


def caller_of(request: Request) -> Token | None:
    """Who asks."""
    said = request.headers.get("authorization")
    return hub_of(request).caller(said.removeprefix("Bearer ") if said else None)


def subject(request: Request) -> tuple[Kind, str, Token | None]:
    """Kind and name of the repository that a path names, and who asks."""
    at = request.path_params
    kind: Kind = at.get("kinds", "models").removesuffix("s")
    return kind, f"{at['org']}/{at['name']}", caller_of(request)


def address_of(request: Request, repository: Repository) -> str:
    """The page of a repository."""
    kinds = "" if repository.kind == "model" else f"{repository.kind}s/"
    return f"{request.base_url}{kinds}{repository.name}"


def instant(date: datetime) -> str:
    """As the hub writes it."""
    return date.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def paged(request: Request, rows: Iterable[object], size: int | None = None) -> Response:
    """A page of rows, with a link to the next."""
    rows, start = list(rows), int(request.query_params.get("cursor", 0))
    end = start + (size or PAGE)
    following = request.url.include_query_params(cursor=end)
    more = {"Link": f'<{following}>; rel="next"'} if end < len(rows) else {}
    return JSONResponse(rows[start:end], headers=more)


async def refusal(_request: Request, error: Exception) -> Response:
    """A refusal as clients read it: what they raise follows from the two headers."""
    assert isinstance(error, Refused)
    headers = {"X-Error-Code": error.code, "X-Error-Message": error.message}
    return JSONResponse({"error": error.message, **error.more}, error.status, headers)
