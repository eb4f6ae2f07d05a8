"""MedFocus on the tiny LVLMs: a second question against the first, the parts of a case, and the plain way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from medground_bench import localizers
from medground_bench.anatomy.atlas import phantom_atlas
from medground_bench.core.types import Case, Frame, Picture, Response
from medground_bench.localizers import localize
from medground_bench.lvlms.engine.local import LocalLvlm
from medground_bench.methods.medfocus import MedFocus
from medground_bench.phantom.scene import Scene
from tests.kit.tiny_lvlms import DIRECT, REASON
from tests.performance.methods_speed import TURNS, Duel, OneByOne, duel, fastest
from tests.performance.transport_speed import dense_way

SIDE_PX = 224
"""The study frame."""


@dataclass(frozen=True)
class MedFocusCost:
    """Seconds of processor time of two questions about one picture, and of each part of the first.

    difference  largest of the second question's Deltas to those of a cold run, nats
    question_s  what is left of the LVLM's work for the second question
    """

    family: str
    first_s: float
    second_s: float
    difference: float
    localise_s: float
    resize_s: float
    vision_s: float
    picture_s: float
    question_s: float

    @property
    def share(self) -> float:
        """Of the first question's time that the second takes."""
        return self.second_s / self.first_s


def two_questions(lvlm: LocalLvlm) -> tuple[Case, Case]:
    """One phantom, asked about two findings in two modes."""
    picture = Scene.sample(3).render(SIDE_PX, ["cardiomegaly"])
    native = Frame.native(width=SIDE_PX, height=SIDE_PX)

    def case(number: int, prompt: str, text: str) -> Case:
        ids = lvlm.loaded.tokenizer(text, add_special_tokens=False)["input_ids"]
        response = Response(text, tuple(ids), tuple(map(str, ids)))
        return Case(f"a/b/{number}@tiny:direct", "cardiomegaly", prompt, response, picture, native)

    return case(0, DIRECT, "Yes"), case(1, REASON, "Yes the left lung")


def medfocus_cost(lvlm: LocalLvlm, family: str, turns: int = TURNS) -> MedFocusCost:
    """Cold, the first question; then the second; then the parts. The fastest of some turns each."""
    first, second = two_questions(lvlm)
    forget(lvlm)
    cold = deltas(lvlm, second)
    firsts, seconds = [], []
    for _ in range(turns):
        forget(lvlm)
        firsts.append(fastest(lambda: deltas(lvlm, first), 1))
        seconds.append(fastest(lambda: deltas(lvlm, second), 1))
    difference = float(np.abs(deltas(lvlm, second) - cold).max())
    parts = (fastest(action, turns) for action in _parts(lvlm, first))
    return MedFocusCost(family, min(firsts), min(seconds), difference, *parts)


def plain_way(lvlm: LocalLvlm, family: str) -> Duel:
    """A cold case against dense transport in numpy and 16 pictures one at a time."""
    case, _ = two_questions(lvlm)
    regions = localize(MedFocus().localizer, case.picture)

    def ours() -> None:
        forget(lvlm)
        deltas(lvlm, case)

    def plain() -> None:
        dense_way(phantom_atlas())(case.picture)
        MedFocus().attribute_regions(OneByOne(lvlm), case, regions)  # type: ignore[arg-type]

    return duel("MedFocus: dense transport, one picture a call", family, ours, plain)


def forget(lvlm: LocalLvlm) -> None:
    """As in a new process that has its models and its atlas open."""
    lvlm.memory.forget()
    localizers._localize.cache_clear()


def deltas(lvlm: LocalLvlm, case: Case) -> NDArray[np.float64]:
    """Of every concept and group."""
    attribution = MedFocus().attribute(lvlm, case, np.random.default_rng(0))
    return np.array(list((attribution.concept_drops or {}).values()))


@torch.no_grad()
def _parts(lvlm: LocalLvlm, case: Case) -> list[Callable[[], object]]:
    """Localise, resize, vision, picture and question, each by itself on the 16 pictures of the case."""
    shown: list[Picture] = []

    class Watched:
        def log_probs(self, pictures: list[Picture], prompt: str, response: Response) -> NDArray[np.float32]:
            shown.extend(pictures)
            return lvlm.log_probs(pictures, prompt, response)

    MedFocus().attribute(Watched(), case, np.random.default_rng(0))  # type: ignore[arg-type]
    tower = lvlm.family.tower_frame(case.study)
    row = lvlm.rows.of(case.study, case.prompt, case.response)
    values = lvlm.sight.pixels.of_levels(shown, width=tower.width, height=tower.height)
    features = lvlm.engine.encode(values)
    prefix = lvlm.engine.read_picture(row, features)

    def localise() -> None:
        localizers._localize.cache_clear()
        localize(MedFocus().localizer, case.picture)

    return [
        localise,
        lambda: lvlm.sight.pixels.of_levels(shown, width=tower.width, height=tower.height),
        torch.no_grad()(lambda: lvlm.engine.encode(values)),
        torch.no_grad()(lambda: lvlm.engine.read_picture(row, features)),
        torch.no_grad()(lambda: lvlm.engine.read_on(row, prefix)),
    ]
