"""Places that are free."""

from __future__ import annotations

from medground_bench.drawing.rectangles import first_free

TAKEN = [(0.0, 0.0, 10.0, 10.0), (20.0, 0.0, 30.0, 10.0)]


def test_the_first_place_that_touches_none_is_taken_and_edges_may_meet():
    places = [
        (5.0, 5.0, 12.0, 12.0),
        (25.0, 2.0, 26.0, 3.0),
        (10.0, 0.0, 20.0, 10.0),
        (50.0, 50.0, 60.0, 60.0),
    ]
    assert first_free(places, TAKEN) == places[2]
    assert first_free(places, []) == places[0]


def test_where_none_is_free_it_is_the_first():
    places = [(1.0, 1.0, 2.0, 2.0), (21.0, 1.0, 22.0, 2.0)]
    assert first_free(places, TAKEN) == places[0]
