"""The bench programme runs; its times are for people and none is asserted."""

from pathlib import Path

import pytest

import tests.performance.__main__ as programme
from tests.performance.__main__ import REAL_CXR
from tests.performance.lungs import score
from tests.performance.methods_speed import Duel, method_cost
from tests.performance.transport_speed import compare


def test_separable_transport_agrees_with_pot() -> None:
    speed = compare(28)
    assert speed.error < 1e-4
    assert speed.separable_s > 0 and speed.ratio > 0


@pytest.mark.skipif(not REAL_CXR.is_dir(), reason="the real chest X-rays are not at hand")
def test_uot_finds_real_lungs_better_than_a_coin_would() -> None:
    result = score("uot", REAL_CXR)
    assert result.pictures == 37
    assert result.both > 0.5
    assert abs(result.left - result.right) < 0.15


def test_the_programme_says_so_when_the_pictures_are_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programme, "GRIDS", (14,))
    monkeypatch.setattr(programme, "all_duels", lambda lvlms: [Duel("naive calls", "gemma3", 1.0, 6.0)])
    monkeypatch.setattr(
        programme, "all_costs", lambda lvlms: [method_cost("gradcam", lvlms["gemma3"], "gemma3")]
    )
    programme.main(["--pictures", str(tmp_path)])
    printed = capsys.readouterr().out
    assert "left out" in printed
    assert "14 x 14" in printed
    assert "6.0" in printed and "1 (0.667)" in printed
