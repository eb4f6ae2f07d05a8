"""MedSAM after the paper's transport, on a tiny random MedSAM of the real class."""

from dataclasses import replace

import numpy as np
import pytest

from medground_bench.anatomy.atlas import phantom_atlas
from medground_bench.anatomy.refiners import refined_regions
from medground_bench.anatomy.refiners.medsam import open_medsam
from medground_bench.localizers.uot import Uot
from medground_bench.localizers.uot_medsam import UotMedsam
from tests.kit.tiny_localizers import save_sam


@pytest.fixture(scope="module")
def refiner(tmp_path_factory) -> str:
    return str(save_sam(tmp_path_factory.mktemp("sam") / "sam"))


def test_a_transport_of_ones_own_is_what_is_refined(refiner) -> None:
    picture = phantom_atlas().pictures[6]
    own = Uot(references=2)
    regions = UotMedsam(uot=own, refiner=refiner).localize(picture)
    expected = refined_regions(open_medsam(refiner), picture, own.localize(picture))
    assert regions.boxes == expected.boxes and regions.reference == expected.reference
    assert all(np.array_equal(regions.masks[name], mask) for name, mask in expected.masks.items())
    assert regions.reference in phantom_atlas().names[:2]


def test_without_one_it_is_the_papers(refiner) -> None:
    assert repr(UotMedsam(refiner=refiner).uot) == repr(Uot())
    other = replace(UotMedsam(refiner=refiner), uot=Uot(references=1))
    assert repr(other) != repr(UotMedsam(refiner=refiner))
