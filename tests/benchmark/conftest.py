"""What tests of the benchmark room share: caches of their own, and copies of sources as a user has them."""

from __future__ import annotations

import shutil

import pytest
from datasets import load_dataset


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "datasets")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def roots(source_copies, tmp_path):
    """Each test its own copy of the copies, as a user names them."""
    there = {"vindr_cxr": source_copies.vindr_cxr, "padchest_gr": source_copies.padchest_gr}
    there |= dict(zip(("chest_imagenome", "mimic_cxr_jpg"), source_copies.imagenome, strict=True))
    return {name: shutil.copytree(folder, tmp_path / "own" / name) for name, folder in there.items()}


@pytest.fixture
def cases(published):
    return load_dataset(str(published), "direct", split="test")
