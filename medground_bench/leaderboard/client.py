"""A Space asked from a program: the same calls as its page makes, by `gradio_client`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from medground_bench.core.errors import MedgroundError
from medground_bench.leaderboard import api, board_api
from medground_bench.leaderboard.accepting import Upload
from medground_bench.leaderboard.board_api import Words
from medground_bench.leaderboard.records import Json, Receipt
from medground_bench.leaderboard.replies import NotAccepted, Reply

if TYPE_CHECKING:
    from gradio_client import Client

SPACES = ".hf.space"
"""Hosts to which the hub's own token is sent, so that the Space knows whose submission it is."""

MAYBE_RECEIVED = (
    "It may have been received all the same: send the same file again, which changes nothing if it was."
)


class NoAnswer(MedgroundError):
    """A Space that was asked and did not answer, so that what was asked may have been done."""


class NotReached(NoAnswer):
    """A Space that was not even asked: it is not there, is something else, or takes no call now."""


@dataclass(frozen=True)
class SpaceClient:
    """A running Space at an address, on the hub or on this machine."""

    address: str

    def check(self, upload: Upload) -> Reply:
        """Everything that is wrong with an upload."""
        return api.reply_of(self._asked(api.CHECK, *_told(upload)))

    def submit(self, upload: Upload) -> Reply:
        """Submit a file; NotAccepted where the Space cannot be reached or takes no call now: try again.

        NoAnswer where it was reached and did not answer: what was sent may have been received.
        """
        try:
            return api.reply_of(self._asked(api.SUBMIT, *_told(upload)))
        except NotReached as error:
            raise NotAccepted(f"not accepted, try again: {error}") from error
        except NoAnswer as error:
            raise NoAnswer(f"{error} {MAYBE_RECEIVED}") from error

    def withdraw(self, identity: str, person: str) -> Receipt:
        """Take one's own submission back."""
        return _receipt(self._asked(api.WITHDRAW, identity, person))

    def receipt(self, identity: str) -> Receipt:
        """Where a submission stands."""
        return _receipt(self._asked(api.RECEIPT, identity))

    def page(self, words: Words) -> Json:
        """All that the board's page shows."""
        return self._asked(board_api.PAGE, dict(words))

    def table(self, words: Words) -> Json:
        """The numbers of a table of the board."""
        return self._asked(board_api.TABLE, dict(words))

    def file(self, words: Words, ending: str) -> Json:
        """A table of the board as a file."""
        return self._asked(board_api.FILE, dict(words), ending)

    def _asked(self, name: str, *words: object) -> Json:
        from gradio_client.exceptions import AppError

        try:
            call = self._client.submit(*words, api_name=f"/{name}")
        except _no_answers() as error:
            raise NotReached(self._silence(error)) from error
        try:
            answer = call.result()
        except AppError as error:
            raise MedgroundError(f"{self.address} says: {error}") from error
        except _refusals() as error:
            raise NotReached(self._silence(error)) from error
        except _no_answers() as error:
            raise NoAnswer(self._silence(error)) from error
        if not isinstance(answer, dict):
            raise MedgroundError(f"{self.address} answers in another way. Is it a Space of MedGround-Bench?")
        return answer

    def _silence(self, error: Exception) -> str:
        return (
            f"{self.address} gives no answer ({type(error).__name__}). Is it a Space of MedGround-Bench, and is it "
            "running?"
        )

    @cached_property
    def _client(self) -> Client:
        from gradio_client import Client

        return Client(
            self.address,
            token=self._token(),
            verbose=False,
            download_files=False,
            analytics_enabled=False,
        )

    def _token(self) -> str | None:
        """The hub's token, for hosts of the hub alone."""
        from huggingface_hub import get_token

        host = urlsplit(self.address)
        return get_token() if host.scheme == "https" and (host.hostname or "").endswith(SPACES) else None


def _no_answers() -> tuple[type[Exception], ...]:
    """What `gradio_client` raises where nobody answers or something else than a Space, which it takes for granted."""
    from concurrent.futures import CancelledError

    import httpx

    taken_for_granted = (AttributeError, LookupError, TypeError, ValueError)
    return (httpx.HTTPError, httpx.InvalidURL, OSError, CancelledError, *_refusals(), *taken_for_granted)


def _refusals() -> tuple[type[Exception], ...]:
    """What `gradio_client` raises where a Space takes no call."""
    from gradio_client.utils import InvalidAPIEndpointError, QueueError, TooManyRequestsError

    return (InvalidAPIEndpointError, QueueError, TooManyRequestsError)


def _told(upload: Upload) -> tuple[str, str, str]:
    return api.upload_as_text(upload.content), upload.metadata, upload.person


def _receipt(answer: Json) -> Receipt:
    if answer.get("status") == api.NOT_DONE:
        raise MedgroundError(str(answer.get("said")))
    return Receipt.of(answer.get("receipt") or {})
