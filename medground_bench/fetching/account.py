"""A name and a password that shows itself to nobody but the server."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import NoReturn

from medground_bench.core.errors import MedgroundError


class BadAccount(MedgroundError):
    """A name or a password that cannot be sent, or is not there; neither is repeated."""


class Password:
    """What opens an account; printing, formatting and storing it show nothing."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        if not text or not text.isprintable():
            raise BadAccount(
                "the password is empty, or holds a line break or a control character. Give it again."
            )
        self._text = text

    def __repr__(self) -> str:
        """Nothing of it."""
        return "Password(...)"

    def __reduce__(self) -> NoReturn:
        """It goes into no file and to no other process."""
        raise TypeError("a password is not stored")

    def reveal(self) -> str:
        """The text, for the one header that it is for."""
        return self._text


@dataclass(frozen=True, slots=True)
class Account:
    """Who asks."""

    name: str
    password: Password

    def __post_init__(self) -> None:
        demand_name(self.name)

    def basic(self) -> str:
        """The value of the header `Authorization` (RFC 7617, UTF-8)."""
        pair = f"{self.name}:{self.password.reveal()}".encode()
        return f"Basic {base64.b64encode(pair).decode('ascii')}"


def demand_name(name: str) -> None:
    """BadAccount for a name that HTTP cannot say."""
    if not name or ":" in name or not name.isprintable():
        raise BadAccount(
            "--user is no name of an account: it is empty, or holds a colon or a control character."
        )
