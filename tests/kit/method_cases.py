"""Cases of the tiny LVLMs: a random picture, a prompt of either mode, their own response; and quick methods for it."""

from __future__ import annotations

import dataclasses

import numpy as np

from medground_bench.core.types import Case, Frame
from medground_bench.methods import Method, open_method
from tests.kit.tiny_lvlms import DIRECT, REASON, radiograph


def own_case(lvlm, *, mode: str = "direct", picture: np.ndarray | None = None) -> Case:
    """A case the LVLM answered itself, in four tokens or, in reason mode, twelve."""
    picture = radiograph(11) if picture is None else picture
    prompt, tokens = (DIRECT, 4) if mode == "direct" else (REASON, 12)
    response = lvlm.generate([picture], [prompt], max_new_tokens=tokens)[0]
    height, width = picture.shape
    return Case(f"a/b/c@tiny:{mode}", "nodule", prompt, response, picture, Frame.native(width, height))


def brief(name, lvlm) -> Method:
    """The method with its defaults, but for the length of what it has the LVLM write: a random one never ends."""
    method = open_method(name, lvlm)
    writes = any(field.name == "max_new_tokens" for field in dataclasses.fields(method))
    return dataclasses.replace(method, max_new_tokens=8) if writes else method
