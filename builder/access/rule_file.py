"""Reading a file of rules, which is validated as a whole.

    [[rule]]
    name = "agreed and known"
    decision = "approve"
    ticked = ["I will not share the data"]          # every one of these boxes is ticked
    matches = { "User name" = "[a-z0-9_-]{3,40}" }  # the whole text is of this shape, a regular expression
    among = { Country = ["Austria", "Kenya"] }      # the text is one of these, whatever its case
    not_among = { Use = ["Commercial"] }            # the text is there, and none of these

    [[rule]]
    name = "no agreement"
    decision = "reject"
    reason = "Please ask again and agree not to share the data."
    unticked = ["I will not share the data"]        # one of these boxes is there and not ticked
    not_matches = { "User name" = "[a-z0-9_-]+" }   # the text is there, and empty or of another shape

`unticked` and `not_matches` are for rejections alone.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from builder.access.applicants import shown
from builder.access.rules import FOR_REJECTIONS, AccessRule, Condition, Word
from builder.access.rulings import BadRulings, Decision, reason_problem
from medground_bench.core.errors import told

LARGEST_FILE_BYTES = 200_000
WORDS = ("name", "decision", "reason", *Word)


def read_rules(path: Path) -> tuple[AccessRule, ...]:
    """The rules of a TOML file, in its order; BadRulings lists all that is wrong with it."""
    with path.open("rb") as file:
        return parse_rules(file.read(LARGEST_FILE_BYTES + 1), str(path))


def parse_rules(content: bytes, name: str) -> tuple[AccessRule, ...]:
    """The rules in the bytes of a TOML file; `name` is what messages call it."""
    if len(content) > LARGEST_FILE_BYTES:
        raise BadRulings(f"{name} is larger than {LARGEST_FILE_BYTES:,} bytes. Is it a file of rules?")
    try:
        top = tomllib.loads(content.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadRulings(f"{name} is no TOML file: {shown(error)}. Nothing was sent.") from error
    reading = _Reading()
    reading.top(top)
    if reading.problems:
        raise BadRulings(
            f"{name}: {told(reading.problems)}. Nothing was sent. Mend the file and run it again."
        )
    return tuple(reading.rules)


@dataclass
class _Reading:
    """The rules and problems of a file so far."""

    rules: list[AccessRule] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def top(self, said: Mapping[str, object]) -> None:
        """Take the whole file."""
        others = sorted(set(said) - {"rule"})
        self.problems += [f"{shown(word)!r} is no word of a rule file; rules are [[rule]]" for word in others]
        rules = said.get("rule")
        if not isinstance(rules, list) or not rules:
            self.problems.append("there is no [[rule]]")
            return
        for number, each in enumerate(rules, 1):
            if isinstance(each, dict):
                self.rule(f"rule {number}", each)
            else:
                self.problems.append(f"rule {number} is no [[rule]]")

    def rule(self, place: str, said: Mapping[str, object]) -> None:
        """Take a rule; none is made of one that has a problem."""
        before, name = len(self.problems), said.get("name")
        if not isinstance(name, str) or not name or shown(name) != name:
            self.problems.append(f"{place}: it needs a name, one plain line")
        elif name in [rule.name for rule in self.rules]:
            self.problems.append(f"{place}: an earlier rule is called {name!r} too")
        decision, reason = said.get("decision"), said.get("reason", "")
        if decision not in list(Decision):
            self.problems.append(f"{place}: its decision must be {' or '.join(Decision)}")
        else:
            decision = Decision(str(decision))
            problem = reason_problem(decision, reason) if isinstance(reason, str) else "its reason is no text"
            self.problems += [f"{place}: {problem}"] if problem else []
        conditions = tuple(self.conditions(place, said, decision))
        if len(self.problems) == before:
            self.rules.append(AccessRule(str(name), Decision(str(decision)), str(reason), conditions))

    def conditions(self, place: str, said: Mapping[str, object], decision: object) -> Iterator[Condition]:
        """The conditions of a rule."""
        others = sorted(set(said) - set(WORDS))
        self.problems += [
            f"{place}: {shown(word)!r} is none of its words ({', '.join(WORDS)})" for word in others
        ]
        given = [word for word in Word if word in said]
        if not given:
            self.problems.append(f"{place}: it has no condition, so it would decide every request")
        for word in given:
            if word in FOR_REJECTIONS and decision == Decision.APPROVE:
                self.problems.append(f"{place}: {word} is for rejections alone")
            yield from self.condition(f"{place}: {word}", word, said[word])

    def condition(self, place: str, word: Word, said: object) -> Iterator[Condition]:
        """What one word asks for: boxes in a list, all else in a table by label."""
        if word in (Word.TICKED, Word.UNTICKED):
            yield Condition(word, self.texts(place, said))
        elif not isinstance(said, dict) or not said:
            self.problems.append(f"{place} is no table of labels")
        elif word in (Word.MATCHES, Word.NOT_MATCHES):
            for label, shape in said.items():
                yield Condition(word, (label,), shape=self.shape(f"{place}, {shown(label)}", shape))
        else:
            for label, listed in said.items():
                texts = self.texts(f"{place}, {shown(label)}", listed)
                yield Condition(word, (label,), listed=frozenset(text.strip().casefold() for text in texts))

    def texts(self, place: str, said: object) -> tuple[str, ...]:
        """A list of texts that are not empty."""
        texts = (
            [each for each in said if isinstance(each, str) and each.strip()]
            if isinstance(said, list)
            else []
        )
        if not texts or texts != said:
            self.problems.append(f"{place} is no list of texts")
        return tuple(texts)

    def shape(self, place: str, said: object) -> re.Pattern[str] | None:
        """A regular expression."""
        why: object = "it is no text"
        if isinstance(said, str):
            try:
                return re.compile(said)
            except (re.error, RecursionError, OverflowError) as error:
                why = error
        self.problems.append(f"{place} is no regular expression: {shown(why)}")
        return None
