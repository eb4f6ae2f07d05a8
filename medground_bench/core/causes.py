"""What a right "yes" about a phantom rests on: the finding, the planted side marker, or neither.

Exact counterfactual pictures tell: the answer either stays "yes" or becomes "no" when a possible cause is taken out.

| no finding | no marker | neither one | known cause | meaning                                                 |
|------------|-----------|-------------|-------------|---------------------------------------------------------|
| no         | yes       |             | finding     | rests on the finding alone                              |
| yes        | no        |             | marker      | rests on the marker alone                               |
| no         | no        |             | both        | needs the finding and the marker together               |
| yes        | yes       | no          | either      | the finding or the marker, each is enough               |
| yes        | yes       | yes         | neither     | rests on something else in the picture, or on the words |

Without a marker in the picture the first column decides between `finding` and `neither`. An unreadable answer on the
way leaves the cause unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from medground_bench.core.types import Answer


class Counterfactual(StrEnum):
    """A picture with a possible cause taken out and all else the same.

    >>> Counterfactual("without_marker").name
    'WITHOUT_MARKER'
    """

    WITHOUT_FINDING = "without_finding"
    WITHOUT_MARKER = "without_marker"
    WITHOUT_BOTH = "without_both"


class KnownCause(StrEnum):
    """What the right answer rests on; see the table of this module.

    >>> [cause.value for cause in KnownCause]
    ['finding', 'marker', 'both', 'either', 'neither']
    """

    FINDING = "finding"
    MARKER = "marker"
    BOTH = "both"
    EITHER = "either"
    NEITHER = "neither"


CAUSE_OF_FLIPS = {
    frozenset({Counterfactual.WITHOUT_FINDING}): KnownCause.FINDING,
    frozenset({Counterfactual.WITHOUT_MARKER}): KnownCause.MARKER,
    frozenset({Counterfactual.WITHOUT_FINDING, Counterfactual.WITHOUT_MARKER}): KnownCause.BOTH,
    frozenset(): KnownCause.NEITHER,
}


def next_counterfactual(marker: bool, answers: Mapping[Counterfactual, Answer]) -> Counterfactual | None:
    """The picture whose answer is needed next, None when the cause is settled or cannot be known.

    >>> next_counterfactual(True, {Counterfactual.WITHOUT_FINDING: Answer.NO})
    <Counterfactual.WITHOUT_MARKER: 'without_marker'>
    >>> next_counterfactual(False, {Counterfactual.WITHOUT_FINDING: Answer.NO}) is None
    True
    """
    outcome = _walk(marker, answers)
    return outcome if isinstance(outcome, Counterfactual) else None


def known_cause(marker: bool, answers: Mapping[Counterfactual, Answer]) -> KnownCause | None:
    """The cause, None where an answer was unreadable; ValueError while an answer is still to be asked.

    marker   whether the picture carries the side marker
    answers  to the counterfactual pictures of a positive question whose original answer was right

    >>> known_cause(False, {Counterfactual.WITHOUT_FINDING: Answer.NO}).value
    'finding'
    >>> both = {Counterfactual.WITHOUT_FINDING: Answer.YES, Counterfactual.WITHOUT_MARKER: Answer.NO}
    >>> known_cause(True, both).value
    'marker'
    """
    outcome = _walk(marker, answers)
    if isinstance(outcome, Counterfactual):
        raise ValueError(f"no cause yet: the answer to the picture {outcome} is missing")
    return outcome


def _walk(marker: bool, answers: Mapping[Counterfactual, Answer]) -> KnownCause | Counterfactual | None:
    if Answer.UNREADABLE in answers.values():
        return None
    asked = [Counterfactual.WITHOUT_FINDING, *([Counterfactual.WITHOUT_MARKER] if marker else [])]
    missing = next((name for name in asked if name not in answers), None)
    if missing is not None:
        return missing
    flipped = frozenset(name for name in asked if answers[name] is Answer.NO)
    if flipped or not marker:
        return CAUSE_OF_FLIPS[flipped]
    if Counterfactual.WITHOUT_BOTH not in answers:
        return Counterfactual.WITHOUT_BOTH
    return KnownCause.EITHER if answers[Counterfactual.WITHOUT_BOTH] is Answer.NO else KnownCause.NEITHER
