"""From a folder or a hub id to weights in memory, with the identity of what was loaded."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from medground_bench.core.errors import SourceMissing, Unsupported
from medground_bench.lvlms.engine.untyped import ImageProcessor, Module, Tokenizer

EMBEDDED = "embedded:"
"""Location prefix of the models that ship inside this package."""

WANTED = ("*.json", "*.jinja", "*.model", "*.safetensors", "*.txt")
"""What a checkpoint needs of its repository; pickled weights are never fetched."""


@dataclass(frozen=True, slots=True)
class Folder:
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


def embedded_folder(name: str) -> Folder:
    """The folder of a model that ships with the package."""
    path = Path(str(files("medground_bench") / "phantom" / "models" / name))
    if not path.is_dir():
        raise SourceMissing(
            f"the embedded model {name} is not in this installation ({path} is missing). "
            "Install the package again, or train it: python -m medground_bench.training.lvlms.train"
        )
    return local_folder(path)


def local_folder(path: Path) -> Folder:
    """A folder in the Hugging Face layout; its revision is a hash of its content."""
    model_type = _model_type(path)
    return Folder(path, content_digest(path), model_type)


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


def hub_folder(repository: str, revision: str) -> Folder:
    """A repository of the Hugging Face hub, fetched or found in the cache.

    revision  a commit, branch or tag; empty for the newest commit. Either way the commit is what is recorded.
    """
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
    )

    asked = f"{repository}@{revision}" if revision else repository
    try:
        path = _snapshot(repository, revision or None)
    except GatedRepoError as error:
        raise SourceMissing(
            f"{asked} is gated. Accept its terms at https://huggingface.co/{repository}, then run: hf auth login"
        ) from error
    except (HfHubHTTPError, HFValidationError) as error:
        raise SourceMissing(
            f"the hub has no {asked} for you: {_first_line(error)}. "
            "Check the name and the revision, and log in with: hf auth login"
        ) from error
    except (LocalEntryNotFoundError, OSError) as error:
        raise SourceMissing(
            f"{asked} is neither in the local cache nor reachable: {_first_line(error)}. "
            "Connect to the hub once, or give a local folder instead."
        ) from error
    return Folder(path, path.name, _model_type(path))


def _snapshot(repository: str, revision: str | None) -> Path:
    """The folder of a snapshot; without the hub, what the cache holds of it."""
    from huggingface_hub import snapshot_download

    patterns = list(WANTED)
    try:
        return Path(snapshot_download(repository, revision=revision, allow_patterns=patterns))
    except ConnectionError:  # some releases ask the hub even for a commit that is all there
        kept = snapshot_download(
            repository, revision=revision, allow_patterns=patterns, local_files_only=True
        )
        return Path(kept)


def load(folder: Folder, model_class: Any, device: str | None) -> Loaded:
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
    image_processor = AutoImageProcessor.from_pretrained(folder.path, backend="pil")
    return Loaded(model, tokenizer, image_processor)


def whole_model(model_class: Any, folder: Path, dtype: Any, device: str) -> Any:
    """The model of a folder on the device, frozen, in evaluation mode; its weights come from safetensors alone.

    A weight that the folder lacks is an error: transformers would fill it with random numbers and go on.
    """
    from safetensors import SafetensorError
    from transformers.utils import logging

    logging.disable_progress_bar()
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


def _config(path: Path) -> dict[str, Any]:
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
