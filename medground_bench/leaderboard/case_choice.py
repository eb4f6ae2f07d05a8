"""Which cases are looked at and in which order, and the address of a page by which anybody sees the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from urllib.parse import parse_qsl, urlencode

from medground_bench.core.unions import union_areas
from medground_bench.leaderboard.board import ALL
from medground_bench.leaderboard.case_book import BookCase, CaseBook

MOST_METHODS = 4
SHOWN_FIRST = ("medfocus", "medfocus_plus", "occlusion", "centre_box")
"""Methods that are looked at when none was chosen, as far as they were run."""

BETWEEN = ","
"""Stands between methods in an address."""


MOST_LETTERS = 200
"""Of a word of an address that is told as missing."""


class CaseOrder(StrEnum):
    """By what cases are sorted, the most of it first.

    disagreement  best IoU minus the worst, of the methods that are looked at
    difficulty    1 minus their mean IoU
    size          share of the picture that the expert boxes cover
    """

    DISAGREEMENT = "disagreement"
    DIFFICULTY = "difficulty"
    SIZE = "size"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseChoice:
    """What a page of cases shows; `ALL` where it shows any. `methods` are four at most."""

    lvlm: str = ALL
    mode: str = ALL
    source: str = ALL
    finding: str = ALL
    order: str = CaseOrder.DISAGREEMENT.value
    methods: tuple[str, ...] = ()

    def takes(self, case: BookCase) -> bool:
        """Whether a case is among those that are shown."""
        return all(getattr(self, name) in (ALL, getattr(case, name)) for name in FILTERS)

    @property
    def words(self) -> dict[str, str]:
        """What it is in words of an address, all of it."""
        words = {name: str(getattr(self, name)) for name in (*FILTERS, "order")}
        return words | {"methods": BETWEEN.join(self.methods)}

    def address(self, case: str = "") -> str:
        """The query of the page's address, `case=...` at its end; what is as at first is left out."""
        first = CaseChoice()
        pairs = [(name, getattr(self, name)) for name in (*FILTERS, "order")]
        told = [(name, value) for name, value in pairs if value != getattr(first, name)]
        told += [("methods", BETWEEN.join(self.methods))] if self.methods else []
        told += [("case", case)] if case else []
        return urlencode([("tab", "cases"), *told])


FILTERS = ("lvlm", "mode", "source", "finding")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedCase:
    """A case in the list, with the IoU of every method that is looked at, None for one that was not run on it.

    by  what the list is sorted by, 0..1; None where no method was run on the case
    """

    case: BookCase
    iou: Mapping[str, float | None]
    by: float | None


def first_choice(book: CaseBook) -> CaseChoice:
    """All cases and the first methods that are there."""
    return CaseChoice(methods=by_interest(book)[:MOST_METHODS])


def by_interest(book: CaseBook) -> tuple[str, ...]:
    """All methods: those that are looked at when none was chosen, then the others by name."""
    first = tuple(name for name in SHOWN_FIRST if name in book.methods)
    return (*first, *(name for name in book.methods if name not in first))


def choice_of(book: CaseBook, query: str) -> tuple[CaseChoice, str]:
    """The choice and the case in an address; what the book does not have counts as not said."""
    said = dict(parse_qsl(query.removeprefix("?")))
    values = {name: value for name in FILTERS if (value := said.get(name, ALL)) in choices(book, name)}
    order = said.get("order", "")
    methods = tuple(name for name in said.get("methods", "").split(BETWEEN) if name in book.methods)
    choice = CaseChoice(
        **values,
        order=order if order in list(CaseOrder) else CaseOrder.DISAGREEMENT.value,
        methods=tuple(dict.fromkeys(methods))[:MOST_METHODS] or by_interest(book)[:MOST_METHODS],
    )
    return choice, said.get("case", "")


def not_shown(query: str, shown: Mapping[str, str]) -> str:
    """A sentence on what an address names and a page does not show, with what it shows instead; empty without any.

    shown  word of an address -> its value on the page; of several methods `BETWEEN` stands between

    >>> not_shown("methods=gone,rise&lvlm=a&more=1", {"lvlm": "a", "methods": "rise"})
    'This page has no methods=gone, which its address names. It shows methods=rise.'
    """
    gone = {}
    for name, value in parse_qsl(query.removeprefix("?")):
        here = shown.get(name, value).split(BETWEEN)
        if lacking := [each for each in value.split(BETWEEN) if each not in here]:
            gone[name] = BETWEEN.join(lacking)[:MOST_LETTERS]
    if not gone:
        return ""
    named, instead = (", ".join(f"{name}={of[name] or 'none'}" for name in gone) for of in (gone, shown))
    return f"This page has no {named}, which its address names. It shows {instead}."


def choices(book: CaseBook, name: str) -> tuple[str, ...]:
    """What a filter can be set to: all, and every value that occurs, sorted; also sources with nothing to show."""
    unseen = book.counts() if name == "source" else ()
    return (ALL, *sorted({getattr(case, name) for case in book.cases} | {*unseen}))


def listed(book: CaseBook, choice: CaseChoice) -> tuple[ListedCase, ...]:
    """The cases that are shown, in order; those that no chosen method was run on come last."""
    scores = {method: book.scores(method) for method in choice.methods}
    found = []
    for case in filter(choice.takes, book.cases):
        given = {method: scored.get(case.case_id) for method, scored in scores.items()}
        iou = {method: score.overlap.iou if score else None for method, score in given.items()}
        found.append(ListedCase(case=case, iou=iou, by=_by(choice.order, case, [*iou.values()])))
    return tuple(sorted(found, key=lambda each: (each.by is None, -(each.by or 0.0), each.case.case_id)))


def shows(book: CaseBook, choice: CaseChoice, case: str) -> CaseChoice:
    """The choice under which a case is shown: as it is, or without the filters where these leave it out."""
    known = book.by_id.get(case)
    if known is None or choice.takes(known):
        return choice
    kept = {each.name: getattr(choice, each.name) for each in fields(choice) if each.name not in FILTERS}
    return replace(CaseChoice(), **kept)


def _by(order: str, case: BookCase, given: Sequence[float | None]) -> float | None:
    if order == CaseOrder.SIZE:
        return expert_share(case)
    known = [value for value in given if value is not None]
    if not known:
        return None
    return max(known) - min(known) if order == CaseOrder.DISAGREEMENT else 1 - sum(known) / len(known)


def expert_share(case: BookCase) -> float:
    """The share 0..1 of the picture that the expert boxes cover."""
    return union_areas(case.boxes, ()).first / (case.width * case.height)
