"""Attribution methods, one a file; the file name is the public name and `METHOD` its class.

A method is a frozen dataclass of its settings with `needs` (what the LVLM must give) and `attribute`. A method whose
settings are chosen on the tune split also has `candidates`. A file that says `CONTROL = True` holds a control: a method
that never asks the LVLM, which any other should beat.
`PAPER = True` says that the paper reports the method. Both are read without importing the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self, runtime_checkable

import numpy as np

from medground_bench import plugins
from medground_bench.core.errors import MethodFailed, Unsupported
from medground_bench.core.geometry import Letterbox, boxes_from_map
from medground_bench.core.types import Attribution, Box, Case
from medground_bench.lvlms import Lvlm, LvlmDescription, Need


@runtime_checkable
class Method(Protocol):
    """The contract of every file in this folder.

    >>> from medground_bench.methods.whole_image import WholeImage
    >>> isinstance(WholeImage(), Method)
    True
    """

    @property
    def needs(self) -> frozenset[Need]:
        """What the LVLM must give; a class constant in practice."""
        ...

    def attribute(self, lvlm: Lvlm, case: Case, rng: np.random.Generator) -> Attribution:
        """Evidence for the LVLM's own response, in the study frame of the case."""
        ...


@runtime_checkable
class Tunable(Method, Protocol):
    """A method with a layer, a head or a baseline to choose for each LVLM.

    >>> from medground_bench.methods.integrated_gradients import IntegratedGradients
    >>> [each.baseline.value for each in IntegratedGradients.candidates(lvlm=None)]
    ['zero', 'mean']
    """

    @classmethod
    def candidates(cls, lvlm: LvlmDescription) -> Sequence[Self]:
        """The settings to try on this LVLM, each with every tuned field written out; no model call."""
        ...


def open_method(name: str, lvlm: LvlmDescription) -> Method:
    """The method of that name with its defaults; refuses an LVLM that cannot give what it needs.

    >>> from types import SimpleNamespace
    >>> open_method("occlusion", SimpleNamespace(key="tiny", gives={Need.LOG_PROBS}))
    Occlusion(cells=8)
    """
    method: Method = plugins.load("methods", name)()
    missing = sorted(method.needs - lvlm.gives)
    if missing:
        raise Unsupported(
            f"method {name} needs {', '.join(missing)}, which {lvlm.key} does not give. "
            f"It gives: {', '.join(sorted(lvlm.gives))}. Choose another method or an LVLM that runs locally."
        )
    return method


@dataclass(frozen=True, slots=True, eq=False)
class Explained:
    """A method's evidence and the boxes it comes to.

    attribution  as the method returned it: map, boxes and drops in the study frame
    boxes        in the native frame, clipped to the picture; what a prediction holds

    >>> Explained(Attribution(boxes=(), concept="whole image"), boxes=()).attribution.concept
    'whole image'
    """

    attribution: Attribution
    boxes: tuple[Box, ...]


def explain(method: Method, lvlm: Lvlm, case: Case, rng: np.random.Generator) -> Explained:
    """Run a method on a case and bring its evidence to native boxes, by the protocol.

    A map with NaN or infinity raises MethodFailed, whether or not boxes came with it. Boxes are the method's own, or
    cut from its map; those that lie in the letterbox's padding alone are left out.

    >>> from medground_bench.core.types import Frame, Response
    >>> from medground_bench.methods.centre_box import CentreBox
    >>> picture, native = np.zeros((8, 8), np.uint8), Frame.native(16, 8)
    >>> case = Case("a/b/mass@tiny:direct", "mass", "?", Response("", (), ()), picture, native)
    >>> [box.xyxy for box in explain(CentreBox(), None, case, np.random.default_rng(0)).boxes]
    [(4.0, 2.0, 12.0, 6.0)]
    """
    attribution = method.attribute(lvlm, case, rng)
    saliency = attribution.saliency
    if saliency is not None and not np.isfinite(saliency.values).all():
        broken = int((~np.isfinite(saliency.values)).sum())
        raise MethodFailed(
            f"case {case.case_id}: {broken} of {saliency.values.size} values of the saliency map are NaN or "
            f"infinite. That is a fault of {type(method).__name__}, not evidence."
        )
    boxes = attribution.boxes
    if boxes is None and saliency is not None:
        boxes = boxes_from_map(saliency.clamped if attribution.clamped else saliency)
    letterbox = Letterbox.fit(case.native, case.study.width)
    native = (letterbox.to_native(box) for box in boxes or ())
    return Explained(attribution, tuple(box for box in native if box is not None))
