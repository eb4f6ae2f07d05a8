from __future__ import annotations

import pytest
import torch

from medground_bench.anatomy.unet.network import AnatomyNet, enlarge
from medground_bench.core.concepts import CONCEPTS


def test_it_gives_one_map_per_concept_half_the_size_and_stays_small():
    net = AnatomyNet().eval()
    assert net(torch.rand(2, 96, 64)).shape == (2, len(CONCEPTS), 48, 32)
    assert sum(values.numel() for values in net.parameters()) * 2 <= 4e6


def test_gain_and_offset_of_the_grey_scale_do_not_matter():
    torch.manual_seed(0)
    net, picture = AnatomyNet().eval(), torch.rand(1, 64, 64) * 200
    with torch.no_grad():
        torch.testing.assert_close(net(picture * 0.4 + 30), net(picture), atol=2e-2, rtol=0)
        assert (net(255 - picture) - net(picture)).abs().max() > 0.1


@pytest.mark.parametrize("edge", [20.0, 21.25, 22.5, 23.9])
def test_a_boundary_inside_a_cell_is_found_to_half_a_pixel(edge):
    centres = (torch.arange(32) + 0.5) * 2
    logits = (edge - centres).expand(1, 1, 32, 32)
    assert (enlarge(logits, 64) > 0)[0, 0, 0].sum() == pytest.approx(edge, abs=0.5)
