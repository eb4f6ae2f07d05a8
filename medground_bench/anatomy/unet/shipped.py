"""The trained networks that come with the package, or one of another folder that `train` wrote."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import torch
from safetensors.torch import load

from medground_bench.anatomy.unet.network import AnatomyNet
from medground_bench.core.errors import SourceMissing
from medground_bench.storage.whole_files import sha256

MODELS = Path(__file__).with_name("models")
"""One folder a network, by the name of its localizer."""
WEIGHTS, RECORD = "model.safetensors", "training.json"


@cache
def shipped_net(name: str) -> AnatomyNet:
    """The shipped network of a localizer, read once."""
    return load_net(MODELS / name)


def load_net(folder: Path) -> AnatomyNet:
    """The network of a folder, float32, frozen; SourceMissing when its weights are not there or not those recorded."""
    try:
        content = (folder / WEIGHTS).read_bytes()
        recorded = json.loads((folder / RECORD).read_text("utf-8"))["weights_sha256"]
    except FileNotFoundError as error:
        raise SourceMissing(
            f"the anatomy U-Net's {Path(error.filename).name} is not in {folder}. Install the package again, or "
            "train it: python -m medground_bench.training.unet.train --help."
        ) from error
    if sha256(content) != recorded:
        raise SourceMissing(
            f"{folder / WEIGHTS} is damaged or was exchanged: its SHA-256 is {sha256(content)}, "
            f"{RECORD} beside it says {recorded}. Install the package again."
        )
    with torch.random.fork_rng(devices=[]):  # the weights it starts with are drawn, only to be replaced
        net = AnatomyNet()
    net.load_state_dict({name: value.float() for name, value in load(content).items()})
    return net.eval().requires_grad_(False)
