"""The one way in which the hub is asked and changed: patient where it is busy, plain about what it refuses."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeVar

from medground_bench.core.errors import MedgroundError, one_line
from medground_bench.storage.hub_refusals import (
    AT_FAULT,
    FORBIDDEN,
    HOW_TO_LOG_IN,
    SETTINGS_PAGE,
    TOO_MANY,
    UNKNOWN,
    is_of_the_certificate,
    transport_errors,
    why_unreachable,
)
from medground_bench.storage.waiting import retry_after_s

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

Kind = Literal["dataset", "space"]
Answer = TypeVar("Answer")

WAITS_S = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
"""Between two tries, where the hub does not say how long itself."""

LONGEST_WAIT_S = 300.0
MOST_WORDS = 300
MOVED = 412
"""Precondition failed: the parent is no longer the newest commit."""

_JITTER = secrets.SystemRandom()
"""Who was refused together does not come back together."""

log = logging.getLogger(__name__)


class HubRefused(MedgroundError):
    """What the hub does not do for whoever asks; nothing was changed by it."""


class HubAway(MedgroundError):
    """A hub that cannot be reached, or that is busy for longer than we wait."""


class Moved(MedgroundError):
    """Somebody else's commit came first."""


class NoSuchRepository(HubRefused):
    """A repository that is not there, or that whoever asks may not see."""


@dataclass(frozen=True)
class HubCalls:
    """Calls of the hub by whoever has the token; None takes the one that `hf auth login` or HF_TOKEN gave.

    wait  sleeps so many seconds

    A call is made again where the hub is busy or its answer is lost, so each must do no more when it is done twice: a
    commit names its parent, and what is there already is no error.
    """

    token: str | Literal[False] | None = field(default=None, repr=False)
    wait: Callable[[float], None] = field(default=time.sleep, repr=False)

    @property
    def api(self) -> HfApi:
        """The hub's own client."""
        from huggingface_hub import HfApi

        return HfApi(token=self.token)

    def asked(self, what: str, ask: Callable[[HfApi], Answer]) -> Answer:
        """What the hub answers; HubRefused, HubAway or Moved says why not.

        what  the call in words, as "make the repository org/name"
        """
        from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

        met: tuple[type[Exception], ...] = (HfHubHTTPError, RuntimeError, OSError, *transport_errors())
        for wait_s in (*WAITS_S, None):
            try:
                return ask(self.api)
            except OfflineModeIsEnabled as error:
                raise HubAway(f"cannot {what}: the hub is switched off. Unset HF_HUB_OFFLINE.") from error
            except met as error:
                why, longer_s = _why_again(what, error)
            if wait_s is None:
                break
            pause_s = min(max(longer_s, wait_s * _JITTER.uniform(0.5, 1.0)), LONGEST_WAIT_S)
            log.warning("the hub: %s; trying again in %.0f s to %s", why, pause_s, what)
            self.wait(pause_s)
        raise HubAway(
            f"cannot {what}: {why}, also after {len(WAITS_S)} more tries. What is done is kept: run the same command "
            "again later."
        )


def _why_again(what: str, error: Exception) -> tuple[str, float]:
    """Why it is worth while to ask again, and the least seconds to wait; raises where it is not.

    The hub's client wraps what goes wrong with a large file in errors of its own.
    """
    from huggingface_hub.errors import HfHubHTTPError

    root: BaseException | None = error
    while root is not None and not isinstance(root, (HfHubHTTPError, *transport_errors())):
        root = root.__cause__
    if root is None:
        raise error
    if not isinstance(root, HfHubHTTPError):
        if is_of_the_certificate(root):
            raise HubAway(f"cannot {what}: {why_unreachable(root)}.") from error
        return why_unreachable(root), 0.0
    why = _busy(root)
    if why is None:
        raise _refusal(what, root) from error
    return why, retry_after_s(root.response.headers.get("Retry-After")) or 0.0


def _busy(error: HfHubHTTPError) -> str | None:
    """Why it is worth while to ask again; None where it is not."""
    status = error.response.status_code
    if status == TOO_MANY:
        return "it asks to slow down (429)"
    return f"it is at fault itself ({status})" if status >= AT_FAULT else None


def _refusal(what: str, error: HfHubHTTPError) -> MedgroundError:
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    status = error.response.status_code
    if status == MOVED:
        return Moved(f"cannot {what}: another commit came first. Run the same command again.")
    if isinstance(error, GatedRepoError):
        return HubRefused(f"cannot {what}: it is gated, and you were not let in. Ask for access on its page.")
    if isinstance(error, RepositoryNotFoundError):
        return NoSuchRepository(
            f"cannot {what}: the hub has nothing of that name that you may see. Check the name, or {HOW_TO_LOG_IN}."
        )
    if status == UNKNOWN:
        return HubRefused(f"cannot {what}: the hub does not know your token, or it has expired. {_LOG_IN}")
    if status == FORBIDDEN:
        return HubRefused(
            f"cannot {what}: your token may not. It needs the role `write`, and you the role in the organisation; "
            f"make one at {SETTINGS_PAGE}. {_LOG_IN}"
        )
    words = "".join(filter(str.isprintable, one_line(error.server_message or error)))[:MOST_WORDS].rstrip(".")
    return HubRefused(f"cannot {what}: the hub answers {status}: {words}.")


_LOG_IN = HOW_TO_LOG_IN[0].upper() + HOW_TO_LOG_IN[1:] + "."
