"""The U-Net of real films: both standards, the IoU to expect, and what it does not believe."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from medground_bench.anatomy.plausible import doubts
from medground_bench.anatomy.unet.localizer import UnetLocalizer
from medground_bench.core.concepts import CONCEPTS
from medground_bench.core.geometry import box_iou
from medground_bench.core.types import Box, Case, Frame, Response
from medground_bench.localizers import localize, record_of
from medground_bench.localizers.film_unet import FilmUnet
from medground_bench.lvlms import Need
from medground_bench.methods.medfocus import MedFocus
from medground_bench.phantom.scene import Scene
from medground_bench.training.radiograph.chest import shipped_chest
from medground_bench.training.radiograph.patient import ExposedBody, Geometry
from medground_bench.training.radiograph.render import radiograph
from medground_bench.training.view.drawn import drawn

SEED = 6_000_400
LARGE = ("left lung", "right lung", "cardiac silhouette", "mediastinum")


@pytest.fixture(scope="module")
def film():
    """A plain render, of a body that nothing was learned from."""
    patient = ExposedBody(geometry=Geometry(field_mm=360, centre_mm=(0, -15)))
    return radiograph(shipped_chest(), 123_456, 224, patient=patient, changes=())


def tight(mask):
    rows, columns = np.nonzero(mask)
    return Box(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1, Frame.study_of(mask))


def test_on_a_film_it_finds_every_concept_and_the_large_ones_well(film):
    found = FilmUnet(standard=None).localize(film.picture)
    assert set(found.boxes) == set(CONCEPTS) and found.missing == ()
    for concept in LARGE:
        assert box_iou(found.boxes[concept], tight(film.masks[concept])) > 0.8


def test_drawn_is_what_it_gives_unless_asked_and_lies_around_the_tight_box(film):
    whole, drawn, mask = (FilmUnet(standard=each).localize(film.picture) for each in (None, "drawn", "mask"))
    assert FilmUnet().localize(film.picture).boxes == drawn.boxes
    for lung in ("left lung", "right lung"):
        outer, inner = drawn.boxes[lung], whole.boxes[lung]
        assert outer.x0 <= inner.x0 and outer.y0 < inner.y0 and outer.x1 >= inner.x1 and outer.y1 > inner.y1
        assert mask.masks[lung].sum() < whole.masks[lung].sum()
    assert mask.boxes["left clavicle"].width < drawn.boxes["left clavicle"].width


def test_it_tells_what_overlap_to_expect_and_expects_less_of_what_is_faint(film):
    sure = FilmUnet().localize(film.picture).expected_iou
    assert set(sure) == set(CONCEPTS) and all(0 <= iou <= 1 for iou in sure.values())
    assert sure["left lung"] > 0.85
    rng = np.random.default_rng(0)
    noisy = np.clip(film.picture * 0.15 + rng.normal(120, 60, film.picture.shape), 0, 255).astype(np.uint8)
    faint = FilmUnet().localize(noisy).expected_iou
    assert np.mean([faint.get(concept, 0) for concept in CONCEPTS]) < np.mean(list(sure.values())) - 0.1


def test_what_it_does_not_believe_is_missing_and_still_tells_its_number(film):
    believed = FilmUnet().localize(film.picture)
    floor = np.median(list(believed.expected_iou.values()))
    strict = FilmUnet(least_iou=float(floor)).localize(film.picture)
    assert set(strict.missing) == {c for c, iou in believed.expected_iou.items() if iou < floor} != set()
    assert strict.expected_iou == believed.expected_iou
    assert not set(strict.missing) & set(strict.boxes)


@pytest.mark.parametrize("seed", range(4))
def test_on_a_picture_that_shows_no_chest_it_believes_next_to_nothing(seed):
    rng = torch.Generator().manual_seed(seed)
    pictures = [
        (each * 255).byte().repeat_interleave(2, 0).repeat_interleave(2, 1).numpy() for each in drawn(3, rng)
    ]
    for picture in pictures:
        found = FilmUnet().localize(picture)
        assert not {"left lung", "right lung"} & set(found.boxes) and len(found.boxes) <= 2
        assert doubts(found)


class SeesLight:
    """An LVLM whose every word is likelier the brighter the picture is."""

    gives = frozenset({Need.LOG_PROBS})

    def log_probs(self, pictures, prompt, response):
        return np.array(
            [[picture.mean() / 255 - 5] * len(response.tokens) for picture in pictures], np.float32
        )


def test_medfocus_does_not_try_what_it_does_not_believe(film):
    found = FilmUnet(least_iou=0.9).localize(film.picture)
    assert found.missing and len(found.boxes) > 3
    frame = Frame.native(224, 224)
    case = Case(
        "own/x/effusion@m:direct", "effusion", "?", Response("yes", (1,), ("yes",)), film.picture, frame
    )
    told = MedFocus(localizer="film_unet").attribute_regions(SeesLight(), case, found)
    assert told.missing_concepts == found.missing
    assert not set(told.concept_drops) & set(found.missing) and set(found.boxes) <= set(told.concept_drops)


@pytest.mark.parametrize("side", [128, 224, 512])
def test_it_works_at_any_size_and_its_boxes_scale(side):
    picture = Scene.sample(SEED).render(side)
    found = localize("film_unet", picture)
    assert found.frame.width == side
    small = localize("film_unet", Scene.sample(SEED).render(224))
    for concept in LARGE:
        one, other = found.boxes[concept], small.boxes[concept]
        assert np.array(one.xyxy) / side == pytest.approx(np.array(other.xyxy) / 224, abs=0.04)


def test_its_record_tells_standard_and_threshold():
    assert record_of(FilmUnet())["settings"] == "FilmUnet(net=None, standard='drawn', least_iou=0.5)"
    assert issubclass(FilmUnet, UnetLocalizer) and replace(FilmUnet(), least_iou=0).least_iou == 0
