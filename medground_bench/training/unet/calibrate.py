"""Learn what a network's sureness is worth: `python -m medground_bench.training.unet.calibrate --help`.

On renders that it was not trained on, each as it is and once more randomised as in training, so that easy pictures and
hard ones count alike; every third one lies on its side or head as well, and as many pictures show no chest at all, so
that what is found there is not believed. How far the curves are from the truth is measured on renders of other seeds.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from numpy.typing import NDArray

from medground_bench.anatomy.unet.confidence import CALIBRATION, IouCalibration, sureness
from medground_bench.anatomy.unet.masks import concept_masks
from medground_bench.anatomy.unet.network import AnatomyNet, enlarge
from medground_bench.anatomy.unet.shipped import MODELS, shipped_net
from medground_bench.core.concepts import CONCEPTS
from medground_bench.storage.whole_files import write_whole
from medground_bench.training.radiograph.renders import CALIBRATION as CALIBRATION_SEEDS
from medground_bench.training.radiograph.renders import HELD_OUT, renders
from medground_bench.training.unet.masked_pictures import SIDE_PX, MaskedPictures
from medground_bench.training.unet.randomise import randomise
from medground_bench.training.unet.train import FULL, TrainingCells, box_iou_of_masks
from medground_bench.training.view.drawn import drawn

BATCH = 16
BINS = 10
THIRD = 3
"""Of so many pictures one is turned, and there is one more that shows no chest."""

Pairs = dict[str, list[tuple[float, float]]]
"""Concept -> (sureness, box IoU) of every picture on which it was found."""


def sure_pairs(net: AnatomyNet, pictures: MaskedPictures, seed: int) -> Pairs:
    """Of every picture as it is, once more randomised, turned, and of no chest; what is not there has IoU 0."""
    pairs: Pairs = defaultdict(list)
    for logits, truth in _looked_at(net, pictures, seed):
        masks = concept_masks(logits)
        for concept, sure in sureness(logits, masks).items():
            true = truth[CONCEPTS.index(concept)]
            iou = box_iou_of_masks(masks[concept], true) if true.any() else 0.0
            pairs[concept].append((sure, iou))
    return dict(pairs)


@torch.no_grad()
def _looked_at(
    net: AnatomyNet, pictures: MaskedPictures, seed: int
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.bool_]]]:
    """Logits and true masks (11, 224, 224) of one picture after the other."""
    cells, rng = TrainingCells.of(pictures), torch.Generator().manual_seed(seed)
    for start in range(0, len(pictures), BATCH):
        rows = slice(start, start + BATCH)
        logits = enlarge(net(torch.from_numpy(pictures.pictures[rows])), SIDE_PX).numpy()
        yield from zip(logits, pictures.masks(rows).astype(bool), strict=True)
        harder, targets = randomise(cells.pictures[rows], cells.cells[rows].float() / FULL, rng)
        logits = enlarge(net.look(harder), SIDE_PX).numpy()
        yield from zip(logits, (enlarge(targets, SIDE_PX) > 0.5).numpy(), strict=True)
    yield from _no_upright_chests(net, pictures, rng)


def _no_upright_chests(
    net: AnatomyNet, pictures: MaskedPictures, rng: torch.Generator
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.bool_]]]:
    """Every third picture by a quarter, a half or three quarters of a turn, and as many that show no chest."""
    for turns, row in enumerate(range(0, len(pictures), THIRD)):
        quarters = 1 + turns % 3
        picture = np.rot90(pictures.pictures[row], quarters).copy()
        truth = np.rot90(pictures.masks(slice(row, row + 1))[0].astype(bool), quarters, (1, 2))
        yield enlarge(net(torch.from_numpy(picture)[None]), SIDE_PX)[0].numpy(), truth
    nothing = np.zeros((len(CONCEPTS), SIDE_PX, SIDE_PX), bool)
    for shown in drawn(len(pictures) // THIRD, rng):
        yield enlarge(net.look(shown[None, None]), SIDE_PX)[0].numpy(), nothing


def calibration_error(calibration: IouCalibration, pairs: Pairs) -> dict[str, float]:
    """Concept -> mean distance of expected from found box IoU, over tenths of the pictures by what was expected."""
    errors = {}
    for concept, rows in pairs.items():
        expected = np.array([calibration.expected_iou({concept: sure})[concept] for sure, _iou in rows])
        found = np.array([iou for _sure, iou in rows])
        tenths = np.array_split(np.argsort(expected, kind="stable"), BINS)
        apart = [abs(expected[each].mean() - found[each].mean()) for each in tenths]
        errors[concept] = round(float(np.mean(apart)), 4)
    return errors


def main(
    name: Annotated[str, typer.Argument(help="which network")] = "film_unet",
    work: Annotated[Path, typer.Option(help="folder for rendered pictures")] = Path("unet-training"),
    projections: Annotated[int, typer.Option(help="projections to learn from")] = 300,
    processes: Annotated[int, typer.Option(help="cores that render")] = 2,
) -> None:
    """Write `calibration.json` beside the weights. Example: python -m medground_bench.training.unet.calibrate."""
    net = shipped_net(name)
    learned, held = (
        sure_pairs(net, renders(seeds, work, processes=processes), seed)
        for seed, seeds in enumerate((CALIBRATION_SEEDS[:projections], HELD_OUT[: 2 * projections // 3]))
    )
    calibration = IouCalibration.fitted(learned)
    record = {
        "projections": projections,
        "curves": calibration.curves,
        "held_out_error": calibration_error(calibration, held),
    }
    write_whole(MODELS / name / CALIBRATION, (json.dumps(record, indent=1) + "\n").encode())


if __name__ == "__main__":
    typer.run(main)
