"""One case as it is looked at: its place in the list, every method's boxes, and the pictures behind its verdict.

Pictures are those of the phantom, drawn again by its own exact editor. Of any other source there are frames of the
right size, and the answers without pictures.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from medground_bench.benchmark.rows import ORIGINAL
from medground_bench.core.causal_filter import Edit
from medground_bench.core.causes import Counterfactual, KnownCause
from medground_bench.core.scoring import CaseScore
from medground_bench.core.types import Answer, Box, Corners, Frame, Picture, Question
from medground_bench.leaderboard.case_book import BookCase, CaseBook, GivenAnswer
from medground_bench.leaderboard.case_choice import (
    CaseChoice,
    ListedCase,
    choice_of,
    listed,
    not_shown,
    shows,
)
from medground_bench.phantom.exact_edits import EXACT, edited, original, without
from medground_bench.phantom.region_edits import PHANTOM
from medground_bench.pictures import picture_digest

PICTURES: dict[str, str] = {
    ORIGINAL: "The picture as it is",
    Edit.FOREGROUND: "The finding edited out of the boxes",
    Edit.BACKGROUND: "All but the boxes edited",
    Edit.BACKGROUND_NORMAL: "All but the boxes made normal",
    Counterfactual.WITHOUT_FINDING: "Exactly without the finding",
    Counterfactual.WITHOUT_MARKER: "Exactly without the side marker",
    Counterfactual.WITHOUT_BOTH: "Exactly without both",
}
"""What an answer was given to, in the order in which it is shown."""

CAUSES: dict[str, str] = {
    KnownCause.FINDING: "the finding alone",
    KnownCause.MARKER: "the side marker alone",
    KnownCause.BOTH: "the finding and the side marker together",
    KnownCause.EITHER: "the finding or the side marker, each is enough",
    KnownCause.NEITHER: "something else in the picture, or the words",
}

OTHER_RENDERER = "The pictures of this phantom are not shown: the builder of the benchmark drew it otherwise."
MAY_NOT_BE_SHOWN = (
    "Pictures of {source} may not be shown; the frame has the picture's size, {width} x {height} px."
)
OTHER_EDITOR = (
    "Edits by {editor} are not shown: no edited picture is kept, and only exact ones can be drawn again."
)
NO_SUCH_CASE = "There is no case {case} here. This is the first of the list."


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodView:
    """One method on the case; `score` is None where it was not run, the mean of so many `draws` where it was."""

    method: str
    shown: str
    boxes: tuple[Corners, ...] = ()
    score: CaseScore | None = None
    draws: int = 1

    @property
    def failed(self) -> bool:
        """Whether it was run and gave nothing, which scores 0."""
        return self.score is not None and not self.score.predicted


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerView:
    """One answer that the verdict, or the known cause, rests on; `picture` is None where it is not shown."""

    told: str
    given: GivenAnswer
    picture: Picture | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CaseView:
    """Everything that a page shows of a case.

    place     in the list, from 0
    around    the part of the list that it is in, from `first` on
    previous  id of the case before it, empty for the first; `following` likewise
    earlier   id of the first case of the part before, empty in the first part; `later` likewise
    picture   None where it is not shown; `notes` say why
    cause     what the answer rests on, in words; empty where that is not known
    """

    case: BookCase
    around: tuple[ListedCase, ...]
    first: int
    place: int
    total: int
    previous: str
    following: str
    earlier: str
    later: str
    methods: tuple[MethodView, ...]
    answers: tuple[AnswerView, ...]
    picture: Picture | None
    cause: str
    notes: tuple[str, ...]


LISTED_AT_ONCE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedCases:
    """What an address leads to; `view` is None where the choice has no case, `note` says what was not found."""

    choice: CaseChoice
    view: CaseView | None
    note: str = ""


def opened_by(book: CaseBook, query: str) -> OpenedCases:
    """What the address of the page leads to; its note names all that is not here."""
    choice, case = choice_of(book, query)
    found = opened(book, choice, case)
    return replace(found, note=" ".join(filter(None, (not_shown(query, choice.words), found.note))))


def opened(book: CaseBook, choice: CaseChoice, case: str = "") -> OpenedCases:
    """A case under a choice, without the filters where these leave it out; the first where it is not known."""
    choice = shows(book, choice, case)
    cases = listed(book, choice)
    note = NO_SUCH_CASE.format(case=case) if case and case not in book.by_id else ""
    if not cases:
        return OpenedCases(choice=choice, view=None, note=note)
    return OpenedCases(choice=choice, view=_view(book, choice, cases, case), note=note)


def _view(book: CaseBook, choice: CaseChoice, cases: Sequence[ListedCase], case: str) -> CaseView:
    ids = [each.case.case_id for each in cases]
    place = ids.index(case) if case in ids else 0
    shown, first = cases[place].case, place - place % LISTED_AT_ONCE
    picture = _picture(shown)
    return CaseView(
        case=shown,
        around=tuple(cases[first : first + LISTED_AT_ONCE]),
        first=first,
        place=place,
        total=len(ids),
        previous=_at(ids, place - 1),
        following=_at(ids, place + 1),
        earlier=_at(ids, first - LISTED_AT_ONCE),
        later=_at(ids, first + LISTED_AT_ONCE),
        methods=tuple(_method_view(book, method, shown) for method in choice.methods),
        answers=tuple(_answer_views(shown, picture)),
        picture=picture,
        cause=CAUSES.get(shown.known_cause or "", ""),
        notes=tuple(_notes(shown)),
    )


def _at(ids: Sequence[str], place: int) -> str:
    return ids[place] if 0 <= place < len(ids) else ""


def withheld_sentence(book: CaseBook) -> str:
    """On the cases whose expert boxes are not here, or are hidden; empty where there are none."""
    return " ".join(
        f"Not among them: {' and '.join(f'{count} of {source}' for source, count in counts.items())}. {why}"
        for why, counts in _reasons(book).items()
        if counts
    )


def nothing_sentence(book: CaseBook, source: str) -> str:
    """Why there is nothing to see of a source, and of how many cases; empty where there is something."""
    if any(case.source == source for case in book.cases):
        return ""
    told = (f"{counts[source]} cases. {why}" for why, counts in _reasons(book).items() if source in counts)
    return " ".join([f"There is nothing to see of {source}:", *told]) if source in book.counts() else ""


def _reasons(book: CaseBook) -> dict[str, Mapping[str, int]]:
    """Why cases are not shown -> how many of which source."""
    return {
        "This copy of the benchmark has the keys of these and not the expert boxes, so there is nothing to draw.": (
            book.withheld
        ),
        "Their expert boxes, against which submissions are scored, are not for everybody; whoever has them sees these "
        "cases on a machine of their own that takes no submissions.": book.hidden,
    }


def _method_view(book: CaseBook, method: str, case: BookCase) -> MethodView:
    run = book.run_on(method, case.track)
    if run is None:
        return MethodView(method=method, shown=book.shown[method])
    return MethodView(
        method=method,
        shown=run.shown,
        boxes=run.boxes.get(case.case_id, ()),
        score=run.score(case),
        draws=run.draws,
    )


def _answer_views(case: BookCase, picture: Picture | None) -> Iterator[AnswerView]:
    given = {answer.picture: answer for answer in case.answers}
    for name, told in PICTURES.items():
        if answer := given.get(name):
            shown = picture if name == ORIGINAL else _other_picture(case, answer, picture)
            yield AnswerView(told=told, given=answer, picture=shown)


def _picture(case: BookCase) -> Picture | None:
    """The phantom as it was asked about; None for any other picture, and where it would come out otherwise."""
    return _phantom(case.image_id, case.image_sha256) if case.source == PHANTOM else None


@lru_cache(maxsize=64)
def _phantom(image_id: str, sha256: str) -> Picture | None:
    picture = original(image_id)
    return picture if picture_digest(picture) == sha256 else None


def _other_picture(case: BookCase, answer: GivenAnswer, picture: Picture | None) -> Picture | None:
    if picture is None or (answer.editor and _editor_name(answer) != EXACT):
        return None
    native = Frame.native_of(picture)
    boxes = tuple(Box(*corners, native) for corners in case.boxes)
    question = Question(case.source, case.image_id, case.finding, Answer.YES, native, boxes)
    if answer.picture in list(Edit):
        return edited(question, picture, Edit(answer.picture))
    return without(question, Counterfactual(answer.picture))


def _notes(case: BookCase) -> Iterator[str]:
    if case.source != PHANTOM:
        yield MAY_NOT_BE_SHOWN.format(source=case.source, width=case.width, height=case.height)
    elif _picture(case) is None:
        yield OTHER_RENDERER
    elif other := _other_editors(case.answers):
        yield OTHER_EDITOR.format(editor=" and ".join(other))


def _other_editors(answers: Sequence[GivenAnswer]) -> list[str]:
    return sorted({_editor_name(answer) for answer in answers if answer.editor} - {EXACT})


def _editor_name(answer: GivenAnswer) -> str:
    return (answer.editor or "").partition("@")[0]
