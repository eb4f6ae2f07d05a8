"""Randomisation: does a map change when the weights that it should explain are shuffled?

Adebayo et al., Sanity checks for saliency maps, NeurIPS 2018: the entries of every weight tensor are shuffled among
themselves, from the output downwards, each stage on top of those before it, and the same response is explained again.
Every question has an order of its own: under one order for all, what the mean shows is luck.
A map that stays as it was does not show what the model learned. Departure: stages are parts of the model, not layers,
and a map is compared as it is, by Spearman's rank correlation; of MedFocus, which makes none, its concepts' Deltas are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, partial
from itertools import product
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr
from torch import nn

from medground_bench.core.case_ids import question_of
from medground_bench.core.scoring import overlap
from medground_bench.core.types import Case
from medground_bench.lvlms import Lvlm, Need
from medground_bench.lvlms.engine.local import LocalLvlm
from medground_bench.methods import Explained, Method
from medground_bench.probes import ProbeKind
from medground_bench.probes.run import Probing, rounded, unit_key
from medground_bench.probes.subjects import Shown, explained_by
from medground_bench.runs.method_groups import MethodGroup, group_of
from medground_bench.storage.journal import Entry

KEPT = 0.2
"""Rank correlation, in the mean with all weights shuffled, from which a map counts as kept."""


class ShuffleStage(StrEnum):
    """Which weights are shuffled beyond those of the stages before."""

    OUTPUT = "output matrix"
    UPPER = "upper half of the decoder"
    DECODER = "whole decoder"
    IMAGE = "image encoder too"


def shuffle(lvlm: LocalLvlm, stage: ShuffleStage, draw: str) -> None:
    """Shuffle the weights of a stage in place; word embeddings, also those tied to the output matrix, stay.

    draw  the same gives the same order of the same tensor
    """
    model = lvlm.loaded.model
    if stage is ShuffleStage.OUTPUT:
        model.lm_head.weight = nn.Parameter(model.lm_head.weight.detach().clone(), requires_grad=False)
    with torch.no_grad():
        for name, weights in _weights_of(lvlm, stage):
            order = torch.randperm(weights.numel(), generator=_generator(f"{draw} {name}")).to(weights.device)
            weights.copy_(weights.flatten()[order].view_as(weights))
    lvlm.memory.forget()


def _weights_of(lvlm: LocalLvlm, stage: ShuffleStage) -> Iterable[tuple[str, nn.Parameter]]:
    model, decoder = lvlm.loaded.model, lvlm.engine.language_model
    layers, half = cast("nn.ModuleList", decoder.layers), lvlm.layers // 2
    if stage is ShuffleStage.OUTPUT:
        norm = cast("nn.Module", decoder.norm)
        return [*model.lm_head.named_parameters(prefix="head"), *norm.named_parameters(prefix="norm")]
    if stage is ShuffleStage.IMAGE:
        words = {id(weights) for weights in decoder.parameters()}
        return [pair for pair in model.model.named_parameters() if id(pair[1]) not in words]
    part = range(half, lvlm.layers) if stage is ShuffleStage.UPPER else range(half)
    return [pair for layer in part for pair in layers[layer].named_parameters(prefix=str(layer))]


def _generator(draw: str) -> torch.Generator:
    return torch.Generator().manual_seed(int.from_bytes(hashlib.sha256(draw.encode()).digest()[:7]))


def rank_correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> float | None:
    """Spearman's, -1..1; None where either is the same everywhere or they differ in length.

    >>> rank_correlation(np.array([1.0, 2.0, 3.0]), np.array([1.0, 20.0, 300.0]))
    1.0
    >>> rank_correlation(np.ones(3), np.arange(3.0)) is None
    True
    """
    if one.shape != other.shape or one.size == 0 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return None
    return float(spearmanr(one, other).statistic)


def evidence_of(explained: Explained) -> NDArray[np.float64]:
    """What is ranked: the map's cells in raster order, or the concepts' Deltas by name; empty where neither is."""
    found = explained.attribution
    if found.saliency is not None:
        return found.saliency.values.astype(np.float64).ravel()
    return np.array([found.concept_drops[name] for name in sorted(found.concept_drops)], np.float64)


def resemblance(before: Explained | None, after: Explained | None) -> Entry:
    """`rho` and `iou` of what a method said with the weights as they are and shuffled; None where it said nothing."""
    if before is None or after is None:
        return {"rho": None, "iou": None}
    boxes = overlap(before.boxes, after.boxes).iou if before.boxes else None
    return {"rho": rank_correlation(evidence_of(before), evidence_of(after)), "iou": boxes}


def keeps_its_map(rho: float | None, low: float | None) -> bool | None:
    """Whether a method fails: its maps hardly change although nothing that was learned is left.

    rho  mean over its cases with all weights shuffled, each in an order of its own; None where no case has one
    low  end of its 95 % interval; None where images are too few for one

    >>> keeps_its_map(0.4, 0.1), keeps_its_map(0.4, -0.1), keeps_its_map(0.1, 0.05), keeps_its_map(None, None)
    (True, False, False, None)
    """
    return None if rho is None else rho >= KEPT and (low is None or low > 0)


def asked_methods(methods: Mapping[str, Method | None]) -> dict[str, Method]:
    """Those that are tested: controls never ask the LVLM, and what only reads its text explains no given response."""
    return {
        name: method
        for name, method in methods.items()
        if method and group_of(name) is not MethodGroup.CONTROL and method.needs != {Need.TEXT}
    }


def run_randomisation(probing: Probing, cases: Sequence[Shown], reopen: Callable[[], Lvlm]) -> None:
    """Explain every case again at every stage, by a second LVLM whose weights are shuffled.

    reopen  opens that one; called only when the journal lacks anything
    """
    lvlm, journal, probes = probing.lvlm, probing.journal, probing.probes
    if not isinstance(lvlm, LocalLvlm):
        probes.not_run[ProbeKind.RANDOMISATION] = f"the weights of {lvlm.key} are not at hand to be shuffled"
        return
    methods = asked_methods(probing.methods)
    keys = {
        (stage, shown.case.case_id, name): unit_key(
            ProbeKind.RANDOMISATION, lvlm, shown.case, method, {"stage": stage.value}
        )
        for shown in cases
        for stage in ShuffleStage
        for name, method in methods.items()
    }
    if set(keys.values()) <= set(journal.known):
        probing.advance(len(keys))
    else:
        _Shuffling(probing, cast("LocalLvlm", reopen()), methods).run(cases, keys)
    for shown, name in product(cases, methods):
        numbers = {
            f"{measure}, {stage}": value
            for stage in ShuffleStage
            for measure, value in journal.known[keys[stage, shown.case.case_id, name]].items()
        }
        probes.add(ProbeKind.RANDOMISATION, name, shown.reference, numbers)


@dataclass(frozen=True)
class _Shuffling:
    """A twin of the LVLM that is shuffled anew for every case, for one order of the weights is one draw of many."""

    probing: Probing
    twin: LocalLvlm
    methods: Mapping[str, Method]

    def run(self, cases: Sequence[Shown], keys: Mapping[tuple[ShuffleStage, str, str], str]) -> None:
        learned = cast("LocalLvlm", self.probing.lvlm).loaded.model.state_dict()
        for case in (shown.case for shown in cases):
            of_case = {keys[stage, case.case_id, name] for stage in ShuffleStage for name in self.methods}
            if of_case <= set(self.probing.journal.known):
                self.probing.advance(len(of_case))
                continue
            self.twin.loaded.model.load_state_dict(learned)
            self._shuffled(case, keys)

    def _shuffled(self, case: Case, keys: Mapping[tuple[ShuffleStage, str, str], str]) -> None:
        before = cache(lambda name: explained_by(self.methods[name], self.probing.lvlm, case))
        for stage in ShuffleStage:
            shuffle(self.twin, stage, question_of(case.case_id))
            for name in self.methods:
                key = keys[stage, case.case_id, name]
                self.probing.journal.once(key, partial(self._resemblance, before, case, name))
                self.probing.advance(1)

    def _resemblance(self, before: Callable[[str], Explained | None], case: Case, name: str) -> Entry:
        return rounded(resemblance(before(name), explained_by(self.methods[name], self.twin, case)))
