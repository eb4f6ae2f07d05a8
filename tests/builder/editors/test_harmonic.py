"""The editor without weights: surfaces, grain, and what its background edits leave."""

from __future__ import annotations

import time

import numpy as np
import pytest
from scipy import ndimage

pytest.importorskip("skimage")

from builder.editors import harmonic
from builder.editors.harmonic import Harmonic
from builder.editors.phantom_exact import PhantomExact
from builder.sources.phantom import Phantom
from medground_bench.core.causal_filter import Edit
from medground_bench.core.edit_regions import inside
from medground_bench.core.types import Answer, Box, Frame, Question
from medground_bench.phantom.patient import patient

SOURCE, EDITOR = Phantom(), Harmonic()
POSITIVES = [k.question for k in SOURCE.questions("test", 20) if k.question.answer is Answer.YES]


def question_of(*corners, width=200, height=160):
    frame = Frame.native(width=width, height=height)
    return Question("s", "1", "mass", Answer.YES, frame, tuple(Box(*each, frame) for each in corners))


def plane(deviation, width=200, height=160):
    """A slope with a bright disc and grain that is correlated over a pixel or two."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:height, :width]
    grain = ndimage.gaussian_filter(rng.standard_normal((height, width)), 0.8)
    grain *= deviation / grain.std()
    disc = 60.0 * ((rows - 80) ** 2 + (columns - 100) ** 2 < 15**2)
    slope = 60 + 0.3 * columns + 0.2 * rows
    return np.clip(slope + disc + grain, 0, 255).astype(np.uint8), slope


def test_a_disc_on_a_slope_gives_way_to_the_slope():
    picture, slope = plane(deviation=0)
    edited = EDITOR.edit(question_of((75, 55, 125, 105)), picture, Edit.FOREGROUND)
    assert np.abs(edited.astype(float) - slope)[55:105, 75:125].max() < 3


def test_grain_goes_on_through_the_boxes_with_its_strength_and_its_width():
    picture, slope = plane(deviation=6)
    edited = EDITOR.edit(question_of((60, 40, 140, 120)), picture, Edit.FOREGROUND)
    residual = edited - slope
    within, around = residual[45:115, 65:135], residual[:, :55]
    assert within.std() == pytest.approx(around.std(), rel=0.3)

    def neighbours(field):
        field = field - ndimage.uniform_filter(field, 15)
        return np.corrcoef(field[:, 1:].ravel(), field[:, :-1].ravel())[0, 1]

    assert neighbours(within) == pytest.approx(neighbours(around), abs=0.15)


def test_a_surface_stays_within_the_greys_around_it():
    picture, _ = plane(deviation=0)
    greys = picture.astype(float)
    hole = np.zeros(picture.shape, bool)
    hole[20:150, 30:] = True  # open to the border, where such surfaces run away
    surface = harmonic._surface(greys, hole)
    assert (
        greys[~hole].min() - 1e-6 <= surface[hole].min() <= surface[hole].max() <= greys[~hole].max() + 1e-6
    )


@pytest.mark.parametrize("width", [200, 700])
def test_the_solution_does_not_depend_on_the_size_of_the_picture(width):
    picture, slope = plane(deviation=0)
    scale = width / 200
    large = ndimage.zoom(picture, scale, order=1, grid_mode=True, mode="nearest")
    boxes = question_of(*[[scale * c for c in (75, 55, 125, 105)]], width=width, height=large.shape[0])
    edited = EDITOR.edit(boxes, large, Edit.FOREGROUND)
    wanted = ndimage.zoom(slope, scale, order=1, grid_mode=True, mode="nearest")
    hole = inside(boxes.boxes, large)
    assert np.abs(edited - wanted)[hole].max() < 4


def test_a_finding_is_gone_as_the_exact_editor_takes_it_out_better_than_if_nothing_were_done():
    """Of small findings; in large boxes it takes the anatomy, too."""
    gains = []
    for question in POSITIVES:
        picture = SOURCE.picture(question)
        hole = inside(question.boxes, picture)
        if hole.mean() > 0.05:
            continue
        exact = PhantomExact().edit(question, picture, Edit.FOREGROUND).astype(float)
        edited = EDITOR.edit(question, picture, Edit.FOREGROUND).astype(float)
        apart = [np.abs(ndimage.gaussian_filter(each - exact, 2))[hole].mean() for each in (picture, edited)]
        gains.append(apart[0] - apart[1])
    assert len(gains) > 5 and np.mean(gains) > 5


@pytest.mark.parametrize("edit", [Edit.BACKGROUND, Edit.BACKGROUND_NORMAL])
def test_a_background_edit_keeps_the_anatomy_and_changes_the_grain(edit):
    question = POSITIVES[0]
    picture = SOURCE.picture(question).astype(float)
    edited = EDITOR.edit(question, SOURCE.picture(question), edit).astype(float)
    outside = ~inside(question.boxes, picture)
    blurred = [ndimage.gaussian_filter(each, 4)[outside] for each in (picture, edited)]
    assert np.corrcoef(*blurred)[0, 1] > 0.99
    grain = [(each - ndimage.gaussian_filter(each, 1.5))[outside] for each in (picture, edited)]
    assert np.corrcoef(*grain)[0, 1] < 0.8
    assert grain[1].std() == pytest.approx(grain[0].std(), rel=0.3)


def test_a_background_edit_makes_no_step_at_the_boxes():
    picture, _ = plane(deviation=0)
    edited = EDITOR.edit(question_of((60, 40, 140, 120)), picture, Edit.BACKGROUND).astype(float)
    assert np.abs(edited - picture)[36:124, 56:144].max() <= 2
    assert np.abs(edited - picture).max() >= 3


def test_no_abnormality_dims_faint_details_and_leaves_the_lead_of_a_marker():
    rows, columns = np.mgrid[:160, :200]
    faint = 20.0 * ((rows - 30) ** 2 + (columns - 160) ** 2 < 5**2)
    picture = np.full((160, 200), 90.0) + faint
    picture[120:135, 170:180] = 255
    levels = picture.astype(np.uint8)
    question = question_of((10, 10, 60, 60))
    plain, calm = (
        EDITOR.edit(question, levels, edit).astype(float)
        for edit in (Edit.BACKGROUND, Edit.BACKGROUND_NORMAL)
    )
    spot, lead = faint > 0, picture == 255
    assert plain[spot].mean() - 90 > 15
    assert 6 < calm[spot].mean() - 90 < 14
    assert calm[lead].mean() > 230


def test_the_side_marker_of_a_phantom_stays():
    question = next(each for each in POSITIVES if patient(each.image_id).marker)
    picture = SOURCE.picture(question)
    who = patient(question.image_id)
    changed = np.argwhere(picture != who.scene.native(who.findings, marker=False))
    (y0, x0), (y1, x1) = changed.min(axis=0), changed.max(axis=0) + 1
    lead = picture[y0:y1, x0:x1] >= 245
    for edit in (Edit.BACKGROUND, Edit.BACKGROUND_NORMAL):
        assert np.median(EDITOR.edit(question, picture, edit)[y0:y1, x0:x1][lead]) >= 225


def test_a_film_of_4_megapixels_is_edited_in_seconds():
    picture, _ = plane(deviation=5, width=1800, height=2200)
    start = time.process_time()
    EDITOR.edit(question_of((200, 300, 1600, 1800), width=1800, height=2200), picture, Edit.FOREGROUND)
    assert time.process_time() - start < 15
