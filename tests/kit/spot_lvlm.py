"""An LVLM whose every answer is known to rest on one spot of the picture."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from medground_bench.lvlms import Need
from tests.kit.fakes import RuleLvlm

SPOT = (slice(60, 110), slice(60, 90))
"""Rows and columns of a study picture of 224 x 224 px: in the patient's right lung."""


@dataclass
class SpotLvlm(RuleLvlm):
    """The rule LVLM with log-probabilities: every token loses `loss` nats in proportion to how black the spot gets.

    broken  case prompts that contain this word get NaN
    """

    gives: frozenset[Need] = frozenset({Need.TEXT, Need.LOG_PROBS})
    loss: float = 4.0
    broken: str = "never"
    forwarded: int = field(default=0, compare=False)

    def log_probs(self, pictures, prompt, response):
        self.forwarded += len(pictures)
        hidden = np.array([(picture[SPOT] == 0).mean() for picture in pictures], np.float32)
        if self.broken in prompt:
            hidden = hidden * np.nan
        return np.repeat(-0.1 - self.loss * hidden[:, None], len(response.token_ids), axis=1)
