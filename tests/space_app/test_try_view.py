"""What Try it shows of a picture, as plain values."""

from __future__ import annotations

import pytest
from PIL import Image, ImageOps

from medground_bench.phantom import seeds
from medground_bench.phantom.scene import Scene
from medground_bench.runs.explain import read_film

pytest.importorskip("gradio")
try_view = pytest.importorskip("try_view")


def test_a_mirrored_picture_is_told_as_soon_as_it_is_shown_and_an_upright_one_is_not(tmp_path):
    upright = Image.fromarray(Scene.sample(seeds.EXAMPLES[2]).native())
    said = []
    for picture in (upright, ImageOps.mirror(upright)):
        picture.save(tmp_path / "sent.png")
        said.append(try_view.shown_preview(read_film(tmp_path / "sent.png"))["lines"][1:])
    assert said[0] == [] and len(said[1]) == 1
    assert said[1][0].startswith("Note: this picture looks mirrored") and said[1][0].endswith("not.")
