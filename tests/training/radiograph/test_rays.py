"""Rays against geometry on paper: a ball's thickness, similar triangles, and labels that move with the picture."""

from __future__ import annotations

import numpy as np
import pytest

from medground_bench.training.radiograph.patient import (
    Beam,
    Body,
    ExposedBody,
    Geometry,
    sample_exposed_body,
    sample_geometry,
)
from medground_bench.training.radiograph.rays import Rays
from medground_bench.training.radiograph.render import project
from tests.kit.bodies import MIDDLE_MM, chest_of_balls

SIDE_PX = 96
FIELD_MM = 288.0
PX_MM = FIELD_MM / SIDE_PX
SCANNED = Body()


def seen(chest, beam=Beam.PA, body=SCANNED, **geometry):
    geometry = Geometry(beam=beam, field_mm=FIELD_MM, **{"distance_mm": 1500.0} | geometry)
    return project(Rays(chest, ExposedBody(body=body, geometry=geometry), SIDE_PX))


def width_px(thickness, least=0.5):
    """Of the shadow, from its area, so that single pixels do not count."""
    return 2 * np.sqrt((thickness > least).sum() / np.pi)


@pytest.mark.parametrize("beam", [Beam.PA, Beam.AP])
@pytest.mark.parametrize("middle", [(0, 0, 0), (60, 40, -50)])
def test_a_ball_projects_to_its_analytic_thickness(beam, middle):
    radius, density, distance = 45.0, 0.8, 1000.0
    got = seen(chest_of_balls((middle, radius), density=density), beam, distance_mm=distance).soft
    pixel = (np.arange(SIDE_PX) + 0.5 - SIDE_PX / 2) * PX_MM
    x, z = np.meshgrid(pixel, -pixel)
    way = np.stack([x, np.full_like(x, distance), z], -1)  # of a ray from the source through the middle plane
    way /= np.linalg.norm(way, axis=-1, keepdims=True)
    depth = middle[1] if beam is Beam.PA else -middle[1]
    from_source = np.array([middle[0], distance + depth, middle[2]])
    along = way @ from_source
    off = np.linalg.norm(from_source - along[..., None] * way, axis=-1)
    expected = density * 2 * np.sqrt(np.clip(radius**2 - off**2, 0, None))
    assert got.sum() == pytest.approx(expected.sum(), rel=0.01)
    wrong = np.abs(got - expected)[expected > 0]
    assert np.quantile(wrong, 0.99) < 4.7  # the distance between two points of a ray
    assert wrong.mean() < 1.0


@pytest.mark.parametrize(("beam", "sign"), [(Beam.PA, 1), (Beam.AP, -1), (Beam.SUPINE, -1)])
def test_what_lies_nearer_the_source_is_larger_by_similar_triangles(beam, sign):
    depth, radius, distance = 90.0, 20.0, 1000.0
    front = width_px(seen(chest_of_balls(((0, depth, 0), radius)), beam, distance_mm=distance).soft)
    back = width_px(seen(chest_of_balls(((0, -depth, 0), radius)), beam, distance_mm=distance).soft)
    assert front / back == pytest.approx(
        (1 - sign * depth / distance) / (1 + sign * depth / distance), rel=0.03
    )


def test_the_patients_left_is_on_the_pictures_right_and_the_head_is_up():
    soft = seen(chest_of_balls(((70, 0, 60), 15.0))).soft
    rows, columns = np.nonzero(soft > 1)
    assert columns.mean() > SIDE_PX / 2 and rows.mean() < SIDE_PX / 2


def test_a_lateral_view_shows_front_and_back_apart():
    soft = seen(chest_of_balls(((0, 80, 0), 15.0), ((0, -80, 0), 15.0)), Beam.LATERAL).soft
    columns = np.flatnonzero((soft > 1).any(0))
    assert np.ptp(columns) * PX_MM > 150


@pytest.mark.parametrize("seed", range(6))
def test_labels_and_picture_move_together_under_every_warp(seed):
    chest = chest_of_balls(((30, 20, -20), 40.0), ((-70, -30, 40), 30.0))
    projection = project(Rays(chest, sample_exposed_body(np.random.default_rng(seed)), SIDE_PX))
    soft, heart = projection.soft, projection.organs["heart"]
    assert (soft > 1).any()
    both, either = (soft > 10) & (heart > 10), (soft > 10) | (heart > 10)
    assert both.sum() / either.sum() > 0.96
    assert heart.sum() == pytest.approx(soft.sum(), rel=0.02)


@pytest.mark.parametrize("seed", range(4))
def test_a_point_is_found_where_its_shadow_is(seed):
    place = np.array([40.0, 25.0, -15.0])
    geometry = sample_geometry(np.random.default_rng(seed))
    rays = Rays(chest_of_balls((place, 6.0)), ExposedBody(geometry=geometry), SIDE_PX)
    soft = project(rays).soft
    rows, columns = np.indices(soft.shape) + 0.5
    weight = soft / soft.sum()
    column, row = rays.pixel_of(MIDDLE_MM + place)
    assert (column, row) == pytest.approx(((columns * weight).sum(), (rows * weight).sum()), abs=0.7)


@pytest.mark.parametrize(
    ("body", "grows"),
    [
        (Body(scale=(1.2, 1.0, 1.0)), (1.2, 1.0)),
        (Body(scale=(1.0, 1.0, 1.2)), (1.0, 1.2)),
        (Body(scale=(1.0, 1.2, 1.0)), (1.0, 1.0)),
    ],
)
def test_a_larger_body_is_larger_along_that_axis_alone(body, grows):
    ball = chest_of_balls(((0, 0, 0), 40.0), organ="abdomen")
    spans = [
        [np.ptp(np.flatnonzero(seen(ball, body=each).soft.max(a) > 1)) for a in (0, 1)]
        for each in (Body(), body)
    ]
    assert np.array(spans[1]) / spans[0] == pytest.approx(grows, rel=0.06)
