"""Renders are kept in parts, so that a rendering that stopped goes on; their masks are those of their pictures."""

from __future__ import annotations

import numpy as np
import pytest

from medground_bench.training.radiograph import renders as module
from medground_bench.training.radiograph.renders import TAKES, code_digest, renders, takes


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    folder, heard = tmp_path_factory.mktemp("renders"), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "PART", 1)
        made = renders(range(7, 9), folder, processes=1, advance=heard.append)
    return folder, made, heard


def test_every_projection_is_two_pictures_with_masks_of_all_concepts(kept):
    _folder, made, heard = kept
    assert len(made) == 2 * TAKES and heard == [1, 2]
    assert made.masks(slice(None)).shape == (2 * TAKES, 11, 224, 224)
    assert not np.array_equal(made.pictures[0], made.pictures[1])
    lungs = made.masks(slice(None))[:, 1:3]
    assert (lungs.mean((1, 2, 3)) > 0.02).all()


def test_what_is_there_is_not_rendered_again(kept, monkeypatch):
    folder, made, _heard = kept
    monkeypatch.setattr(module, "PART", 1)
    monkeypatch.setattr(module, "takes", None)
    again = renders(range(7, 9), folder, processes=1)
    assert np.array_equal(again.pictures, made.pictures) and np.array_equal(again.packed, made.packed)


def test_a_seed_is_the_same_pictures_in_any_process(kept):
    _folder, made, _heard = kept
    for row, (picture, packed) in enumerate(takes(7)):
        assert np.array_equal(picture, made.pictures[row]) and np.array_equal(packed, made.packed[row])


def test_the_digest_follows_code_and_not_words(tmp_path):
    before = "def f(x):\n    return x + 1\n"
    files = {
        "same": '# said\ndef f(x):\n    """Said."""\n    return x + 1  # so\n',
        "other": before.replace("1", "2"),
    }
    for name, text in {"first": before, **files}.items():
        (tmp_path / name).write_text(text)
    first, same, other = (module._meaning(tmp_path / name) for name in ("first", "same", "other"))
    assert first == same != other
    assert len(code_digest()) == 64
