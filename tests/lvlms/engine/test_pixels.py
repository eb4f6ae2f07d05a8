"""Preprocessing of many versions of one picture, against Pillow on each of them alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from medground_bench.lvlms.engine import pixels
from medground_bench.lvlms.engine.pixels import resized
from tests.kit.tiny_lvlms import radiograph

FILTERS = (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC)


def _alone(picture: np.ndarray, width: int, height: int, resample: Image.Resampling) -> np.ndarray:
    return np.asarray(Image.fromarray(picture).resize((width, height), resample))


@pytest.mark.parametrize("resample", FILTERS)
@pytest.mark.parametrize("before, after", [(224, 896), (224, 112), (224, 224), (200, 112), (97, 56)])
def test_hidden_regions_are_resized_as_if_each_picture_were_alone(resample, before, after):
    picture = radiograph(1, width=before, height=before)
    rng = np.random.default_rng(0)
    pictures = [picture]
    for _ in range(12):
        x0, y0, x1, y1 = np.sort(rng.integers(0, before + 1, (2, 2)), axis=0).flatten()
        hidden = picture.copy()
        hidden[y0:y1, x0:x1] = 0
        pictures.append(hidden)
    together = resized(pictures, after, after, resample)
    for one, picture in zip(together, pictures, strict=True):
        assert np.array_equal(one, _alone(picture, after, after, resample))


@settings(max_examples=40)
@given(st.data())
def test_any_sizes_and_any_changed_pixels_give_pillows_bits(data):
    side = st.integers(1, 40)
    width, height, across, down = (data.draw(side) for _ in range(4))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    picture = rng.integers(0, 256, (height, width), dtype=np.uint8)
    other = np.where(
        rng.random(picture.shape) < data.draw(st.sampled_from([0.01, 0.5])), 255 - picture, picture
    )
    resample = data.draw(st.sampled_from(FILTERS))
    together = resized([picture, other], across, down, resample)
    assert np.array_equal(together[0], _alone(picture, across, down, resample))
    assert np.array_equal(together[1], _alone(other, across, down, resample))


def test_only_what_a_mask_touches_is_resized_again(monkeypatch):
    areas = []
    resize = Image.Image.resize

    def watched(image, size, *arguments, **named):
        areas.append(size[0] * size[1])
        return resize(image, size, *arguments, **named)

    picture = radiograph(1, width=224, height=224)
    hidden = picture.copy()
    hidden[40:96, 100:156] = 0
    monkeypatch.setattr(pixels.Image.Image, "resize", watched)
    resized([picture, hidden, picture], 896, 896, Image.Resampling.BILINEAR)
    assert areas[0] == 896 * 896 and len(areas) == 2, "the third is the first again"
    assert areas[1] <= (4 * (56 + 6)) ** 2
