"""Who asks for access, as the hub lists them. What people typed into the form is untrusted text."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

JOINERS = "\u200c\u200d"
"""Without them names in Persian and in Indic scripts cannot be spelled."""

REPLACEMENT = "\ufffd"


class Status(StrEnum):
    """The three lists of the hub."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Applicant:
    """A request for access with whoever made it.

    request  what names the request; empty where the hub's client does not know it
    user     None where the dataset hides user names, and then so are `full_name` and `email`
    fields   what was filled in, by the label of the form; a box is true or false, all else text
    """

    request: str
    user: str | None
    status: Status
    date: datetime
    full_name: str | None = None
    email: str | None = None
    fields: Mapping[str, object] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """By which a decision means it: the user name, or where that is hidden the id of the request."""
        return self.user or self.request

    @property
    def names(self) -> frozenset[str]:
        """All by which a decision may mean it."""
        return frozenset(name for name in (self.user, self.request) if name)

    def as_json(self) -> dict[str, object]:
        """As programs get it."""
        return {
            "user": self.user,
            "request_id": self.request,
            "status": self.status.value,
            "date": self.date.isoformat(),
            "full_name": self.full_name,
            "email": self.email,
            "fields": dict(self.fields),
        }


def shown(text: object) -> str:
    """What somebody typed, as it may stand on a terminal: one line, with a mark for whatever would steer it.

    Escapes, other control characters and marks that turn the direction of writing are characters of Unicode's group C.
    """
    line = " ".join(str(text).split())
    return "".join(REPLACEMENT if _steers(letter) else letter for letter in line)


def _steers(letter: str) -> bool:
    return unicodedata.category(letter)[0] == "C" and letter not in JOINERS
