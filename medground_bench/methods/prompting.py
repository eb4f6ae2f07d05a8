"""Prompting: ask the LVLM itself for the boxes of its evidence. Source: paper, Appendix C, with its template.

The paper gives the template and not the talk around it. Here it is one turn: the picture, the question without the
request for a bare yes or no, the response that is to be explained, and the template.

The embedded LVLMs never learnt to write a box, so on the phantom there is none, and every case scores 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from medground_bench.core.boxes_in_text import boxes_in
from medground_bench.core.prompts import SUFFIXES
from medground_bench.core.types import Attribution, Case
from medground_bench.lvlms import Lvlm, Need
from medground_bench.methods._settings import demand

TEMPLATE = (
    "Identify the local evidence in the image that supports the answer, and output the bounding box coordinates. "
    "Provide your answer as a list of bounding boxes in the format [[x1, y1, x2, y2], ...], where (x1, y1) is the "
    "top-left corner and (x2, y2) is the bottom-right corner of each bounding box."
)

NO_BOX = "no box in the text"


@dataclass(frozen=True, kw_only=True)
class Prompting:
    """Coordinates are read by the LVLM's `box_convention`.

    >>> Prompting(max_new_tokens=64).needs
    frozenset({<Need.TEXT: 'text'>})
    """

    needs: ClassVar[frozenset[Need]] = frozenset({Need.TEXT})

    max_new_tokens: int = 256  # after which the LVLM is cut short

    def __post_init__(self) -> None:
        demand(self, self.max_new_tokens > 0, "needs room for at least 1 token")

    def attribute(self, lvlm: Lvlm, case: Case, rng: np.random.Generator) -> Attribution:
        """The boxes of the LVLM's text; a text without one gives no boxes and says so as its concept.

        Text that looks like a box and is not read as one stands in `refused`; a guess at its frame would be a false
        score.
        """
        [said] = lvlm.generate([case.picture], [request(case, TEMPLATE)], max_new_tokens=self.max_new_tokens)
        read = boxes_in(said.text, lvlm.box_convention(case.study), case.study)
        return Attribution(boxes=read.boxes, concept=None if read.boxes else NO_BOX, refused=read.refused)


def request(case: Case, template: str) -> str:
    """The turn: question, response, template, a line each.

    >>> from medground_bench.core.types import Frame, Response
    >>> picture, native = np.zeros((8, 8), np.uint8), Frame.native(16, 8)
    >>> said = Response("Yes.", (1,), ("Yes.",))
    >>> print(request(Case("a/b/mass@tiny:direct", "mass", "Is there a mass?", said, picture, native), "Where?"))
    Is there a mass?
    Your answer: Yes.
    Where?
    """
    question = case.prompt.strip()
    for suffix in SUFFIXES.values():
        question = question.removesuffix(suffix).strip()
    return f"{question}\nYour answer: {case.response.text.strip()}\n{template}"


METHOD = Prompting
PAPER = True
