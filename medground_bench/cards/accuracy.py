"""How well every localizer finds the concepts, as it is kept beside the cards, and the tables that are made of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from medground_bench.cards.markdown import interval, percent, table
from medground_bench.cards.readme import filled
from medground_bench.storage.whole_files import write_whole

ACCURACY = "anatomy_accuracy.json"
CONTROL, PEOPLE = "mean_box", "people"

PARTS: Mapping[str, tuple[str, ...]] = {
    "lungs": ("left lung", "right lung"),
    "heart": ("cardiac silhouette",),
    "clavicles": ("left clavicle", "right clavicle"),
    "hila": ("left hilar structures", "right hilar structures"),
    "angles": ("left costophrenic angle", "right costophrenic angle"),
    "mediastina": ("mediastinum", "upper mediastinum"),
}
"""Column of a table -> the concepts whose mean it is."""

PHANTOMS, RENDERS, DRAWN, MASKS = "phantoms", "renders", "drawn boxes", "masks' boxes"
"""What is found is measured against: tight boxes of whole masks on made pictures, or people's boxes on real ones."""

AS_IT_IS, BY_STANDARD, WHOLE = "as it is", "by the column's standard", "for whole masks"
"""How a localizer is asked: one without a choice of standards as it is, the others in both ways on real pictures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartIou:
    """Mean box IoU of one localizer on one part of the body, 0..1 to four digits.

    against    PHANTOMS, RENDERS, DRAWN or MASKS
    low, high  95 % interval; none where bodies are too few
    bodies     what it is over: pictures of one body stand or fall together
    """

    localizer: str
    asked: str
    against: str
    part: str
    iou: float
    low: float | None
    high: float | None
    bodies: int

    def __str__(self) -> str:
        """For people, in percent: `81.2 (79.0 to 83.1)`."""
        return f"{percent(self.iou, 1)} ({interval(self.low, self.high)})"


@dataclass(frozen=True, slots=True)
class MeasuredLocalizer:
    """What else is known of one.

    weights_sha256  of a shipped network; None where there is none
    milliseconds    of processor time a picture, on one thread
    """

    localizer: str
    weights_sha256: str | None
    milliseconds: float

    @property
    def shown(self) -> str:
        """The name in a table."""
        return f"`{self.localizer}`{' (control)' if self.localizer == CONTROL else ''}"


@dataclass(frozen=True, slots=True)
class RealLook:
    """One look at the real pictures: when, at what which localizers found on how many of them, and what was seen."""

    date: str
    localizers: Sequence[str]
    pictures: int
    seen: str


@dataclass(frozen=True, slots=True)
class AnatomyAccuracy:
    """Everything that is kept; `looks` are all there were, in order."""

    localizers: Sequence[MeasuredLocalizer] = ()
    ious: Sequence[PartIou] = ()
    looks: Sequence[RealLook] = ()

    @classmethod
    def read(cls, cards: Path) -> AnatomyAccuracy:
        """What lies beside the cards; nothing where there is no such file."""
        if not (cards / ACCURACY).is_file():
            return cls()
        kept = json.loads((cards / ACCURACY).read_text("utf-8"))
        return cls(
            [MeasuredLocalizer(**row) for row in kept["localizers"]],
            [PartIou(**row) for row in kept["ious"]],
            [RealLook(**row) for row in kept["looks"]],
        )

    def keep(self, cards: Path) -> None:
        """Write the file that `read` reads."""
        write_whole(cards / ACCURACY, (json.dumps(asdict(self), indent=1) + "\n").encode())

    def measured(self, row: MeasuredLocalizer, ious: Sequence[PartIou]) -> AnatomyAccuracy:
        """With one localizer's numbers in place of those that it had against the same.

        So it can be measured anew on made pictures without another look at the real ones, unless it is a network with
        other weights: then nothing that it had stays.
        """
        before = next((each for each in self.localizers if each.localizer == row.localizer), row)
        same = before.weights_sha256 == row.weights_sha256
        new = {each.against for each in ious}
        kept = [
            each
            for each in self.ious
            if each.localizer != row.localizer or (same and each.against not in new)
        ]
        others = [each for each in self.localizers if each.localizer != row.localizer]
        return AnatomyAccuracy([*others, row], [*kept, *ious], self.looks)

    def looked(self, look: RealLook, people: Sequence[PartIou]) -> AnatomyAccuracy:
        """With one more look, and how well people agree on the pictures that were looked at."""
        ious = [*(each for each in self.ious if each.localizer != PEOPLE), *people]
        return AnatomyAccuracy(self.localizers, ious, [*self.looks, look])

    def of(self, localizer: str, against: str, asked: str | None = None) -> dict[str, PartIou]:
        """Part -> number; without `asked`, in the only way in which it was asked."""
        return {
            each.part: each
            for each in self.ious
            if (each.localizer, each.against) == (localizer, against) and asked in (None, each.asked)
        }

    @property
    def best_last(self) -> list[MeasuredLocalizer]:
        """By the lungs on renders."""
        return sorted(self.localizers, key=lambda each: self.of(each.localizer, RENDERS)["lungs"].iou)


def with_accuracy(page: str, kept: AnatomyAccuracy) -> str:
    """A page with these numbers between its marks; as it is without marks or numbers.

    >>> with_accuracy("no marks", AnatomyAccuracy())
    'no marks'
    """
    if not kept.localizers:
        return page
    for name, text in {
        "phantoms": made_table(kept, PHANTOMS),
        "renders": made_table(kept, RENDERS),
        "films": films_table(kept),
        "looks": "\n".join(map(_looked, kept.looks)),
        "anatomy": short_table(kept),
    }.items():
        page = filled(page, name, f"{text}\n")
    return page


def made_table(kept: AnatomyAccuracy, against: str) -> str:
    """Every localizer on phantoms, or on renders, with intervals and the time a picture."""
    rows, bodies = [], 0
    for each in kept.best_last:
        ious = kept.of(each.localizer, against)
        rows.append((each.shown, *(ious[part] for part in PARTS), f"{each.milliseconds:.0f}"))
        bodies = ious["lungs"].bodies
    return f"{bodies} bodies.\n\n{table(('localizer', *PARTS, 'ms'), rows)}"


def films_table(kept: AnatomyAccuracy) -> str:
    """Lungs on real pictures, by both standards; people last."""
    ways = {(each.localizer, each.asked) for each in kept.ious if each.against in (DRAWN, MASKS)}
    rows = [
        (
            each.shown,
            asked,
            _lungs(kept, each.localizer, DRAWN, asked),
            _lungs(kept, each.localizer, MASKS, asked),
        )
        for each in kept.best_last
        for asked in (AS_IT_IS, WHOLE, BY_STANDARD)
        if (each.localizer, asked) in ways
    ]
    people = ("*people: the masks' boxes*", "", _lungs(kept, PEOPLE, DRAWN, AS_IT_IS), "")
    bodies = {each.against: each.bodies for each in kept.ious}
    columns = [f"{against} ({bodies.get(against, 0)} pictures)" for against in (DRAWN, MASKS)]
    return table(("localizer", "asked", *columns), [*rows, people], words=2)


def short_table(kept: AnatomyAccuracy) -> str:
    """Of README: the means alone."""
    rows = []
    for each in kept.best_last:
        made = [kept.of(each.localizer, against) for against in (PHANTOMS, RENDERS)]
        cells = [percent(ious[part].iou, 0) for ious in made for part in ("lungs", "heart", "clavicles")]
        films = [_short_film(kept, each.localizer, against) for against in (DRAWN, MASKS)]
        rows.append((each.shown, *cells, *films, f"{each.milliseconds:.0f}"))
    columns = [f"{against}: lungs" if part == "lungs" else part
               for against in (PHANTOMS, RENDERS) for part in ("lungs", "heart", "clavicles")]  # fmt: skip
    films = [f"real lungs, {against}" for against in (DRAWN, MASKS)]
    return table(("localizer", *columns, *films, "ms"), rows)


def _short_film(kept: AnatomyAccuracy, localizer: str, against: str) -> str:
    """By the standard of the column where there is a choice."""
    asked = [kept.of(localizer, against, asked) for asked in (BY_STANDARD, AS_IT_IS)]
    return next((percent(ious["lungs"].iou, 0) for ious in asked if ious), "-")


def _lungs(kept: AnatomyAccuracy, localizer: str, against: str, asked: str) -> str:
    found = kept.of(localizer, against, asked).get("lungs")
    return str(found) if found else "-"


def _looked(look: RealLook) -> str:
    names = ", ".join(f"`{name}`" for name in look.localizers)
    return f"- {look.date}: {names} on {look.pictures} pictures; seen: {look.seen}."
