"""Exact removal: does the answer flip when the finding is taken out inside the predicted boxes alone?

The edit is the causal filter's foreground edit with the predicted boxes in place of the expert's: with the expert's own
it is the very picture that flipped every retained answer. The whole picture flips as well, so a share of flips means
something only beside the area that it took.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Protocol

from medground_bench import plugins
from medground_bench.core.answers import read_answer
from medground_bench.core.causal_filter import Edit
from medground_bench.core.errors import Unsupported
from medground_bench.core.geometry import cover_areas
from medground_bench.core.types import Answer, Box, Picture, Question
from medground_bench.lvlms import Lvlm
from medground_bench.phantom import exact_edits
from medground_bench.phantom.region_edits import edits_version
from medground_bench.pictures import to_study
from medground_bench.probes.subjects import Look, Shown
from medground_bench.storage.journal import Entry


class _Editor(Protocol):
    """As much of an editor as is needed here."""

    version: str

    def edit(self, question: Question, picture: Picture, edit: Edit) -> Picture: ...


Editing = Callable[[Question, Picture, Edit], Picture]
"""What an editor does: native picture in, native picture out."""


def version_of(editor: str | None) -> str | None:
    """Changes whenever the editor of that name would make other pictures; None where none is installed here."""
    if editor == exact_edits.EXACT:
        return edits_version()
    installed = {plugin.name for plugin in plugins.available("editors")}
    return _installed(editor).version if editor in installed else None


@lru_cache(maxsize=4)
def _installed(editor: str) -> _Editor:
    opened: _Editor = plugins.load("editors", editor)()
    return opened


def editing_of(editor: str | None) -> Editing:
    """What the editor of that name does; Unsupported where nobody names one, or it is not installed here."""
    if editor == exact_edits.EXACT:
        return exact_edits.edited
    if editor is None:
        raise Unsupported(
            "removal needs the editor of the causal filter, and this benchmark does not name it."
        )
    if editor not in {plugin.name for plugin in plugins.available("editors")}:
        raise Unsupported(
            f"removal needs the editor {editor} of the causal filter, which is not installed here."
        )
    return _installed(editor).edit


def without_finding(shown: Shown, boxes: Sequence[Box], editing: Editing) -> Picture:
    """The case's picture without its finding inside the boxes and untouched outside, in the study frame.

    boxes  native pixels; without any, the picture as it is
    """
    truth = shown.reference
    question = Question(
        truth.source, truth.image_id, truth.finding, Answer.YES, truth.native, boxes=tuple(boxes)
    )
    edited = editing(question, shown.native, Edit.FOREGROUND) if boxes else shown.native
    return to_study(edited, shown.case.study.width).picture


def measure(lvlm: Lvlm, shown: Shown, looks: Sequence[Look]) -> list[Entry]:
    """Of every method: whether its boxes flip the answer, whether what was said then could be read, and their area.

    flipped     1 for a readable "no"; 0 for anything else, and where the method gave no box
    unreadable  1 for an answer that is neither yes nor no
    area        share 0..1 of the native picture that the boxes cover
    """
    editing, case = editing_of(shown.editor), shown.case
    asked = [look for look in looks if look.boxes]
    pictures = [without_finding(shown, look.boxes, editing) for look in asked]
    said = lvlm.generate(pictures, [case.prompt] * len(pictures)) if pictures else []
    answers = {
        look.name: read_answer(response.text, case.finding)
        for look, response in zip(asked, said, strict=True)
    }
    return [
        {
            "flipped": float(answers.get(look.name) is Answer.NO),
            "unreadable": float(answers.get(look.name) is Answer.UNREADABLE),
            "area": cover_areas(look.boxes, ()).first / (case.native.width * case.native.height),
        }
        for look in looks
    ]
