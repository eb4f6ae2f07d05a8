"""The bench of `join` runs; its times are for people and none is asserted."""

from __future__ import annotations

import pytest
from rich.console import Console

from tests.performance.join_speed import SOURCES, join_costs, join_table


@pytest.mark.parametrize("source", SOURCES)
def test_a_join_is_timed_apart_from_decoding_and_digests_its_pictures_once(source, capsys):
    first, again = join_costs(source, cases=8, side=64)
    assert first.decoded_s > 0 and first.digested_s > 0
    assert again.digested_s == 0
    Console(width=110).print(join_table([first, again]))
    assert source in capsys.readouterr().out
