"""Localizers with settings of an ablation's choice, and what they found, kept for a picture's next question."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from medground_bench import plugins
from medground_bench.anatomy.transport import TransportSettings
from medground_bench.core.concepts import ConceptRegions
from medground_bench.core.errors import BadAtlas, SourceMissing, UnknownName, Unsupported, one_line
from medground_bench.core.types import Case
from medground_bench.localizers import Localizer, localize_case, open_localizer, record_of
from medground_bench.localizers.uot import Uot
from medground_bench.localizers.uot_medsam import UotMedsam
from medground_bench.storage.whole_files import Plain

TRANSPORTING = ("uot", "uot_medsam")
"""Localizers whose transport can be varied."""

CANNOT_RUN = (SourceMissing, UnknownName, Unsupported, BadAtlas, ModuleNotFoundError)
"""What says that something cannot be run here at all: weights, a library or a name that are not there."""

REGIONS_KEPT = 128
"""More than the variants that are tried on one picture."""


@dataclass(frozen=True, slots=True)
class TransportChoice:
    """A choice of table 7; the first `references` of the pool are candidates."""

    epsilon: float
    marginal_weight: float
    references: int


PAPERS_CHOICE = TransportChoice(
    TransportSettings().epsilon, TransportSettings().marginal_weight, Uot.references
)


def found_regions(
    name: str, checkpoint: str | None, transport: TransportChoice | None, case: Case
) -> ConceptRegions:
    """What a localizer finds on a case's picture; None leaves a setting as the localizer has it."""
    if checkpoint is None and transport is None:
        return localize_case(name, case)
    return _found(name, checkpoint, transport, case.picture.shape, case.picture.tobytes())


def record_of_choice(
    name: str, checkpoint: str | None, transport: TransportChoice | None
) -> dict[str, Plain]:
    """As `localizers.record_of`, of a localizer with these settings; why not, where it cannot be opened."""
    try:
        return record_of(_configured(name, checkpoint, transport))
    except CANNOT_RUN as error:
        return {"not_opened": one_line(error)}


@lru_cache(maxsize=REGIONS_KEPT)
def _found(
    name: str,
    checkpoint: str | None,
    transport: TransportChoice | None,
    shape: tuple[int, ...],
    content: bytes,
) -> ConceptRegions:
    picture = np.frombuffer(content, np.uint8).reshape(shape)
    return _configured(name, checkpoint, transport).localize(picture)


@lru_cache(maxsize=REGIONS_KEPT)
def _configured(name: str, checkpoint: str | None, transport: TransportChoice | None) -> Localizer:
    if transport is None:
        if checkpoint is None:
            return open_localizer(name)
        localizer: Localizer = plugins.load("localizers", name)(checkpoint=checkpoint)
        return localizer
    settings = TransportSettings(epsilon=transport.epsilon, marginal_weight=transport.marginal_weight)
    uot = Uot(transport=settings, references=transport.references)
    if transport.references > len(uot.atlas.names):
        raise SourceMissing(
            f"the reference pool has {len(uot.atlas.names)} pictures, not {transport.references}"
        )
    return uot if name == "uot" else UotMedsam(uot=uot)
