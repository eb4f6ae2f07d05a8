from __future__ import annotations

import pytest

from tests.kit.trees import full_range, write_trees

PHANTOMS = 40


@pytest.fixture(scope="session")
def phantoms():
    return full_range(PHANTOMS)


@pytest.fixture(scope="session")
def trees(phantoms, tmp_path_factory):
    return write_trees(tmp_path_factory.mktemp("trees"), phantoms)
