"""The patients of the phantom benchmark: which findings, and the side marker or not, a picture's id stands for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from medground_bench.core.types import Box, Frame
from medground_bench.phantom.findings import FINDINGS
from medground_bench.phantom.scene import Scene, sample_findings
from medground_bench.phantom.shortcut import draw_marker


@dataclass(frozen=True, slots=True, eq=False)
class Patient:
    """One picture of the benchmark: the scene, what is in it, and whether it carries the side marker."""

    scene: Scene
    findings: tuple[str, ...]
    marker: bool

    @property
    def native(self) -> Frame:
        """The frame of the radiograph."""
        return Frame.native(self.scene.native_width, self.scene.native_height)

    def without(self, finding: str) -> tuple[str, ...]:
        """Its other findings."""
        return tuple(other for other in self.findings if other != finding)

    def boxes(self, finding: str) -> tuple[Box, ...]:
        """Exact boxes of a finding that is there, native pixels; none when nothing of it is visible."""
        corners = self.scene.native_boxes(finding, self.findings)
        return tuple(Box(*xyxy, self.native) for xyxy in corners if xyxy[0] < xyxy[2] and xyxy[1] < xyxy[3])


@lru_cache(maxsize=128)
def patient(image_id: str) -> Patient:
    """The patient of an image id, which is the scene's seed in decimal digits."""
    seed = int(image_id)
    scene, rng = Scene.sample(seed), np.random.default_rng([seed, 1])
    # Every finding leads in every tenth picture, so that a small build has all of them.
    findings = sample_findings(scene, rng, must=FINDINGS[seed % len(FINDINGS)])
    return Patient(scene, findings, draw_marker(findings, rng))
