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

Stable range, float64 with ordinary scaling: u, v and K v stay finite for epsilon of 0.005 and more on pictures whose
supports overlap (each axis needs (side - 1)^2 / (s epsilon) < 745). A solve that leaves the range raises MethodFailed.

Readings and departures. Eq. 6 speaks of an outer product as the entropy's prior; the iteration that the paper's
authors run has the counting measure as prior, and so has this one. The iteration stops when u and v have changed by
less than the tolerance relative to their largest value. Every picture of a batch stops by itself, so a batch equals
singles.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from medground_bench.errors import MethodFailed


@dataclass(frozen=True, kw_only=True, slots=True)
class TransportSettings:
    """The paper's values (Appendix D)."""

    epsilon: float = 0.05
    marginal_weight: float = 0.1  # lambda of both marginals
    support_threshold: float = 0.02  # of intensity, after min-max over the picture
    max_iterations: int = 500
    tolerance: float = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Transport:
    """Solved plans P = diag(u) K diag(v), one per batch entry, kept as their factors.

    reference_scaling  u, (batch, cells, cells) float64, zero outside the reference's support
    target_scaling     v, likewise for the target
    kernel             k, (batch, cells, cells): the kernel of one axis
    cost_scale         s, (batch,), squared cells
    iterations         (batch,) int64
    """

    reference_scaling: Tensor
    target_scaling: Tensor
    kernel: Tensor
    cost_scale: Tensor
    iterations: Tensor

    def push(self, regions: Tensor) -> Tensor:
        """Mass that each target cell receives from regions of the reference.

        regions  (batch, regions, cells, cells): share of each reference cell that belongs to the region, 0..1
        returns  (batch, regions, cells, cells)
        """
        kernel = self.kernel[:, None]
        sent = regions * self.reference_scaling[:, None]
        return (kernel @ sent @ kernel) * self.target_scaling[:, None]

    def cost(self) -> Tensor:
        """<|x_i - x_j|^2, P> in squared cells, (batch,): distances unscaled, so that references compare."""
        cells = self.kernel.shape[-1]
        weighted = self.kernel * _squared_distances(cells, self.kernel)
        v, k = self.target_scaling, self.kernel
        received = weighted @ v @ k + k @ v @ weighted
        return (self.reference_scaling * received).sum((-2, -1))


def solve(references: Tensor, targets: Tensor, settings: TransportSettings) -> Transport:
    """Transport every reference to its target.

    references, targets  (batch, cells, cells), any scale and at least 0; a batch of 1 goes with any other batch
    raises               MethodFailed for a picture without contrast or a solve outside float64's range
    """
    references, targets = torch.broadcast_tensors(references.double(), targets.double())
    a, b = (_masses(pictures, settings.support_threshold) for pictures in (references, targets))
    scale = cost_percentile(a > 0, b > 0, 0.9)
    cells = a.shape[-1]
    kernel = torch.exp(-_squared_distances(cells, a) / (scale[:, None, None] * settings.epsilon))
    power = settings.marginal_weight / (settings.marginal_weight + settings.epsilon)

    u, v = torch.ones_like(a), (b > 0).double()
    running = torch.ones(len(a), dtype=torch.bool, device=a.device)
    iterations = torch.zeros(len(a), dtype=torch.int64, device=a.device)
    for _ in range(settings.max_iterations):
        next_u = (a / (kernel @ v @ kernel)) ** power
        next_v = (b / (kernel @ next_u @ kernel)) ** power
        change = torch.maximum(_relative_change(u, next_u), _relative_change(v, next_v))
        if not torch.isfinite(change).all():
            raise MethodFailed(
                f"transport left the range of float64 at epsilon {settings.epsilon}. Use an epsilon of 0.005 or more."
            )
        u = torch.where(running[:, None, None], next_u, u)
        v = torch.where(running[:, None, None], next_v, v)
        iterations += running
        running = running & ~(change < settings.tolerance)
        if not running.any():
            break
    return Transport(u, v, kernel, scale, iterations)


def cost_percentile(reference_support: Tensor, target_support: Tensor, quantile: float) -> Tensor:
    """Quantile (0..1) of the squared distances between every cell of one support and every cell of the other, (batch,).

    Exact and with linear interpolation between ranks, as numpy's percentile on the cost matrix, which is never formed:
    the cross-correlation of the supports (batch, cells, cells) counts how often each displacement occurs.
    """
    cells = reference_support.shape[-1]
    size = 2 * cells
    spectrum = torch.fft.rfft2(reference_support.double(), s=(size, size)).conj()
    spectrum = spectrum * torch.fft.rfft2(target_support.double(), s=(size, size))
    counts = torch.fft.irfft2(spectrum, s=(size, size)).round().to(torch.int64).flatten(1)

    steps = torch.fft.fftfreq(size, 1 / size, device=counts.device, dtype=torch.float64)
    distances, order = (steps[:, None] ** 2 + steps[None, :] ** 2).flatten().sort()
    cumulative = counts[:, order].cumsum(1)
    rank = quantile * (cumulative[:, -1:] - 1).double()
    below, above = rank.floor(), rank.ceil()
    ranks = torch.cat([below, above], 1).to(torch.int64)
    low, high = distances[torch.searchsorted(cumulative, ranks, right=True)].unbind(1)
    return low + (rank - below).squeeze(1) * (high - low)


def _masses(pictures: Tensor, threshold: float) -> Tensor:
    low, high = pictures.amin((-2, -1), keepdim=True), pictures.amax((-2, -1), keepdim=True)
    if not (high > low).all():
        raise MethodFailed("a picture has the same grey everywhere, so it has no anatomy to transport.")
    intensity = (pictures - low) / (high - low)
    kept = torch.where(intensity > threshold, intensity, 0.0)
    return kept / kept.sum((-2, -1), keepdim=True)


def _squared_distances(cells: int, like: Tensor) -> Tensor:
    steps = torch.arange(cells, dtype=like.dtype, device=like.device)
    return (steps[:, None] - steps[None, :]) ** 2


def _relative_change(before: Tensor, after: Tensor) -> Tensor:
    return (after - before).abs().amax((-2, -1)) / after.amax((-2, -1))
