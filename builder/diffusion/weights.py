"""Where the parts of a diffusion model are: with the program, or an environment variable, else the hub at a commit.

A location is a folder in the Hugging Face layout or `org/name@commit`. What is in a folder may change, so a record of
what was made keeps `revision` of the location.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from medground_bench.core.errors import SourceMissing
from medground_bench.lvlms.engine.opening import content_digest
from medground_bench.storage import hub

EMBEDDED = Path(__file__).with_name("phantom")
RECORD = "training.json"


class PartWeights(Protocol):
    """The weights of one part, wherever they are."""

    def revision(self) -> str:
        """Their identity; nothing is fetched."""

    def folder(self) -> Path:
        """Their folder; SourceMissing where they are not to be had."""


@dataclass(frozen=True, slots=True)
class DiffusionWeights:
    """The weights of one part that is found by an environment variable or on the hub.

    model       its name for people
    variable    the environment variable that says where they are
    repository  `org/name` on the hub
    commit      at which they are taken when the variable says nothing; empty where it must say one
    files       what is needed of the repository; code and pickled weights never are
    subfolder   of the repository; a local folder may be this one or the one above it
    """

    model: str
    variable: str
    repository: str
    commit: str
    files: Sequence[str]
    subfolder: str = ""

    @property
    def is_named(self) -> bool:
        """Whether the variable says where they are, or their commit is known."""
        return bool(os.environ.get(self.variable) or self.commit)

    def location(self) -> str:
        """What the variable says, else the commit; SourceMissing where neither says anything."""
        demand_named([self])
        return os.environ.get(self.variable) or f"{self.repository}@{self.commit}"

    def revision(self) -> str:
        """The commit, or `sha256:` over the files of a folder; nothing is fetched."""
        folder = self._local()
        return content_digest(folder) if folder else self._on_hub().commit

    def folder(self) -> Path:
        """The folder of the files, fetched when they are not in the cache; SourceMissing says what to set."""
        folder = self._local() or self._fetched()
        if not any(folder.glob("*.safetensors")):
            raise SourceMissing(
                f"{self.location()} ({self.variable}) holds no {self.model}: it has no weights (*.safetensors)."
            )
        return folder

    def _fetched(self) -> Path:
        wanted = [f"{self.subfolder}/{file}" if self.subfolder else file for file in self.files]
        try:
            return hub.fetched(self._on_hub(), wanted) / self.subfolder
        except SourceMissing as error:
            raise SourceMissing(
                f"the weights of {self.model} are not at hand: {error} If you have them in a folder, set "
                f"{self.variable} to it."
            ) from error

    def _local(self) -> Path | None:
        path = Path(self.location()).expanduser()
        if not path.is_dir():
            return None
        for folder in (path / self.subfolder, path):
            if (folder / "config.json").is_file():
                return folder
        raise SourceMissing(f"{path} ({self.variable}) holds no {self.model}: it has no config.json.")

    def _on_hub(self) -> hub.Repository:
        location = self.location()
        repository = hub.Repository.parse(location)
        if repository is None or not repository.commit:
            raise SourceMissing(
                f"{location} ({self.variable}) is neither a folder here nor a hub id with its commit "
                "(org/name@<40 hexadecimal digits>)."
            )
        return repository


def demand_named(parts: Sequence[DiffusionWeights]) -> None:
    """SourceMissing names the variables of all parts of which nobody has said where they are."""
    missing = [part for part in parts if not part.is_named]
    if missing:
        models = " and of ".join(part.model for part in missing)
        settings = " and ".join(
            f"{part.variable} to {part.repository}@<40 hexadecimal digits>" for part in missing
        )
        raise SourceMissing(
            f"no commit of the weights of {models} is known here. Set {settings}, or to a folder that holds them."
        )


NETWORK = DiffusionWeights(
    "RadEdit", "MEDGROUND_RADEDIT", "microsoft/radedit", "e8ebd31396ff8553c34084b98b5defb8ebea2817",
    ("config.json", "diffusion_pytorch_model*.safetensors*"), "unet",
)  # fmt: skip
"""Gated; its authors forbid all but research."""

AUTOENCODER = DiffusionWeights(
    "the autoencoder of SDXL", "MEDGROUND_SDXL_VAE", "stabilityai/sdxl-vae", "",
    ("config.json", "diffusion_pytorch_model.safetensors"),
)  # fmt: skip
TEXT_ENCODER = DiffusionWeights(
    "BioViL-T", "MEDGROUND_BIOVIL_T", "microsoft/BiomedVLP-BioViL-T", "",
    ("config.json", "model.safetensors", "vocab.txt", "tokenizer_config.json", "special_tokens_map.json"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class EmbeddedWeights:
    """The weights of one part that comes with the program.

    name  of its folder beside `training.json`, which records the folder's digest
    """

    name: str
    root: Path = EMBEDDED

    def revision(self) -> str:
        """`sha256:` over the files."""
        return content_digest(self.root / self.name)

    def folder(self) -> Path:
        """The folder; SourceMissing when its files are not those recorded."""
        try:
            recorded = json.loads((self.root / RECORD).read_text("utf-8"))["digests"][self.name]
        except FileNotFoundError:
            recorded = "nothing"
        if self.revision() != recorded:
            raise SourceMissing(
                f"{self.root / self.name} is damaged or was exchanged: its digest is {self.revision()}, {RECORD} "
                f"beside it says {recorded}. Install the package again."
            )
        return self.root / self.name


@dataclass(frozen=True, slots=True)
class ModelWeights:
    """The three parts of one diffusion model."""

    network: PartWeights
    autoencoder: PartWeights
    text_encoder: PartWeights

    @property
    def parts(self) -> tuple[PartWeights, ...]:
        """In this order."""
        return self.network, self.autoencoder, self.text_encoder

    def revisions(self) -> tuple[str, ...]:
        """Of the parts."""
        return tuple(part.revision() for part in self.parts)

    def resolved(self) -> tuple[str, ...]:
        """The revisions, once all parts are at hand; what is not in the cache is fetched.

        SourceMissing names all variables that have to be set, before anything is fetched.
        """
        demand_named([part for part in self.parts if isinstance(part, DiffusionWeights)])
        revisions = self.revisions()
        for part in self.parts:
            part.folder()
        return revisions


RADEDIT = ModelWeights(NETWORK, AUTOENCODER, TEXT_ENCODER)
PHANTOM = ModelWeights(*map(EmbeddedWeights, ("unet", "vae", "text")))
"""Tiny, trained on phantoms alone; see `training`."""
