"""People who ask for access, as the form gives them, and what may be read of a log."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from builder.access.applicants import Applicant, Status

BOX, NAME, COUNTRY = "I will not share the data", "PhysioNet user name", "Country"
PEOPLE: Mapping[str, Mapping[str, str]] = {
    "ann": {BOX: "true", NAME: "ann-lee", COUNTRY: "Kenya"},
    "bob": {BOX: "false", NAME: "bob", COUNTRY: "Austria"},
    "eve": {BOX: "true", NAME: "", COUNTRY: "Kenya"},
}
RULES = f"""
[[rule]]
name = "agreed and known"
decision = "approve"
ticked = ["{BOX}"]
matches = {{ "{NAME}" = "[a-z0-9-]{{3,40}}" }}

[[rule]]
name = "no agreement"
decision = "reject"
reason = "Please ask again and agree not to share the data."
unticked = ["{BOX}"]
"""
"""They let ann in, refuse bob, and say nothing of eve."""


def applicant(
    user: str | None,
    fields: Mapping[str, object] | None = None,
    *,
    status: Status = Status.PENDING,
    request: str = "",
) -> Applicant:
    """Someone who asks."""
    date = datetime(2026, 11, 1, tzinfo=UTC)
    return Applicant(request or f"id-{user}", user, status, date, fields=fields or {})


def logged(path: Path) -> list[tuple[str, str, str]]:
    """Who, what and how it ended, of every line."""
    lines = map(json.loads, path.read_text("ascii").splitlines())
    return [(line["user"] or line["request_id"], line["decision"], line["ending"]) for line in lines]
