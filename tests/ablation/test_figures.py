"""Figures at print size whose marks stand where the numbers say."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from medground_bench.ablation.figures import draw_concepts, draw_entries, draw_groups, draw_transport
from medground_bench.ablation.regions import PAPERS_CHOICE, TransportChoice
from medground_bench.ablation.tables import concept_records, entry_records, group_records
from medground_bench.ablation.variants import Entry, Variant, transports
from medground_bench.core.types import Group, Mode
from medground_bench.drawing.sheet import DPI, HUES, shade
from tests.kit.evidence import evidence_of, reference, track

BASE = Variant()
OTHER = Variant(localizer="oracle")
PAPERS = [entry.variant.transport for entry in transports(BASE)].index(PAPERS_CHOICE)
PX_PER_MM = DPI / 25.4


@pytest.fixture(scope="module")
def tracks():
    said = [reference(str(image), "nodule", "one", Mode.DIRECT) for image in range(4)]
    groups = [Group.GROUNDED, Group.GROUNDED, Group.INCORRECT, Group.UNGROUNDED]
    grid = [entry.variant for entry in transports(BASE)]
    rows = []
    for each, group in zip(said, groups, strict=True):
        made = {variant: evidence_of(each, "none", "left lung") for variant in [BASE, *grid]}
        made[OTHER] = evidence_of(each, "left", "left lung")
        made[grid[PAPERS]] = evidence_of(each, "left", "left lung")
        rows.append((each, group, made))
    return [track("one", Mode.DIRECT, rows)]


def pixels(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


def middle_of(image: np.ndarray, colour) -> tuple[float, float]:
    rows, columns = np.nonzero((image == colour).all(-1))
    return columns.mean() / PX_PER_MM, rows.mean() / PX_PER_MM


def test_every_figure_is_180_mm_wide_or_less_at_300_dots_an_inch_and_the_same_bytes_again(tracks):
    entries = [Entry("Localization", "UOT", BASE), Entry("Paradigm", "SAM3", Variant(localizer="sam3"))]
    table2 = entry_records(entries, BASE, tracks)
    table7 = entry_records(transports(BASE), BASE, tracks)
    drawn = {
        draw_entries: table2,
        draw_transport: table7,
        draw_groups: group_records(BASE, tracks),
        draw_concepts: concept_records(BASE, tracks),
    }
    for draw, records in drawn.items():
        content = draw(records)
        image = Image.open(io.BytesIO(content))
        assert image.width / PX_PER_MM <= 180.1 and min(image.size) > 300
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
        assert content == draw(records)


def test_a_higher_score_stands_further_right_and_a_row_that_was_not_run_has_no_dot(tracks):
    places = []
    for variant in (BASE, OTHER):
        image = pixels(draw_entries(entry_records([Entry("s", "row", variant)], BASE, tracks)))
        places.append(middle_of(image, HUES[0])[0])
    assert places[0] + 50 < places[1]
    both = [Entry("s", "row", BASE), Entry("s", "other", Variant(localizer="sam3"))]
    image = pixels(draw_entries(entry_records(both, BASE, tracks)))
    alone = pixels(draw_entries(entry_records(both[:1], BASE, tracks)))
    blue = [(each == HUES[0]).all(-1).sum() for each in (image, alone)]
    assert blue[0] == blue[1] > 0


def test_the_best_cell_of_table_7_is_the_darkest_and_only_the_papers_is_framed(tracks):
    records = entry_records(transports(BASE), BASE, tracks)
    image = pixels(draw_transport(records))
    best = next(row for row in records if row["iou"] == 1 and row["lvlm"] == "all" and row["source"] == "all")
    assert (best["marginal_weight"], best["epsilon"], best["references"]) == (0.1, 0.05, 16)
    frame = (image == HUES[1]).all(-1)
    assert middle_of(image, shade(0.88)) == pytest.approx(middle_of(image, HUES[1]), abs=0.5)
    columns = np.nonzero(frame.any(axis=0))[0]
    assert np.ptp(columns) / PX_PER_MM < 14 and columns.min() > image.shape[1] * 2 / 3


def test_the_transport_of_a_variant_is_in_its_row(tracks):
    row = entry_records(transports(BASE), BASE, tracks)[0]
    choice = TransportChoice(row["epsilon"], row["marginal_weight"], row["references"])
    assert choice == transports(BASE)[0].variant.transport
