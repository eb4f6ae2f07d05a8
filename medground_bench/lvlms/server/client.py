"""Requests to one server: so many in flight, tried again while it is busy or gone, and never passed on to another.

Neither a proxy nor credentials of the environment are used, and no redirect is followed: what is sent goes where the
location says, or nowhere.
"""

from __future__ import annotations

import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from medground_bench.core.errors import CaseFailed, MedgroundError, one_line
from medground_bench.lvlms.server.address import Address
from medground_bench.storage.waiting import retry_after_s

if TYPE_CHECKING:
    import httpx2 as httpx
else:
    try:  # whichever huggingface_hub brought
        import httpx2 as httpx
    except ModuleNotFoundError:
        import httpx

TOKEN = "MEDGROUND_SERVER_TOKEN"
"""Environment variable with the token that the server asks for (vLLM: --api-key)."""

ATTEMPTS = 5
FIRST_WAIT_S = 1.0
"""Doubled from one attempt to the next, unless the server says how long."""

LONGEST_WAIT_S = 120.0
CONNECT_S = 10.0
MOST_BYTES = 1 << 26
BUSY = frozenset({429, 500, 502, 503, 504})
OF_THIS_REQUEST = frozenset({400, 413, 422})
REDIRECTS = range(300, 400)
CLOSED = frozenset({401, 403})
WORDS = 200
ENCODED = re.compile(r"[\w+/=-]{40,}")

Said = Mapping[str, object]
"""A JSON object of the server's."""

Question = TypeVar("Question")
Answer = TypeVar("Answer")


class ServerFailed(MedgroundError):
    """A server that does not answer, or not what was asked: the same on the next case, so it ends the run."""


class BadToken(MedgroundError):
    """A token that cannot be sent; it is never repeated."""


class NotOffered(ServerFailed):
    """A route that the server does not have, or not for us."""


class RequestRefused(CaseFailed):
    """A request that the server does not take, such as a prompt that is too long."""


class _Busy(Exception):
    """Worth another attempt; `wait_s` where the server said how long."""

    def __init__(self, why: str, wait_s: float | None = None) -> None:
        super().__init__(why)
        self.why, self.wait_s = why, wait_s


class Client:
    """One server; used by many threads at once."""

    def __init__(self, address: Address, *, wait: Callable[[float], None] = time.sleep) -> None:
        """For an address that may be sent pictures.

        wait  seconds, between attempts and for the rate
        """
        address.demand_may_see()
        settings, token = address.settings, _token()
        self.address = address
        self.wait = wait
        self._token = token
        self._turn, self._next_turn = threading.Lock(), 0.0
        self._http = httpx.Client(
            headers={"Accept-Encoding": "identity"} | ({"Authorization": f"Bearer {token}"} if token else {}),
            timeout=httpx.Timeout(settings.timeout_s, connect=CONNECT_S, pool=None),
            limits=httpx.Limits(max_connections=settings.at_once, max_keepalive_connections=settings.at_once),
            trust_env=False,
            follow_redirects=False,
        )

    def each(self, ask: Callable[[Question], Answer], questions: Iterable[Question]) -> list[Answer]:
        """Ask all questions, so many at once as the settings say; the first that fails ends it."""
        pool = ThreadPoolExecutor(self.address.settings.at_once)
        try:
            return list(pool.map(ask, questions))
        finally:
            pool.shutdown(cancel_futures=True)

    def get(self, url: str, *, attempts: int = 1) -> Said:
        """What a route says."""
        return self._tried("GET", url, None, attempts)

    def post(self, url: str, body: Said) -> Said:
        """What the server answers; asked again while it is busy or gone."""
        return self._tried("POST", url, body, ATTEMPTS)

    def _tried(self, method: str, url: str, body: Said | None, attempts: int) -> Said:
        why = ""
        for attempt in range(attempts):
            self._take_turn()
            try:
                return self._asked(method, url, body)
            except _Busy as busy:
                why = busy.why
                wait_s = FIRST_WAIT_S * 2**attempt if busy.wait_s is None else busy.wait_s
            if attempt + 1 < attempts:
                self.wait(min(wait_s, LONGEST_WAIT_S))
        if attempts == 1:
            raise ServerFailed(f"{self._server} {why}. Is it running?")
        raise ServerFailed(
            f"{self._server} {why}, {attempts} times. Mend that, or ask it for less at once (?at_once=), and run the "
            "same command again."
        )

    def _asked(self, method: str, url: str, body: Said | None) -> Said:
        try:
            status, headers, content = self._answer(method, url, body)
        except httpx.TimeoutException as error:
            raise _Busy(f"gave no answer within {self.address.settings.timeout_s:g} s") from error
        except httpx.RequestError as error:
            raise _Busy(f"cannot be reached, or breaks off ({type(error).__name__})") from error
        if status == httpx.codes.OK:
            return _object(content)
        if status in BUSY:
            raise _Busy(f"answers {status}{self._words(content)}", retry_after_s(headers.get("retry-after")))
        if status in OF_THIS_REQUEST:
            raise RequestRefused(f"{self._server} does not take a request: {status}{self._words(content)}.")
        if status in REDIRECTS:
            raise ServerFailed(
                f"{self._server} sends elsewhere, and pictures are passed on to nobody. Give its own address."
            )
        hint = f" Its token goes into {TOKEN}." if status in CLOSED else ""
        raise NotOffered(
            f"{self._server} answers {status}{self._words(content)} to {url.removeprefix(self.address.root)}.{hint}"
        )

    def _answer(self, method: str, url: str, body: Said | None) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body, of bounded size and in bounded time."""
        give_up = time.monotonic() + self.address.settings.timeout_s
        content = bytearray()
        with self._http.stream(method, url, json=body) as answer:
            for part in answer.iter_bytes():
                content += part
                if len(content) > MOST_BYTES:
                    raise ServerFailed(f"{self._server} answers with more than {MOST_BYTES >> 20} MiB.")
                if time.monotonic() > give_up:
                    raise _Busy(f"gave no whole answer within {self.address.settings.timeout_s:g} s")
            return answer.status_code, answer.headers, bytes(content)

    def _take_turn(self) -> None:
        """Wait until another request may begin."""
        per_second = self.address.settings.per_second
        if not per_second:
            return
        with self._turn:
            now = time.monotonic()
            mine = max(now, self._next_turn)
            self._next_turn = mine + 1 / per_second
        if mine > now:
            self.wait(mine - now)

    @property
    def _server(self) -> str:
        return f"the server {self.address.place}"

    def _words(self, content: bytes) -> str:
        """What the server says of its refusal, without a picture or the token that it might repeat."""
        try:
            said = _object(content)
        except _Busy:
            return ""
        error = said.get("error")
        message = error.get("message") if isinstance(error, dict) else said.get("message")
        words = str(message or said.get("detail") or "")
        if self._token:
            words = words.replace(self._token, "...")
        words = one_line(ENCODED.sub("...", words))[:WORDS].rstrip(".")
        return f" ({words})" if words else ""


def _object(content: bytes) -> Said:
    """The JSON object of a body; a body that holds none was cut off or is no answer."""
    try:
        said = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _Busy("answers with what is no JSON") from error
    if not isinstance(said, dict):
        raise _Busy("answers with what is no JSON object")
    return said


def _token() -> str | None:
    """What the environment says; BadToken for one that no header can hold."""
    token = os.environ.get(TOKEN, "").strip()
    if not (token.isascii() and token.isprintable()):
        raise BadToken(f"{TOKEN} holds signs that no token has. Set it anew, in plain ASCII and on one line.")
    return token or None
