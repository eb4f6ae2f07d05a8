"""Where the weights of the big models are: a parameter, else an environment variable, else the hub at a fixed commit.

A location is a folder in the Hugging Face layout or `org/name@commit`; MedSAM's may also be its original `.pth` file.
A hub id without a commit is refused, so the location alone says which weights made a result.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medground_bench.errors import SourceMissing

ALL_FETCHED = ("config.json", "model.safetensors")
"""The weights are the largest file and come last; when they are in the cache, so is everything else."""

PATIENCE_S = 10.0
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+@[\w.-]+")


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
        """The location when nothing has to be fetched for it; None otherwise."""
        location = self.location()
        return location if location != self.pinned or _cached(self.pinned) else None

    def folder(self, location: str) -> Path:
        """The files of a location, fetched when they are not in the cache; SourceMissing says what to set."""
        path = Path(location).expanduser()
        if path.is_dir() and (path / "config.json").is_file():
            return path
        if path.is_dir():
            raise SourceMissing(
                f"{self.model}: {path} is no checkpoint, it has no config.json. Set {self.variable} to another folder."
            )
        if not HUB_ID.fullmatch(location):
            raise SourceMissing(
                f"{self.model}: {location} is neither a folder here nor a hub id with its commit. "
                f"Set {self.variable} to a folder, or to org/name@commit such as {self.pinned}."
            )
        try:
            return _cached(location) or _fetched(location)
        except SourceMissing as error:
            raise SourceMissing(
                f"{self.model}'s weights are not at hand: {error} If you have them in a folder, set {self.variable} "
                "to it."
            ) from error

    def load(self, model_class: Any, folder: Path) -> Any:
        """The model of a folder: float32, frozen, in evaluation mode, on the GPU where there is one.

        A weight that the folder lacks is an error: transformers would fill it with random numbers and go on.
        """
        import torch
        from transformers.utils import logging

        logging.disable_progress_bar()
        model, report = model_class.from_pretrained(
            folder, dtype=torch.float32, output_loading_info=True, use_safetensors=True
        )
        missing = sorted(report["missing_keys"]) + sorted(map(str, report["mismatched_keys"]))
        if missing:
            raise SourceMissing(
                f"{self.model}: {len(missing)} weights are missing from {folder} or of another shape, {missing[0]} for "
                "one. Fetch or save the checkpoint again."
            )
        device = "cuda" if torch.cuda.is_available() else "cpu"
        return model.to(device).eval().requires_grad_(False)


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


def _cached(location: str) -> Path | None:
    """The folder of a hub id in the cache; None when it is not there. The hub is not asked."""
    from huggingface_hub import try_to_load_from_cache

    repository, commit = location.rsplit("@", 1)
    files = [try_to_load_from_cache(repository, name, revision=commit) for name in ALL_FETCHED]
    return Path(str(files[0])).parent if all(isinstance(file, str) for file in files) else None


def _fetched(location: str) -> Path:
    """The folder of a hub id after a download; SourceMissing at once, without retries, where there is no network."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    from medground_bench.lvlms._opening import hub_folder

    repository, commit = location.rsplit("@", 1)
    try:
        HfApi().model_info(repository, revision=commit, timeout=PATIENCE_S)
    except (HfHubHTTPError, OfflineModeIsEnabled):
        pass  # `hub_folder` meets the same and says what it means
    except Exception as error:  # of whichever HTTP library this version of the hub's client uses
        raise SourceMissing(
            f"{location} is not in the local cache, and the hub cannot be reached ({error}). Connect to the hub once."
        ) from error
    return hub_folder(repository, commit).path
