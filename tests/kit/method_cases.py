"""Cases of the tiny LVLMs: a random picture, a prompt of either mode, and the LVLM's own response."""

from __future__ import annotations

import numpy as np

from medground_bench.core.types import Case, Frame
from tests.kit.tiny_lvlms import DIRECT, REASON, radiograph


def own_case(lvlm, *, mode: str = "direct", picture: np.ndarray | None = None) -> Case:
    """A case the LVLM answered itself, in four tokens or, in reason mode, twelve."""
    picture = radiograph(11) if picture is None else picture
    prompt, tokens = (DIRECT, 4) if mode == "direct" else (REASON, 12)
    response = lvlm.generate([picture], [prompt], max_new_tokens=tokens)[0]
    height, width = picture.shape
    return Case(f"a/b/c@tiny:{mode}", "nodule", prompt, response, picture, Frame("native", width, height))
