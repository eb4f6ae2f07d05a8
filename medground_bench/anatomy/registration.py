"""Lays reference chest X-rays over a picture: transport of the air in the lungs first, correlation of it afterwards.

Air is what all chest X-rays share, whatever their exposure: it is darker than its surroundings. A picture becomes a map
of air (0..1) on a coarse grid, and a reference is moved in two steps.

1. Transport as registration. The references' lung air is carried to the picture's air by unbalanced transport, and the
   map from each cell of the picture to the mean place where its mass came from (the barycentric map) is fitted by a
   scale and shift, later by an affine map, weighted by the mass. Entropic blur pulls such a map to the middle; the
   same map of the picture's air onto itself shows that pull alone and is subtracted (as Feydy et al., AISTATS 2019,
   debias the cost). Repeated with falling epsilon, each time looking only for air near the lungs as they lie by then.
2. Correlation. The affine map and a smooth displacement on a few knots climb the correlation of the reference's and the
   picture's air in and around the lungs.

Maps are pull-backs: they say for a place in the picture which place of the reference it shows. Places are (x, y) in
-1..1 over the square picture, as in torch's `grid_sample` (align_corners=False). Nothing here is learned.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor
from torch.nn import functional

from medground_bench.anatomy.grid import cell_averages
from medground_bench.anatomy.transport import Transport, TransportSettings, solve
from medground_bench.core.types import Mask, Picture

CELLS = 28
"""Of the grid, per side: lungs are ten cells wide, and noise, ribs and letters are smaller than a cell."""

LOCAL = 7.0
"""Sigma in cells of what "surroundings" means."""

BORDER_SHARE = 0.13
"""A piece of air that mostly lies in this outer share of the picture is beside the body, not in it."""

ANNEALING = (
    (0.05, 5.0, False),
    (0.05, 4.0, False),
    (0.03, 3.0, False),
    (0.02, 2.5, True),
    (0.02, 2.0, True),
    (0.01, 1.5, True),
    (0.01, 1.5, True),
)
"""Epsilon, how far from the lungs air is looked for (sigma in cells), and whether shear and rotation are free."""

KNOTS = 4
CLIMB_STEPS = 50
CLIMB_RATE = 0.01
STIFFNESS = 1.0  # of the displacement: weight of squared differences between neighbouring knots
LOYALTY = 0.3  # to the affine map that transport found

LARGEST_SCALE, LARGEST_SHIFT = 1.7, 0.6


@dataclass(frozen=True, slots=True, eq=False)
class Air:
    """Air (pictures, CELLS, CELLS) 0..1 float64, and the share of each cell that the radiograph covers."""

    amount: Tensor
    content: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Chests:
    """What is moved: air and lungs of references, (references, CELLS, CELLS) float64 each.

    surroundings  1 in and around the lungs, the space between them included: where correlation is taken
    """

    air: Tensor
    lungs: Tensor
    surroundings: Tensor

    @classmethod
    def of(cls, pictures: NDArray[np.uint8], lungs: NDArray[np.bool_]) -> Chests:
        """From reference pictures (references, side, side) and the union of both lungs' masks."""
        shares = cell_averages(lungs, CELLS)
        near = (_blurred(torch.from_numpy(shares), 1.2) * 4 > 0.3).numpy()
        closed = [ndimage.binary_closing(np.pad(one, 8), iterations=6)[8:-8, 8:-8] for one in near]
        return cls(
            air_of(pictures).amount, torch.from_numpy(shares), torch.from_numpy(np.stack(closed)).double()
        )


@dataclass(frozen=True, slots=True, eq=False)
class Pullback:
    """Place in the picture -> place in each reference: affine (references, 2, 3) plus displacement at knots.

    knots  (references, 2, KNOTS, KNOTS), evenly from edge to edge of the picture, bicubic between
    """

    affine: Tensor
    knots: Tensor

    def places(self, side: int) -> Tensor:
        """Where each pixel of a picture of `side` lies in the references, (references, side, side, 2)."""
        flat = functional.affine_grid(self.affine, [len(self.affine), 1, side, side], align_corners=False)
        bent = functional.interpolate(self.knots, (side, side), mode="bicubic", align_corners=True)
        return flat + bent.permute(0, 2, 3, 1)

    def carried(self, images: Tensor, side: int) -> Tensor:
        """Images (references, any, s, s) as the picture shows them, (references, any, side, side); 0 beyond."""
        return functional.grid_sample(images, self.places(side).to(images), align_corners=False)


def air_of(pictures: NDArray[np.uint8]) -> Air:
    """How much darker than its surroundings each cell is; black bars around the radiograph hold nothing."""
    content = torch.from_numpy(cell_averages(np.stack([_content(one) for one in pictures]), CELLS))
    grey = torch.from_numpy(cell_averages(pictures, CELLS))
    near = _blurred(content, LOCAL).clamp_min(1e-6)
    mean = _blurred(grey * content, LOCAL) / near
    local = _blurred((grey - mean) ** 2 * content, LOCAL) / near
    whole = ((grey - mean) ** 2 * content).sum((-2, -1), keepdim=True) / content.sum((-2, -1), keepdim=True)
    deviation = (grey - mean) / (local + 0.25 * whole).clamp_min(1e-6).sqrt()
    return Air(torch.sigmoid(-5 * (deviation + 0.25)) * content, content)


def register(chests: Chests, picture: Picture) -> Pullback:
    """Every reference laid over one square picture in the study frame."""
    air = air_of(picture[None])
    affine = _by_transport(chests, _inside(air))
    return _by_correlation(chests, air, affine)


def _inside(air: Air) -> Tensor:
    """(CELLS, CELLS) air without the pieces beside the body; all of it where nothing else is left."""
    amount = air.amount[0].numpy()
    covered = air.content[0].numpy() > 0.5
    rows, columns = np.flatnonzero(covered.any(1)), np.flatnonzero(covered.any(0))
    inner = np.zeros(amount.shape, bool)
    if len(rows):
        margins = [int(BORDER_SHARE * len(each)) for each in (rows, columns)]
        inner[
            rows[0] + margins[0] : rows[-1] + 1 - margins[0],
            columns[0] + margins[1] : columns[-1] + 1 - margins[1],
        ] = True
    pieces, count = ndimage.label(amount > 0.5)
    clean = amount.copy()
    for piece in range(1, count + 1):
        cells = pieces == piece
        if (cells & inner).sum() < 0.4 * cells.sum():
            clean[ndimage.binary_dilation(cells)] = 0
    return torch.from_numpy(clean if clean.max() > 0.5 else amount)


def _by_transport(chests: Chests, air: Tensor) -> Tensor:
    """Affine pull-backs (references, 2, 3)."""
    count = len(chests.air)
    start = torch.eye(2, 3, dtype=torch.float64).repeat(count, 1, 1)
    pullback = Pullback(start, torch.zeros(count, 2, KNOTS, KNOTS, dtype=torch.float64))
    for epsilon, reach, free in ANNEALING:
        settings = TransportSettings(epsilon=epsilon, marginal_weight=0.3, tolerance=1e-3, max_iterations=40)
        lungs = pullback.carried(torch.stack([chests.air * chests.lungs, chests.lungs], 1), CELLS)
        near = air * (4 * _blurred(lungs[:, 1], reach)).clamp(0, 1)
        origin, mass = _origins(solve(torch.stack([lungs[:, 0], near]), near, settings))
        step = _fit(origin[0] - origin[1], mass[0], free=free)
        affine = torch.cat(
            [
                pullback.affine[:, :, :2] @ step[:, :, :2],
                pullback.affine[:, :, :2] @ step[:, :, 2:] + pullback.affine[:, :, 2:],
            ],
            2,
        )
        pullback = Pullback(_sane(affine), pullback.knots)
    return pullback.affine


def _origins(transport: Transport) -> tuple[Tensor, Tensor]:
    """Mean place (…, cells, cells, 2) where each target cell's mass came from, and that mass."""
    places = _places().permute(2, 0, 1)
    weights = torch.cat([torch.ones_like(places[:1]), (places + 1) / 2])  # push takes shares, 0..1
    mass, x, y = transport.push(weights.expand(*transport.log_u.shape[:-2], -1, -1, -1)).unbind(-3)
    return torch.stack([x, y], -1) / mass.clamp_min(1e-300)[..., None] * 2 - 1, mass


def _fit(displacement: Tensor, weights: Tensor, *, free: bool) -> Tensor:
    """Weighted least squares: place -> place + displacement, (…, 2, 3); only scale and shift unless `free`.

    A slight penalty on everything but the shift keeps a map that little mass speaks for near the identity.
    """
    places = _places().flatten(0, 1)
    inputs = torch.cat([places, torch.ones_like(places[:, :1])], -1)
    weights, displacement = weights.flatten(-2)[..., None], displacement.flatten(-3, -2)
    penalty = (
        0.05 * weights.sum((-2, -1))[..., None, None] * torch.diag(torch.tensor([1.0, 1.0, 0.0])).double()
    )
    gram = (inputs * weights).mT @ inputs + penalty
    moments = (inputs * weights).mT @ displacement
    if not free:
        allowed = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]).double()
        columns = []
        for axis in range(2):
            used = allowed[:, axis] > 0
            solved = torch.zeros_like(moments[..., axis])
            solved[..., used] = torch.linalg.solve(gram[..., used, :][..., used], moments[..., used, axis])
            columns.append(solved)
        return torch.stack(columns, -2) + torch.eye(2, 3).double()
    solution: Tensor = torch.linalg.solve(gram, moments)
    return solution.mT + torch.eye(2, 3).double()


def _sane(affine: Tensor) -> Tensor:
    """Within what a chest can fill of a radiograph."""
    scale = affine[:, :, :2].clamp(-LARGEST_SCALE, LARGEST_SCALE)
    scale.diagonal(dim1=-2, dim2=-1).clamp_(1 / LARGEST_SCALE, LARGEST_SCALE)
    return torch.cat([scale, affine[:, :, 2:].clamp(-LARGEST_SHIFT, LARGEST_SHIFT)], 2)


def _by_correlation(chests: Chests, air: Air, start: Tensor) -> Pullback:
    """Climb the correlation of air by the affine map and the displacement together (Adam)."""
    images = torch.stack([chests.air, chests.surroundings], 1)
    pullback = Pullback(start.clone(), torch.zeros(len(start), 2, KNOTS, KNOTS, dtype=torch.float64))
    free = [pullback.affine.requires_grad_(), pullback.knots.requires_grad_()]
    climber = torch.optim.Adam(free, lr=CLIMB_RATE)
    with torch.enable_grad():
        for _ in range(CLIMB_STEPS):
            carried, surroundings = pullback.carried(images, CELLS).unbind(1)
            visibility = surroundings * air.content[0].clamp_min(0.05)
            bend = sum(pullback.knots.diff(dim=axis).square().sum() for axis in (2, 3))
            departure = (pullback.affine - start).square().sum()
            loss = (
                STIFFNESS * bend + LOYALTY * departure - _correlation(carried, air.amount, visibility).sum()
            )
            climber.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            climber.step()
    return Pullback(pullback.affine.detach(), pullback.knots.detach())


def _correlation(one: Tensor, other: Tensor, weights: Tensor) -> Tensor:
    """Pearson's, weighted, over the last two dimensions."""
    total = weights.sum((-2, -1), keepdim=True).clamp_min(1e-6)
    one, other = (each - (each * weights).sum((-2, -1), keepdim=True) / total for each in (one, other))
    spread = (one.square() * weights).sum((-2, -1)) * (other.square() * weights).sum((-2, -1))
    return (one * other * weights).sum((-2, -1)) / spread.clamp_min(1e-12).sqrt()


def _content(picture: Picture) -> Mask:
    """The rows and columns between the black bars; everything for a picture that is nearly all black."""
    lit = picture > picture.min() + 0.03 * (int(picture.max()) - int(picture.min()))
    rows, columns = np.flatnonzero(lit.mean(1) > 0.02), np.flatnonzero(lit.mean(0) > 0.02)
    content = np.zeros(picture.shape, bool)
    if not len(rows) or not len(columns):
        return ~content
    content[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = True
    return content


def _blurred(maps: Tensor, sigma: float) -> Tensor:
    """Gaussian blur of (..., CELLS, CELLS); nothing lies beyond the edge."""
    steps = torch.arange(maps.shape[-1], dtype=torch.float64)
    axis: Tensor = torch.exp(-((steps[:, None] - steps[None, :]) ** 2) / (2 * sigma**2)) / (
        sigma * (2 * np.pi) ** 0.5
    )
    return axis @ maps @ axis


def _places() -> Tensor:
    """(x, y) of every cell's centre, (CELLS, CELLS, 2)."""
    steps = (torch.arange(CELLS, dtype=torch.float64) + 0.5) / CELLS * 2 - 1
    rows, columns = torch.meshgrid(steps, steps, indexing="ij")
    return torch.stack([columns, rows], -1)
