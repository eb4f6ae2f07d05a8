"""The one way to fetch from the Hugging Face hub: a repository at a commit, never at a branch or a tag.

A branch or a tag would name other files tomorrow. Who wants the newest files asks for the newest commit once, and what
was loaded is recorded either way. A commit that is whole in the cache is taken from there without asking the hub.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from medground_bench.core.errors import SourceMissing
from medground_bench.storage.hub_refusals import told, why_unreachable

if TYPE_CHECKING:
    from huggingface_hub.hf_api import DatasetInfo, ModelInfo

RepositoryKind = Literal["model", "dataset"]

ID = re.compile(r"(?P<name>[\w.-]+/[\w.-]+)(@(?P<commit>[^@]*))?")
COMMIT = re.compile(r"[0-9a-f]{40}")
PATIENCE_S = 10.0
INDEX = "model.safetensors.index.json"


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository of the hub, `org/name`, at a commit; `commit` is empty where none was named yet."""

    name: str
    commit: str = ""
    kind: RepositoryKind = "model"

    @classmethod
    def parse(cls, location: str, *, kind: RepositoryKind = "model") -> Repository | None:
        """The repository that `org/name` or `org/name@commit` means; None for anything else.

        SourceMissing for a branch or a tag: 40 hexadecimal digits are a commit, nothing else is.
        """
        match = ID.fullmatch(location)
        if match is None or location.startswith("."):
            return None
        name, commit = match["name"], match["commit"]
        if commit is not None and not COMMIT.fullmatch(commit):
            raise SourceMissing(
                f"{location}: {commit or 'nothing'} after the @ is no commit of 40 hexadecimal digits, and a branch or "
                f"a tag would name other files tomorrow. Give {name}@<commit>."
            )
        return cls(name, commit or "", kind)

    def __str__(self) -> str:
        """As a location says it."""
        return f"{self.name}@{self.commit}" if self.commit else self.name

    @property
    def page(self) -> str:
        """Where its terms are accepted."""
        return f"https://huggingface.co/{'datasets/' if self.kind == 'dataset' else ''}{self.name}"


def fetched(repository: Repository, patterns: Sequence[str] | None = None) -> Path:
    """The folder of a repository at its commit, from the cache or the hub; SourceMissing says why not, and what to do.

    patterns  the files that are wanted; None for all

    Where the hub cannot be reached, or is at fault itself, that is said at once: its client would try for long.
    """
    kept = cached(repository)
    if kept is not None:
        return kept
    try:
        _info(repository)
    except _Unreachable as unreachable:
        return _kept_without_the_hub(repository, patterns, unreachable)
    with told(repository):
        return _snapshot(repository, patterns)


def newest(repository: Repository) -> Repository:
    """The same at its newest commit, as the hub knows it; without the hub, the newest that the cache holds."""
    repository = replace(repository, commit="")
    try:
        commit = _info(repository).sha or ""
    except _Unreachable as unreachable:
        commit = _kept_without_the_hub(repository, None, unreachable).name
    return replace(repository, commit=commit)


def cached(repository: Repository) -> Path | None:
    """The folder of a model whose weights are all in the cache; None for any other. The hub is not asked.

    The weights are the largest files and come last: when they are there, so is everything else.
    """
    from huggingface_hub import try_to_load_from_cache

    def place(file: str) -> Path | None:
        kept = try_to_load_from_cache(repository.name, file, revision=repository.commit)
        return Path(kept) if isinstance(kept, str) else None

    config = place("config.json")
    if repository.kind != "model" or config is None:
        return None
    index = place(INDEX)
    shards = {"model.safetensors"}
    if index is not None:
        shards = set(json.loads(index.read_text("utf-8"))["weight_map"].values())
    return config.parent if all(map(place, shards)) else None


class _Unreachable(Exception):
    """The hub gives no answer."""


def _info(repository: Repository) -> ModelInfo | DatasetInfo:
    """What the hub says of a repository, asked once; _Unreachable where it says nothing."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    api = HfApi()
    ask = api.dataset_info if repository.kind == "dataset" else api.model_info
    with told(repository):
        try:
            return ask(repository.name, revision=repository.commit or None, timeout=PATIENCE_S)
        except HfHubHTTPError:
            raise
        except OfflineModeIsEnabled as error:
            raise _Unreachable("the hub is switched off (HF_HUB_OFFLINE)") from error
        except Exception as error:  # of whichever HTTP library this version of the hub's client uses
            raise _Unreachable(why_unreachable(error)) from error


def _kept_without_the_hub(
    repository: Repository, patterns: Sequence[str] | None, unreachable: _Unreachable
) -> Path:
    """What the cache holds of a commit, or of the newest that it knows where none is named."""
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        return _snapshot(repository, patterns, local_files_only=True)
    except LocalEntryNotFoundError as error:
        raise SourceMissing(
            f"{repository} is not in the local cache, and {unreachable}. Connect to the hub once, or give a local "
            "folder instead."
        ) from error


def _snapshot(
    repository: Repository, patterns: Sequence[str] | None, *, local_files_only: bool = False
) -> Path:
    from huggingface_hub import snapshot_download

    folder = snapshot_download(
        repository.name,
        repo_type=repository.kind,
        revision=repository.commit or None,
        allow_patterns=list(patterns) if patterns else None,
        local_files_only=local_files_only,
    )
    return Path(folder)
