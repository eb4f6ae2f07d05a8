"""Millimetres of soft tissue and bone -> grey values, as a processed film has them.

Scatter, local contrast and window follow the healthy thickness, and noise is drawn from the seed, so that a finding
changes its own shadow and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Map = NDArray[np.floating]

PER_MM = 0.0195
"""Linear attenuation of water at about 70 keV, 1/mm (NIST, XCOM)."""
SCATTER_MM, EQUALISED_MM, DETAIL_MM = 22.0, 30.0, 3.0
"""Spread of scatter, of the local mean that is flattened, and of what is sharpened."""
LEAST_SHARE = 0.002
"""Of the open beam, what the darkest pixel still gets: the detector's floor."""


@dataclass(frozen=True, kw_only=True)
class Processing:
    """One exposure and what became of it.

    bone        how much more than soft tissue a mm of bone weakens the beam: low at high voltage
    quality     of the beam, about 1: thick patients are taken with harder rays
    scatter     share of the primary beam; without a grid more
    exposure    quanta a pixel in the open beam; noise is their Poisson statistics
    flatten     share of the local mean that is taken out
    detail      how strongly edges are sharpened
    low, high   percentiles of the healthy picture's log exposure that become black and white
    black, white, gamma   the grey values of these, and the curve between
    """

    bone: float = 1.9
    quality: float = 1.0
    scatter: float = 0.12
    exposure: float = 4e4
    flatten: float = 0.38
    detail: float = 1.4
    low: float = 1.5
    high: float = 93.0
    black: float = 0.1
    white: float = 0.93
    gamma: float = 1.0


def sample_processing(rng: np.random.Generator, *, grid: bool) -> Processing:
    """Of any department; `grid` tells whether an anti-scatter grid was used."""
    u = rng.uniform
    raw = rng.random() < 0.35  # neither flattened nor sharpened, as old or foreign systems leave it
    return Processing(
        bone=np.exp(u(0.3, 1.3)),
        quality=u(0.75, 1.2),
        scatter=u(0.02, 0.2) if grid else u(0.15, 0.5),
        exposure=10 ** u(3.2, 5.2),
        flatten=0.0 if raw else u(0.1, 0.55),
        detail=0.0 if raw else u(0.4, 2.0),
        low=u(0.2, 8.0),
        high=u(80, 99.5),
        black=u(0.0, 0.16),
        white=u(0.85, 1.0),
        gamma=float(np.exp(rng.normal(0.0, 0.25))),
    )


def film(
    soft: Map, bone: Map, processing: Processing, px_mm: float, seed: int, *, change: Map | float = 0.0
) -> NDArray[np.uint8]:
    """Grey picture (H, W) of thicknesses (H, W) in mm of water; `change` is what a finding adds to the soft tissue.

    Pixels where `change` is 0 are the same bytes as without it.
    """
    p = processing
    healthy = PER_MM * p.quality * np.clip(soft + p.bone * bone, 0, None)
    veil = _veil(healthy, p, px_mm)
    base = _log(healthy, veil)
    with_change = _log(np.clip(healthy + PER_MM * p.quality * change, 0, None), veil)
    wide = ndimage.gaussian_filter(base, EQUALISED_MM / px_mm)
    fine = ndimage.gaussian_filter(base, DETAIL_MM / px_mm)
    tone, before = (each - p.flatten * wide + 0.35 * p.detail * (each - fine) for each in (with_change, base))
    margin = len(base) // 10
    core = before[margin:-margin, margin:-margin]
    body = core[base[margin:-margin, margin:-margin] > 0.8]
    low, high = np.percentile(body if body.size else core, [p.low, p.high])
    grey = (tone - low) / max(high - low, 0.3) * (p.white - p.black) + p.black
    grey = _curve(grey, p.gamma)
    grain = _grain(base, p, seed) * (p.white - p.black) / max(high - low, 0.3)
    picture: NDArray[np.uint8] = np.round(np.clip(grey + grain, 0, 1) * 255).astype(np.uint8)
    return picture


def _veil(attenuation: Map, p: Processing, px_mm: float) -> Map:
    """Scattered radiation, from what the healthy body lets through."""
    primary = np.minimum(np.exp(-attenuation), 0.4)
    veil: Map = p.scatter * ndimage.gaussian_filter(primary, SCATTER_MM / px_mm) + LEAST_SHARE
    return veil


def _log(attenuation: Map, veil: Map) -> Map:
    seen: Map = -np.log(np.exp(-attenuation) + veil)
    return seen


def _curve(grey: Map, gamma: float) -> Map:
    """Soft shoulder and toe, then gamma."""
    grey = np.where(grey > 0.66, 0.66 + 0.32 * np.tanh((grey - 0.66) / 0.32), grey)
    grey = np.where(grey < 0.1, 0.1 * np.exp(np.clip((grey - 0.1) / 0.1, -8, 0)), grey)
    curved: Map = np.clip(grey, 0, 1) ** gamma
    return curved


def _grain(base: Map, p: Processing, seed: int) -> Map:
    """Of log exposure: one over the root of the quanta that arrive, a little blurred as detectors do."""
    rng = np.random.default_rng([seed, 1])
    white = rng.standard_normal(base.shape)
    grain = (white + 1.8 * ndimage.gaussian_filter(white, 0.8)) / 1.6
    quanta = p.exposure * np.exp(-np.clip(base, 0, 6))
    noise: Map = grain / np.sqrt(np.maximum(quanta, 25))
    return noise
