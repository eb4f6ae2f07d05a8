"""A film as an address: it decodes to the picture, nearly, and a large one is made smaller."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from medground_bench.drawing.quick_film import LONGEST_PX, quick_film
from medground_bench.phantom.exact_edits import original


def decoded(address: str) -> Image.Image:
    kind, _, content = address.partition(",")
    assert kind == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(content)))


def test_a_film_decodes_to_the_greys_of_its_picture_but_for_a_few():
    picture = original("4000001")
    shown = np.asarray(decoded(quick_film(picture))).astype(int)
    assert shown.shape == picture.shape
    assert np.abs(shown - picture).mean() < 4


@pytest.mark.parametrize(("height", "width"), [(3000, 1500), (1, 5000), (20, 10)])
def test_a_film_keeps_its_aspect_and_fits_a_page(height, width):
    image = decoded(quick_film(np.zeros((height, width), np.uint8)))
    assert max(image.size) == min(LONGEST_PX, max(height, width))
    assert image.width / image.height == pytest.approx(width / height, rel=0.01) or min(image.size) == 1
