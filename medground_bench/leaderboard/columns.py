"""The columns of the board as data: what each is called, in what unit, which way is better, and how it is pooled.

Whoever adds one adds a `Column`, and a measure of that name to every case (`case_scores`); pages, files and the command
line show it without a change.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

ABSENT, NOT_APPLICABLE = "-", "n/a"
"""A cell without a value, for people; the second where a method could not answer at all."""


class Pooling(StrEnum):
    """How a row's number is made of its cases.

    SCORE      mean over all cases, with its interval by image
    MEAN       mean over the cases that have a value
    MEDIAN     median of them
    LACKING    share of all cases whose measure is 0
    OF_CHANCE  where a score lies between that of random boxes, 0, and 1
    TUNING     what the settings of its tracks were chosen on, in words
    COUNT      how many cases there are
    SEEDS      standard deviation of the IoU over the runs of several seeds
    SAID       what its submitter said of it, in words
    """

    SCORE = "score"
    MEAN = "mean"
    MEDIAN = "median"
    LACKING = "lacking"
    OF_CHANCE = "of_chance"
    TUNING = "tuning"
    COUNT = "count"
    SEEDS = "seeds"
    SAID = "said"


class Direction(StrEnum):
    """Which way is better."""

    HIGHER = "higher is better"
    LOWER = "lower is better"
    NEITHER = "neither way is better"


class Unit(StrEnum):
    """What a number counts; shares are 0..1 everywhere but where people look."""

    PERCENT = "%"
    SECONDS = "s"
    NUMBER = "number"
    SHARE = "0 to 1"
    WORDS = "words"
    LINK = "link"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column.

    key          its name in files, and that of the measure of a case that it pools, unless `measure` says another
    explanation  a sentence for whoever points at it
    """

    key: str
    name: str
    unit: Unit
    direction: Direction
    explanation: str
    pooling: Pooling
    measure: str = ""

    @property
    def of(self) -> str:
        """The measure of a case that it pools."""
        return self.measure or self.key

    @property
    def is_of_scores(self) -> bool:
        """Whether it says how good a method is."""
        return self.pooling in (Pooling.SCORE, Pooling.OF_CHANCE, Pooling.SEEDS)

    @property
    def is_of_boxes(self) -> bool:
        """Whether it says how good a method's boxes are or what they are like: of none, 0 would be a wrong number."""
        return self.is_of_scores or self.of in ("boxed", "whole_image", "covered", "boxes")

    @property
    def fields(self) -> tuple[str, ...]:
        """What it is called in files: a score has the ends of its interval too."""
        return (
            (self.key, f"{self.key}_low", f"{self.key}_high")
            if self.pooling is Pooling.SCORE
            else (self.key,)
        )

    def as_text(self, value: float | int | str | None) -> str:
        """A value for people; shares in percent."""
        if value is None or isinstance(value, str):
            return value or ABSENT
        if self.pooling is Pooling.COUNT:
            return str(value)
        if self.unit is Unit.PERCENT:
            return f"{100 * value:.1f}"
        return f"{value:.2f}" if self.unit in (Unit.SECONDS, Unit.SHARE) else f"{value:.1f}"


def _score(key: str, name: str, explanation: str) -> Column:
    return Column(
        key=key,
        name=name,
        unit=Unit.PERCENT,
        direction=Direction.HIGHER,
        explanation=explanation,
        pooling=Pooling.SCORE,
    )


IOU = "iou"
COLUMNS = (
    _score(
        IOU,
        "IoU",
        "Intersection over union of the method's boxes and the expert's, mean over all cases; below it the 95 % "
        "interval by image.",
    ),
    _score("f1", "F1", "Harmonic mean of precision and recall, by area, mean over all cases."),
    _score(
        "precision", "Precision", "Share of the method's area that the expert marked, mean over all cases."
    ),
    _score("recall", "Recall", "Share of the expert's area that the method found, mean over all cases."),
    Column(
        key="coverage",
        name="Coverage",
        unit=Unit.PERCENT,
        direction=Direction.HIGHER,
        explanation="Share of the cases for which the method gave a box; the others score 0.",
        pooling=Pooling.MEAN,
        measure="boxed",
    ),
    Column(
        key="failure_rate",
        name="Failed",
        unit=Unit.PERCENT,
        direction=Direction.LOWER,
        explanation="Share of the cases on which the method ended in an error; they score 0.",
        pooling=Pooling.LACKING,
        measure="predicted",
    ),
    Column(
        key="without_box",
        name="No box",
        unit=Unit.PERCENT,
        direction=Direction.LOWER,
        explanation="Share of the cases on which the method did not fail and gave no box; they score 0.",
        pooling=Pooling.MEAN,
        measure="empty",
    ),
    Column(
        key="whole_image",
        name="Whole image",
        unit=Unit.PERCENT,
        direction=Direction.NEITHER,
        explanation="Share of the predicted cases in which the boxes cover 99 % of the picture or more.",
        pooling=Pooling.MEAN,
    ),
    Column(
        key="covered",
        name="Area",
        unit=Unit.PERCENT,
        direction=Direction.NEITHER,
        explanation="Median share of the picture that the boxes of a predicted case cover.",
        pooling=Pooling.MEDIAN,
    ),
    Column(
        key="boxes",
        name="Boxes",
        unit=Unit.NUMBER,
        direction=Direction.NEITHER,
        explanation="Mean number of boxes of a predicted case.",
        pooling=Pooling.MEAN,
    ),
    Column(
        key="seconds",
        name="Seconds",
        unit=Unit.SECONDS,
        direction=Direction.LOWER,
        explanation="Mean seconds a case took, on the machine that ran it; of a submission, as its submitter says.",
        pooling=Pooling.MEAN,
    ),
    Column(
        key="known_cause",
        name="Known cause",
        unit=Unit.SHARE,
        direction=Direction.HIGHER,
        explanation="Phantoms only, where the cause of an answer is known: 1 is the true region exactly, 0 is what "
        "random boxes get on the same cases; below 0 is worse than chance.",
        pooling=Pooling.OF_CHANCE,
        measure=IOU,
    ),
    Column(
        key="cases",
        name="Cases",
        unit=Unit.NUMBER,
        direction=Direction.NEITHER,
        explanation="How many cases the row is the mean of.",
        pooling=Pooling.COUNT,
    ),
    Column(
        key="seed_sd",
        name="Seeds",
        unit=Unit.PERCENT,
        direction=Direction.NEITHER,
        explanation="Standard deviation of the IoU over seeds, where a row is the mean of several runs.",
        pooling=Pooling.SEEDS,
        measure=IOU,
    ),
    Column(
        key="tuned_on",
        name="Tuned on",
        unit=Unit.WORDS,
        direction=Direction.NEITHER,
        explanation="What the settings were chosen on, least to most over the tracks shown; none where nothing was, "
        "or where, as of a submission, it is not known.",
        pooling=Pooling.TUNING,
    ),
)


def _said(key: str, name: str, unit: Unit, explanation: str) -> Column:
    return Column(
        key=key,
        name=name,
        unit=unit,
        direction=Direction.NEITHER,
        explanation=explanation,
        pooling=Pooling.SAID,
    )


SAID = (
    _said(
        "training_data",
        "Training data",
        Unit.WORDS,
        "What the submitter says: disclosed-clean, no picture of the benchmark was trained on; overlap, some were; "
        "undisclosed, nothing is said.",
    ),
    _said("code", "Code", Unit.LINK, "Where the submitter says that the code is; we have not run it."),
    _said("seed", "Seed", Unit.WORDS, "Of the random numbers, as the submitter says."),
)
"""What is known of submissions alone, by the names of `Metadata`."""
