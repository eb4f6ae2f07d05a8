"""From a folder or a hub id to weights in memory, with the identity of what was loaded."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from medground_bench.core.errors import SourceMissing, Unsupported
from medground_bench.lvlms import EMBEDDED, Checkpoint
from medground_bench.lvlms.engine.untyped import ImageProcessor, Module, Tokenizer
from medground_bench.storage import hub

if TYPE_CHECKING:
    import torch

WANTED = ("*.json", "*.jinja", "*.model", "*.safetensors", "*.txt")
"""What a checkpoint needs of its repository; pickled weights are never fetched."""


@dataclass(frozen=True, slots=True)
class CheckpointFolder:
    """A checkpoint on disk: `revision` is the hub's commit, or `sha256:` over every file's name and bytes."""

    path: Path
    revision: str
    model_type: str


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """Frozen model in evaluation mode, its tokenizer and its image processor (PIL back end)."""

    model: Module
    tokenizer: Tokenizer
    image_processor: ImageProcessor


def known_folder(checkpoint: Checkpoint, *, newest: bool) -> CheckpointFolder:
    """The folder of a key's checkpoint, at its pinned commit or the newest; an embedded one is as it ships."""
    if checkpoint.location.startswith(EMBEDDED):
        return embedded_folder(checkpoint.location.removeprefix(EMBEDDED))
    repository = hub.Repository(checkpoint.location, checkpoint.revision)
    return hub_folder(hub.newest(repository) if newest else repository)


def embedded_folder(name: str) -> CheckpointFolder:
    """The folder of a model that ships with the package."""
    path = Path(str(files("medground_bench") / "phantom" / "models" / name))
    if not path.is_dir():
        raise SourceMissing(
            f"the embedded model {name} is not in this installation ({path} is missing). "
            "Install the package again, or train it: python -m medground_bench.training.lvlms.train"
        )
    return local_folder(path)


def local_folder(path: Path) -> CheckpointFolder:
    """A folder in the Hugging Face layout; its revision is a hash of its content."""
    model_type = _model_type(path)
    return CheckpointFolder(path, content_digest(path), model_type)


def content_digest(path: Path) -> str:
    """`sha256:` over names and bytes: of all that a checkpoint needs of a folder, or of a single file."""
    files = [path]
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if any(file.match(pattern) for pattern in WANTED))
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.name}\0{file.stat().st_size}\0".encode())
        with file.open("rb") as stream:
            while block := stream.read(1 << 22):
                digest.update(block)
    return f"sha256:{digest.hexdigest()}"


def hub_folder(repository: hub.Repository) -> CheckpointFolder:
    """A repository of the Hugging Face hub at its commit, fetched or found in the cache."""
    path = hub.fetched(repository, WANTED)
    return CheckpointFolder(path, repository.commit, _model_type(path))


def load(folder: CheckpointFolder, model_class: Module, device: str | None) -> Loaded:
    """Weights, tokenizer and image processor of a folder, frozen, on the device.

    Precision: float32 on a CPU; elsewhere bfloat16 for a checkpoint saved in bfloat16, float32 for any other.
    """
    import torch
    from transformers import AutoImageProcessor, AutoTokenizer

    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    if torch.device(device).type == "cuda" and not torch.cuda.is_available():
        raise Unsupported(
            f"device {device} is not available here. Leave the device out to use what there is."
        )
    saved = _config(folder.path)
    saved_dtype = saved.get("dtype") or saved.get("torch_dtype")
    half = torch.device(device).type != "cpu" and saved_dtype == "bfloat16"
    model = whole_model(model_class, folder.path, torch.bfloat16 if half else torch.float32, device)
    tokenizer = AutoTokenizer.from_pretrained(folder.path)
    if not tokenizer.chat_template:
        raise SourceMissing(
            f"{folder.path} has no chat template (chat_template.jinja); LVLMs are asked through it."
        )
    image_processor: ImageProcessor = AutoImageProcessor.from_pretrained(folder.path, backend="pil")  # type: ignore[no-untyped-call]
    return Loaded(model, tokenizer, image_processor)


def whole_model(model_class: Module, folder: Path, dtype: torch.dtype, device: str) -> Module:
    """The model of a folder on the device, frozen, in evaluation mode; its weights come from safetensors alone.

    A weight that the folder lacks is an error: transformers would fill it with random numbers and go on.
    """
    from safetensors import SafetensorError
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        model, report = model_class.from_pretrained(
            folder, dtype=dtype, output_loading_info=True, use_safetensors=True
        )
    except (OSError, SafetensorError) as error:
        raise SourceMissing(
            f"{folder} has no weights that can be read: {_first_line(error)}. Fetch it again, or save it as "
            "safetensors with its save_pretrained; pickled weights (.bin) are not read, because they can run code."
        ) from error
    missing = sorted(report["missing_keys"]) + sorted(map(str, report["mismatched_keys"]))
    if missing:
        raise SourceMissing(
            f"{folder}: {len(missing)} weights are missing or of another shape, {missing[0]} for one. "
            "Fetch or save the checkpoint again."
        )
    return model.to(device).eval().requires_grad_(False)


def _model_type(path: Path) -> str:
    model_type = _config(path).get("model_type")
    if not isinstance(model_type, str):
        raise Unsupported(f"{path / 'config.json'} names no model_type, so its family is unknown.")
    return model_type


def _config(path: Path) -> dict[str, object]:
    file = path / "config.json"
    try:
        config = json.loads(file.read_text("utf-8"))
    except FileNotFoundError as error:
        raise SourceMissing(f"{path} is no model folder: it has no config.json.") from error
    except ValueError as error:
        raise SourceMissing(f"{file} is not valid JSON: {error}.") from error
    if not isinstance(config, dict):
        raise SourceMissing(f"{file} holds no JSON object.")
    return config


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
