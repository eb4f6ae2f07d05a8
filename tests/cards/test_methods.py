"""What the card of a method says: what it is, what it costs, and how it did by the paper and by a board of ours."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from medground_bench import plugins
from medground_bench.cards.costs import Accelerator, MeasuredMethod
from medground_bench.cards.methods import card, own_methods, untrained_lvlm
from medground_bench.cards.own import OwnRuns, SelfCheck, results_of
from medground_bench.cards.records import Records
from medground_bench.cards.reported import Reported
from medground_bench.core.types import Box, Frame, Mode, Prediction, Reference, Track
from medground_bench.leaderboard.board import MethodRun, build_board
from medground_bench.phantom.limits import TAUGHT_WHERE
from tests.kit.foreign_package import install_quarter
from tests.kit.tiny_localizers import save_sam

ROOT = Path(__file__).parents[2]
NATIVE = Frame.native(width=100, height=100)


NOTHING = Records(Reported([], [], [], [], []), OwnRuns([], [], []), None, {})


@pytest.fixture(scope="module")
def untrained(tmp_path_factory):
    return untrained_lvlm(tmp_path_factory.mktemp("untrained"))


def board():
    """A map that is never right and both kinds of chance, on two cases."""
    truth = Box(10, 10, 50, 50, NATIVE)
    ids = ["phantom/1/nodule@a:direct", "phantom/2/nodule@a:direct"]
    references = [
        Reference(case, "phantom", case.split("/")[1], "a", Mode.DIRECT, "nodule", NATIVE, (truth,))
        for case in ids
    ]
    right = tuple(Prediction(case, (truth,)) for case in ids)
    wrong = tuple(Prediction(case, (Box(60, 60, 70, 70, NATIVE),)) for case in ids)
    return build_board(
        references,
        [
            MethodRun("random_box", Track("a", Mode.DIRECT), right),
            MethodRun("random_map", Track("a", Mode.DIRECT), right),
            MethodRun("occlusion", Track("a", Mode.DIRECT), wrong),
            MethodRun("medfocus", Track("a", Mode.DIRECT), wrong),
        ],
    )


def test_a_card_is_the_same_wherever_the_weights_of_medsam_are(untrained, tmp_path, monkeypatch):
    name, cards = "prompting_medsam", ROOT / "model_cards"
    monkeypatch.setenv("MEDGROUND_MEDSAM", str(save_sam(tmp_path / "sam")))
    here = card(name, untrained, Records.read(cards, ROOT / "submissions" / "reported"))
    assert here == (cards / "methods" / f"{name}.md").read_text("utf-8")


def test_a_card_shows_the_times_that_were_measured_beside_those_worked_out(untrained, tmp_path):
    times = [MeasuredMethod("occlusion", "direct", 1.25)]
    made = Accelerator("a GPU", "2.0", "5.0", times)
    (tmp_path / "times.json").write_text(json.dumps(asdict(made)))
    assert Accelerator.read(tmp_path / "times.json") == made
    text = card("occlusion", untrained, replace(NOTHING, accelerator=made))
    assert "on one a GPU" in text and "| ms, measured | 1250 | - |" in text
    assert "ms, measured |" not in card("rise", untrained, replace(NOTHING, accelerator=made))


def test_a_card_says_what_the_method_is_needs_and_costs(untrained):
    text = card("occlusion", untrained, NOTHING)
    assert text.startswith("# occlusion\n\nOcclusion: how much the response loses")
    assert "| `cells` | `8` | patches per side (paper, Appendix C) |" in text
    assert "Needs of the LVLM: log_probs. Nothing is tuned." in text
    assert "- rows through the decoder: 65\n" in text
    assert "| ms | 1219 | 1433 |" in text, "65 x 7.41 TF and 65 x 8.71 TF at 395 TFLOP/s"
    assert "No run of ours is kept." in text and "The paper has no such method." in text


def test_results_of_a_board_stand_in_the_card_and_a_method_below_chance_of_its_kind_is_named(untrained):
    results = results_of(board())
    assert [(each.method, each.lvlm, each.iou) for each in results if not each.control] == [
        ("medfocus", "all", 0.0),
        ("occlusion", "all", 0.0),
        ("medfocus", "a", 0.0),
        ("occlusion", "a", 0.0),
    ]
    boxes, maps = results[0].box_floor, results[0].map_floor
    assert {each.method: each.iou for each in results if each.control} == {
        "random_box": boxes, "random_map": maps,
    }  # fmt: skip
    assert 0 < maps < boxes < 0.3
    records = replace(NOTHING, own=OwnRuns(results, [], []))
    text = card("occlusion", untrained, records)
    assert "*Measured by us*" in text and TAUGHT_WHERE in text
    assert f"| direct | all | 1 to 2 | 0.0 | - | 0.0 | 0.0 | 0.0 | {100 * maps:.1f} | 2 | 2 | 0 |" in text
    assert "**Below `random_map`** in 2 of 2 rows: direct, all; direct, a." in text
    assert "**Below `random_box`** in 2 of 2 rows" in card("medfocus", untrained, records)
    assert "Below" not in card("random_box", untrained, records)


def test_a_card_has_the_distribution_of_what_a_method_checked_of_itself(untrained):
    gaps = SelfCheck("occlusion", "gap", "a", "direct", 0.0, 1e-6, 0.00123456, 0.04, 0.229, 36)
    text = card("occlusion", untrained, replace(NOTHING, own=OwnRuns([], [], [], checks=[gaps])))
    assert "| check | mode | LVLM | least | 5 % below | median | 5 % above | most | cases |" in text
    assert "| `gap` | direct | a | 0.0000 | 0.0000 | 0.0012 | 0.0400 | 0.2290 | 36 |" in text
    assert "`gap`" not in card("rise", untrained, replace(NOTHING, own=OwnRuns([], [], [], checks=[gaps])))


def test_methods_of_other_packages_have_no_card_here(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(install_quarter(tmp_path)))
    assert "quarter" in {plugin.name for plugin in plugins.available("methods")}
    assert "quarter" not in own_methods()


def test_examples_of_programs_are_not_in_the_cards(untrained):
    text = card("medfocus", untrained, NOTHING)
    assert ">>>" not in text and "The paper's settings" in text and "**What it gives.** The concept" in text


def test_a_setting_is_explained_beside_its_default_and_nowhere_else(untrained):
    text = card("medfocus", untrained, NOTHING)
    assert "| `tau` | `0.75` | the whole image when every region keeps at least this share" in text
    assert text.count("the whole image when every region keeps") == 1
    assert "| `fill` | `zero` | what is shown instead |" in card("medfocus_plus", untrained, NOTHING), (
        "inherited"
    )


def test_a_list_of_names_in_a_docstring_is_a_list_in_the_card_and_labels_are_bold(untrained):
    assert "\n- **RMSNorm**: its scale is a constant" in card("lrp", untrained, NOTHING)
    assert "**Departure from Ali et al.:** the gated unit" in card("lrp", untrained, NOTHING)
    assert "**Where it fails:** evidence larger than a patch" in card("occlusion", untrained, NOTHING)


def test_what_a_setting_of_a_method_was_chosen_on_is_what_the_kept_table_says(untrained):
    """Board and card tell it, so the file of the method has the numbers of the table by which it was chosen."""
    rules = OwnRuns.read(ROOT / "model_cards").rules
    pooled = [row for row in rules if (row.split, row.lvlm, row.size) == ("tune", "all", "all")]
    chosen = plugins.literal("methods", "medfocus_plus", "CHOSEN_ON")
    assert {(row.cases, row.images) for row in pooled} == {(chosen["cases"], chosen["pictures"])}
    assert len({row.label for row in pooled}) == chosen["candidates"]
    text = card("medfocus_plus", untrained, NOTHING)
    assert f"{chosen['cases']} cases of {chosen['pictures']} pictures, {chosen['candidates']} candid" in text
    assert "| `localizer` | `phantom_unet` |" in text
