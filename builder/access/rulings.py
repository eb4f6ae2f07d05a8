"""What is to become of a request, as a maintainer, a table or a rule says it; and how it fits the hub's lists."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

from builder.access.applicants import Applicant, Status, shown
from medground_bench.core.errors import MedgroundError, told

LONGEST_REASON = 200
"""Characters of a reason that the hub takes, as it counts them: an emoji is two."""


class BadRulings(MedgroundError):
    """Decisions that cannot be carried out as they stand; all problems are told, and nothing was sent."""


class Decision(StrEnum):
    """What a maintainer decides."""

    APPROVE = "approve"
    REJECT = "reject"

    @property
    def status(self) -> Status:
        """The list that the request is then in."""
        return Status.ACCEPTED if self is Decision.APPROVE else Status.REJECTED


@dataclass(frozen=True, slots=True)
class Ruling:
    """A decision about one request.

    names   user name, id of the request, or both; all must mean the same request
    reason  of a rejection: who asked reads it; of an approval: for the log alone
    rule    the name of the rule that decided; empty where a person did
    place   where it stands, as "line 3: "; empty on a command line
    """

    names: tuple[str, ...]
    decision: Decision
    reason: str = ""
    rule: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Handling:
    """A ruling and the request that it means."""

    applicant: Applicant
    ruling: Ruling


@dataclass(frozen=True, slots=True)
class Agenda:
    """What is to be done, and what is so already."""

    due: tuple[Handling, ...]
    settled: tuple[Handling, ...]


def reason_problem(decision: Decision, reason: str) -> str | None:
    """What is wrong with a reason; None where nothing is."""
    if decision is Decision.REJECT and not reason:
        return "a rejection needs a reason, which the person then reads"
    if len(reason.encode("utf-16-le", "replace")) > 2 * LONGEST_REASON:
        most = f"the hub takes {LONGEST_REASON} at most, where an emoji is two"
        return f"the reason has {len(reason)} characters, and {most}"
    if shown(reason) != reason:
        return "the reason is no plain line: it holds line breaks, control characters or blanks too many"
    return None


def agenda(rulings: Iterable[Ruling], applicants: Iterable[Applicant], *, overturn: bool = False) -> Agenda:
    """The rulings with the requests that they mean; BadRulings lists every one that cannot be carried out.

    overturn  whether what was decided otherwise before may be changed
    """
    known = _by_name(applicants)
    places: dict[str, str] = {}
    due: list[Handling] = []
    settled: list[Handling] = []
    problems: list[str] = []
    for ruling in rulings:
        try:
            handling = Handling(_meant(ruling, known), ruling)
            _demand_once(handling, places)
            is_settled = _is_settled(handling, overturn=overturn)
        except _Unfit as unfit:
            problems.append(f"{ruling.place}{unfit}")
            continue
        (settled if is_settled else due).append(handling)
    if problems:
        raise BadRulings(f"nothing was sent: {told(problems)}. Mend that and run the same command again.")
    return Agenda(tuple(due), tuple(settled))


class _Unfit(Exception):
    """Why a ruling cannot be carried out."""


def _by_name(applicants: Iterable[Applicant]) -> Mapping[str, Sequence[Applicant]]:
    known: dict[str, list[Applicant]] = defaultdict(list)
    for applicant in applicants:
        for name in applicant.names:
            known[name].append(applicant)
    return known


def _meant(ruling: Ruling, known: Mapping[str, Sequence[Applicant]]) -> Applicant:
    """Whom a ruling means."""
    said = " with ".join(map(shown, ruling.names))
    found = [each for each in known.get(ruling.names[0], ()) if each.names.issuperset(ruling.names)]
    if not found:
        near = get_close_matches(ruling.names[0], known, n=3, cutoff=0.6)
        hint = f". Did you mean {' or '.join(map(shown, near))}?" if near else ""
        raise _Unfit(f"{said} is in no list of the hub{hint}")
    if len(found) > 1:
        raise _Unfit(
            f"{said} is a user name and the id of another request; decide these on the page of the hub"
        )
    return found[0]


def _demand_once(handling: Handling, places: dict[str, str]) -> None:
    """Note where a request is decided; _Unfit where it was before."""
    name, place = handling.applicant.name, handling.ruling.place
    if name in places:
        first = places[name].rstrip(": ")
        raise _Unfit(f"{shown(name)} is decided twice{f', first on {first}' if first else ''}")
    places[name] = place


def _is_settled(handling: Handling, *, overturn: bool) -> bool:
    """Whether a request is where it shall go; _Unfit where it went elsewhere and may not be moved."""
    status, decision = handling.applicant.status, handling.ruling.decision
    if status is decision.status:
        return True
    if status is not Status.PENDING and not overturn:
        raise _Unfit(f"{shown(handling.applicant.name)} is {status} already; --overturn changes that")
    return False
