"""The bench programme runs; its numbers are for people, only their direction is asserted."""

from pathlib import Path

import pytest

import tests.performance.__main__ as programme
from tests.performance.__main__ import REAL_CXR
from tests.performance.lungs import score
from tests.performance.transport_speed import compare


def test_separable_transport_agrees_with_pot_and_is_several_times_faster() -> None:
    speed = compare(28)
    assert speed.error < 1e-4
    assert speed.ratio > 2


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
    programme.main(["--pictures", str(tmp_path)])
    printed = capsys.readouterr().out
    assert "left out" in printed
    assert "14 x 14" in printed
