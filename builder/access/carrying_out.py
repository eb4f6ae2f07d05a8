"""Decisions carried out one by one, each with its lines in the log."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from builder.access.applicants import Applicant, Status
from builder.access.decision_log import DecisionLog, Ending, LogLine, opened_log
from builder.access.queue import AccessQueue
from builder.access.rulings import Decision, Handling


@dataclass(frozen=True)
class DecidingMaintainer:
    """Who decides, by user name, where, and in which log."""

    queue: AccessQueue
    log: DecisionLog
    by: str

    def close_open_lines(self) -> None:
        """Write what became of decisions that an earlier run began and whose end it did not see."""
        unended = [line for line in self.log.unended if line.dataset == self.queue.dataset]
        known = {each.request or each.user: each for each in self.queue.listed(*Status)} if unended else {}
        for line in unended:
            self.log.append(line.ended(_found(known.get(line.subject[1]), line)))

    def carry_out(self, handlings: Iterable[Handling], advance: Callable[[int], None]) -> dict[str, Ending]:
        """Send every decision; gives what became of each, by the name of who asked."""
        endings = {}
        for handling in handlings:
            begun = LogLine.begun(handling, self.queue.dataset, self.by)
            self.log.append(begun)
            ending = self._send(handling, begun)
            self.log.append(begun.ended(ending))
            endings[handling.applicant.name] = ending
            advance(1)
        return endings

    def _send(self, handling: Handling, begun: LogLine) -> Ending:
        """Send one. What the hub says cannot be done may be done already, as by a try whose answer was lost."""
        applicant, ruling = handling.applicant, handling.ruling
        if self.queue.decide(applicant, ruling.decision, ruling.reason):
            return Ending.DONE
        now = [each for each in self.queue.listed(*Status) if each.names & applicant.names]
        return _found(now[0] if now else None, begun)


@contextmanager
def deciding(queue: AccessQueue, log: Path) -> Iterator[DecidingMaintainer]:
    """The maintainer whose token decides, with an open log in which every earlier decision has its end."""
    by = queue.maintainer()
    with opened_log(log) as held:
        maintainer = DecidingMaintainer(queue, held, by)
        maintainer.close_open_lines()
        yield maintainer


def _found(applicant: Applicant | None, line: LogLine) -> Ending:
    """What became of a decision, by where its request is now."""
    if applicant is None:
        return Ending.GONE
    return Ending.FOUND_DONE if applicant.status is Decision(line.decision).status else Ending.UNDONE
