"""README's table is that of the kept results, whole and sorted, and what limits it is said beside it."""

from __future__ import annotations

from medground_bench.cards.methods import own_methods
from medground_bench.cards.own import OwnRuns
from medground_bench.cards.readme import marks, with_tables
from medground_bench.core.types import Mode
from medground_bench.phantom.limits import TAUGHT_WHERE
from tests.hub.clients import ROOT

README = (ROOT / "README.md").read_text("utf-8")
OWN = OwnRuns.read(ROOT / "model_cards")
BEGIN, END = marks("results")


def test_the_tables_of_the_readme_are_current_to_the_byte():
    assert with_tables(README, OWN) == README, "README.md is stale: python -m medground_bench.cards"


def rows():
    lines = README.partition(BEGIN)[2].partition(END)[0].splitlines()
    return [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")][1:]


def test_every_method_has_a_row_the_best_first_with_an_interval_and_a_rank():
    assert {row[0].strip("*").partition(" ")[0] for row in rows()} == set(own_methods())
    ious = [float(row[2].partition(" ")[0]) for row in rows() if row[2] != "n/a"]
    assert ious == sorted(ious, reverse=True) and len(ious) == len(rows()) - 2
    for _name, rank, iou, interval, *_reason in rows():
        assert (interval == "-") == (iou == "n/a")
        if interval != "-":
            low, high = map(float, interval.split(" to "))
            assert low < float(iou.partition(" ")[0]) < high
        assert rank == "-" or 1 <= int(rank.partition(" ")[0]) <= len(rows())


def test_chance_has_its_spread_and_no_rank_and_medfocus_says_what_it_lacks():
    found = {row[0]: row for row in rows()}
    assert "±" in found["*random_box (control)*"][2] and "±" in found["*random_map (control)*"][2]
    assert all(row[1] == "-" for name, row in found.items() if "(control)" in name)
    assert "medfocus (without MedSAM)" in found


def test_where_the_embedded_lvlms_were_taught_where_findings_lie_is_said_in_readme_and_cards():
    cards = [ROOT / "model_cards" / f"phantom_{name}.md" for name in ("gemma3", "qwen2_5_vl")]
    cards += [ROOT / "model_cards" / "methods" / f"{name}.md" for name in own_methods()]
    assert TAUGHT_WHERE in README and all(TAUGHT_WHERE in card.read_text("utf-8") for card in cards)


def test_the_settings_were_chosen_on_twenty_cases_or_more():
    chosen = OwnRuns.read(ROOT / "model_cards").chosen
    assert chosen and min(each.cases for each in chosen) >= 20
    assert {each.mode for each in chosen} == {mode.value for mode in Mode}
