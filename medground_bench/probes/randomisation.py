"""Randomisation: does a map change when the weights that it should explain are shuffled?

Adebayo et al., Sanity checks for saliency maps, NeurIPS 2018: the entries of every weight tensor are shuffled among
themselves, from the output downwards, each stage on top of those before it, and the same response is explained again.
A map that stays as it was does not show what the model learned. Departure: stages are parts of the model, not layers,
and a map is compared as it is, by Spearman's rank correlation; of MedFocus, which makes none, its concepts' Deltas are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from itertools import product
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr
from torch import nn

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
"""A method whose maps keep this rank correlation, in the mean, when all weights are shuffled, keeps its map."""

SEED = 0


class ShuffleStage(StrEnum):
    """Which weights are shuffled beyond those of the stages before."""

    OUTPUT = "output matrix"
    UPPER = "upper half of the decoder"
    DECODER = "whole decoder"
    IMAGE = "image encoder too"


def shuffle(lvlm: LocalLvlm, stage: ShuffleStage) -> None:
    """Shuffle the weights of a stage in place; word embeddings, also those tied to the output matrix, stay."""
    model = lvlm.loaded.model
    if stage is ShuffleStage.OUTPUT:
        model.lm_head.weight = nn.Parameter(model.lm_head.weight.detach().clone(), requires_grad=False)
    with torch.no_grad():
        for name, weights in _weights_of(lvlm, stage):
            order = torch.randperm(weights.numel(), generator=_generator(name)).to(weights.device)
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


def _generator(name: str) -> torch.Generator:
    seed = int.from_bytes(hashlib.sha256(f"{SEED} {name}".encode()).digest()[:7])
    return torch.Generator().manual_seed(seed)


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


def keeps_its_map(rhos: Sequence[float]) -> bool:
    """Whether a method fails: its maps hardly change although nothing that was learned is left.

    rhos  of its cases with all weights shuffled

    >>> keeps_its_map([0.5, 0.3]), keeps_its_map([0.1, -0.1]), keeps_its_map([])
    (True, False, False)
    """
    return bool(rhos) and float(np.mean(rhos)) >= KEPT


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
            ProbeKind.RANDOMISATION, lvlm, shown.case, method, {"stage": stage.value, "seed": SEED}
        )
        for stage in ShuffleStage
        for shown in cases
        for name, method in methods.items()
    }
    if set(keys.values()) <= set(journal.known):
        probing.advance(len(keys))
    else:
        _Shuffling(probing, cast("LocalLvlm", reopen()), methods, {}).run(cases, keys)
    for shown, name in product(cases, methods):
        numbers = {
            f"{measure}, {stage}": value
            for stage in ShuffleStage
            for measure, value in journal.known[keys[stage, shown.case.case_id, name]].items()
        }
        probes.add(ProbeKind.RANDOMISATION, name, shown.reference, numbers)


@dataclass(frozen=True)
class _Shuffling:
    """A twin of the LVLM that is shuffled, and what each method said of each case before, made when it is needed."""

    probing: Probing
    twin: LocalLvlm
    methods: Mapping[str, Method]
    before: dict[tuple[str, str], Explained | None]

    def run(self, cases: Sequence[Shown], keys: Mapping[tuple[ShuffleStage, str, str], str]) -> None:
        for stage in ShuffleStage:
            shuffle(self.twin, stage)
            for shown, name in product(cases, self.methods):
                key = keys[stage, shown.case.case_id, name]
                self.probing.journal.once(key, partial(self._resemblance, shown.case, name))
                self.probing.advance(1)

    def _resemblance(self, case: Case, name: str) -> Entry:
        method, key = self.methods[name], (case.case_id, name)
        if key not in self.before:
            self.before[key] = explained_by(method, self.probing.lvlm, case)
        return rounded(resemblance(self.before[key], explained_by(method, self.twin, case)))
