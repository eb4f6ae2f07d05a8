"""What a card says that the rows do not: where it is published, at which level, by whose right, what changed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from builder.publish.contents import RULES, text_findings
from builder.publish.levels import Level
from medground_bench.core.errors import MedgroundError, told

REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)


def is_name(repository: str) -> bool:
    """Whether the hub takes it as `org/name`."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    try:
        validate_repo_id(repository)
    except HFValidationError:
        return False
    return REPOSITORY.fullmatch(repository) is not None


class BadAbout(MedgroundError):
    """A fact for the card that is none, or that holds what may not be published."""


@dataclass(frozen=True, slots=True)
class About:
    """The facts of one release.

    repository  `org/name` on the hub
    shares      source -> the reason why its boxes may be shared
    contact     where to ask: an address or a sentence; empty for the discussions of the repository
    changes     a line per release, newest first

    BadAbout for a repository of another form, and for words that the policy would refuse. They are looked at here
    because a card escapes them, and what is escaped could look innocent.
    """

    repository: str
    level: Level
    shares: Mapping[str, str] = field(default_factory=dict)
    contact: str = ""
    changes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not is_name(self.repository):
            raise BadAbout(
                f"{self.repository[:200]!r} names no repository of the hub. Give org/name, for example "
                "my-lab/medground-bench."
            )
        problems = [
            f"{what}: {found.rule}, {RULES[found.rule]}"
            for what, text in self._words()
            for found in text_findings(text.encode("utf-8", "backslashreplace"))
        ]
        if problems:
            raise BadAbout(
                f"the card may not hold what it is told: {told(problems)}. The words are not repeated here. Nothing "
                "was written."
            )

    @property
    def page(self) -> str:
        """The page of the repository."""
        return f"https://huggingface.co/datasets/{self.repository}"

    def _words(self) -> Iterator[tuple[str, str]]:
        yield "the contact", self.contact
        yield from ((f"change {place}", text) for place, text in enumerate(self.changes, start=1))
        yield from ((f"share {place}", text) for place, text in enumerate(self.shares.values(), start=1))
