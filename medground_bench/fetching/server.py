"""The one way to ask PhysioNet, and what its refusals mean.

PhysioNet takes a password by HTTP Basic authentication from programs that it knows by the beginning of their
`User-Agent`, Wget's among them, and answers 403 to all others (`HTTP_AUTH_USER_AGENT` in the source of its site). So
ours begins as Wget's does and then says who we are. The password is sent after the server asked for it, and to that
server alone: a redirect to another one is followed without it. No `.netrc` is read; proxies and certificate authorities
of the environment (`HTTPS_PROXY`, `SSL_CERT_FILE`) are used, and the password stays encrypted on its way through them.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote, urljoin, urlsplit

from medground_bench import __version__
from medground_bench.core.errors import MedgroundError
from medground_bench.fetching.account import Account, BadAccount
from medground_bench.fetching.pace import Pace
from medground_bench.fetching.remote import PHYSIONET, ProjectFile
from medground_bench.storage.waiting import retry_after_s

if TYPE_CHECKING:
    import httpx2 as httpx
else:
    try:  # whichever huggingface_hub brought
        import httpx2 as httpx
    except ModuleNotFoundError:
        import httpx

AGENT = f"Wget/1.21 (compatible; medground-bench/{__version__})"
CONNECT_S, SILENCE_S = 20.0, 30.0
MOST_REDIRECTS = 5
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
REDIRECTS = frozenset({301, 302, 303, 307, 308})
BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
WRONG_CLOCK = frozenset({9, 10})
"""What OpenSSL says of a certificate that is not valid yet, or no longer."""


class AccessRefused(MedgroundError):
    """PhysioNet does not give a file to this account, or not in a way that can be trusted."""


class NotThere(MedgroundError):
    """A file that PhysioNet does not have."""


class AskAgain(Exception):
    """Worth another attempt; `wait_s` where the server said how long."""

    def __init__(self, why: str, wait_s: float | None = None) -> None:
        super().__init__(why)
        self.why, self.wait_s = why, wait_s


class Server:
    """PhysioNet, asked by one account; used by many threads at once.

    account  is asked for when the server first wants to know who asks
    address  https, or plain http on this machine
    """

    def __init__(self, account: Callable[[], Account], pace: Pace, address: str = PHYSIONET) -> None:
        _demand_private(address)
        self.address, self.pace = address.rstrip("/"), pace
        self._account, self._authorization = account, ""
        self._http = httpx.Client(
            headers={"User-Agent": AGENT, "Accept-Encoding": "identity"},
            auth=httpx.Auth(),  # none of its own: no .netrc, nothing of an address
            timeout=httpx.Timeout(SILENCE_S, connect=CONNECT_S, pool=None),
            follow_redirects=False,
        )

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    @contextmanager
    def opened(self, file: ProjectFile, *, have: int = 0, mark: str = "") -> Iterator[httpx.Response]:
        """The answer to a GET of a file, body unread: 200, 206 or 416.

        have  bytes of it that are here, so that the rest is asked for
        mark  of the version that they are of, as the server said it; without one the whole file is asked for

        AskAgain for what may go better in a while; any other answer is one of the errors above.
        """
        url = f"{self.address}/files/{quote(str(file.place))}"
        wants = {"Range": f"bytes={have}-", "If-Range": mark} if mark and have else {}
        try:
            answer = self._answer(url, file, wants)
            try:
                yield answer
            finally:
                answer.close()
        except httpx.TimeoutException:
            raise AskAgain(f"says nothing for {SILENCE_S:g} s") from None
        except httpx.TransportError as error:
            _refuse_certificate(error, self.address)
            raise AskAgain(f"cannot be reached, or breaks off ({type(error).__name__})") from None

    def _answer(self, url: str, file: ProjectFile, wants: dict[str, str]) -> httpx.Response:
        for _ in range(MOST_REDIRECTS):
            own = _origin(url) == _origin(self.address)
            self.pace.request()
            request = self._http.build_request("GET", url, headers=wants)
            if not own:
                request.headers.pop("Cookie", None)
            elif self._authorization:
                request.headers["Authorization"] = self._authorization
            answer = self._http.send(request, stream=True)
            if answer.status_code in {200, 206, 416}:
                return answer
            answer.close()
            if answer.status_code in REDIRECTS:
                url = urljoin(url, answer.headers.get("Location", ""))
                self._demand_file(url)
            elif own and answer.status_code == 401 and not self._authorization:
                self._authorization = self._account().basic()
            else:
                raise self._refusal(answer, file)
        raise AccessRefused(f"{self.address} sends a request for {file.project} in a circle. Try later.")

    def _demand_file(self, url: str) -> None:
        """AccessRefused for a redirect to where others could read along, or to a page of the site that is no file."""
        _demand_private(url)
        if _origin(url) == _origin(self.address) and not urlsplit(url).path.startswith("/files/"):
            raise AccessRefused(
                f"{self.address} sends to one of its pages instead of a file. Log in there with a browser: it may want "
                "something of you, such as to accept new terms. Then run the same command again."
            )

    def _refusal(self, answer: httpx.Response, file: ProjectFile) -> Exception:
        status, project = answer.status_code, file.project
        if status in BUSY:
            return AskAgain(f"answers {status}", retry_after_s(answer.headers.get("Retry-After")))
        if status == 401:
            return BadAccount(
                f"{self.address} does not know this name with this password (401). Check both by logging in at "
                f"{PHYSIONET}/login/, then run the same command again. Nothing was tried a second time."
            )
        if status == 403 and not self._authorization:
            return AccessRefused(
                f"{self.address} refuses {project} before it asks who you are (403): it does not let this program log "
                "in. Please report that; until then fetch the files with the Wget command at the end of "
                f"{project.page}."
            )
        if status == 403:
            return AccessRefused(
                f"{self.address} does not give {project} to this account (403). Its agreement is signed at the end "
                f"of {project.page} once you are credentialed ({PHYSIONET}/settings/credentialing/); each data set has "
                "its own. Then run the same command again."
            )
        if status in {404, 410}:
            return NotThere(f"{project} has no {file.path} ({status}).")
        return AccessRefused(f"{self.address} answers {status} for a file of {project}. Try later.")


def _demand_private(url: str) -> None:
    """AccessRefused for an address where others could read along."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise AccessRefused(
            f"an address that begins with {parts.scheme or 'nothing'}:// is not asked for credentialed files: what "
            "goes there is not encrypted."
        )


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _refuse_certificate(error: BaseException, address: str) -> None:
    """AccessRefused where it was the server's certificate, in words; nothing for any other error."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
        cause = cause.__cause__ or cause.__context__
    if cause is None:
        return
    if cause.verify_code in WRONG_CLOCK:
        raise AccessRefused(
            f"the certificate of {address} is not valid at the time of this machine's clock, which says "
            f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC. Set the clock if that is wrong, and run the same command again."
        ) from None
    raise AccessRefused(
        f"the certificate of {address} is not to be trusted ({cause.verify_message}). Behind a proxy that has its own, "
        "name the file of its authority in SSL_CERT_FILE. Nothing was sent."
    ) from None
