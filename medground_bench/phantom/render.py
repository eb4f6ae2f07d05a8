"""From anatomy and findings to grey levels: attenuation adds up, one tone curve, metal, marker, noise."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import numpy as np

from medground_bench.core.types import Picture
from medground_bench.phantom.body import LATERALITIES
from medground_bench.phantom.fields import Float, smooth_noise
from medground_bench.phantom.findings import Finding
from medground_bench.phantom.marker import Marker
from medground_bench.phantom.raster import Layers, Raster

NOISE_REFERENCE_PX = 112
"""White noise of a pixel grows with side / this, so that pictures agree once scaled down."""

WHITE_NOISE = 0.016
"""Standard deviation, in grey 0..1, at the reference size."""

COARSE_NOISE = 0.012

NOISES_KEPT = 8
"""The same patient is drawn with and without each of its findings, under the same noise."""


def layers_with(raster: Raster, findings: Iterable[Finding]) -> Layers:
    """The layers of one picture after every finding has drawn itself."""
    layers = Layers.normal(raster)
    for finding in findings:
        finding.draw(layers, raster)
    return layers


def thickness(raster: Raster, layers: Layers) -> Float:
    """How much the rays are weakened at every pixel, in units of the tone curve."""
    anatomy = raster.anatomy
    total = raster.soft_tissue + 0.10 * layers.knob + layers.opacity
    aerated = (1 - 0.94 * layers.heart) * (1 - 0.72 * layers.knob)
    behind_heart = 1 - 0.8 * layers.heart
    for laterality in LATERALITIES:
        air = anatomy.exposure.lung_air * aerated * layers.air_share[laterality]
        markings = raster.lung_markings[laterality] * layers.markings_share[laterality] * behind_heart
        total = total + raster.lung[laterality] * (markings - air)
    ribs = (layers.ribs["right"] + layers.ribs["left"]) * (1 - 0.45 * layers.heart)
    ribs = ribs + raster.anterior_ribs * (1 - 0.5 * layers.heart)
    return total + anatomy.ribs.contrast * ribs * raster.body - layers.extra_air


def picture(raster: Raster, layers: Layers, *, marker: Marker | None, noise_seed: int) -> Picture:
    """uint8 (side, side); the same noise seed gives the same noise whatever the findings."""
    exposure = raster.anatomy.exposure
    exposed = np.clip(
        np.clip(thickness(raster, layers), 0, 1.6) * exposure.gain + exposure.brightness, 0, 1.2
    )
    grey = exposed**exposure.gamma
    if layers.metal is not None:
        grey = grey + (1.10 - grey) * layers.metal
    if marker is not None:
        grey = marker.stamp(grey)
    white, coarse = _noise(noise_seed, raster.side_px)
    level = np.clip(0.3 + 5 * grey, 0, 1.15 - 0.4 * grey)
    noisy: Float = np.clip(grey + level * white + coarse, 0, 1)
    return (noisy * 255 + 0.5).astype(np.uint8)


@lru_cache(maxsize=NOISES_KEPT)
def _noise(seed: int, side_px: int) -> tuple[Float, Float]:
    """White and coarse noise, (side, side) each, in grey levels 0..1; read-only."""
    rng = np.random.default_rng(seed)
    coarse = COARSE_NOISE * smooth_noise(rng, cells=24, side_px=side_px)
    white = rng.standard_normal((side_px, side_px), dtype=np.float32) * (
        WHITE_NOISE * side_px / NOISE_REFERENCE_PX
    )
    white.flags.writeable = coarse.flags.writeable = False
    return white, coarse
