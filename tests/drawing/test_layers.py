"""Layers on a page look as the overlay does that is drawn at once, and boxes lie where they lie on the picture."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from medground_bench.core.types import Box, Frame, SaliencyMap
from medground_bench.drawing.layers import (
    FILM_PX,
    HEAT_PX,
    BoxShares,
    box_shares,
    css_colour,
    css_scale,
    exact_layer,
    film_layer,
    heat_layer,
)
from medground_bench.drawing.overlays import HEAT_OPACITY, draw_saliency

NATIVE = Frame.native(300, 400)
STUDY = Frame("study", 224, 224)


def opened(address):
    kind, _, content = address.partition(";base64,")
    assert kind in {"data:image/png", "data:image/webp"}
    return Image.open(io.BytesIO(base64.b64decode(content)))


@pytest.mark.parametrize("frame", [STUDY, NATIVE])
def test_film_and_evidence_laid_over_each_other_are_the_overlay_drawn_at_once(frame):
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (400, 300), np.uint8)
    saliency = SaliencyMap(rng.random((8, 8), np.float32), frame)
    drawn = np.asarray(draw_saliency(picture, saliency)).astype(float)
    heat = np.asarray(opened(heat_layer(saliency, NATIVE)).convert("RGBA")).astype(float)
    alpha = HEAT_OPACITY * heat[..., 3:] / 255
    film = np.repeat(picture[..., None], 3, -1)
    assert np.abs(film + alpha * (heat[..., :3] - film) - drawn).max() < 3


def test_evidence_runs_from_clear_to_opaque_and_a_constant_map_is_clear_everywhere():
    values = np.linspace(0, 5, 64, dtype=np.float32).reshape(8, 8)
    alpha = np.asarray(opened(heat_layer(SaliencyMap(values, NATIVE), NATIVE)).convert("RGBA"))[..., 3]
    assert alpha.min() == 0 and alpha.max() == 255
    flat = heat_layer(SaliencyMap(np.ones((8, 8), np.float32), STUDY), NATIVE)
    assert not np.asarray(opened(flat).convert("RGBA"))[..., 3].any()


def test_layers_of_a_large_film_are_small_and_keep_its_shape():
    film = np.zeros((3000, 1500), np.uint8)
    assert opened(film_layer(film)).size == (FILM_PX // 2, FILM_PX)
    saliency = SaliencyMap(np.eye(8, dtype=np.float32), STUDY)
    assert opened(heat_layer(saliency, Frame.native_of(film))).size == (HEAT_PX // 2, HEAT_PX)


def test_a_picture_that_was_asked_is_shown_to_the_pixel():
    asked = np.random.default_rng(1).integers(0, 256, (224, 224), np.uint8)
    np.testing.assert_array_equal(np.asarray(opened(exact_layer(asked)).convert("L")), asked)


def test_a_box_is_placed_by_shares_of_the_picture():
    assert box_shares(Box(30, 100, 150, 400, NATIVE)) == BoxShares(left=10, top=25, width=40, height=75)


def test_colours_are_written_as_style_sheets_write_them():
    assert css_colour((255, 176, 0)) == "#ffb000"
    assert css_scale(((0, 0, 0), (255, 255, 255))) == "linear-gradient(to right, #000000, #ffffff)"
