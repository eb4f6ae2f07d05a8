"""What the page of cases shows, as values of its template: numbers as text, boxes as places in the picture."""

from __future__ import annotations

from collections.abc import Sequence

from templates import Shown

from medground_bench.core.types import Corners, Picture
from medground_bench.drawing.quick_film import quick_film
from medground_bench.leaderboard.case_book import CaseBook
from medground_bench.leaderboard.case_choice import CaseChoice, CaseOrder, ListedCase
from medground_bench.leaderboard.case_views import (
    AnswerView,
    CaseView,
    MethodView,
    OpenedCases,
    nothing_sentence,
    withheld_sentence,
)

EMPTY, NO_CASES = "No case fits this choice. Set a filter back to all.", "No cases to show."
SORTED_BY = {
    CaseOrder.DISAGREEMENT: "IoU of the best method minus the worst",
    CaseOrder.DIFFICULTY: "100 minus the mean IoU of the methods",
    CaseOrder.SIZE: "percent of the picture in the expert boxes",
}


def shown_cases(book: CaseBook, opened: OpenedCases, *, navigate: bool) -> Shown:
    """A case and the list around it; `navigate` when the visitor went there, so that its address is a step."""
    view, choice = opened.view, opened.choice
    if view is None:
        why = nothing_sentence(book, choice.source)
        return {
            "note": opened.note,
            "empty": why or f"{EMPTY if book.cases else NO_CASES} {withheld_sentence(book)}",
        }
    last = view.first + len(view.around)
    return {
        "note": opened.note,
        "case": _case(view, choice) | {"navigate": str(navigate).lower()},
        "list": [_listed(each, choice, view) for each in view.around],
        "start": view.first + 1,
        "span": f"{view.first + 1} to {last} of {view.total}, by {SORTED_BY[CaseOrder(choice.order)]}",
        "earlier": view.earlier,
        "earlier_address": choice.address(view.earlier),
        "later": view.later,
        "later_address": choice.address(view.later),
        "withheld": withheld_sentence(book),
    }


def _case(view: CaseView, choice: CaseChoice) -> Shown:
    case = view.case
    methods = [_method(each) for each in view.methods] or [{"described": "The expert boxes", "boxes": []}]
    return {
        "address": choice.address(case.case_id),
        "finding": case.finding,
        "source": case.source,
        "image": case.image_id,
        "lvlm": case.lvlm,
        "mode": case.mode,
        "place": view.place + 1,
        "total": view.total,
        "previous": view.previous,
        "previous_address": choice.address(view.previous),
        "following": view.following,
        "following_address": choice.address(view.following),
        "question": case.prompt.split("\n")[0],
        "said": "yes",
        "response": " ".join(case.response.split()),
        "width": case.width,
        "height": case.height,
        "film": _film(view.picture),
        "experts": _boxes(case.boxes),
        "has_methods": bool(view.methods),
        "methods": methods,
        "notes": list(view.notes),
        "answers": [_answer(each) for each in view.answers],
        "cause": view.cause,
    }


def _method(view: MethodView) -> Shown:
    score = view.score
    if score is None:
        told, number = "not run on this case", ""
    elif view.failed:
        told, number = "failed on this case", "IoU 0.0"
    else:
        number = f"IoU {_percent(score.overlap.iou)}"
        told = f"precision {_percent(score.overlap.precision)}, recall {_percent(score.overlap.recall)}"
        told = f"{told}; mean of {view.draws} draws, of which one is drawn" if view.draws > 1 else told
        told = told if view.boxes else "gave no box"
    return {
        "name": view.shown,
        "score": number,
        "detail": told,
        "described": f"{view.shown} against the expert boxes: {number or told}",
        "boxes": _boxes(view.boxes),
    }


def _answer(view: AnswerView) -> Shown:
    response = " ".join(view.given.response.split())
    is_more = response.strip(". ").lower() != view.given.said
    return {
        "picture": view.given.picture,
        "told": view.told,
        "said": view.given.said,
        "response": response if is_more else "",
        "film": _film(view.picture),
    }


def _listed(each: ListedCase, choice: CaseChoice, view: CaseView) -> Shown:
    case = each.case
    return {
        "id": case.case_id,
        "address": choice.address(case.case_id),
        "finding": case.finding,
        "image": case.image_id,
        "track": f"{case.lvlm}, {case.mode}",
        "by": "" if each.by is None else _percent(each.by),
        "current": case.case_id == view.case.case_id,
    }


def _film(picture: Picture | None) -> str:
    return "" if picture is None else quick_film(picture)


def _boxes(boxes: Sequence[Corners]) -> list[Shown]:
    return [
        {"x": round(x0, 2), "y": round(y0, 2), "width": round(x1 - x0, 2), "height": round(y1 - y0, 2)}
        for x0, y0, x1, y1 in boxes
    ]


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"
