"""A reference pool is verified to the byte, and the shipped one is what its program writes."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from medground_bench.anatomy import atlas as atlas_module
from medground_bench.anatomy.atlas import (
    PHANTOM_POOL,
    Atlas,
    ReferencePicture,
    build_phantom_pool,
    load_atlas,
    phantom_atlas,
    pool_digest,
    save_pool,
)
from medground_bench.core.concepts import CONCEPTS
from medground_bench.core.errors import BadAtlas, SourceMissing
from medground_bench.phantom import seeds
from medground_bench.storage import whole_files


def reference(name: str, seed: int) -> ReferencePicture:
    rng = np.random.default_rng(seed)
    masks = {concept: rng.random((32, 32)) < 0.2 for concept in CONCEPTS}
    return ReferencePicture(name, rng.integers(0, 256, (32, 32), np.uint8), masks, "made for a test", "CC0")


@pytest.fixture
def pool(tmp_path: Path) -> Path:
    save_pool(tmp_path / "pool", [reference("a", 1), reference("b", 2)])
    return tmp_path / "pool"


def test_a_pool_comes_back_as_it_was_saved(pool: Path) -> None:
    atlas = load_atlas(pool)
    assert atlas.names == ("a", "b")
    assert atlas.concepts == CONCEPTS
    for number, original in enumerate([reference("a", 1), reference("b", 2)]):
        assert np.array_equal(atlas.pictures[number], original.picture)
        for concept, mask in zip(CONCEPTS, atlas.masks[number], strict=True):
            assert np.array_equal(mask, original.masks[concept])


def test_the_mean_box_is_the_mean_of_tight_boxes(tmp_path: Path) -> None:
    first, second = reference("a", 1), reference("b", 2)
    for one, (x0, x1) in ((first, (4, 10)), (second, (8, 20))):
        one.masks["left lung"][:] = False
        one.masks["left lung"][5:9, x0:x1] = True
    save_pool(tmp_path, [first, second])
    assert load_atlas(tmp_path).mean_boxes()["left lung"].xyxy == (6, 5, 15, 9)


def edit_manifest(change: Callable[[dict], None]) -> Callable[[Path], None]:
    def edit(pool: Path) -> None:
        manifest = json.loads((pool / "manifest.json").read_text())
        change(manifest)
        (pool / "manifest.json").write_text(json.dumps(manifest))

    return edit


def flip_a_byte(pool: Path) -> None:
    content = bytearray((pool / "b.masks.png").read_bytes())
    content[-20] ^= 1
    (pool / "b.masks.png").write_bytes(content)


def empty_a_mask(pool: Path) -> None:
    entries = json.loads((pool / "manifest.json").read_text())
    other = pool / "other"
    poor = reference("a", 1)
    save_pool(other, [poor])
    from PIL import Image

    planes = np.asarray(Image.open(other / "a.masks.png")) & ~np.uint16(1 << CONCEPTS.index("left clavicle"))
    Image.fromarray(planes).save(pool / "a.masks.png")
    entries["pictures"][0]["masks"]["sha256"] = hashlib.sha256(
        (pool / "a.masks.png").read_bytes()
    ).hexdigest()
    (pool / "manifest.json").write_text(json.dumps(entries))


def replace_a_picture_by(content: bytes) -> Callable[[Path], None]:
    """Another file in its place, and the manifest says so."""

    def replace(pool: Path) -> None:
        (pool / "a.png").write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        edit_manifest(lambda m: m["pictures"][0]["picture"].update(sha256=digest))(pool)

    return replace


SHIPPED_PNG = (PHANTOM_POOL / "phantom-7000000.png").read_bytes()


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (replace_a_picture_by(b"GIF89a, say"), r"a\.png is no PNG that can be read"),
        (replace_a_picture_by(SHIPPED_PNG[:2000]), r"a\.png is no PNG that can be read"),
        (flip_a_byte, "b.masks.png has SHA-256"),
        (lambda pool: (pool / "a.png").unlink(), "a.png is missing"),
        (empty_a_mask, "a has no mask of left clavicle"),
        (edit_manifest(lambda m: m.update(side=40)), r"shape \(32, 32\)"),
        (edit_manifest(lambda m: m.update(pictures=[])), "lists no picture"),
        (edit_manifest(lambda m: m.pop("concepts")), "needs the keys"),
        (edit_manifest(lambda m: m.update(side="big")), "side is no whole number"),
        (edit_manifest(lambda m: m["concepts"].pop()), "concepts are not the 11"),
        (edit_manifest(lambda m: m.update(concepts=11)), "concepts are not the 11"),
        (edit_manifest(lambda m: m["pictures"][0].pop("masks")), "pictures needs entries"),
        (edit_manifest(lambda m: m.update(pictures={"a": 1})), "pictures needs entries"),
        (edit_manifest(lambda m: m["pictures"][0]["picture"].update(file="../a.png")), "outside"),
        (lambda pool: (pool / "manifest.json").write_text("{"), "not JSON"),
    ],
)
def test_a_changed_or_incomplete_pool_is_refused(pool: Path, harm: Callable[[Path], None], says: str) -> None:
    harm(pool)
    with pytest.raises(BadAtlas, match=says):
        load_atlas(pool)


def test_a_pool_is_told_by_the_digest_of_its_manifest_and_not_by_its_arrays(pool: Path) -> None:
    atlas, digest = load_atlas(pool), pool_digest(pool)
    assert digest == hashlib.sha256((pool / "manifest.json").read_bytes()).hexdigest() == atlas.digest
    assert repr(atlas) == f"<2 references, {digest[:12]}>"
    assert repr(atlas.first(1)) == f"<1 references, {digest[:12]}>"
    made = Atlas(atlas.names, atlas.concepts, atlas.pictures, atlas.masks)
    assert repr(made) == "<2 references, in memory>"
    assert phantom_atlas().digest == pool_digest()
    with pytest.raises(SourceMissing, match="no reference pool"):
        pool_digest(pool / "elsewhere")


def test_no_file_of_a_pool_is_ever_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = []

    def write_whole(path: Path, content: bytes) -> None:
        written.append(path.name)
        whole_files.write_whole(path, content)

    monkeypatch.setattr(atlas_module, "write_whole", write_whole)
    save_pool(tmp_path / "pool", [reference("a", 1)], credentialed=True)
    assert sorted(written) == sorted(path.name for path in (tmp_path / "pool").iterdir())


def test_all_problems_of_a_pool_are_listed_at_once(pool: Path) -> None:
    (pool / "a.png").unlink()
    flip_a_byte(pool)
    with pytest.raises(BadAtlas, match=r"2 problem.*a\.png.*b\.masks\.png"):
        load_atlas(pool)


def test_a_folder_without_a_manifest_is_no_pool(tmp_path: Path) -> None:
    with pytest.raises(SourceMissing, match="reference pool"):
        load_atlas(tmp_path)


def test_a_reference_that_lacks_a_concept_is_not_saved(tmp_path: Path) -> None:
    poor = reference("a", 1)
    poor.masks["mediastinum"][:] = False
    with pytest.raises(BadAtlas, match="mediastinum"):
        save_pool(tmp_path, [poor])


def test_the_shipped_pool_is_16_complete_normal_phantoms_of_less_than_a_megabyte() -> None:
    atlas = phantom_atlas()
    assert atlas.pictures.shape == (16, 224, 224)
    assert atlas.masks.shape == (16, 11, 224, 224)
    assert sum(path.stat().st_size for path in PHANTOM_POOL.iterdir()) < 1_000_000
    listed = {path.name for path in PHANTOM_POOL.iterdir()}
    assert listed == {"manifest.json"} | {
        f"{name}{end}" for name in atlas.names for end in (".png", ".masks.png")
    }
    boxes = atlas.mean_boxes()
    assert boxes["right lung"].x1 < boxes["left lung"].x0, "the patient's right is on the picture's left"


def test_the_shipped_pool_is_what_its_program_writes(tmp_path: Path) -> None:
    build_phantom_pool(tmp_path, seeds.ATLAS[:1])
    built, shipped = load_atlas(tmp_path), phantom_atlas()
    assert built.names[0] == shipped.names[0]
    assert np.abs(built.pictures[0].astype(int) - shipped.pictures[0]).max() <= 1
    assert (built.masks[0] != shipped.masks[0]).mean() < 1e-3
