"""What the benchmark cannot tell: the paper's own limits, and what phantoms, whose causes are known, taught since."""

from __future__ import annotations

import json
from collections.abc import Iterable

from builder.diffusion.training.card import EXAMINATION, EditorExamination
from builder.diffusion.weights import EMBEDDED
from builder.publish.card.sources import PublishedSource
from medground_bench.benchmark.statistics import ALL
from medground_bench.core.types import Mode

PAPER = (
    "Chest X-rays only, because for them alone there are both experts' boxes and a model that edits a region. Nothing "
    "follows for other kinds of pictures.",
    "Yes/no questions only. Whether such an answer is right can be checked; reports and longer reasoning need more.",
    "Right answers only. Where an answer is wrong, nobody can say which region should have caused it.",
    "A retained region is needed for the answer, as far as the edits show. It need not be the only evidence: a model "
    "may look elsewhere as well.",
    "The cases of an LVLM are its own. Scores of two LVLMs are over different questions, and a low number of retained "
    "cases makes them uncertain.",
    "An attribution says what influenced an answer. It does not explain all that a model does, and it is no substitute "
    "for clinical judgement.",
)
HOSPITALS = (
    "The pictures come from few hospitals. How conclusions carry over to other groups of people is not known.",
    "A box can be larger or smaller than what is to be seen. Those of Chest ImaGenome are whole anatomical regions.",
)
DRAWN = (
    "A phantom has one view and ten findings, drawn by a program. What holds on phantoms need not hold on "
    "radiographs."
)
TAUGHT = (
    "The filter sees what the boxes separate. On phantoms one finding comes with a planted shortcut outside its box, "
    "and no answer that rests on the shortcut alone was retained.",
    "The two LVLMs that are embedded in the package were trained with labels of where findings lie. Methods may do "
    "better on them than on LVLMs that were not.",
)


def limits(sources: Iterable[PublishedSource]) -> list[str]:
    """Of rows of these sources, a sentence or two each."""
    known = list(sources)
    of_patients = HOSPITALS if any(each.terms for each in known) else ()
    of_phantoms = (DRAWN,) if any(each.terms is None for each in known) else ()
    return [*PAPER, *of_patients, *of_phantoms, *TAUGHT, _editors()]


def biases(sources: Iterable[PublishedSource]) -> list[str]:
    """Of the sources that are there, in words."""
    return [f"{each.name}: pictures of {each.people}; boxes {each.annotation}." for each in sources]


def _editors() -> str:
    """How much verdicts depend on who edits, by the fidelity run that is kept beside the embedded editor."""
    examined: EditorExamination = json.loads((EMBEDDED / EXAMINATION).read_text("utf-8"))
    shares: dict[str, set[str]] = {}
    wrong = 0
    for row in examined["retention"]:
        if (row["mode"], row["finding"], row["size"]) == (Mode.DIRECT, ALL, ALL):
            shares.setdefault(row["editor"], set()).add(
                f"{100 * int(row['agree']) / int(row['answers']):.0f}"
            )
            wrong += int(row["exact_wrong"]) + int(row["other_wrong"])
    said = " and ".join(
        f"{' to '.join(sorted(found))} % (`{editor}`)" for editor, found in sorted(shares.items())
    )
    return (
        "The verdict depends on who edits. On phantoms, where the exact counterfactual is known, another editor led "
        f"to the same verdict on {said} of the right answers. Cases on which they differ were mostly lost, not gained, "
        f"and {wrong or 'none'} of those that were retained rested on something else than the finding. "
        "How near RadEdit's edits of radiographs come to the exact ones, nobody can measure."
    )
