"""The cards of the methods are what their program writes from the code and the kept results."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest
import typer

from medground_bench import plugins
from medground_bench.cards.costs import Accelerator, MeasuredMethod
from medground_bench.cards.methods import (
    CARDS,
    MEASURED,
    RESULTS,
    card,
    main,
    own_methods,
    read_results,
    results_of,
    untrained_lvlm,
    write_cards,
)
from medground_bench.core.types import Box, Frame, Mode, Prediction, Reference, Track
from medground_bench.leaderboard.board import MethodRun, build_board
from tests.kit.foreign_package import install_quarter
from tests.kit.tiny_localizers import save_sam

ROOT = Path(__file__).parents[2]
NATIVE = Frame.native(width=100, height=100)


@pytest.fixture(scope="module")
def untrained(tmp_path_factory):
    return untrained_lvlm(tmp_path_factory.mktemp("untrained"))


def board():
    """Two methods on two cases: one always right, one never."""
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
            MethodRun("occlusion", Track("a", Mode.DIRECT), wrong),
        ],
    )


def test_a_card_is_the_same_wherever_the_weights_of_medsam_are(untrained, tmp_path, monkeypatch):
    name = "prompting_medsam"
    monkeypatch.setenv("MEDGROUND_MEDSAM", str(save_sam(tmp_path / "sam")))
    here = card(name, untrained, read_results(ROOT / CARDS), Accelerator.read(ROOT / CARDS / MEASURED))
    assert here == (ROOT / CARDS / f"{name}.md").read_text()


def test_the_cards_in_the_checkout_are_current(tmp_path):
    results = read_results(ROOT / CARDS)
    for path in write_cards(tmp_path, results, Accelerator.read(ROOT / CARDS / MEASURED)):
        committed = ROOT / CARDS / path.name
        assert committed.is_file() and committed.read_text() == path.read_text(), (
            f"{path.name} is out of date: python -m medground_bench.cards.methods"
        )
    assert {path.stem for path in (ROOT / CARDS).glob("*.md")} == set(own_methods())


def test_a_card_shows_the_times_that_were_measured_beside_those_worked_out(untrained, tmp_path):
    times = [MeasuredMethod("occlusion", "direct", 1.25)]
    made = Accelerator("a GPU", "2.0", "5.0", times)
    (tmp_path / MEASURED).write_text(json.dumps(asdict(made)))
    assert Accelerator.read(tmp_path / MEASURED) == made and Accelerator.read(tmp_path / "none") is None
    text = card("occlusion", untrained, [], made)
    assert "on one a GPU" in text and "| ms, measured | 1250 | - |" in text
    assert "measured |" not in card("rise", untrained, [], made)


def test_a_card_says_what_the_method_is_needs_and_costs(untrained):
    text = card("occlusion", untrained, [], None)
    assert text.startswith("# occlusion\n\nOcclusion: how much the response loses")
    assert "| `cells` | `8` |" in text and "Needs of the LVLM: log_probs. Nothing is tuned." in text
    assert "- rows through the decoder: 65\n" in text
    assert "| ms | 1219 | 1433 |" in text, "65 x 7.41 TF and 65 x 8.71 TF at 395 TFLOP/s"
    assert "No board was at hand" in text


def test_results_of_a_board_stand_in_the_card_and_a_method_below_the_bar_is_named(untrained):
    results = results_of(board())
    assert [(each.method, each.lvlm, each.iou, each.bar) for each in results] == [
        ("occlusion", "all", 0.0, 1.0),
        ("random_box", "all", 1.0, 1.0),
        ("occlusion", "a", 0.0, 1.0),
        ("random_box", "a", 1.0, 1.0),
    ]
    text = card("occlusion", untrained, results, None)
    assert "| direct | all | 0.0 | 0.0 | 0.0 | 0.0 | 2 | 0 |" in text
    assert "Below `random_box` (100.0) in mode direct, LVLM a." in text
    assert "Below" not in card("random_box", untrained, results, None)


def test_the_program_keeps_the_boards_rows_beside_the_cards(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("medground_bench.cards.methods.own_methods", lambda: ["whole_image"])
    board().save(tmp_path / "demo")
    main(out=tmp_path / "cards", board=tmp_path / "demo")
    assert "whole_image.md" in capsys.readouterr().out
    assert len(json.loads((tmp_path / "cards" / RESULTS).read_text())) == 4
    first = (tmp_path / "cards" / "whole_image.md").read_bytes()
    main(out=tmp_path / "cards", board=None)
    assert (tmp_path / "cards" / "whole_image.md").read_bytes() == first


def test_methods_of_other_packages_have_no_card_here(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(install_quarter(tmp_path)))
    assert "quarter" in {plugin.name for plugin in plugins.available("methods")}
    assert "quarter" not in own_methods()


def test_examples_of_programs_are_not_in_the_cards(untrained):
    text = card("medfocus", untrained, [], None)
    assert ">>>" not in text and "The paper's settings" in text and "**What it gives.** The concept" in text


def test_the_command_has_help(capsys):
    with pytest.raises(SystemExit) as left:
        typer.main.get_command(_app())(["--help"])
    assert left.value.code == 0 and "--board" in capsys.readouterr().out


def _app():
    app = typer.Typer()
    app.command()(main)
    return app
