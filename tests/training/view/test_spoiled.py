"""What is done to an upright picture is what its name says, and nothing else."""

from __future__ import annotations

import torch

from medground_bench.training.view.drawn import drawn
from medground_bench.training.view.spoiled import cropped, inverted, mirrored, shuffled, turned


def generator():
    return torch.Generator().manual_seed(4)


RAMP = torch.linspace(0.1, 0.9, 144).reshape(12, 12)


def greys(picture):
    return picture.flatten().sort().values


def test_left_and_right_are_exchanged_rows_stay():
    assert torch.equal(mirrored(RAMP)[:, 0], RAMP[:, -1])


def test_black_becomes_white_with_or_without_the_black_edge():
    edged = torch.nn.functional.pad(RAMP, (3, 3))
    rng = generator()
    made = [inverted(edged, rng) for _ in range(12)]
    assert {tuple(each.shape) for each in made} == {(12, 12), (12, 18)}
    assert all(torch.allclose(greys(1 - each)[-144:], greys(RAMP)) for each in made)


def test_a_turned_picture_is_never_upright():
    rng = generator()
    for _ in range(12):
        made = turned(RAMP, rng)
        assert torch.equal(greys(made), greys(RAMP))
        assert not torch.equal(made, RAMP) and not torch.equal(made, mirrored(RAMP))


def test_a_part_spans_less_than_a_third_of_the_greys_of_a_ramp():
    down = torch.linspace(0.1, 0.9, 90)[:, None].expand(90, 90)
    rng = generator()
    made = [cropped(down, rng) for _ in range(12)]
    assert all(each.shape == (90, 90) and each.max() - each.min() <= 0.8 / 3 for each in made)


def test_shuffled_pieces_keep_every_pixel():
    made = shuffled(RAMP, generator())
    assert torch.equal(greys(made), greys(RAMP)) and not torch.equal(made, RAMP)


def test_drawn_pictures_fill_the_range_and_come_again_from_the_same_seed():
    first, again = drawn(8, generator()), drawn(8, generator())
    assert all(torch.equal(one, other) for one, other in zip(first, again, strict=True))
    assert all(each.shape == (112, 112) and each.min() >= 0 and 0.9 < each.max() <= 1 for each in first)
