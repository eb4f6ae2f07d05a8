"""Where the weights of the big models are: a parameter, else an environment variable, else the hub at a fixed commit.

A location is a folder in the Hugging Face layout or `org/name@commit`; MedSAM's may also be its original `.pth` file.
What is in a folder or a file may change, so a record of a result keeps `revision`
of its location too.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from medground_bench.core.errors import SourceMissing
from medground_bench.lvlms.engine.opening import WANTED, content_digest, whole_model
from medground_bench.lvlms.engine.untyped import Module
from medground_bench.storage import hub


@dataclass(frozen=True, slots=True)
class Weights:
    """One model's weights.

    model     its name for people
    variable  the environment variable that replaces the default
    pinned    `org/name@commit` on the hub, whose weights are safetensors
    """

    model: str
    variable: str
    pinned: str

    def location(self) -> str:
        """What the environment variable says, else the pinned commit."""
        return os.environ.get(self.variable) or self.pinned

    def at_hand(self) -> str | None:
        """The location: what the variable says, wherever that is, else the pinned commit when it is in the cache.

        None where nobody asked for the weights and they would have to be fetched.
        """
        location = self.location()
        return location if location != self.pinned or hub.cached(_repository(self.pinned)) else None

    def folder(self, location: str) -> Path:
        """The files of a location, fetched when they are not in the cache; SourceMissing says what to set."""
        try:
            return _local_folder(location) or hub.fetched(_repository(location), WANTED)
        except SourceMissing as error:
            mend = f"Give another location than {location}."
            if location == self.location():
                mend = f"If you have them in a folder, set {self.variable} to it."
            raise SourceMissing(f"{self.model}'s weights are not at hand: {error} {mend}") from error

    @staticmethod
    def load(model_class: Module, folder: Path) -> Module:
        """The whole model of a folder in float32, frozen, on the GPU where there is one."""
        import torch

        return whole_model(model_class, folder, torch.float32, "cuda" if torch.cuda.is_available() else "cpu")


MEDSAM = Weights(
    "MedSAM", "MEDGROUND_MEDSAM", "wanglab/medsam-vit-base@a0a0e4bf38278213a0df876d2378f5736731a15e"
)
GROUNDING_DINO = Weights(
    "the detector",
    "MEDGROUND_GROUNDING_DINO",
    "IDEA-Research/grounding-dino-base@12bdfa3120f3e7ec7b434d90674b3396eccf88eb",
)
SAM3 = Weights("SAM 3", "MEDGROUND_SAM3", "facebook/sam3@3c879f39826c281e95690f02c7821c4de09afae7")
"""Gated; a MedSAM3 checkpoint in the same layout takes its place."""


def revision(location: str) -> str:
    """Which weights a location holds: the commit of a hub id, else `sha256:` over the content of the folder or file.

    Nothing is fetched. SourceMissing for a location that is none of these.
    """
    path = Path(location).expanduser()
    here = path if path.is_file() else _local_folder(location)
    return content_digest(here) if here else _repository(location).commit


def _local_folder(location: str) -> Path | None:
    """The folder of a checkpoint on this machine; None where there is none, SourceMissing where it holds nothing."""
    path = Path(location).expanduser()
    if (path / "config.json").is_file():
        return path
    if path.is_dir():
        raise SourceMissing(f"{path} is no checkpoint, it has no config.json.")
    return None


def _repository(location: str) -> hub.Repository:
    """The repository at a commit that a location means; SourceMissing for anything else."""
    repository = hub.Repository.parse(location)
    if repository is None or not repository.commit:
        raise SourceMissing(
            f"{location} is neither a folder here nor a hub id with its commit (org/name@<40 hexadecimal digits>)."
        )
    return repository
