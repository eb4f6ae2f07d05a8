"""Unbalanced entropic optimal transport between two pictures on one square grid, without ever forming the plan.

The problem (paper, Eq. 1 and 6; Chizat, Peyre, Schmitzer, Vialard, "Scaling algorithms for unbalanced optimal transport
problems", Math. Comp. 87, 2018). A picture is a mass per cell, normalised to one. For a reference a and a target b,

    P = argmin_P  <C, P> + epsilon * sum_ij P_ij (log P_ij - 1) + lambda * KL(P 1 | a) + lambda * KL(P^T 1 | b)

with C_ij = |x_i - x_j|^2 / s, the squared Euclidean distance of cell coordinates divided by its own 90th percentile s
over the two supports. With K = exp(-C / epsilon) the solution is P = diag(u) K diag(v), the fixed point of

    u <- (a / K v)^(lambda / (lambda + epsilon)),   v <- (b / K^T u)^(lambda / (lambda + epsilon))   (paper, Eq. 7-8)

from u = v = 1. After each pair of steps u is multiplied and v divided by one factor, the one that is best for the dual
objective, t = (<u, K v> / <v, K^T u>)^(lambda / 2 epsilon). The fixed point is the same and comes sooner, much sooner
where lambda is large beside epsilon, for this factor is what the plain iteration is slow to find (Sejourne, Vialard,
Peyre, "Faster unbalanced optimal transport: translation invariant Sinkhorn and 1-D Frank-Wolfe", AISTATS 2022).

Speed. Everything here uses that K is separable: with k_rc = exp(-(r - c)^2 / (s epsilon)), a matrix of the grid's side,
K v is k V k for V the picture of v. One iteration is two small matrix products a side instead of one with a
(cells^2, cells^2) matrix; the plan's cost and the mass pushed from a region are more products of the same kind.

Range. u and v are iterated as they are wherever float64 carries them, which it does on ordinary pictures for epsilon
of 0.005 and less. A batch entry that ends outside the range (parts of a support so far apart that exp(-C / epsilon) is
zero) is solved in logarithms instead, the same iteration: products are logarithms of sums of exponentials, one axis
after the other, still separable, cells^3 steps each, exact for any epsilon and some fifty times slower.

Readings and departures. Eq. 6 speaks of an outer product as the entropy's prior; the iteration that the paper's
authors run has the counting measure as prior, and so has this one. They use no factor t, and stop when u has
changed by less than the tolerance in sum; here it is in sum relative to the sum of u. Grids come from
`grid.cell_averages`, which does not drift; the authors' corner-aligned zoom moves a region by up to 3 px. Every picture
of a batch stops by itself, so a batch equals singles.

Arrays are numpy's, which is fastest on a CPU, or torch's on any device that has float64; what comes out is of the kind
that went in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from types import EllipsisType
from typing import Any, TypeAlias

import numpy as np
from array_api_compat import array_namespace, device
from numpy.typing import NDArray

from medground_bench.core.errors import MethodFailed

Array: TypeAlias = Any  # the array API, which both kinds follow, has no types of its own yet
"""A numpy array or a tensor."""

PICTURE = (-2, -1)
"""The axes of a picture."""

SMALLEST = 1e-300
"""Added to products, so that cells outside a support, where they may be nothing, divide to zero."""

SMALLEST_PRODUCT = 1e-140
"""Below this a float64 product may have lost terms. A kernel of less than 1e-308 counts as zero, and u and v are no
larger than the inverse of this, so what is lost is below 1e-168 times the number of cells."""

LARGEST_EXPONENT = 600.0
"""exp(600) times the terms that a float64 product may lose is below 1e-40, no mass at all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TransportSettings:
    """The paper's values (Appendix D). A value with which the problem has no meaning raises ValueError."""

    epsilon: float = 0.05
    marginal_weight: float = 0.1  # lambda of both marginals
    support_threshold: float = 0.02  # of intensity, after min-max over the picture
    max_iterations: int = 500
    tolerance: float = 1e-6

    def __post_init__(self) -> None:
        for name in ("epsilon", "marginal_weight"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name} is {value}; it must be finite and above 0")
        if not 0 <= self.support_threshold < 1:
            raise ValueError(
                f"support_threshold is {self.support_threshold}; it must be at least 0 and below 1"
            )


@dataclass(frozen=True, slots=True, eq=False)
class AxisKernel:
    """A separable kernel along one axis of the grid: its matrix (..., cells, cells), and the logarithm of it."""

    logarithm: Array
    factors: Array

    @classmethod
    def of(cls, logarithm: Array) -> AxisKernel:
        """The kernel with this logarithm."""
        return cls(logarithm, array_namespace(logarithm).exp(logarithm))

    def __getitem__(self, entries: int | tuple[EllipsisType | slice | None, ...]) -> AxisKernel:
        """The kernels of some entries."""
        return AxisKernel(self.logarithm[entries], self.factors[entries])


@dataclass(frozen=True, slots=True, eq=False)
class Transport:
    """Solved plans P = diag(u) K diag(v), one per batch entry, kept as their factors.

    log_u, log_v  (..., cells, cells) float64, -inf outside the support of the reference and of the target
    kernel        k of every entry, K = k x k
    iterations    (...) int64
    """

    log_u: Array
    log_v: Array
    kernel: AxisKernel
    iterations: Array

    def push(self, regions: Array) -> Array:
        """Mass that each target cell receives from regions of the reference.

        regions  (..., regions, cells, cells): share of each reference cell that belongs to the region, 0..1
        returns  the same shape, float64
        """
        every = (..., None, slice(None), slice(None))
        kernel, shares = self.kernel[every], _doubles(regions)
        return _mass(kernel, kernel, self.log_u[every], self.log_v[every], shares=shares)

    def cost(self) -> Array:
        """<|x_i - x_j|^2, P> in squared cells, (...): distances unscaled, so that references compare."""
        xp = array_namespace(self.log_u)
        with np.errstate(divide="ignore"):
            weighted = AxisKernel.of(self.kernel.logarithm + xp.log(_squared_distances(self.log_u)))
        down = _mass(weighted, self.kernel, self.log_v, self.log_u)
        across = _mass(self.kernel, weighted, self.log_v, self.log_u)
        return xp.sum(down + across, axis=PICTURE)


def solve(references: Array, targets: Array, settings: TransportSettings) -> Transport:
    """Transport every reference to its target.

    references, targets  (..., cells, cells), any scale and at least 0; leading dimensions are broadcast: (16, n, n)
                         with (n, n) is 16 references to one target, (16, 1, n, n) with (5, n, n) all 80 pairs
    raises               MethodFailed for a picture without contrast or with values that are not finite
    """
    xp = array_namespace(references, targets)
    a, b = (masses(_doubles(pictures), settings.support_threshold) for pictures in (references, targets))
    a, b = xp.broadcast_arrays(a, b)
    batch, picture = a.shape[:-2], a.shape[-2:]
    a, b = (xp.reshape(each, (-1, *picture)) for each in (a, b))
    scale = cost_percentile(a > 0, b > 0, 0.9)
    scale = xp.where(scale > 0, scale, 1.0)  # both are one cell, the same: any unit of distance will do
    kernel = AxisKernel.of(-_squared_distances(a) / (scale * settings.epsilon)[:, None, None])
    with np.errstate(all="ignore"):
        u, v, iterations = _iterate(kernel.factors, a, b, settings)
        log_u, log_v = xp.log(u), xp.log(v)
        carried = _carried(u, a, settings) & _carried(v, b, settings)
        for entry in range(len(a)):
            if not carried[entry]:
                solved = _iterate_logarithms(kernel[entry], a[entry], b[entry], settings)
                log_u[entry], log_v[entry], iterations[entry] = solved
    log_u, log_v = (xp.reshape(each, (*batch, *picture)) for each in (log_u, log_v))
    kernel = AxisKernel(
        *(xp.reshape(each, (*batch, *picture)) for each in (kernel.logarithm, kernel.factors))
    )
    return Transport(log_u, log_v, kernel, xp.reshape(iterations, batch))


def _iterate(k: Array, a: Array, b: Array, settings: TransportSettings) -> tuple[Array, Array, Array]:
    """u, v (entries, cells, cells) and iterations in plain float64.

    An entry that float64 does not carry ends out of range or as NaN.
    """
    xp = array_namespace(a)
    power, balance = _powers(settings)
    u, v = (xp.astype(mass > 0, xp.float64) for mass in (a, b))
    moving = xp.ones(len(a), dtype=xp.bool, device=device(a))
    iterations = xp.astype(~moving, xp.int64)
    for _ in range(settings.max_iterations):
        sent = k @ v @ k + SMALLEST
        next_u = (a / sent) ** power
        received = k @ next_u @ k + SMALLEST
        next_v = (b / received) ** power
        factor = (xp.sum(next_u * sent, axis=PICTURE) / xp.sum(next_v * received, axis=PICTURE)) ** balance
        next_u *= factor[:, None, None]
        next_v /= factor[:, None, None]
        change = xp.sum(abs(next_u - u), axis=PICTURE) / xp.sum(next_u, axis=PICTURE)
        if xp.all(moving):
            u, v = next_u, next_v
        else:
            u[moving], v[moving] = next_u[moving], next_v[moving]
        iterations += moving
        moving &= change >= settings.tolerance  # false, too, for an entry that has become NaN
        if not xp.any(moving):
            break
    return u, v, iterations


def _iterate_logarithms(
    kernel: AxisKernel, a: Array, b: Array, settings: TransportSettings
) -> tuple[Array, Array, int]:
    """The same iteration for one entry (cells, cells): log u, log v and iterations."""
    xp = array_namespace(a)
    power, balance = _powers(settings)
    log_a, log_b = xp.log(a), xp.log(b)
    log_u, log_v = (xp.where(mass > 0, 0.0, mass - xp.inf) for mass in (a, b))
    iterations = 0
    while iterations < settings.max_iterations:
        iterations += 1
        sent = _log_product(kernel, kernel, log_v)
        next_u = power * (log_a - sent)
        received = _log_product(kernel, kernel, next_u)
        next_v = power * (log_b - received)
        factor = balance * (_log_sum(next_u + sent, PICTURE) - _log_sum(next_v + received, PICTURE))
        before, log_u, log_v = log_u, next_u + factor, next_v - factor
        total = _log_sum(log_u, PICTURE)
        if xp.sum(abs(xp.exp(log_u - total) - xp.exp(before - total))) < settings.tolerance:
            break
    return log_u, log_v, iterations


def _carried(u: Array, a: Array, settings: TransportSettings) -> Array:
    """Whether no product K v of an entry was too small: at a cell it is its a / u^(1 / power)."""
    xp = array_namespace(a)
    smallest_mass = xp.min(xp.where(a > 0, a, 1.0), axis=PICTURE)
    return xp.max(u, axis=PICTURE) <= (smallest_mass / SMALLEST_PRODUCT) ** _powers(settings)[0]


def cost_percentile(reference_support: Array, target_support: Array, quantile: float) -> Array:
    """Quantile (0..1) of the squared distances between every cell of one support and every cell of the other, (...).

    Exact and with linear interpolation between ranks, as numpy's percentile on the cost matrix, which is never formed:
    the cross-correlation of the supports (..., cells, cells) counts how often each displacement occurs.
    """
    xp = array_namespace(reference_support, target_support)
    size = 2 * reference_support.shape[-1]
    one, other = (
        xp.fft.rfftn(_doubles(support), s=(size, size), axes=PICTURE)
        for support in (reference_support, target_support)
    )
    counts = xp.round(xp.fft.irfftn(xp.conj(one) * other, s=(size, size), axes=PICTURE))
    distances, order = (xp.asarray(each, device=device(counts)) for each in _displacements(size))
    counts = xp.take(xp.reshape(counts, (*counts.shape[:-2], -1)), order, axis=-1)
    cumulative = xp.cumulative_sum(counts, axis=-1)
    rank = quantile * (cumulative[..., -1] - 1)
    below = xp.floor(rank)
    low, high = (distances[xp.sum(cumulative <= each[..., None], axis=-1)] for each in (below, xp.ceil(rank)))
    return low + (rank - below) * (high - low)


@lru_cache(maxsize=8)
def _displacements(size: int) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Squared lengths of a size x size correlation's displacements in rising order, and where each of them stands."""
    steps = np.fft.fftfreq(size, 1 / size)
    distances = (steps[:, None] ** 2 + steps[None, :] ** 2).ravel()
    order = np.argsort(distances)
    return distances[order], order


def _log_product(rows: AxisKernel, columns: AxisKernel, logarithms: Array) -> Array:
    """log(K exp(x)) of pictures x (..., cells, cells), K = rows x columns, without ever leaving logarithms."""
    turn = array_namespace(logarithms).matrix_transpose
    along_rows = _log_sum(logarithms[..., :, None, :] + columns.logarithm[..., None, :, :], -1)
    return turn(_log_sum(turn(along_rows)[..., :, None, :] + rows.logarithm[..., None, :, :], -1))


def _log_sum(logarithms: Array, axis: int | tuple[int, int]) -> Array:
    """Log of the sum of exponentials."""
    xp = array_namespace(logarithms)
    peak = xp.max(logarithms, axis=axis, keepdims=True)
    peak = xp.where(xp.isfinite(peak), peak, 0.0)
    return xp.log(xp.sum(xp.exp(logarithms - peak), axis=axis)) + xp.squeeze(peak, axis=axis)


def _mass(
    rows: AxisKernel, columns: AxisKernel, sent: Array, receiving: Array, shares: Array | None = None
) -> Array:
    """exp(receiving) * (K (shares * exp(sent))), all (..., cells, cells), sent and receiving logarithms."""
    xp = array_namespace(sent)
    highest = [xp.max(each, axis=PICTURE, keepdims=True) for each in (sent, receiving)]
    if xp.all(sum(highest) < LARGEST_EXPONENT):
        amounts = xp.exp(sent - highest[0])
        amounts = amounts if shares is None else shares * amounts
        received = rows.factors @ amounts @ columns.factors
        return received * (xp.exp(receiving - highest[1]) * xp.exp(sum(highest)))
    with np.errstate(divide="ignore"):
        amounts = sent if shares is None else sent + xp.log(shares)
        return xp.exp(_log_product(rows, columns, amounts) + receiving)


def _powers(settings: TransportSettings) -> tuple[float, float]:
    """Exponents of a step, lambda / (lambda + epsilon), and of the factor t, lambda / 2 epsilon."""
    weight, epsilon = settings.marginal_weight, settings.epsilon
    return weight / (weight + epsilon), weight / (2 * epsilon)


def masses(pictures: Array, threshold: float) -> Array:
    """Of pictures (..., cells, cells): intensity after min-max, nothing at or below the threshold, in sum one."""
    xp = array_namespace(pictures)
    if not xp.all(xp.isfinite(pictures)):
        raise MethodFailed("a picture to transport holds values that are NaN or infinite.")
    low, high = (extreme(pictures, axis=PICTURE, keepdims=True) for extreme in (xp.min, xp.max))
    if not xp.all(high > low):
        raise MethodFailed("a picture has the same grey everywhere, so it has no anatomy to transport.")
    intensity = (pictures - low) / (high - low)
    mass = xp.where(intensity > threshold, intensity, 0.0)
    return mass / xp.sum(mass, axis=PICTURE, keepdims=True)


def _squared_distances(like: Array) -> Array:
    """Between the cells of one axis of a grid, (cells, cells)."""
    xp = array_namespace(like)
    steps = xp.arange(like.shape[-1], dtype=xp.float64, device=device(like))
    return (steps[:, None] - steps[None, :]) ** 2


def _doubles(values: Array) -> Array:
    xp = array_namespace(values)
    return xp.astype(values, xp.float64)
