"""How far two float32 ways to one number may lie apart: from the number of roundings, not from one machine."""

from __future__ import annotations

import math

UNIT = 2.0**-24
"""Largest relative error of one float32 rounding."""

CONFIDENCE = 8.0
"""The bound below fails with probability 2 exp(-CONFIDENCE^2 / 2), 1e-14, if roundings are independent."""

LONGEST_ROW = 256
"""Tokens that a row of a test has at most: so many values an attention adds up."""


def rounding(terms: int, scale: float = 1.0) -> float:
    """Largest difference of two ways to a number whose size is `scale`, each with so many roundings in turn.

    Each errs by CONFIDENCE x sqrt(terms) x UNIT at most: Higham and Mary, SIAM J. Sci. Comput. 41 (2019), theorem 2.4.
    """
    return 2 * CONFIDENCE * math.sqrt(terms) * UNIT * scale


def through(lvlm, scale: float = 1.0, *, back: bool = False) -> float:
    """The same for a number that went through a whole LVLM, and for a gradient also back: twice as many again."""
    config = lvlm.loaded.model.config
    text, vision = config.get_text_config(), config.vision_config
    towers = getattr(vision, "num_hidden_layers", None) or vision.depth
    sums = [
        (text.num_hidden_layers, 3 * text.hidden_size + text.intermediate_size + LONGEST_ROW),
        (towers, 3 * vision.hidden_size + vision.intermediate_size + LONGEST_ROW),
        (1, text.vocab_size),
    ]
    terms = sum(layers * each for layers, each in sums)
    return rounding(3 * terms if back else terms, float(scale))
