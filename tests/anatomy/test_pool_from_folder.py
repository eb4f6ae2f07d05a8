"""A pool from a user's folder: read as documented, or every problem said at once."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from medground_bench.anatomy.atlas import load_atlas, save_pool
from medground_bench.anatomy.pool_from_folder import references_in, skipped_in
from medground_bench.core.concepts import CONCEPTS
from medground_bench.core.errors import BadAtlas, SourceMissing
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


def copied(folder: Path, name: str, masks: int = len(CONCEPTS)) -> None:
    """The first picture again under another name, with so many of its masks."""
    (folder / f"{name}.png").write_bytes((folder / "first.png").read_bytes())
    for concept in CONCEPTS[:masks]:
        (folder / f"{name}.{concept}.png").write_bytes((folder / f"first.{concept}.png").read_bytes())


def test_names_with_dots_like_dicom_uids_are_pictures_of_their_own(folder: Path) -> None:
    for name in ("1.2.3", "1.2.3.4", "1.2.3.4.5"):
        copied(folder, name)
    references = references_in(folder, source="", licence="")
    assert [each.name for each in references] == ["1.2.3", "1.2.3.4", "1.2.3.4.5", "first", "second.pa"]
    copied(folder, "1.2.3.6", masks=3)
    with pytest.raises(BadAtlas, match=r"1 problem.*1\.2\.3\.6 has no mask of mediastinum"):
        references_in(folder, source="", licence="")
    copied(folder, "1.2.3.7", masks=0)
    with pytest.raises(BadAtlas, match=r"2 problem.*1\.2\.3\.7\.png: no concept is called '7'"):
        references_in(folder, source="", licence="")


def test_files_of_a_kind_that_is_not_read_are_named(folder: Path) -> None:
    (folder / "first.gif").touch()
    (folder / ".hidden").touch()
    (folder / "first.left lung.PNG").touch()
    skipped = skipped_in(folder)
    assert list(skipped) == ["first.gif", "notes.txt"]
    assert skipped["first.gif"].startswith("skipped, only .png, .jpg,")


def forget(folder: Path) -> None:
    (folder / "first.left lung.png").unlink()
    (folder / "second.pa.mediastinum.png").unlink()


def add_a_second_picture(folder: Path) -> None:
    Image.open(folder / "first.png").save(folder / "first.jpg")


def add_a_second_mask(folder: Path) -> None:
    (folder / "first.left_lung.png").write_bytes((folder / "first.left lung.png").read_bytes())


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
        (add_a_second_picture, r"1 problem.*first\.jpg and first\.png are both the picture first"),
        (
            add_a_second_mask,
            r"1 problem.*first\.left lung\.png and first\.left_lung\.png are both the mask of the left lung of first",
        ),
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
