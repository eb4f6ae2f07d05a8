"""The shipped references that look like films: complete, small, synthetic by their own word, made by their program."""

from __future__ import annotations

import numpy as np
from PIL import Image

from medground_bench.anatomy.atlas import CT_POOL, ct_atlas, load_atlas, save_pool
from medground_bench.localizers import record_of
from medground_bench.localizers.uot import Uot
from medground_bench.localizers.uot_ct import UotCt
from medground_bench.training.radiograph.pool import references
from medground_bench.training.radiograph.renders import ATLAS


def test_the_pool_is_16_complete_bodies_of_less_than_a_megabyte():
    atlas = ct_atlas()
    assert atlas.masks.shape == (16, 11, 224, 224) and atlas.masks.any((2, 3)).all()
    assert sum(path.stat().st_size for path in CT_POOL.iterdir()) < 1_000_000
    boxes = atlas.mean_boxes()
    assert boxes["right lung"].x1 < boxes["left lung"].x1


def test_every_picture_of_it_says_in_its_metadata_that_it_is_synthetic():
    for name in ct_atlas().names:
        with Image.open(CT_POOL / f"{name}.png") as picture:
            assert "LIDC-IDRI-0001" in picture.text["synthetic"] and "CC BY 3.0" in picture.text["synthetic"]


def test_it_is_what_its_program_writes(tmp_path):
    save_pool(tmp_path, references(ATLAS[:1]))
    built, shipped = load_atlas(tmp_path), ct_atlas()
    assert built.names[0] == shipped.names[0]
    assert np.abs(built.pictures[0].astype(int) - shipped.pictures[0]).max() <= 2
    assert (built.masks[0] != shipped.masks[0]).mean() < 1e-3


def test_on_a_film_its_masks_fit_better_than_those_of_phantoms():
    atlas, lungs = ct_atlas(), {}
    lung = atlas.masks[3][atlas.concepts.index("right lung")]
    for localizer in (UotCt(), Uot()):
        found = localizer.localize(atlas.pictures[3])
        assert found.reference in localizer.atlas.names
        mask = found.masks["right lung"]
        lungs[type(localizer)] = (mask & lung).sum() / (mask | lung).sum()
    assert lungs[UotCt] > lungs[Uot] > 0.3


def test_it_is_uot_over_that_pool_and_says_so():
    record = record_of(UotCt())
    assert record["pool"] == ct_atlas().digest != record_of(Uot())["pool"]
    assert UotCt().transport == Uot().transport
