import pytest

from medground_bench.core.causes import Counterfactual, KnownCause, known_cause, next_counterfactual
from medground_bench.core.types import Answer

LETTERS = {"y": Answer.YES, "n": Answer.NO, "?": Answer.UNREADABLE}


def answers(text: str) -> dict[Counterfactual, Answer]:
    return dict(zip(Counterfactual, (LETTERS[letter] for letter in text), strict=False))


@pytest.mark.parametrize(
    ("marker", "text", "cause"),
    [
        (False, "n", KnownCause.FINDING),
        (False, "y", KnownCause.NEITHER),
        (True, "ny", KnownCause.FINDING),
        (True, "yn", KnownCause.MARKER),
        (True, "nn", KnownCause.BOTH),
        (True, "yyn", KnownCause.EITHER),
        (True, "yyy", KnownCause.NEITHER),
        (False, "?", None),
        (True, "n?", None),
        (True, "yy?", None),
    ],
)
def test_the_table_of_known_causes(marker, text, cause):
    assert next_counterfactual(marker, answers(text)) is None
    assert known_cause(marker, answers(text)) is cause


@pytest.mark.parametrize(
    ("marker", "text", "wanted"),
    [
        (False, "", Counterfactual.WITHOUT_FINDING),
        (True, "n", Counterfactual.WITHOUT_MARKER),
        (True, "yy", Counterfactual.WITHOUT_BOTH),
    ],
)
def test_only_the_pictures_that_are_needed_are_asked_about(marker, text, wanted):
    assert next_counterfactual(marker, answers(text)) is wanted
    with pytest.raises(ValueError, match="no cause yet"):
        known_cause(marker, answers(text))
