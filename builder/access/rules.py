"""Rules that decide pending requests. Pure: rules and requests in, decisions out; `rule_file` reads them from a file.

The first rule whose conditions all hold decides a request; what no rule decides stays pending. A condition about a
field that a request lacks does not hold, and nobody is let in by an empty one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from builder.access.applicants import Applicant
from builder.access.rulings import Decision, Handling, Ruling

LONGEST_TEXT = 1000
"""Characters of a field up to which a shape is looked for: longer texts have none."""

SPELLED_TICKED, SPELLED_UNTICKED = ("true", "on"), ("false", "off")
"""How a box may be spelled where it is no truth of JSON; anything else is neither."""


class Word(StrEnum):
    """What a condition may ask for."""

    TICKED = "ticked"
    UNTICKED = "unticked"
    MATCHES = "matches"
    NOT_MATCHES = "not_matches"
    AMONG = "among"
    NOT_AMONG = "not_among"


FOR_REJECTIONS = (Word.UNTICKED, Word.NOT_MATCHES)
"""What holds for an incomplete form must not let anybody in."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What is asked of fields; `labels` are several for boxes alone.

    shape   of MATCHES and NOT_MATCHES: what the whole text must fit
    listed  of AMONG and NOT_AMONG: texts, case folded, none of them empty
    """

    word: Word
    labels: tuple[str, ...]
    shape: re.Pattern[str] | None = None
    listed: frozenset[str] = frozenset()

    def holds(self, fields: Mapping[str, object]) -> bool:
        """Whether the fields of a request are so."""
        values = [fields.get(label) for label in self.labels]
        if self.word is Word.TICKED:
            return all(is_ticked(value) is True for value in values)
        if self.word is Word.UNTICKED:
            return any(is_ticked(value) is False for value in values)
        text = text_of(values[0])
        if text is None:
            return False
        if self.word is Word.AMONG:
            return text.casefold() in self.listed
        if self.word is Word.NOT_AMONG:
            return text != "" and text.casefold() not in self.listed
        assert self.shape is not None
        fits = 0 < len(text) <= LONGEST_TEXT and self.shape.fullmatch(text) is not None
        return fits is (self.word is Word.MATCHES)


@dataclass(frozen=True, slots=True)
class AccessRule:
    """A decision, and the conditions that must all hold for it."""

    name: str
    decision: Decision
    reason: str
    conditions: tuple[Condition, ...]


def is_ticked(value: object) -> bool | None:
    """Whether a box is ticked; None for what is no box, or is not there."""
    if isinstance(value, str) and value.lower() in SPELLED_TICKED + SPELLED_UNTICKED:
        return value.lower() in SPELLED_TICKED
    return value if isinstance(value, bool) else None


def text_of(value: object) -> str | None:
    """The text of a field without blanks at its ends; None for what is no text, or is not there."""
    return value.strip() if isinstance(value, str) else None


def ruled(rules: Sequence[AccessRule], applicants: Iterable[Applicant]) -> list[Handling]:
    """What the rules decide; requests of which none speaks are not in it."""
    found = []
    for applicant in applicants:
        for rule in rules:
            if all(condition.holds(applicant.fields) for condition in rule.conditions):
                ruling = Ruling((applicant.name,), rule.decision, rule.reason, rule.name)
                found.append(Handling(applicant, ruling))
                break
    return found


def unknown_labels(rules: Iterable[AccessRule], applicants: Iterable[Applicant]) -> list[str]:
    """The fields that rules look at and that no request has: most likely misspelt, or renamed in the form."""
    known = {label for applicant in applicants for label in applicant.fields}
    conditions = [condition for rule in rules for condition in rule.conditions]
    return sorted({label for condition in conditions for label in condition.labels} - known)
