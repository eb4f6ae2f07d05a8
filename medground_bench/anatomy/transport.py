"""Unbalanced entropic optimal transport between two pictures on one square grid, without ever forming the plan.

The problem (paper, Eq. 1 and 6; Chizat, Peyre, Schmitzer, Vialard, "Scaling algorithms for unbalanced optimal transport
problems", Math. Comp. 87, 2018). A picture is a mass per cell, normalised to one. For a reference a and a target b,

    P = argmin_P  <C, P> + epsilon * sum_ij P_ij (log P_ij - 1) + lambda * KL(P 1 | a) + lambda * KL(P^T 1 | b)

with C_ij = |x_i - x_j|^2 / s, the squared Euclidean distance of cell coordinates divided by its own 90th percentile s
over the two supports. With K = exp(-C / epsilon) the solution is P = diag(u) K diag(v), the fixed point of

    u <- (a / K v)^(lambda / (lambda + epsilon)),   v <- (b / K^T u)^(lambda / (lambda + epsilon))   (paper, Eq. 7-8)

from u = v = 1. Everything here uses that K is separable: with k_rc = exp(-(r - c)^2 / (s epsilon)), a matrix of the
grid's side, K v is k V k for V the picture of v. One iteration is two small matrix products a side instead of one with
a (cells^2, cells^2) matrix; the plan's cost and the mass pushed from a region are more products of the same kind.

Range. u and v are iterated as they are wherever float64 carries them, which it does on ordinary pictures for epsilon
of 0.005 and less. A batch entry that leaves the range (parts of a support so far apart that exp(-C / epsilon) is zero)
is solved in logarithms instead, the same iteration: products are logarithms of sums of exponentials, one axis after the
other, still separable, cells^3 steps each, exact for any epsilon and some fifty times slower.

Readings and departures. Eq. 6 speaks of an outer product as the entropy's prior; the iteration that the paper's
authors run has the counting measure as prior, and so has this one. The iteration stops when u and v have changed by
less than the tolerance relative to their largest value (the authors: when u has changed by less than it in sum). Grids
come from `grid.cell_averages`, which does not drift; the authors' corner-aligned zoom moves a region by up to 3 px.
Every picture of a batch stops by itself, so a batch equals singles. Everything runs on the device of the pictures.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from medground_bench.errors import MethodFailed

SMALLEST_PRODUCT = 1e-280
"""Below this a float64 product may have lost terms: 1e-308 times the number of cells has to be nothing beside it."""

LARGEST_EXPONENT = 600.0
"""exp(600) times the terms that a float64 product may lose is below 1e-40, no mass at all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TransportSettings:
    """The paper's values (Appendix D)."""

    epsilon: float = 0.05
    marginal_weight: float = 0.1  # lambda of both marginals
    support_threshold: float = 0.02  # of intensity, after min-max over the picture
    max_iterations: int = 500
    tolerance: float = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """A separable kernel along one axis of the grid: its matrix (..., cells, cells), and the logarithm of it."""

    logarithm: Tensor
    factors: Tensor

    @classmethod
    def of(cls, logarithm: Tensor) -> Axis:
        """The kernel with this logarithm."""
        return cls(logarithm, logarithm.exp())

    def for_regions(self) -> Axis:
        """The same kernel for several pictures an entry, (..., 1, cells, cells)."""
        return Axis(self.logarithm.unsqueeze(-3), self.factors.unsqueeze(-3))


@dataclass(frozen=True, slots=True, eq=False)
class Transport:
    """Solved plans P = diag(u) K diag(v), one per batch entry, kept as their factors.

    log_u, log_v  (..., cells, cells) float64, -inf outside the support of the reference and of the target
    kernel        k of every entry, K = k x k
    cost_scale    s, (...), squared cells
    iterations    (...) int64
    """

    log_u: Tensor
    log_v: Tensor
    kernel: Axis
    cost_scale: Tensor
    iterations: Tensor

    def push(self, regions: Tensor) -> Tensor:
        """Mass that each target cell receives from regions of the reference.

        regions  (..., regions, cells, cells): share of each reference cell that belongs to the region, 0..1
        returns  the same shape, float64
        """
        kernel = self.kernel.for_regions()
        return _mass(
            kernel, kernel, self.log_u.unsqueeze(-3), self.log_v.unsqueeze(-3), shares=regions.double()
        )

    def cost(self) -> Tensor:
        """<|x_i - x_j|^2, P> in squared cells, (...): distances unscaled, so that references compare."""
        cells = self.log_u.shape[-1]
        weighted = Axis.of(self.kernel.logarithm + _squared_distances(cells, self.log_u).log())
        down = _mass(weighted, self.kernel, self.log_v, self.log_u)
        across = _mass(self.kernel, weighted, self.log_v, self.log_u)
        return (down + across).sum((-2, -1))


def solve(references: Tensor, targets: Tensor, settings: TransportSettings) -> Transport:
    """Transport every reference to its target.

    references, targets  (..., cells, cells), any scale and at least 0; leading dimensions are broadcast: (16, n, n)
                         with (n, n) is 16 references to one target, (16, 1, n, n) with (5, n, n) all 80 pairs
    raises               MethodFailed for a picture without contrast or with values that are not finite
    """
    a, b = (_masses(pictures.double(), settings.support_threshold) for pictures in (references, targets))
    a, b = torch.broadcast_tensors(a, b)
    in_a, in_b = a > 0, b > 0
    scale = cost_percentile(in_a, in_b, 0.9)
    scale = torch.where(scale > 0, scale, 1.0)  # both are one cell, the same: any unit of distance will do
    kernel = Axis.of(-_squared_distances(a.shape[-1], a) / (scale * settings.epsilon)[..., None, None])
    u, v, iterations, held = _iterate(kernel, a, b, settings)
    log_u, log_v = u.log(), v.log()
    for index in (~held).nonzero().tolist():
        entry = tuple(index)
        one = Axis(kernel.logarithm[entry], kernel.factors[entry])
        log_u[entry], log_v[entry], iterations[entry] = _iterate_logarithms(one, a[entry], b[entry], settings)
    return Transport(log_u, log_v, kernel, scale, iterations)


def _iterate(
    kernel: Axis, a: Tensor, b: Tensor, settings: TransportSettings
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """u, v, iterations, and whether float64 carried the entry."""
    k, power = kernel.factors, _power(settings)
    # K v at a cell is its a / u^(1 / power), so a bound on u keeps every product above the smallest one.
    limit_u, limit_v = (
        (torch.where(mass > 0, mass, 1.0).amin((-2, -1)) / SMALLEST_PRODUCT) ** power for mass in (a, b)
    )
    u, v = (a > 0).double(), (b > 0).double()
    running = torch.ones(a.shape[:-2], dtype=torch.bool, device=a.device)
    iterations = torch.zeros(a.shape[:-2], dtype=torch.int64, device=a.device)
    highest_u, highest_v, stopped = a.new_zeros(a.shape[:-2]), a.new_zeros(a.shape[:-2]), 0
    for iteration in range(1, settings.max_iterations + 1):
        next_u = (a / (k @ v @ k).clamp_min_(1e-300)).pow_(power)
        next_v = (b / (k @ next_u @ k).clamp_min_(1e-300)).pow_(power)
        peak_u, peak_v = next_u.amax((-2, -1)), next_v.amax((-2, -1))
        highest_u, highest_v = torch.maximum(highest_u, peak_u), torch.maximum(highest_v, peak_v)
        moving = (next_u - u).abs_().amax((-2, -1)) >= peak_u * settings.tolerance
        if stopped == 0 and moving.all():  # nothing stops here, whatever v does
            u, v = next_u, next_v
            continue
        moving |= (next_v - v).abs_().amax((-2, -1)) >= peak_v * settings.tolerance
        u, v = (torch.where(running[..., None, None], *pair) for pair in ((next_u, u), (next_v, v)))
        iterations = torch.where(running, iteration, iterations)
        running = running & moving  # false, too, for an entry that has become NaN
        stopped = int((~running).sum())
        if stopped == running.numel():
            break
    iterations = torch.where(running, settings.max_iterations, iterations)
    return u, v, iterations, (highest_u <= limit_u) & (highest_v <= limit_v)


def _iterate_logarithms(
    kernel: Axis, a: Tensor, b: Tensor, settings: TransportSettings
) -> tuple[Tensor, Tensor, int]:
    """The same iteration for one entry (cells, cells): log u, log v and iterations."""
    power, log_a, log_b = _power(settings), a.log(), b.log()
    log_u, log_v = (a > 0).double().log(), (b > 0).double().log()
    iterations = 0
    while iterations < settings.max_iterations:
        iterations += 1
        next_u = power * (log_a - _log_product(kernel, kernel, log_v))
        next_v = power * (log_b - _log_product(kernel, kernel, next_u))
        change = max(_relative_change(log_u, next_u), _relative_change(log_v, next_v))
        log_u, log_v = next_u, next_v
        if change < settings.tolerance:
            break
    return log_u, log_v, iterations


def cost_percentile(reference_support: Tensor, target_support: Tensor, quantile: float) -> Tensor:
    """Quantile (0..1) of the squared distances between every cell of one support and every cell of the other, (...).

    Exact and with linear interpolation between ranks, as numpy's percentile on the cost matrix, which is never formed:
    the cross-correlation of the supports (..., cells, cells) counts how often each displacement occurs.
    """
    cells = reference_support.shape[-1]
    size = 2 * cells
    spectrum = torch.fft.rfft2(reference_support.double(), s=(size, size)).conj()
    spectrum = spectrum * torch.fft.rfft2(target_support.double(), s=(size, size))
    counts = torch.fft.irfft2(spectrum, s=(size, size)).round_().to(torch.int64).flatten(-2)

    steps = torch.fft.fftfreq(size, 1 / size, device=counts.device).abs().long()
    distances = (steps[:, None] ** 2 + steps[None, :] ** 2).flatten()
    histogram = counts.new_zeros(*counts.shape[:-1], 2 * cells**2 + 1).index_add_(-1, distances, counts)
    cumulative = histogram.cumsum(-1)
    rank = quantile * (cumulative[..., -1:] - 1).double()
    below, above = rank.floor(), rank.ceil()
    ranks = torch.cat([below, above], -1).to(torch.int64)
    low, high = torch.searchsorted(cumulative, ranks, right=True).double().unbind(-1)
    return low + (rank - below).squeeze(-1) * (high - low)


def _log_product(rows: Axis, columns: Axis, logarithms: Tensor) -> Tensor:
    """log(K exp(x)) of pictures x (..., cells, cells), K = rows x columns, without ever leaving logarithms."""
    along_rows = (logarithms[..., :, None, :] + columns.logarithm[..., None, :, :]).logsumexp(-1)
    return (along_rows.mT[..., :, None, :] + rows.logarithm[..., None, :, :]).logsumexp(-1).mT


def _mass(rows: Axis, columns: Axis, sent: Tensor, receiving: Tensor, shares: Tensor | None = None) -> Tensor:
    """exp(receiving) * (K (shares * exp(sent))), all (..., cells, cells), sent and receiving logarithms."""
    highest = [each.amax((-2, -1), keepdim=True) for each in (sent, receiving)]
    if (sum(highest) < LARGEST_EXPONENT).all():
        amounts = (sent - highest[0]).exp_()
        amounts = amounts if shares is None else shares * amounts
        return (rows.factors @ amounts @ columns.factors) * (
            (receiving - highest[1]).exp_() * sum(highest).exp()
        )
    amounts = sent if shares is None else sent + shares.log()
    return (_log_product(rows, columns, amounts) + receiving).exp()


def _power(settings: TransportSettings) -> float:
    return settings.marginal_weight / (settings.marginal_weight + settings.epsilon)


def _masses(pictures: Tensor, threshold: float) -> Tensor:
    if not torch.isfinite(pictures).all():
        raise MethodFailed("a picture to transport holds values that are NaN or infinite.")
    low, high = pictures.amin((-2, -1), keepdim=True), pictures.amax((-2, -1), keepdim=True)
    if not (high > low).all():
        raise MethodFailed("a picture has the same grey everywhere, so it has no anatomy to transport.")
    intensity = (pictures - low) / (high - low)
    kept = torch.where(intensity > threshold, intensity, 0.0)
    return kept / kept.sum((-2, -1), keepdim=True)


def _squared_distances(cells: int, like: Tensor) -> Tensor:
    steps = torch.arange(cells, dtype=like.dtype, device=like.device)
    return (steps[:, None] - steps[None, :]) ** 2


def _relative_change(before: Tensor, after: Tensor) -> float:
    """Largest change of exp(x) relative to its largest value, from the logarithms."""
    peak = after.amax()
    return float(((after - peak).exp() - (before - peak).exp()).abs().amax())
