"""The same checkpoints as transformers itself runs them."""

from __future__ import annotations

import pytest

from tests.tiny_lvlms import open_raw


@pytest.fixture(scope="session")
def raws(tiny_folders) -> dict:
    return {family: open_raw(folder, family) for family, folder in tiny_folders.items()}


@pytest.fixture
def raw(family, raws):
    return raws[family]
