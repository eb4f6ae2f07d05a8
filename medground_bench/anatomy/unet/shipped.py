"""The trained networks that come with the package, or one of another folder that `train` wrote."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import torch

from medground_bench.anatomy.trained_weights import restore
from medground_bench.anatomy.unet.network import AnatomyNet

MODELS = Path(__file__).with_name("models")
"""One folder a network, by the name of its localizer."""


@cache
def shipped_net(name: str) -> AnatomyNet:
    """The shipped network of a localizer, read once."""
    return load_net(MODELS / name)


def load_net(folder: Path) -> AnatomyNet:
    """The network of a folder, float32, frozen; SourceMissing when its weights are not there or not those recorded."""
    with torch.random.fork_rng(devices=[]):  # the weights it starts with are drawn, only to be replaced
        net = AnatomyNet()
    restore(net, folder, of="the anatomy U-Net", trained_by="medground_bench.training.unet.train")
    return net
