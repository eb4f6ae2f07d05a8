"""Everything that the cards are made of besides the code: kept records, the paper's tables, facts about weights."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from medground_bench.cards.costs import Accelerator
from medground_bench.cards.own import OwnRuns
from medground_bench.cards.reported import FOLDER, Reported
from medground_bench.core.errors import SourceMissing

CARDS = Path("model_cards")
METHODS = "methods"
"""The folder of the methods' cards within that of all cards."""

WEIGHTS = "weights.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsFacts:
    """What is known of an LVLM's weights that others publish.

    name          what the paper calls the LVLM
    license       as the hub's metadata says it, with `license_name` and `license_link` where that is `other`
    licence, gate for people
    gated         whether an account is needed to fetch them
    seen          the pages where this was read
    """

    lvlm: str
    name: str
    license: str
    license_name: str | None
    license_link: str | None
    licence: str
    gated: bool
    gate: str
    seen: Sequence[str]


@dataclass(frozen=True, slots=True)
class Records:
    """The paper's tables, our own runs, the times on a GPU, and the LVLMs of the paper by key."""

    paper: Reported
    own: OwnRuns
    accelerator: Accelerator | None
    weights: Mapping[str, WeightsFacts]

    @classmethod
    def read(cls, cards: Path = CARDS, reported: Path = FOLDER) -> Records:
        """What lies in the folder of the cards, and the paper's tables; SourceMissing outside of a checkout."""
        if not (cards / WEIGHTS).is_file():
            raise SourceMissing(
                f"{cards / WEIGHTS} is not here: cards are written in a checkout of MedGround-Bench. Go to its folder."
            )
        weights = [WeightsFacts(**row) for row in json.loads((cards / WEIGHTS).read_text("utf-8"))]
        return cls(
            Reported.read(reported),
            OwnRuns.read(cards),
            Accelerator.shipped(),
            {each.lvlm: each for each in weights},
        )
