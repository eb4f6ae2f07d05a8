"""`medground atlas build`, from a folder to a pool that a localizer uses."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from medground_bench.anatomy.atlas import (
    ATLAS_VARIABLE,
    PHANTOM_POOL,
    default_atlas,
    load_atlas,
    phantom_atlas,
)
from medground_bench.anatomy.pool_from_imagenome import imagenome_references
from medground_bench.commands.atlas import atlas_app
from medground_bench.core.concepts import CONCEPTS
from medground_bench.core.errors import SHOWN, BadAtlas
from medground_bench.localizers.mean_box import MeanBox
from medground_bench.localizers.uot import Uot
from medground_bench.localizers.uot_sharp import UotSharp
from tests.kit.imagenome_copy import NORMAL, Copy


@pytest.fixture
def normals(tmp_path: Path) -> Path:
    folder, shipped = tmp_path / "normals", phantom_atlas()
    folder.mkdir()
    Image.fromarray(shipped.pictures[3]).save(folder / "one.png")
    for concept, mask in zip(CONCEPTS, shipped.masks[3], strict=True):
        Image.fromarray(mask.astype(np.uint8) * 255).save(folder / f"one.{concept}.png")
    return folder


def build(*words: object) -> str:
    done = CliRunner().invoke(atlas_app, ["build", *map(str, words)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_pool_is_built_and_all_localizers_that_carry_masks_use_it(
    normals: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = tmp_path / "pool"
    said = build(pool, "--pictures", normals, "--source", "made for a test", "--licence", "CC0")
    assert "1 references written" in said and f"{ATLAS_VARIABLE}={pool}" in said
    entry = json.loads((pool / "manifest.json").read_text())["pictures"][0]
    assert (entry["source"], entry["licence"]) == ("made for a test", "CC0")
    assert default_atlas() is phantom_atlas()
    monkeypatch.setenv(ATLAS_VARIABLE, str(pool))
    for localizer in (Uot(), UotSharp(), MeanBox()):
        assert localizer.atlas.names == ("one",)
    assert np.array_equal(load_atlas(pool).masks[0], load_atlas(PHANTOM_POOL).masks[3])


def test_json_names_what_was_left_out(normals: Path, tmp_path: Path) -> None:
    said = build(tmp_path / "pool", "--pictures", normals, "--source", "x", "--licence", "CC0", "--json")
    assert json.loads(said) == {"pool": str(tmp_path / "pool"), "references": 1, "left_out": {}}


def test_files_that_were_skipped_are_named_beside_the_pool(normals: Path, tmp_path: Path) -> None:
    (normals / "two.gif").touch()
    words = ("--pictures", normals, "--source", "x", "--licence", "CC0")
    first, written, _use = build(tmp_path / "pool", *words).splitlines()
    assert first.startswith("  two.gif: skipped, only .png") and written.startswith("1 references written")
    assert list(json.loads(build(tmp_path / "other", *words, "--json"))["left_out"]) == ["two.gif"]


def test_what_was_left_out_of_an_imagenome_pool_is_said_first_and_then_how_to_use_it(tmp_path: Path) -> None:
    copy, pool = Copy(tmp_path), tmp_path / "pool"
    copy.add("a", NORMAL)
    for number in range(SHOWN + 2):
        (copy.graphs / f"b{number:02}_SceneGraph.json").write_text("{")
    first, *left_out, more, written, use = build(
        pool, "--imagenome", copy.imagenome, "--images", copy.images
    ).splitlines()
    assert first == f"{SHOWN + 3} scene graphs read, {SHOWN + 2} pictures left out"
    assert len(left_out) == SHOWN and left_out[0].startswith("  b00: b00_SceneGraph.json is not JSON")
    assert more == "  ... and 2 more (--json lists all)"
    assert written == f"1 references written to {pool}" and use.startswith("use it with: ")
    assert json.loads((pool / "manifest.json").read_text())["credentialed"] is True


def test_how_many_scene_graphs_were_read_is_told_while_they_are(tmp_path: Path) -> None:
    copy, pool = Copy(tmp_path), tmp_path / "pool"
    for dicom in "abc":
        copy.add(dicom, NORMAL)
    words = ["build", pool, "--imagenome", copy.imagenome, "--images", copy.images, "--count", 2]
    done = CliRunner().invoke(atlas_app, list(map(str, words)), catch_exceptions=False)
    assert done.stderr.startswith(f"read {copy.imagenome}: 2 scene graphs in 0:00:0")
    seen: list[int] = []
    assert imagenome_references(copy.imagenome, copy.images, advance=seen.append).looked_at == sum(seen) == 3


def test_nothing_is_written_when_a_concept_is_missing(normals: Path, tmp_path: Path) -> None:
    (normals / "one.mediastinum.png").unlink()
    with pytest.raises(BadAtlas, match="one has no mask of mediastinum"):
        build(tmp_path / "pool", "--pictures", normals, "--source", "x", "--licence", "CC0")
    assert not (tmp_path / "pool").exists()


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--pictures", "a", "--imagenome", "b"],
        ["--pictures", "a", "--source", "x"],
        ["--imagenome", "b"],
    ],
)
def test_usage_is_said(words: list[str], tmp_path: Path) -> None:
    done = CliRunner().invoke(atlas_app, ["build", str(tmp_path / "pool"), *words])
    assert done.exit_code == 2


def test_a_folder_with_something_in_it_is_left_alone(normals: Path) -> None:
    done = CliRunner().invoke(atlas_app, ["build", str(normals), "--pictures", str(normals)])
    assert done.exit_code == 2 and "not empty" in done.output
