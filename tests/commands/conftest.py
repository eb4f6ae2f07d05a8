"""What tests of the commands share: a radiograph as a file."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from medground_bench.phantom.scene import Scene


@pytest.fixture(scope="module")
def xray(tmp_path_factory) -> Path:
    """A phantom with cardiomegaly as a file; its name says nothing."""
    path = tmp_path_factory.mktemp("xray") / "patient.png"
    Image.fromarray(Scene.sample(6_000_101).native(["cardiomegaly"])).save(path)
    return path
