"""Why the hub does not give something, each reason in a sentence that says which page, which form, which login.

The hub's client raises the same for a request that is pending and for one that was rejected; the header that tells them
apart is read here. A token that has expired looks to it like a repository that is not there.
"""

from __future__ import annotations

import errno
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from medground_bench.core.errors import SourceMissing

if TYPE_CHECKING:
    from huggingface_hub.errors import HfHubHTTPError

HOW_TO_LOG_IN = "log in with: hf auth login"
SETTINGS_PAGE = "https://huggingface.co/settings/tokens"
UNKNOWN, FORBIDDEN, TOO_MANY, AT_FAULT = 401, 403, 429, 500
GONE_ON = "What was fetched stays: run the same again, and it goes on from there"
NOT_YET_VALID, EXPIRED = 9, 10
"""What OpenSSL says of a certificate whose dates do not fit the clock."""


class UnknownCommit(SourceMissing):
    """A commit that a repository does not have, or no longer."""


class Subject(Protocol):
    """The repository that was asked about."""

    @property
    def name(self) -> str:
        """`org/name`."""
        ...

    @property
    def commit(self) -> str:
        """Empty where none was named."""
        ...

    @property
    def kind(self) -> str:
        """A model or a dataset."""
        ...

    @property
    def page(self) -> str:
        """Its address."""
        ...


@contextmanager
def told(repository: Subject) -> Iterator[None]:
    """What the hub's client raises, as SourceMissing in our words."""
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        yield
    except LocalEntryNotFoundError as error:
        raise SourceMissing(_lost(repository, error)) from error
    except HfHubHTTPError as error:
        raise refusal(repository, error) from error
    except transport_errors() as error:
        raise SourceMissing(_lost(repository, error)) from error
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise SourceMissing(
            f"the disk is full while {repository} is fetched ({error.filename or 'into the cache of the hub'}). Make "
            f"room, or let HF_HOME name a folder of another disk. {GONE_ON}."
        ) from error


def refusal(repository: Subject, error: HfHubHTTPError) -> SourceMissing:
    """Why the hub refused."""
    from huggingface_hub import get_token
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    status, logged_in = error.response.status_code, get_token() is not None
    if isinstance(error, RevisionNotFoundError):
        return _unknown_commit(repository)
    if status == UNKNOWN and logged_in:
        return SourceMissing(
            f"{repository}: the hub does not accept your token; it is wrong or has expired. Make a new one at "
            f"{SETTINGS_PAGE} and {HOW_TO_LOG_IN} (HF_TOKEN, where it is set, comes first)."
        )
    if isinstance(error, GatedRepoError):
        return SourceMissing(_gated(repository, _said(error).lower(), logged_in=logged_in))
    if isinstance(error, RepositoryNotFoundError):
        account = "ask its owner to let your account in" if logged_in else HOW_TO_LOG_IN
        return SourceMissing(
            f"{repository}: the hub has no such {repository.kind} that you may see. Check the name, or {account}."
        )
    if status >= AT_FAULT or status == TOO_MANY:
        return SourceMissing(
            f"{repository} is not in the local cache, and the hub answers {status}. Try later."
        )
    return SourceMissing(
        f"{repository}: the hub answers {status}: {_said(error)}. Check the name, or {HOW_TO_LOG_IN}."
    )


def why_unreachable(error: BaseException) -> str:
    """Why the hub gives no answer at all; dates of its certificate that do not fit are the clock's fault."""
    certificate = _certificate_error(error)
    if certificate is None:
        return f"the hub cannot be reached ({first_line(error)})"
    if certificate.verify_code in (NOT_YET_VALID, EXPIRED):
        today = datetime.now(UTC).date()
        return f"the hub's certificate is not valid on {today}, which is today by the clock of this machine: set it"
    return f"the hub's certificate is not accepted ({certificate.verify_message})"


def is_of_the_certificate(error: BaseException) -> bool:
    """Whether there is no answer because the certificate is not accepted: asking again does not mend that."""
    return _certificate_error(error) is not None


def first_line(error: BaseException) -> str:
    """The first line of another library's message."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


@cache
def transport_errors() -> tuple[type[Exception], ...]:
    """What the HTTP library of this version of the hub's client raises where no answer comes."""
    from huggingface_hub import get_session

    library = import_module(type(get_session()).__module__.partition(".")[0])
    return (library.TransportError, ConnectionError)


def _lost(repository: Subject, error: BaseException) -> str:
    return f"{repository} was not fetched whole: {why_unreachable(error)}. {GONE_ON}."


def _unknown_commit(repository: Subject) -> UnknownCommit:
    newest = (
        f"take the newest one by leaving out the commit: {repository.name}"
        if repository.kind == "dataset"
        else "take the newest one with --newest (newest=True in Python)"
    )
    return UnknownCommit(
        f"the hub does not know the commit {repository.commit} of {repository.name}; {newest}, which is recorded in "
        "what is made."
    )


def _gated(repository: Subject, said: str, *, logged_in: bool) -> str:
    """Where a request for access stands, by what the hub says of it."""
    page = repository.page
    if not logged_in:
        return (
            f"{repository} is gated, and you are not logged in. Accept its terms at {page}: fill in the form there, "
            f"wait until you are let in, and {HOW_TO_LOG_IN}."
        )
    if "await" in said or "pending" in said:
        return (
            f"{repository} is gated, and your request for access is not decided yet. Its maintainers look at each one; "
            f"{page} says when you are let in. Then run the same again."
        )
    if "reject" in said:
        return (
            f"{repository} is gated, and your request for access was rejected by its maintainers. Ask them why at "
            f"{page}/discussions."
        )
    if "fine-grained" in said:
        return (
            f"{repository} is gated, and your token may not read what is gated. Switch that on at {SETTINGS_PAGE}, or "
            f"make a token of the role `read` and {HOW_TO_LOG_IN}."
        )
    return (
        f"{repository} is gated, and you did not ask for access yet. Accept its terms at {page}: fill in the form "
        "there, with the account that you are logged in with, and wait until you are let in."
    )


def _said(error: HfHubHTTPError) -> str:
    """The hub's own words."""
    return error.response.headers.get("X-Error-Message") or first_line(error)


def _certificate_error(error: BaseException | None) -> ssl.SSLCertVerificationError | None:
    """The certificate's error among those that led to this one."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error
        error = error.__cause__ or error.__context__
    return None
