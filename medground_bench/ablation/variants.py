"""What an ablation runs, as data: MedFocus with some settings changed, and the rows of the paper's tables.

Source: paper, section 5.4 (table 2), section 5.3 (figure 6), Appendix E (tables 7 and 8).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product

from medground_bench import plugins
from medground_bench.ablation import What
from medground_bench.ablation.regions import (
    TRANSPORTING,
    TransportChoice,
    found_regions,
    record_of_choice,
)
from medground_bench.anatomy.hiding import Fill, Region
from medground_bench.core.concepts import ConceptRegions
from medground_bench.core.types import Case, Group
from medground_bench.methods._region_rules import DropPerArea, LargestDrop, RegionRule
from medground_bench.methods.medfocus import MedFocus
from medground_bench.methods.medfocus_no_groups import MedFocusNoGroups
from medground_bench.methods.medfocus_over_control import MedFocusOverControl
from medground_bench.methods.medfocus_per_area import MedFocusPerArea
from medground_bench.methods.medfocus_quadrants import MedFocusQuadrants
from medground_bench.methods.medfocus_shapley import MedFocusShapley
from medground_bench.methods.medfocus_smallest import MedFocusSmallest
from medground_bench.runs.sweep import settings_of
from medground_bench.storage.whole_files import Plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """MedFocus as the paper has it but for these settings; two equal ones are run once.

    checkpoint  of the localizer; None for its own
    transport   of the localizer; None for its own
    """

    localizer: str = "uot"
    checkpoint: str | None = None
    transport: TransportChoice | None = None
    region: Region = MedFocus.region
    fill: Fill = MedFocus.fill
    vocabulary: str = MedFocus.vocabulary
    rule: RegionRule = field(default_factory=LargestDrop)
    groups: bool = MedFocus.groups
    quadrants: bool = MedFocus.quadrants

    def method(self) -> MedFocus:
        """MedFocus with these settings, to be given what `regions` finds."""
        return MedFocus(
            localizer=self.localizer,
            region=self.region,
            fill=self.fill,
            vocabulary=self.vocabulary,
            rule=self.rule,
            groups=self.groups,
            quadrants=self.quadrants,
        )

    def regions(self, case: Case) -> ConceptRegions:
        """What the localizer finds on a case's picture, kept for its next question."""
        return found_regions(self.localizer, self.checkpoint, self.transport, case)

    def record(self) -> dict[str, Plain]:
        """Everything that decides what it makes of a case and an LVLM, besides code."""
        localizer = record_of_choice(self.localizer, self.checkpoint, self.transport)
        return {"method": settings_of(self.method()), "localizer": localizer}


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row of a table: where it stands, what is run for it, or why nothing can be."""

    section: str
    label: str
    variant: Variant | None
    not_run: str = ""


RADZERO = (
    "its checkpoint (Deepnoid/RadZero) needs Python code that comes with it, and such code is not run here"
)
MEDSAM3 = "MEDGROUND_MEDSAM3"
"""Environment variable with a MedSAM3 checkpoint in the layout of SAM 3."""

PAPERS = {
    "sam3": "SAM3",
    "grounding_dino": "Grounding DINO",
    "grounding_dino_medsam": "Grounding DINO + MedSAM",
    "uot": "UOT",
    "uot_medsam": "UOT + MedSAM",
}
"""Localizers of the paper's table 2 and their names there."""

BEYOND = {"uot_pot": "UOT, solved by POT", "uot_ct": "UOT, references from a CT"}
"""Localizers beside them that are another way to what one of them finds."""

MARGINAL_WEIGHTS = (0.01, 0.1, 1.0)
EPSILONS = (0.005, 0.05, 0.5)
REFERENCES = (1, 4, 16)
GROUNDED = frozenset({Group.GROUNDED})


def localizers(base: Variant) -> list[TableRow]:
    """Table 2, paradigm and localization, and then every other localizer there is."""

    def row(section: str, name: str, label: str) -> TableRow:
        return TableRow(section, label, replace(base, localizer=name))

    two_stages = list(PAPERS)[1:]
    others = [each.name for each in plugins.available("localizers") if each.name not in PAPERS]
    return [
        row("Paradigm", "sam3", "SAM3 (end-to-end)"),
        _medsam3(base),
        TableRow("Paradigm", "RadZero (end-to-end)", None, RADZERO),
        row("Paradigm", "uot_medsam", "UOT + MedSAM (detect+seg)"),
        *(row("Localization", name, PAPERS[name]) for name in two_stages),
        *(row("Beyond the paper", name, BEYOND.get(name, name)) for name in others),
    ]


def interventions(base: Variant) -> list[TableRow]:
    """Table 2, intervention: what is hidden, and what is shown instead."""
    regions = {Region.MASK: "Segmentation mask", Region.BOX: "Bounding box"}
    fills = {Fill.EDITOR: "editor", Fill.ZERO: "zero masking", Fill.MEAN: "mean masking"}
    return [
        TableRow(
            "Intervention",
            f"{regions[region]} + {fills[fill]}",
            replace(base, region=region, fill=fill),
        )
        for region, fill in product(regions, fills)
    ]


def transports(base: Variant) -> list[TableRow]:
    """Table 7; a localizer without transport gives its place to `uot`."""
    name = base.localizer if base.localizer in TRANSPORTING else "uot"
    return [
        TableRow(
            "Transport",
            f"lambda {weight:g}, epsilon {epsilon:g}, #C {references}",
            replace(base, localizer=name, transport=TransportChoice(epsilon, weight, references)),
        )
        for references, weight, epsilon in product(REFERENCES, MARGINAL_WEIGHTS, EPSILONS)
    ]


RULES: dict[str, Callable[[], MedFocus]] = {
    "largest": MedFocus,
    "largest, no groups": MedFocusNoGroups,
    "per area": MedFocusPerArea,
    "per area, no groups": partial(MedFocus, rule=DropPerArea(), groups=False),
    "quadrant of that": MedFocusQuadrants,
    "over control": MedFocusOverControl,
    "Shapley, no groups": MedFocusShapley,
    "smallest": MedFocusSmallest,
}
"""Label -> makes the method whose rule, groups and second stage are tried."""

RULED = ("uot", "phantom_unet")
"""Localizers with which every rule is tried: the paper's, and the best that is open."""


def rules(base: Variant) -> list[TableRow]:
    """Every rule on two localizers, the paper's first."""
    methods = {label: method() for label, method in RULES.items()}
    return [
        TableRow(
            name,
            f"{name}: {label}",
            replace(base, localizer=name, rule=of.rule, groups=of.groups, quadrants=of.quadrants),
        )
        for name, (label, of) in product(RULED, methods.items())
    ]


TABLES = {
    What.LOCALIZERS: localizers,
    What.INTERVENTIONS: interventions,
    What.TRANSPORT: transports,
    What.RULES: rules,
}


def table_rows(what: What, base: Variant) -> dict[What, list[TableRow]]:
    """Part -> the rows of its table, for every part that is asked for and varies something."""
    return {part: table(base) for part, table in TABLES.items() if what in (part, What.ALL)}


def variant_runs(what: What, base: Variant, rows: Iterable[TableRow]) -> dict[Variant, frozenset[Group]]:
    """Every variant to run, once, MedFocus itself first, with the groups of questions it is run on.

    All are run on the retained cases; MedFocus itself, for figure 6, also on those that the causal filter turned away.
    """
    runs = {base: frozenset(Group) if what in (What.CONCEPTS, What.ALL) else GROUNDED}
    for row in rows:
        if row.variant is not None:
            runs.setdefault(row.variant, GROUNDED)
    return runs


def _medsam3(base: Variant) -> TableRow:
    label, checkpoint = "MedSAM3 (end-to-end)", os.environ.get(MEDSAM3)
    if not checkpoint:
        where = f"set {MEDSAM3} to a folder or org/name@commit with its weights in the layout of SAM 3"
        return TableRow("Paradigm", label, None, where)
    return TableRow("Paradigm", label, replace(base, localizer="sam3", checkpoint=checkpoint))
