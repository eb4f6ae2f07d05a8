"""An LVLM that follows simple rules on phantom pictures, so that every verdict is known beforehand."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from medground_bench.core.boxes_in_text import BoxConvention
from medground_bench.core.types import Frame, Picture, Response
from medground_bench.lvlms import Need

TOKENS = ("Yes", "No", ".", "Hard", " to", " say", "I", " looked")


@dataclass
class RuleLvlm:
    """Answers pictures of 224 x 224 px; `asked` counts generated responses.

    pacemaker         yes when metal shines in the upper chest: grounded, rests on the finding
    rib fracture      yes when the side marker is there: ungrounded, rests on the marker
    cardiomegaly      always yes: ungrounded, rests on neither
    nodule            always no: incorrect
    atelectasis       never readable
    everything else   yes or no by the digest of the whole picture: any edit may change it
    """

    key: str = "rule_lvlm"
    revision: str = "r1"
    precision: str = "float32"
    gives: frozenset[Need] = frozenset({Need.TEXT})
    layers: int = 0
    heads: int = 0
    seconds_per_call: float = 0.0
    asked: int = field(default=0, compare=False)

    def generate(
        self, pictures: Sequence[Picture], prompts: Sequence[str], *, max_new_tokens: int = 512
    ) -> list[Response]:
        time.sleep(self.seconds_per_call)
        self.asked += len(pictures)
        return [self._respond(*pair) for pair in zip(pictures, prompts, strict=True)]

    def box_convention(self, frame: Frame) -> BoxConvention:
        return BoxConvention(frame)

    def _respond(self, picture: Picture, prompt: str) -> Response:
        said = ("Hard", " to", " say", ".") if "atelectasis" in prompt else (_yes_or_no(picture, prompt), ".")
        tokens = ("I", " looked", ".", *said) if "step by step" in prompt else said
        return Response(
            "".join(tokens).replace(".Y", ". Y").replace(".N", ". N"),
            tuple(map(TOKENS.index, tokens)),
            tokens,
        )


def _yes_or_no(picture: Picture, prompt: str) -> str:
    if "pacemaker" in prompt:
        yes = np.count_nonzero(picture[36:120] >= 245) > 100
    elif "rib fracture" in prompt:
        yes = shows_marker(picture)
    elif "cardiomegaly" in prompt or "nodule" in prompt:
        yes = "cardiomegaly" in prompt
    else:
        yes = hashlib.sha256(picture.tobytes()).digest()[0] % 2 == 0
    return "Yes" if yes else "No"


def shows_marker(picture: Picture) -> bool:
    """Whether lead shines in an upper corner of a 224 x 224 px study picture."""
    top = picture[:36]
    return int(np.count_nonzero(top[:, :60] >= 245) + np.count_nonzero(top[:, -60:] >= 245)) >= 8
