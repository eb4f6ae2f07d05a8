"""What an ablation runs: the rows of the paper's tables, each setting reaching the thing it sets."""

from __future__ import annotations

import json
from itertools import product

from medground_bench import plugins
from medground_bench.ablation import What
from medground_bench.ablation.regions import PAPERS_CHOICE, TransportChoice
from medground_bench.ablation.variants import (
    Variant,
    interventions,
    localizers,
    rules,
    table_rows,
    transports,
    variant_runs,
)
from medground_bench.anatomy.atlas import pool_digest
from medground_bench.core.types import Group
from medground_bench.methods.medfocus import MedFocus

PAPERS_TABLE_2 = {
    "Paradigm": [
        "SAM3 (end-to-end)",
        "MedSAM3 (end-to-end)",
        "RadZero (end-to-end)",
        "UOT + MedSAM (detect+seg)",
    ],
    "Localization": ["Grounding DINO", "Grounding DINO + MedSAM", "UOT", "UOT + MedSAM"],
}


def test_table_2_has_every_row_of_the_paper_in_its_order_and_then_every_other_localizer():
    rows = localizers(Variant())
    for section, labels in PAPERS_TABLE_2.items():
        assert [row.label for row in rows if row.section == section] == labels
    tried = {row.variant.localizer for row in rows if row.variant}
    assert {plugin.name for plugin in plugins.available("localizers")} <= tried
    assert all(row.variant is not None or row.not_run for row in rows)
    beyond = {row.label: row.variant.localizer for row in rows if row.section == "Beyond the paper"}
    assert beyond["UOT, solved by POT"] == "uot_pot" and beyond["mean_box"] == "mean_box"


def test_interventions_are_every_region_with_every_fill_on_the_chosen_localizer():
    rows = interventions(Variant(localizer="oracle", vocabulary="lung_zones"))
    methods = [row.variant.method() for row in rows]
    hidden = {(method.region.value, method.fill.value) for method in methods}
    assert hidden == set(product(["box", "mask"], ["zero", "mean", "editor"])) and len(rows) == 6
    assert all(row.variant.localizer == "oracle" for row in rows)
    assert {method.concepts.name for method in methods} == {"lung_zones"}


def test_table_7_is_the_papers_grid():
    grid = [row.variant.transport for row in transports(Variant())]
    found = {(each.marginal_weight, each.epsilon, each.references) for each in grid}
    assert found == set(product([0.01, 0.1, 1.0], [0.005, 0.05, 0.5], [1, 4, 16])) and len(grid) == 27


def test_a_localizer_without_transport_gives_its_place_in_table_7_to_uot():
    assert {row.variant.localizer for row in transports(Variant(localizer="oracle"))} == {"uot"}
    assert {row.variant.localizer for row in transports(Variant(localizer="uot_medsam"))} == {"uot_medsam"}


def test_the_rules_are_those_of_every_variant_of_medfocus_on_the_papers_localizer_and_the_best():
    rows = rules(Variant())
    assert len({row.label for row in rows}) == len(rows), "a label alone says which row it is"
    tried = {name: set() for name in ("uot", "phantom_unet")}
    for row in rows:
        method = row.variant.method()
        tried[method.localizer].add((method.rule, method.groups, method.quadrants))
    assert tried["uot"] == tried["phantom_unet"]
    named = [plugins.load("methods", each.name) for each in plugins.available("methods")]
    variants = [method() for method in named if issubclass(method, MedFocus)]
    named_ones = {(method.rule, method.groups, method.quadrants) for method in variants}
    assert named_ones == tried["uot"] and len(variants) == 8
    assert rows[0].variant == Variant()


def test_every_variant_runs_once_and_only_medfocus_itself_on_what_the_filter_turned_away():
    base = Variant()
    rows = [row for table in table_rows(What.ALL, base).values() for row in table]
    runs = variant_runs(What.ALL, base, rows)
    assert next(iter(runs)) == base
    assert runs.pop(base) == frozenset(Group)
    assert set(runs.values()) == {frozenset({Group.GROUNDED})}
    several = [row.variant for row in rows if row.variant]
    assert set(runs) | {base} == set(several) and len(several) > len(runs) + 1
    assert variant_runs(What.INTERVENTIONS, base, [])[base] == frozenset({Group.GROUNDED})


def test_a_checkpoint_of_medsam3_makes_its_row_run(monkeypatch):
    assert next(row for row in localizers(Variant()) if "MedSAM3" in row.label).variant is None
    monkeypatch.setenv("MEDGROUND_MEDSAM3", "/weights/medsam3")
    row = next(row for row in localizers(Variant()) if "MedSAM3" in row.label)
    assert (row.variant.localizer, row.variant.checkpoint) == ("sam3", "/weights/medsam3")


def test_records_tell_any_two_variants_apart():
    variants = [
        row.variant for table in table_rows(What.ALL, Variant()).values() for row in table if row.variant
    ]
    variants += [
        Variant(vocabulary="lung_zones"),
        Variant(localizer="sam3", checkpoint=f"my/sam3@{40 * 'a'}"),
        Variant(transport=TransportChoice(0.05, 0.1, 8)),
    ]
    distinct = set(variants)
    records = {json.dumps(variant.record(), sort_keys=True) for variant in distinct}
    # The paper's transport is that of uot itself, under another name.
    assert len(records) == len(distinct) - 1
    assert Variant(transport=PAPERS_CHOICE).record() == Variant().record()


def test_a_record_says_which_weights_and_which_pool():
    record = Variant(localizer="sam3", checkpoint=f"my/sam3@{40 * 'a'}").record()
    assert record["localizer"]["weights"] == {f"my/sam3@{40 * 'a'}": 40 * "a"}
    assert Variant().record()["localizer"]["pool"] == pool_digest()
    assert record["method"]["region"] == "box"


def test_the_base_is_medfocus_as_it_is():
    assert Variant().method() == MedFocus()
