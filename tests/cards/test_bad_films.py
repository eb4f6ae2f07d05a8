"""The sheet of bad films: the truth in white beside what was found, numbers below; its file says how it was made."""

from __future__ import annotations

import numpy as np
from PIL import Image

from medground_bench.anatomy.regions import regions_of_masks
from medground_bench.cards.bad_films import COLOURS, HEART, FoundOnFilm, drawn_sheet
from medground_bench.drawing.film_sheet import COLUMNS
from medground_bench.drawing.palette import PAPER
from medground_bench.training.radiograph.render import RenderedFilm
from tests.hub.clients import ROOT

SIDE_PX = 64


def square(x0, y0, x1, y1):
    mask = np.zeros((SIDE_PX, SIDE_PX), bool)
    mask[y0:y1, x0:x1] = True
    return mask


def test_truth_is_white_what_was_found_has_its_colour_and_the_numbers_stand_below():
    grey = np.full((SIDE_PX, SIDE_PX), 100, np.uint8)
    masks = {
        "left lung": square(36, 10, 60, 50),
        "right lung": square(4, 10, 28, 50),
        HEART: square(20, 30, 50, 50),
    }
    film = RenderedFilm(grey, grey, masks)
    found = {"left lung": masks["left lung"], HEART: square(20, 30, 35, 50)}
    read = FoundOnFilm("plain", film, regions_of_masks(found))
    assert read.caption == ("plain", "IoU: lungs 0.50, heart 0.50")
    sheet = drawn_sheet([read] * (COLUMNS + 1), "all")
    top = (sheet.shape[0] - 2 * SIDE_PX) // 3
    tile = sheet[top : top + SIDE_PX, :SIDE_PX]
    assert tuple(tile[20, 4]) == PAPER, "the right lung was not found"
    assert tuple(tile[20, 36]) == COLOURS["left lung"] and tuple(tile[49, 25]) == COLOURS[HEART]
    assert tuple(tile[49, 45]) == PAPER, "of the heart, half"
    assert sheet.shape[0] > 2 * SIDE_PX and sheet.shape[1] > COLUMNS * SIDE_PX


def test_the_sheet_in_the_docs_is_small_and_says_that_it_is_synthetic():
    file = ROOT / "docs" / "bad_films.png"
    with Image.open(file) as sheet:
        assert "LIDC-IDRI-0001" in sheet.text["synthetic"]
    assert file.stat().st_size < 400_000
