"""A pool from a user's folder: read as documented, or every problem said at once."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from medground_bench.anatomy.atlas import load_atlas, save_pool
from medground_bench.anatomy.concepts import CONCEPTS
from medground_bench.anatomy.pool_from_folder import references_in
from medground_bench.errors import BadAtlas, SourceMissing
from medground_bench.localizers.uot import Uot
from medground_bench.phantom.scene import Scene

SEED = 6_000_100


def save(path: Path, values: np.ndarray) -> None:
    Image.fromarray(values).save(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two phantoms in native size: masks of the one as 0/255 and with spaces, of the other as 0/1 and with _."""
    here = tmp_path / "normals"
    here.mkdir()
    for name, seed, white, space in (("first", SEED, 255, " "), ("second.pa", SEED + 1, 1, "_")):
        scene = Scene.sample(seed)
        save(here / f"{name}.png", scene.native())
        for concept, mask in scene.native_concept_masks().items():
            save(here / f"{name}.{concept.replace(' ', space)}.png", mask.astype(np.uint8) * white)
    (here / "notes.txt").write_text("not a picture")
    return here


def test_a_pool_is_built_verified_and_used(folder: Path, tmp_path: Path) -> None:
    references = references_in(folder, source="made for a test", licence="CC0")
    save_pool(tmp_path / "pool", references)
    atlas = load_atlas(tmp_path / "pool")
    assert atlas.names == ("first", "second.pa")
    for seed, masks in zip((SEED, SEED + 1), atlas.masks, strict=True):
        scene = Scene.sample(seed)
        drawn = scene.concept_masks(224)["left lung"]
        found = masks[CONCEPTS.index("left lung")]
        assert (drawn & found).sum() / (drawn | found).sum() > 0.93, "drawn at 224 px, read at native size"
    assert Uot(atlas=atlas).localize(atlas.pictures[1]).reference == "second.pa"


def forget(folder: Path) -> None:
    (folder / "first.left lung.png").unlink()
    (folder / "second.pa.mediastinum.png").unlink()


def misspell(folder: Path) -> None:
    (folder / "first.left lung.png").rename(folder / "first.left lug.png")


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (forget, r"2 problem.*first has no mask of left lung; second\.pa has no mask of mediastinum"),
        (misspell, "no concept is called 'left lug', perhaps left lung"),
        (lambda f: save(f / "first.left lung.png", np.zeros((9, 20), np.uint8)), "left lung.png.*px"),
        (
            lambda f: (f / "first.left lung.png").write_bytes(b"nothing"),
            "first.left lung.png: cannot be read",
        ),
        (lambda f: (f / "first.png").unlink(), "first.left lung.png is a mask of no picture"),
    ],
)
def test_every_problem_of_the_folder_is_said(folder: Path, harm: Callable[[Path], None], says: str) -> None:
    harm(folder)
    with pytest.raises(BadAtlas, match=says):
        references_in(folder, source="", licence="")


def test_an_empty_mask_is_a_missing_concept(folder: Path) -> None:
    mask = np.asarray(Image.open(folder / "first.left lung.png"))
    save(folder / "first.left lung.png", np.zeros_like(mask))
    with pytest.raises(BadAtlas, match=r"first\.left lung\.png is empty"):
        references_in(folder, source="", licence="")


def test_a_folder_without_pictures_is_said(tmp_path: Path) -> None:
    with pytest.raises(SourceMissing, match="holds no picture"):
        references_in(tmp_path, source="", licence="")
    with pytest.raises(SourceMissing, match="no such folder"):
        references_in(tmp_path / "nowhere", source="", licence="")
