"""Where the weights of the big models are: a parameter, else an environment variable, else the hub at a fixed commit.

A location is a folder in the Hugging Face layout or `org/name@commit`; MedSAM's may also be its original `.pth` file.
A hub id without a commit is refused. What is in a folder or a file may change, so a record of a result keeps `revision`
of its location too.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medground_bench.core.errors import SourceMissing
from medground_bench.lvlms.engine.opening import content_digest, hub_folder, whole_model

ALL_FETCHED = ("config.json", "model.safetensors")
"""The weights are the largest file and come last; when they are in the cache, so is everything else."""

PATIENCE_S = 10.0
SERVER_AT_FAULT = 500
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}")
"""A branch or a tag would name other weights tomorrow."""


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
        return location if location != self.pinned or _cached(self.pinned) else None

    def folder(self, location: str) -> Path:
        """The files of a location, fetched when they are not in the cache; SourceMissing says what to set."""
        try:
            return _local_folder(location) or _cached(location) or _fetched(location)
        except SourceMissing as error:
            mend = f"Give another location than {location}."
            if location == self.location():
                mend = f"If you have them in a folder, set {self.variable} to it."
            raise SourceMissing(f"{self.model}'s weights are not at hand: {error} {mend}") from error

    @staticmethod
    def load(model_class: Any, folder: Path) -> Any:
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
    return content_digest(here) if here else location.rpartition("@")[2]


def _local_folder(location: str) -> Path | None:
    """The folder of a checkpoint on this machine; None for a hub id, SourceMissing for anything else."""
    path = Path(location).expanduser()
    if (path / "config.json").is_file():
        return path
    if path.is_dir():
        raise SourceMissing(f"{path} is no checkpoint, it has no config.json.")
    if not HUB_ID.fullmatch(location):
        raise SourceMissing(
            f"{location} is neither a folder here nor a hub id with its commit (org/name@<40 hexadecimal digits>)."
        )
    return None


def _cached(location: str) -> Path | None:
    """The folder of a hub id in the cache; None when it is not there. The hub is not asked."""
    from huggingface_hub import try_to_load_from_cache

    repository, commit = location.rsplit("@", 1)
    files = [try_to_load_from_cache(repository, name, revision=commit) for name in ALL_FETCHED]
    return Path(str(files[0])).parent if all(isinstance(file, str) for file in files) else None


def _fetched(location: str) -> Path:
    """The folder of a hub id after a download.

    Where the hub cannot be reached, or is at fault itself, SourceMissing comes at once: its client would try for long.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    repository, commit = location.rsplit("@", 1)
    try:
        HfApi().model_info(repository, revision=commit, timeout=PATIENCE_S)
    except OfflineModeIsEnabled:
        pass  # `hub_folder` meets the same and says what it means, as for the answers below 500
    except HfHubHTTPError as error:
        answer = error.response.status_code
        if answer >= SERVER_AT_FAULT:
            raise SourceMissing(
                f"{location} is not in the local cache, and the hub answers {answer}. Try later."
            ) from error
    except Exception as error:  # of whichever HTTP library this version of the hub's client uses
        raise SourceMissing(
            f"{location} is not in the local cache, and the hub cannot be reached ({error}). Connect to the hub once."
        ) from error
    return hub_folder(repository, commit).path
