"""Rows of tables by hand: means, what is pooled, what is sorted, places; and the figures that are drawn of them."""

from __future__ import annotations

import pytest

from medground_bench.core.types import Box, Frame, Mode, Reference, Track
from medground_bench.probes import ProbeKind, protocol
from medground_bench.probes.figures import figure_of
from medground_bench.probes.insertion import SHARES
from medground_bench.probes.run import TrackProbes
from medground_bench.probes.tables import LEADING, MEASURES, columns_of, records_of

NATIVE = Frame.native(100, 100)
KINDS = [kind for kind in ProbeKind if kind is not ProbeKind.ALL]


def truth(lvlm, image):
    track = Track(lvlm, Mode.DIRECT)
    name = f"phantom/{image}/mass@{track.lvlm}:{track.mode}"
    return Reference(
        name, "phantom", str(image), lvlm, Mode.DIRECT, "mass", NATIVE, (Box(0, 0, 9, 9, NATIVE),)
    )


def removal(flipped, area=0.5):
    return {"flipped": flipped, "unreadable": 0.0, "area": area}


def probes_of(kind, lvlm, numbers):
    """method -> the numbers of its cases, one a picture."""
    probes = TrackProbes(Track(lvlm, Mode.DIRECT))
    for method, of_cases in numbers.items():
        for image, each in enumerate(of_cases):
            probes.add(kind, method, truth(lvlm, image), each)
    return probes


def test_means_intervals_and_order_of_a_table():
    numbers = {
        "whole_image": [removal(1.0, 1.0)] * 6,
        "lrp": [removal(1.0, 0.25)] * 6,
        "tam": [removal(float(image % 3 == 0)) for image in range(6)],
    }
    rows = records_of(ProbeKind.REMOVAL, [probes_of(ProbeKind.REMOVAL, "a", numbers)])
    assert [(row["method"], row["control"], row["flipped"]) for row in rows] == [
        ("lrp", False, 1.0), ("whole_image", True, 1.0), ("tam", False, pytest.approx(1 / 3)),
    ]  # fmt: skip
    assert rows[2]["flipped low"] < 1 / 3 < rows[2]["flipped high"] and rows[0]["flipped low"] is None
    assert {(row["cases"], row["images"], row["measured"]) for row in rows} == {(6, 6, 6)}


def test_lvlms_are_pooled_only_where_a_method_ran_on_all():
    tracks = [
        probes_of(ProbeKind.REMOVAL, "a", {"lrp": [removal(1.0)], "rise": [removal(1.0)]}),
        probes_of(ProbeKind.REMOVAL, "b", {"lrp": [removal(0.0)] * 3}),
    ]
    rows = records_of(ProbeKind.REMOVAL, tracks)
    assert [(row["lvlm"], row["method"], row["flipped"], row["cases"]) for row in rows] == [
        ("a", "lrp", 1, 1), ("a", "rise", 1, 1), ("b", "lrp", 0, 3), ("all", "lrp", 0.25, 4),
    ]  # fmt: skip


def test_cases_without_a_number_are_left_out_of_a_mean_and_counted():
    some = {"pointing": 1.0, "energy": 0.5, "even": 0.1}
    none = {"pointing": None, "energy": None, "even": 0.1}
    numbers = {"lrp": [some, none, none], "centre_box": [none] * 3}
    rows = records_of(ProbeKind.POINTING, [probes_of(ProbeKind.POINTING, "a", numbers)])
    assert [(row["method"], row["pointing"], row["measured"], row["cases"]) for row in rows] == [
        ("lrp", 1.0, 1, 3), ("centre_box", None, 0, 3),
    ]  # fmt: skip


def test_places_change_with_the_variant_and_controls_have_none():
    def ious(low, high):
        cut = {each.name: low if each.quantile == 0.8 else high for each in protocol.VARIANTS}
        return [{protocol.PREDICTED: high, **cut}] * 6

    numbers = {"lrp": ious(0.1, 0.5), "rise": ious(0.2, 0.3), "centre_box": ious(0.9, 0.9)}
    rows = records_of(ProbeKind.PROTOCOL, [probes_of(ProbeKind.PROTOCOL, "a", numbers)])
    places = {row["method"]: (row.get("signed, .8 place"), row.get("signed, .9 place")) for row in rows}
    assert places == {"lrp": (2, 1), "rise": (1, 2), "centre_box": (None, None)}
    assert [row["method"] for row in rows] == ["centre_box", "lrp", "rise"]


def plausible(kind):
    numbers = dict.fromkeys(MEASURES[kind], 0.4)
    curve = [round(1 - share, 2) for share in SHARES]
    return numbers | ({"deleted": curve, "inserted": curve[::-1]} if kind is ProbeKind.INSERTION else {})


@pytest.mark.parametrize("kind", KINDS)
def test_every_table_has_its_columns_and_a_figure_unless_nothing_has_a_number(kind):
    tracks = [probes_of(kind, lvlm, {"lrp": [plausible(kind)] * 2}) for lvlm in "ab"]
    rows = records_of(kind, tracks)
    assert set(MEASURES[kind]) < set(columns_of(kind, rows)) and LEADING[kind] in MEASURES[kind]
    assert figure_of(kind, rows, tracks).png().startswith(b"\x89PNG")
    empty = dict.fromkeys(plausible(kind))
    none = [probes_of(kind, "a", {"lrp": [empty]})]
    assert figure_of(kind, records_of(kind, none), none) is None
