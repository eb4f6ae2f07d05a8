"""Who stands behind a pseudonym: one file, apart from all that never changes, so that a name can be taken out."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping

from medground_bench.core.errors import MedgroundError
from medground_bench.leaderboard.store import PEOPLE, Snapshot

LOGIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9])?")


class NoLogin(MedgroundError):
    """A text that is nobody's login."""


def demand_login(login: str) -> None:
    """NoLogin for a text that no login of the hub looks like."""
    if not LOGIN.fullmatch(login):
        raise NoLogin(
            f"{login[:40]!a} is no login: up to 96 of the characters A-Z a-z 0-9 . _ -, a letter or a digit first "
            "and last."
        )


def people_of(snapshot: Snapshot) -> dict[str, str]:
    """Pseudonym -> login, of all whose names were not taken out."""
    return dict(json.loads(snapshot.read(PEOPLE))) if PEOPLE in snapshot.names else {}


def pseudonym_of(login: str, people: Mapping[str, str]) -> str | None:
    """The pseudonym of a login; None of somebody who is new."""
    return next((pseudonym for pseudonym, name in people.items() if name == login), None)


def person_of(login: str, snapshot: Snapshot) -> tuple[str, dict[str, bytes]]:
    """The pseudonym of a login, which says nothing about whose it is; where it is new, with the file that says so."""
    people = people_of(snapshot)
    known = pseudonym_of(login, people)
    if known:
        return known, {}
    made = f"p-{secrets.token_hex(6)}"
    return made, {PEOPLE: people_content(people | {made: login})}


def people_content(people: Mapping[str, str]) -> bytes:
    """The file; same people, same bytes."""
    return (json.dumps(dict(people), indent=1, sort_keys=True) + "\n").encode("ascii")
