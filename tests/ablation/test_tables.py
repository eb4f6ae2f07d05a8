"""Tables worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from medground_bench.ablation.tables import (
    NOTHING,
    VIEWS_OF_FAILURES,
    concept_records,
    group_records,
    size_records,
    table_records,
)
from medground_bench.ablation.variants import TableRow, Variant
from medground_bench.core.types import Box, Group, Mode
from tests.kit.evidence import evidence_of, reference, track

BASE = Variant()
OTHER = Variant(localizer="oracle")
ABSENT = Variant(localizer="sam3")
WHOLE = "whole image"


@pytest.fixture(scope="module")
def tracks():
    """Two LVLMs, direct: MedFocus has IoU 1, 1/2, 0 (failed) with one, and 0 (no box) with the other."""
    one = [reference(str(image), finding, "one", Mode.DIRECT) for image, finding in enumerate("abb")]
    two = reference("0", "a", "two", Mode.DIRECT, source="vindr_cxr")
    wrong = reference("9", "a", "one", Mode.DIRECT)
    of_base = [
        evidence_of(one[0], "left", "lungs", region_iou=0.25, pictures=16),
        evidence_of(one[1], "whole", WHOLE, region_iou=0.75, pictures=12),
        evidence_of(one[2], "none", None, "MethodFailed: no"),
    ]
    of_other = [
        evidence_of(one[0], "whole", "lungs"),
        evidence_of(one[1], "left", "left lung"),
        evidence_of(one[2], "left", "left lung"),
    ]
    rows = [
        (said, Group.GROUNDED, {BASE: base, OTHER: other})
        for said, base, other in zip(one, of_base, of_other, strict=True)
    ]
    rows.append((wrong, Group.INCORRECT, {BASE: evidence_of(wrong, "whole", WHOLE)}))
    last = {BASE: evidence_of(two, "none", "left lung"), OTHER: evidence_of(two, "left", "left lung")}
    not_run = {ABSENT: "its weights are not at hand"}
    return [
        track("one", Mode.DIRECT, rows, not_run),
        track("two", Mode.DIRECT, [(two, Group.GROUNDED, last)], not_run),
    ]


ROWS = [
    TableRow("Paradigm", "SAM3", ABSENT),
    TableRow("Paradigm", "RadZero", None, "it needs code of its own"),
    TableRow("Localization", "UOT", BASE),
    TableRow("Beyond the paper", "oracle", OTHER),
]


def row_of(records, **wanted):
    [row] = [each for each in records if all(each.get(name) == value for name, value in wanted.items())]
    return row


def pooled(records, **wanted):
    return row_of(records, **dict.fromkeys(("source", "lvlm", "finding"), "all") | wanted)


def test_scores_are_means_over_all_cases_and_a_failed_case_counts_as_zero(tracks):
    row = pooled(table_records(ROWS, BASE, tracks), label="UOT", mode="direct")
    assert (row["cases"], row["images"]) == (4, 4)
    assert row["iou"] == pytest.approx((1 + 0.5 + 0 + 0) / 4)
    assert row["recall"] == pytest.approx((1 + 1 + 0 + 0) / 4)
    assert row["f1"] == pytest.approx((1 + 2 / 3) / 4)
    assert (row["low"], row["high"]) == (None, None), "four images are too few"
    assert (row["failed"], row["whole_image"], row["no_box"]) == (0.25, 0.25, 0.25)
    assert row["error"] == "MethodFailed: no"
    assert pooled(table_records(ROWS, BASE, tracks), label="oracle", mode="direct")["error"] is None
    assert row["area"] == pytest.approx((0.5 + 1 + 0 + 0) / 4)
    assert row["asked"] == pytest.approx(14)  # of the cases in which that was counted
    assert row["region_iou"] == pytest.approx(0.5)  # over the two pictures on which it is known


def test_gains_are_over_the_same_cases_of_medfocus_as_it_is(tracks):
    records = table_records(ROWS, BASE, tracks)
    row = pooled(records, label="oracle", mode="direct")
    assert row["gain"] == pytest.approx((-0.5 + 0.5 + 1 + 1) / 4)
    assert row["gain_p"] is row["gain_low"] is row["gain_high"] is None, "four images are too few"
    own = pooled(records, label="UOT", mode="direct")
    assert (own["gain"], own["gain_p"]) == (0, None)
    one = row_of(records, label="oracle", lvlm="one", source="all")
    assert one["gain"] == pytest.approx((-0.5 + 0.5 + 1) / 3)


def test_from_six_images_up_gains_have_intervals_and_p_values_that_know_of_the_other_rows():
    references = [reference(str(image), "a", "one", Mode.DIRECT) for image in range(8)]
    third = Variant(localizer="mean_box")
    rows = [
        (
            case,
            Group.GROUNDED,
            {
                BASE: evidence_of(case, "none" if place else "left", "lungs"),
                OTHER: evidence_of(case, "left" if place % 4 else "none", "lungs"),
                third: evidence_of(case, "whole" if place % 2 else "none", "lungs"),
            },
        )
        for place, case in enumerate(references)
    ]
    tracks = [track("one", Mode.DIRECT, rows)]
    table = [TableRow("s", label, variant) for label, variant in (("base", BASE), ("a", OTHER), ("b", third))]
    records = {row["label"]: row for row in table_records(table, BASE, tracks) if row["lvlm"] == "one"}
    alone = {
        label: table_records([table[0], row], BASE, tracks)[-1]["gain_p"]
        for label, row in zip("ab", table[1:], strict=True)
    }
    assert all(records[label]["gain_low"] < records[label]["gain"] for label in "ab")
    smaller, larger = sorted(alone.values())
    assert sorted(records[label]["gain_p"] for label in "ab") == pytest.approx(
        sorted([2 * smaller, max(2 * smaller, larger)])
    )
    assert records["base"]["gain_p"] is None and records["a"]["low"] < records["a"]["iou"]


def test_views_pool_or_single_out_sources_and_lvlms(tracks):
    records = [row for row in table_records(ROWS, BASE, tracks) if row["label"] == "UOT"]
    places = {(row["source"], row["lvlm"]): row["cases"] for row in records}
    assert places == {
        ("all", "all"): 4,
        ("phantom", "all"): 3,
        ("vindr_cxr", "all"): 1,
        ("all", "one"): 3,
        ("all", "two"): 1,
        ("phantom", "one"): 3,
        ("vindr_cxr", "two"): 1,
    }
    assert row_of(records, source="all", lvlm="two")["low"] is None  # a single image


def test_a_row_that_was_not_run_stays_in_its_place_with_the_reason(tracks):
    records = table_records(ROWS, BASE, tracks)
    assert list(dict.fromkeys(row["label"] for row in records)) == ["SAM3", "RadZero", "UOT", "oracle"]
    assert row_of(records, label="SAM3")["not_run"] == "its weights are not at hand"
    assert row_of(records, label="SAM3")["localizer"] == "sam3"
    assert row_of(records, label="RadZero")["not_run"] == "it needs code of its own"
    assert not any(row.get("not_run") for row in records if row["label"] in {"UOT", "oracle"})


def test_a_row_that_ran_on_some_tracks_only_says_on_which_it_did_not(tracks):
    del tracks[1].evidence[OTHER]
    tracks[1].not_run[OTHER] = "it knows no masks of this source"
    rows = [row for row in table_records(ROWS, BASE, tracks) if row["label"] == "oracle"]
    assert rows[-1]["not_run"] == "not on two direct: it knows no masks of this source"
    assert pooled(rows, mode="direct")["cases"] == 3


def test_small_findings_stand_apart_by_the_share_of_the_picture_that_the_experts_boxes_cover():
    large, small, between = (reference(str(image), "a", "one", Mode.DIRECT) for image in range(3))
    small, between = (
        replace(each, boxes=(Box(0, 0, 10, height, each.native),))
        for each, height in ((small, 10), (between, 20))
    )
    rows = [
        (case, Group.GROUNDED, {BASE: evidence_of(case, "left", "left lung")})
        for case in (large, small, between)
    ]
    records = size_records([TableRow("s", "base", BASE)], [track("one", Mode.DIRECT, rows)])
    assert [(row["size"], row["cases"]) for row in records] == [
        ("below 2 %", 1), ("2 to 5 %", 1), ("above 5 %", 1),
    ]  # fmt: skip
    assert [row["iou"] for row in records] == pytest.approx([100 / 5000, 200 / 5000, 1])


def test_figure_6_keeps_the_groups_apart(tracks):
    records = group_records(BASE, tracks)
    wrong = pooled(records, group="incorrect", mode="direct")
    assert (wrong["cases"], wrong["iou"], wrong["whole_image"]) == (1, 0.5, 1)
    assert pooled(records, group="grounded", mode="direct")["cases"] == 4
    assert not [row for row in records if row["group"] == "ungrounded"]


def test_failures_are_also_told_by_finding(tracks):
    records = group_records(BASE, tracks, VIEWS_OF_FAILURES)
    row = row_of(records, group="grounded", finding="b", lvlm="all")
    assert (row["cases"], row["whole_image"], row["failed"], row["no_box"]) == (2, 0.5, 0.5, 0)
    assert row_of(records, group="grounded", finding="a", lvlm="two")["no_box"] == 1


def test_a_group_that_wins_counts_for_each_of_its_members(tracks):
    records = concept_records(BASE, tracks)
    left = pooled(records, concept="left lung", mode="direct")
    assert (left["cases"], left["alone"], left["in_group"], left["share"]) == (4, 1, 1, 0.5)
    right = pooled(records, concept="right lung", mode="direct")
    assert (right["alone"], right["in_group"], right["share"]) == (0, 1, 0.25)
    group = pooled(records, concept="lungs", mode="direct")
    assert (group["kind"], group["share"]) == ("group", 0.25)
    assert pooled(records, concept=WHOLE, mode="direct")["share"] == 0.25
    assert pooled(records, concept=NOTHING, mode="direct")["share"] == 0.25


def test_alone_groups_whole_image_and_nothing_add_up_to_all_cases(tracks):
    records = concept_records(BASE, tracks)
    places = {tuple(row[name] for name in ("mode", "source", "lvlm", "finding")) for row in records}
    assert len(places) == 1 + 2 + 2 + 2
    for mode, source, lvlm, finding in places:
        rows = [
            row
            for row in records
            if (row["mode"], row["source"], row["lvlm"], row["finding"]) == (mode, source, lvlm, finding)
        ]
        assert sum(row["alone"] for row in rows) == rows[0]["cases"]


def test_another_vocabulary_has_its_own_concepts():
    zones = Variant(vocabulary="lung_zones")
    said = reference("0", "a", "one", Mode.REASON)
    concept = zones.method().concepts.concepts[0].name
    one = track("one", Mode.REASON, [(said, Group.GROUNDED, {zones: evidence_of(said, "left", concept)})])
    records = concept_records(zones, [one])
    names = {row["concept"] for row in records if row["kind"] == "concept"}
    assert names == {each.name for each in zones.method().concepts.concepts}
    assert pooled(records, concept=concept, mode="reason")["share"] == 1
