"""Large vision-language models, one family a file; `KEYS` in the file names the models it opens.

`open_lvlm` takes a key (`medgemma_4b`), a local folder, or a hub id with a revision (`org/name@commit`). A family's
file is called as `model_type` in its checkpoints' config.json, and offers `LVLM`, a function of (folder, key, device).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from medground_bench import plugins
from medground_bench.errors import SourceMissing, UnknownName, Unsupported
from medground_bench.types import Frame, Picture, Response


class Need(StrEnum):
    """What a method can ask of an LVLM."""

    TEXT = "text"
    LOG_PROBS = "log_probs"
    ATTENTIONS = "attentions"
    GRADIENTS = "gradients"


@dataclass(frozen=True, slots=True)
class TokenGrid:
    """Where the image tokens look: rows x columns in raster order, covering `frame` evenly."""

    rows: int
    columns: int
    frame: Frame


@dataclass(frozen=True, slots=True, eq=False)
class LayerGradients:
    """Hidden states at the image tokens of one layer and their gradient, both (rows, columns, channels) float32."""

    activations: NDArray[np.float32]
    gradients: NDArray[np.float32]
    grid: TokenGrid


class Lvlm(Protocol):
    """The contract of every family. Pictures are grey uint8 arrays of one size (usually the study frame).

    The answer span is the response's own tokens: no end-of-turn token, no newline after it. All gradients are of the
    summed log-probability of that span.
    """

    key: str
    revision: str
    gives: frozenset[Need]
    layers: int

    def generate(
        self, pictures: Sequence[Picture], prompts: Sequence[str], *, max_new_tokens: int = 512
    ) -> list[Response]:
        """Greedy responses, one per picture and prompt, batched."""
        ...

    def log_probs(
        self,
        pictures: Sequence[Picture] | Sequence[NDArray[np.float32]],
        prompt: str,
        response: Response,
    ) -> NDArray[np.float32]:
        """Teacher-forced log-probability of every response token, (pictures, tokens), in nats.

        Float pictures (0..255) are taken without rounding: the function that `pixel_gradients` differentiates.
        """
        ...

    def token_grid(self, frame: Frame) -> TokenGrid:
        """The grid of image tokens for a picture of that frame."""
        ...

    def answer_attention(
        self, picture: Picture, prompt: str, response: Response, *, layers: Sequence[int]
    ) -> NDArray[np.float32]:
        """Attention of the rows that predict the response to the image tokens.

        returns  (layers, heads, response tokens, rows, columns); each value is a softmax weight
        """
        ...

    def layer_gradients(
        self, picture: Picture, prompt: str, response: Response, *, layer: int
    ) -> LayerGradients:
        """Hidden states entering decoder layer `layer` at the image tokens, with their gradient."""
        ...

    def pixel_gradients(
        self, pictures: Sequence[NDArray[np.float32]], prompt: str, response: Response
    ) -> NDArray[np.float32]:
        """Gradient to the picture's own grey values (0..255, float), (pictures, height, width)."""
        ...


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where a key's weights live: a hub id pinned to a commit, or a folder inside this package."""

    family: str
    location: str
    revision: str


def checkpoints() -> Mapping[str, Checkpoint]:
    """Key -> checkpoint for every LVLM this installation knows, sorted; imports no family."""
    found = {}
    for family in plugins.available("lvlms"):
        for key, (location, revision) in (plugins.literal("lvlms", family.name, "KEYS") or {}).items():
            found[key] = Checkpoint(family.name, location, revision)
    return dict(sorted(found.items()))


def open_lvlm(location: str, *, device: str | None = None) -> Lvlm:
    """The LVLM at a key, in a local folder, or at a hub id with a revision (`org/name@commit`).

    device  as torch names it; by default the GPU when there is one
    """
    known = checkpoints()
    checkpoint = known.get(location)
    if checkpoint is None and not Path(location).is_dir() and not _reads_as_hub_id(location):
        if "/" in location or location.startswith("."):
            raise SourceMissing(
                f"{location} is no folder here. For a model of the hub, pin a revision: org/name@<commit>."
            )
        raise UnknownName("LVLM", location, known)

    from medground_bench.lvlms import _opening

    if checkpoint is not None and checkpoint.location.startswith(_opening.EMBEDDED):
        folder = _opening.embedded_folder(checkpoint.location.removeprefix(_opening.EMBEDDED))
    elif checkpoint is not None:
        folder = _opening.hub_folder(checkpoint.location, checkpoint.revision)
    elif Path(location).is_dir():
        folder = _opening.local_folder(Path(location))
    else:
        folder = _opening.hub_folder(*location.rsplit("@", 1))
    families = [family.name for family in plugins.available("lvlms")]
    if folder.model_type not in families:
        raise Unsupported(
            f"{location} is a {folder.model_type} model; MedGround-Bench opens: {', '.join(families)}."
        )
    key = Path(location).resolve().name if Path(location).is_dir() and checkpoint is None else location
    lvlm: Lvlm = plugins.load("lvlms", folder.model_type)(folder, key=key, device=device)
    return lvlm


def _reads_as_hub_id(location: str) -> bool:
    repository, at, revision = location.rpartition("@")
    return bool(at and revision) and repository.count("/") == 1 and not repository.startswith((".", "/"))
