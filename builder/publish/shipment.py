"""What a repository of the hub is to hold, and what it holds now."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from builder.publish.releases import name_of
from medground_bench.core.errors import MedgroundError
from medground_bench.storage.hub_calls import HubCalls, Kind, NoSuchRepository
from medground_bench.storage.whole_files import sha256

if TYPE_CHECKING:
    from huggingface_hub.hf_api import RepoSibling

Gate = Literal["manual", False]
CARD = "README.md"
THE_HUBS_OWN = (".gitattributes",)
"""Files that the hub makes itself; they are never ours."""

PAGES = {"dataset": "https://huggingface.co/datasets/", "space": "https://huggingface.co/spaces/"}


class NotOurs(MedgroundError):
    """A repository that holds something else."""


@dataclass(frozen=True, slots=True)
class Shipment:
    """The files of a folder, exactly, for a repository that in the end anybody can see.

    folder     holds the whole revision: what is in it and what the repository is to hold is the same
    title      of the commit
    gate       `manual` where a maintainer lets readers in one by one
    release    the tag of the commit; None for none
    statement  the file that says what was inspected, see `policy.statement`
    rows       name of a file -> how many rows it has, of tables
    made_of_the_rest  files that follow from all others, so that two who publish at once both change them
    notes      what else is to be told with the plan, a sentence each
    """

    kind: Kind
    name: str
    folder: Path
    title: str
    statement: Path
    gate: Gate = False
    release: str | None = None
    rows: Mapping[str, int] = field(default_factory=dict)
    made_of_the_rest: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def page(self) -> str:
        """Where people find it."""
        return f"{PAGES[self.kind]}{self.name}"

    def files(self) -> dict[str, Path]:
        """Name within the repository -> the file, sorted."""
        paths = sorted(path for path in self.folder.rglob("*") if path.is_file())
        return {path.relative_to(self.folder).as_posix(): path for path in paths}


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file as the hub lists it: `blob` is git's name for what is stored, `sha256` is known of large files alone."""

    size: int
    blob: str
    sha256: str | None

    @classmethod
    def of(cls, sibling: RepoSibling) -> RemoteFile:
        """As the hub's client gives it."""
        large = sibling.lfs
        return cls(sibling.size or 0, sibling.blob_id or "", large.sha256 if large else None)

    def is_as(self, path: Path) -> bool:
        """Whether a file of this machine is the same."""
        content = path.read_bytes()
        if self.size != len(content):
            return False
        return self.sha256 == sha256(content) if self.sha256 else self.blob == git_blob(content)


@dataclass(frozen=True)
class Remote:
    """A repository as the hub has it at a commit; `head` is empty where there is none.

    tags      name -> the commit that it means
    releases  name -> the newest commit whose title begins with it
    """

    there: bool = False
    private: bool = True
    gate: str | bool = False
    head: str = ""
    files: Mapping[str, RemoteFile] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    releases: Mapping[str, str] = field(default_factory=dict)

    @property
    def untagged(self) -> Mapping[str, str]:
        """The releases that have no tag: who made them was stopped before."""
        return {name: commit for name, commit in self.releases.items() if name not in self.tags}

    @cached_property
    def own(self) -> Mapping[str, RemoteFile]:
        """The files that the hub did not make itself."""
        return {name: file for name, file in self.files.items() if name not in THE_HUBS_OWN}


def look(calls: HubCalls, kind: Kind, name: str, revision: str | None = None) -> Remote:
    """What the hub has of a repository at a revision, by default the newest; nothing where there is no repository."""
    what = f"look at the {kind} {name}"
    try:
        found = calls.asked(
            what, lambda api: api.repo_info(name, repo_type=kind, revision=revision, files_metadata=True)
        )
        refs = calls.asked(what, lambda api: api.list_repo_refs(name, repo_type=kind))
        commits = calls.asked(what, lambda api: list(api.list_repo_commits(name, repo_type=kind)))
    except NoSuchRepository:
        return Remote()
    return Remote(
        there=True,
        private=bool(found.private),
        gate=getattr(found, "gated", False) or False,  # a Space has none
        head=found.sha or "",
        files={each.rfilename: RemoteFile.of(each) for each in getattr(found, "siblings", None) or ()},
        tags={tag.name: tag.target_commit for tag in refs.tags},
        releases={made: each.commit_id for each in reversed(commits) if (made := name_of(each.title))},
    )


def fetched(calls: HubCalls, kind: Kind, name: str, file: str, commit: str) -> bytes:
    """A file of a repository at a commit."""
    path = calls.asked(
        f"read {file} of {name}",
        lambda api: api.hf_hub_download(name, file, repo_type=kind, revision=commit),
    )
    return Path(path).read_bytes()


def card_of(calls: HubCalls, kind: Kind, name: str, remote: Remote) -> str:
    """The card that is there; empty where there is none."""
    if CARD not in remote.own:
        return ""
    return fetched(calls, kind, name, CARD, remote.head).decode("utf-8", "replace")


def demand_ours(calls: HubCalls, kind: Kind, name: str, remote: Remote, mark: str) -> str:
    """The card of a repository of ours, empty where nothing is there yet; NotOurs for one that holds something else.

    mark  what the card of one that is ours holds
    """
    card = card_of(calls, kind, name, remote)
    if remote.own and mark not in card:
        raise NotOurs(
            f"the {kind} {name} is there and holds something else ({len(remote.own)} files, and no card of ours). "
            "Nothing was changed. Give another name, or remove its files yourself."
        )
    return card


def git_blob(content: bytes) -> str:
    """What git calls this content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
