"""Which number of a table is drawn where."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from medground_bench.ablation.figures import (
    concepts_figure,
    groups_figure,
    rows_figure,
    transport_figure,
)
from medground_bench.ablation.regions import PAPERS_CHOICE, TransportChoice
from medground_bench.ablation.tables import concept_records, group_records, table_records
from medground_bench.ablation.variants import TableRow, Variant, transports
from medground_bench.core.types import Group, Mode
from medground_bench.drawing.axes import Score
from medground_bench.drawing.sheet import DPI
from tests.kit.evidence import evidence_of, reference, track

BASE = Variant()
OTHER = Variant(localizer="oracle")
ABSENT = Variant(localizer="sam3")
PAPERS = [row.variant.transport for row in transports(BASE)].index(PAPERS_CHOICE)


@pytest.fixture(scope="module")
def tracks():
    """The base finds nothing, the other and the paper's transport everything; two LVLMs, of which one has one mode."""
    groups = [Group.GROUNDED, Group.GROUNDED, Group.INCORRECT, Group.UNGROUNDED]
    grid = [row.variant for row in transports(BASE)]
    made = []
    for lvlm, mode in (("one", Mode.DIRECT), ("one", Mode.REASON), ("two", Mode.DIRECT)):
        rows = []
        for image, group in enumerate(groups):
            said = reference(str(image), "nodule", lvlm, mode)
            of = {variant: evidence_of(said, "none", "left lung") for variant in [BASE, *grid]}
            of |= {variant: evidence_of(said, "left", "left lung") for variant in (OTHER, grid[PAPERS])}
            rows.append((said, group, of))
        made.append(track(lvlm, mode, rows))
    return made


def test_every_figure_is_180_mm_wide_or_less_at_300_dots_an_inch_and_the_same_bytes_again(tracks):
    table2 = table_records(
        [TableRow("Localization", "UOT", BASE), TableRow("Paradigm", "SAM3", ABSENT)], BASE, tracks
    )
    figures = [
        rows_figure(table2),
        transport_figure(table_records(transports(BASE), BASE, tracks)),
        groups_figure(group_records(BASE, tracks)),
        concepts_figure(concept_records(BASE, tracks)),
    ]
    for figure in figures:
        content = figure.png()
        image = Image.open(io.BytesIO(content))
        assert image.width / (DPI / 25.4) <= 180.1 and min(image.size) > 300
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
        assert content == figure.png()


def test_a_row_of_table_2_has_the_pooled_score_of_every_mode_and_none_where_it_was_not_run(tracks):
    rows = [TableRow("s", "base", BASE), TableRow("s", "absent", ABSENT), TableRow("t", "other", OTHER)]
    plot = rows_figure(table_records(rows, BASE, tracks))
    assert plot.panels == ["IoU, %, direct", "IoU, %, reason"]
    assert {name: list(section) for name, section in plot.sections.items()} == {
        "s": ["base", "absent"],
        "t": ["other"],
    }
    assert plot.sections["s"]["base"] == [Score(0.0)] * 2
    assert plot.sections["s"]["absent"] == [None, None]
    assert plot.sections["t"]["other"] == [Score(1.0)] * 2


def test_table_7_has_a_cell_for_every_choice_and_frames_the_papers(tracks):
    maps = transport_figure(table_records(transports(BASE), BASE, tracks))
    assert maps.span == (0.0, 1.0)
    for tables, mode in zip(maps.tables, Mode, strict=True):
        assert [table.title for table in tables] == [
            f"1 reference, {mode}",
            f"4 references, {mode}",
            f"16 references, {mode}",
        ]
        for table in tables:
            assert (table.down, table.rows) == ("lambda", ["0.01", "0.1", "1"])
            assert (table.across, table.columns) == ("epsilon", ["0.005", "0.05", "0.5"])
        assert [table.chosen for table in tables] == [None, None, (1, 1)]
        assert [table.shares for table in tables[:2]] == [[[0.0] * 3] * 3] * 2
        assert tables[2].shares == [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]


def test_without_the_papers_choice_no_cell_of_table_7_is_framed(tracks):
    records = table_records(transports(BASE), BASE, tracks)
    [direct, _reason] = transport_figure([row for row in records if row["epsilon"] != 0.05]).tables
    assert [table.chosen for table in direct] == [None] * 3


def test_figure_6_has_a_column_an_lvlm_and_a_score_where_there_are_cases(tracks):
    panels = groups_figure(group_records(BASE, tracks))
    assert panels.columns == ["one", "two"] and panels.series == ["direct", "reason"]
    assert panels.places == ["incorrect", "ungrounded", "grounded"]
    assert list(panels.rows) == ["IoU, %", "Failure rate, %"]
    for scores in panels.rows.values():
        assert len(scores) == 9 and ("two", "reason", "grounded") not in scores
    assert panels.rows["IoU, %"]["one", "direct", "grounded"] == Score(0.0), "few images have no interval"


def test_groups_without_a_case_leave_figure_6_as_it_is(tracks):
    records = group_records(BASE, tracks)
    absent = {"group": "ungrounded", "not_run": "no question"}
    there = [row for row in records if row["group"] != "ungrounded"]
    assert groups_figure([*there, absent]) == groups_figure(there)


def test_table_8_says_per_finding_and_for_all_which_concept_was_the_evidence(tracks):
    maps = concepts_figure(concept_records(BASE, tracks))
    assert (maps.span, maps.decimals) == ((0.0, 1.0), 0)
    assert [[table.title for table in row] for row in maps.tables] == [["direct"], ["reason"]]
    for [table] in maps.tables:
        assert table.rows == ["nodule", "all findings"]
        assert table.columns[-2:] == ["whole image", "nothing (failed)"] and "lungs" not in table.columns
        for shares in table.shares:
            assert dict(zip(table.columns, shares, strict=True))["left lung"] == sum(shares) == 1.0


def test_the_transport_of_a_variant_is_in_its_row(tracks):
    row = table_records(transports(BASE), BASE, tracks)[0]
    choice = TransportChoice(row["epsilon"], row["marginal_weight"], row["references"])
    assert choice == transports(BASE)[0].variant.transport
