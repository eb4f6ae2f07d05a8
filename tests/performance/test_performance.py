"""The bench programme runs; its times are for people and none is asserted."""

from pathlib import Path

import pytest

import tests.performance.__main__ as programme
from medground_bench.anatomy import transport_by_pot
from medground_bench.anatomy.atlas import phantom_atlas
from medground_bench.anatomy.transport import solve
from medground_bench.core.concepts import CONCEPTS
from tests.performance import localizers, reading_speed, transport_speed
from tests.performance.medfocus_speed import medfocus_cost
from tests.performance.methods_speed import Duel, method_cost
from tests.performance.transport_speed import compare


def test_separable_transport_agrees_with_pot() -> None:
    speed = compare(28)
    assert speed.error < 1e-6
    assert speed.separable_s > 0 and speed.ratio > 0


def test_choice_and_transfer_are_the_same_all_three_ways() -> None:
    atlas, picture = phantom_atlas().first(3), transport_speed.unseen()
    ours, pot = (
        transport_speed.solver_way(atlas, solver)(picture) for solver in (solve, transport_by_pot.solve)
    )
    plain = transport_speed.dense_way(atlas)(picture)
    assert plain.difference(ours) < 1e-5 and plain.regions.boxes == ours.regions.boxes
    assert pot.difference(ours) < 1e-6 and pot.regions.boxes == ours.regions.boxes


def test_the_oracle_is_right_on_phantoms_and_a_mean_box_is_not() -> None:
    ids = localizers.PHANTOMS[:1]
    oracle, control = (localizers.on_phantoms(name, ids) for name in ("oracle", "mean_box"))
    assert oracle.mean(CONCEPTS) > 0.95, "only rounding to the study frame is lost"
    assert control.mean(CONCEPTS) < oracle.mean(CONCEPTS) - 0.1


def test_real_lungs_are_measured_against_boxes_and_masks(real_cxr: Path) -> None:
    control = localizers.on_radiographs("mean_box", real_cxr)
    assert control.radiologists.pictures == 37 and control.masks.pictures == 30
    assert 0.5 < control.radiologists.mean() < 0.7


def test_the_programme_says_so_when_the_pictures_are_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programme, "GRIDS", (14,))
    monkeypatch.setattr(localizers, "NAMES", ("mean_box", "oracle"))
    monkeypatch.setattr(localizers, "PHANTOMS", localizers.PHANTOMS[:1])
    monkeypatch.setattr(programme, "all_duels", lambda lvlms: [Duel("naive calls", "gemma3", 1.0, 6.0)])
    monkeypatch.setattr(
        programme, "all_costs", lambda lvlms: [method_cost("gradcam", lvlms["gemma3"], "gemma3")]
    )
    monkeypatch.setattr(programme, "localise_table", lambda: "three ways")
    monkeypatch.setattr(programme, "medfocus_cost", lambda lvlm, family: medfocus_cost(lvlm, family, turns=1))
    monkeypatch.setattr(programme, "plain_way", lambda lvlm, family: Duel("plain", family, 1.0, 8.0))
    monkeypatch.setattr(programme, "builder_tables", lambda lvlms: ["builder"])
    monkeypatch.setattr(programme, "SOURCES", ())
    monkeypatch.setattr(programme, "page_costs", lambda: [])
    monkeypatch.setattr(programme, "desk_costs", lambda: [])
    monkeypatch.setattr(reading_speed, "PICTURES", 2)
    monkeypatch.setattr(reading_speed, "CODINGS", reading_speed.CODINGS[:1])
    monkeypatch.setattr(reading_speed, "OF_TRUE_SIZE", 1)
    programme.main(["--pictures", str(tmp_path)])
    printed = capsys.readouterr().out
    assert "left out" in printed
    assert "14 x 14" in printed
    assert "6.0" in printed and "1 (0.667)" in printed
