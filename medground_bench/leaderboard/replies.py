"""What a submitter is told, and why a file is not taken: fixed sentences, none of which rests on hidden truth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType

from medground_bench.core.errors import MedgroundError
from medground_bench.leaderboard.names import name_key
from medground_bench.leaderboard.records import BadRecord, Edition, Receipt
from medground_bench.leaderboard.register import Register, Standing, SubmissionStatus
from medground_bench.leaderboard.store import FileMissing, NoStore, StoreAway, StoreSettings
from medground_bench.leaderboard.truth import Truth
from medground_bench.storage.hub_calls import HubAway, HubRefused
from medground_bench.submission.metadata import FieldCode, FieldProblem, Metadata

PASSES, REFUSED = "passes", "refused"
NO_PROBLEM = "No problem. Nothing was kept, and nothing of the quota was spent."
NOT_TAKEN = "Refused. Nothing of the quota was spent. Mend the problems and send it again."
SAID: Mapping[SubmissionStatus, str] = MappingProxyType(
    {
        SubmissionStatus.RECEIVED: "Received. It is being scored; send the same file again to see how it stands.",
        SubmissionStatus.SCORED: "Scored. Its row is on the board.",
        SubmissionStatus.HELD: "Held for review: its boxes repeat somebody else's. An operator decides.",
        SubmissionStatus.FAILED: "Not scored, by our fault. It does not count; send the same file again, or one "
        "for the board's revision where that is another by now.",
        SubmissionStatus.WITHDRAWN: "Withdrawn. Its row is not on the board; the log keeps that it was.",
        SubmissionStatus.REMOVED: "Removed by an operator. The log says why.",
    }
)
LATER = (
    "Received, and not scored yet: the store cannot be reached now, or something in it is damaged. The receipt holds, "
    "and it will be scored as soon as that is over. Nothing needs to be sent again."
)
"""What is said of a submission in `RECEIVED` whose scoring was stopped."""


class NotAccepted(MedgroundError):
    """A submission of which nothing was kept that counts; the same file can be sent again."""


class OtherEdition(NoStore):
    """A store that is not open for the benchmark and protocol at hand."""


class NoSubmission(MedgroundError):
    """An id that no submission has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a submitter is told.

    status    `PASSES` or `REFUSED`, or where the submission stands, as its receipt says
    problems  the first ones in full, `more` are counted
    """

    status: str
    said: str
    problems: tuple[str, ...] = ()
    more: int = 0
    receipt: Receipt | None = None


def passes() -> Reply:
    """The answer to a check in which nothing was found."""
    return Reply(status=PASSES, said=NO_PROBLEM)


def refusal(problems: Sequence[str], more: int) -> Reply:
    """The refusal of a file."""
    return Reply(status=REFUSED, said=NOT_TAKEN, problems=tuple(problems), more=more)


@contextmanager
def not_accepted() -> Iterator[None]:
    """A store that fails in between, or whose files are damaged, as NotAccepted."""
    try:
        yield
    except (BadRecord, FileMissing) as error:
        raise NotAccepted(
            f"not accepted: {error} Nothing was kept. Tell whoever keeps the store, and send it again later."
        ) from error
    except (StoreAway, HubAway, HubRefused) as error:
        raise NotAccepted(f"not accepted, try again: {error}") from error
    except OSError as error:
        raise NotAccepted(
            f"not accepted, try again: the store cannot be written ({error.strerror})."
        ) from error


def found(register: Register, identity: str) -> Standing:
    """The submission of an id; NoSubmission without one."""
    standing = register.submissions.get(identity)
    if standing is None:
        raise NoSubmission(f"no submission has the id {identity[:40]!a}. Receipts say it.")
    return standing


def demand_edition(register: Register, edition: Edition) -> None:
    """OtherEdition unless the store is open for that benchmark under that protocol."""
    if register.edition is None:
        raise OtherEdition(
            "the store is not open for submissions yet. Open it with: python -m builder board open"
        )
    if register.edition != edition:
        raise OtherEdition(
            f"the store is open for {register.edition.dataset} at revision {register.edition.revision} under protocol "
            f"{register.edition.protocol}, not for {edition.dataset} at {edition.revision} under {edition.protocol}. "
            "Give that benchmark, or let an operator open the store for this one: python -m builder board open"
        )


def against_file(said: Metadata, lvlms: Sequence[str], truth: Truth) -> tuple[FieldProblem, ...]:
    """Where what is said does not fit the file or the benchmark."""
    problems = []
    if set(said.lvlm_revisions) != set(lvlms):
        named = ", ".join(sorted(said.lvlm_revisions)) or "none"
        message = f"the file answers for {', '.join(lvlms)}, not for {named}."
        problems.append(
            FieldProblem("lvlm_revisions", FieldCode.LVLM_DIFFERS, f"{message} One entry for each.")
        )
    if said.dataset_revision not in (None, truth.revision):
        message = (
            f"this board is for revision {truth.revision}, not {said.dataset_revision}. Predict on that one."
        )
        problems.append(FieldProblem("dataset_revision", FieldCode.OTHER_DATASET, message))
    return tuple(problems)


def is_reserved(method: str, login: str, settings: StoreSettings) -> bool:
    """Whether a name would pass for that of a control or of another run of ours, which only an operator's may have."""
    reserved = {name_key(name) for name in (*settings.controls, *settings.reserved)}
    return name_key(method) in reserved and login not in settings.operators


def name_taken(method: str) -> FieldProblem:
    """For a row that is there, or a reserved name."""
    message = (
        f"{method} is the name of another row on these tracks, of somebody else's, or would pass for that of a method "
        "that we run. Take another."
    )
    return FieldProblem("method", FieldCode.NAME_TAKEN, message)


def quota_spent(most: int) -> FieldProblem:
    """For a person who has had so many submissions scored, or whose team has."""
    message = f"{most} submissions a week are scored. Wait until the first of yours, or of your team's, is a week old."
    return FieldProblem("quota", FieldCode.QUOTA_SPENT, message)


def too_many_refused(most: int) -> str:
    """For a person whose files are at fault again and again."""
    return (
        f"not accepted: {most} of your files were refused within a day, and no more are looked into until tomorrow. "
        f"`medground check` tells every problem without a limit. [{FieldCode.TOO_MANY_REFUSED}]"
    )
