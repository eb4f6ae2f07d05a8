"""The trained network that tells views apart, and how sure it must be before it says anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from medground_bench.anatomy.trained_weights import restore
from medground_bench.anatomy.view.network import ViewNet, squares
from medground_bench.anatomy.view.views import View
from medground_bench.core.types import Picture

MODEL = Path(__file__).with_name("model")


@dataclass(frozen=True, slots=True, eq=False)
class ViewFinder:
    """A network, and the log-odds in nats that another view must have over a frontal one before it is said."""

    net: ViewNet
    least_odds: float

    def __call__(self, picture: Picture) -> View:
        """Of one grey picture (H, W), black bars included."""
        found = odds(self.net, [picture])[0]
        return View.FRONTAL if found.max() <= self.least_odds else list(View)[1 + int(found.argmax())]


@torch.no_grad()
def odds(net: ViewNet, pictures: Sequence[Picture]) -> NDArray[np.float64]:
    """Log-odds (N, 4) in nats of every other view against the frontal one, in the order of `View`."""
    rows = [net(squares(torch.from_numpy(each.copy())[None].float() / 255))[0] for each in pictures]
    logits: NDArray[np.float64] = torch.stack(rows).double().numpy()
    return logits[:, 1:] - logits[:, :1]


@cache
def shipped_finder() -> ViewFinder:
    """The shipped one, read once."""
    return load_finder(MODEL)


def load_finder(folder: Path) -> ViewFinder:
    """That of a folder which training wrote; SourceMissing when its weights are not there or not those recorded."""
    with torch.random.fork_rng(devices=[]):  # the weights it starts with are drawn, only to be replaced
        net = ViewNet()
    record = restore(net, folder, of="the network of views", trained_by="medground_bench.training.view.train")
    least_odds = record["least_odds"]
    assert isinstance(least_odds, float)
    return ViewFinder(net, least_odds)
