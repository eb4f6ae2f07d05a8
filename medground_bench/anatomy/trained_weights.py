"""Weights that a training of ours left in a folder, beside a record that says which they are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import load
from torch import nn

from medground_bench.core.errors import SourceMissing
from medground_bench.storage.whole_files import Plain, sha256

WEIGHTS, RECORD = "model.safetensors", "training.json"


def restore(net: nn.Module, folder: Path, *, of: str, trained_by: str) -> Mapping[str, Plain]:
    """Give a network the weights of a folder, in float32, and freeze it; what training wrote of itself is returned.

    of          the network's name for people
    trained_by  the module that makes it again

    SourceMissing when the weights or the record are not there, or the weights are not those that the record names.
    """
    content, record = (_read(folder / name, of, trained_by) for name in (WEIGHTS, RECORD))
    recorded: Mapping[str, Plain] = json.loads(record)
    if sha256(content) != recorded["weights_sha256"]:
        raise SourceMissing(
            f"{folder / WEIGHTS} is damaged or was exchanged: its SHA-256 is {sha256(content)}, "
            f"{RECORD} beside it says {recorded['weights_sha256']}. Install the package again."
        )
    net.load_state_dict({name: value.float() for name, value in load(content).items()})
    net.eval().requires_grad_(False)
    return recorded


def _read(file: Path, of: str, trained_by: str) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError as error:
        raise SourceMissing(
            f"{of}'s {file.name} is not in {file.parent}. Install the package again, or train it: "
            f"python -m {trained_by} --help."
        ) from error
