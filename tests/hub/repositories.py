"""The repositories of the hub, apart from HTTP: their commits, branches, tags and requests for access.

After the Hub's documentation and what `huggingface_hub` reads. Whatever is not allowed is `Refused` with the status,
the code and the sentence that the client gets.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Literal

Kind = Literal["model", "dataset", "space"]
Gate = Literal["auto", "manual", False]
Status = Literal["pending", "accepted", "rejected"]

LARGE_SUFFIXES = (".arrow", ".bin", ".gz", ".npz", ".parquet", ".png", ".safetensors", ".zip")
MOST_BYTES_OF_A_REGULAR_FILE = 10 * 2**20
PULL_REQUEST = "refs/pr/"
"""With which the branch of a pull request begins; its number follows."""

ATTRIBUTES = "".join(f"*{suffix} filter=lfs diff=lfs merge=lfs -text\n" for suffix in LARGE_SUFFIXES)


class Refused(Exception):
    """What the hub does not do; `code` is the X-Error-Code by which clients choose their exception."""

    def __init__(self, status: int, message: str, code: str = "", **more: str) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.more = status, message, code, more


@dataclass(frozen=True)
class File:
    """The content of a file; `large` ones went through LFS."""

    content: bytes
    large: bool = False

    @cached_property
    def blob(self) -> str:
        """As git names the content."""
        return hashlib.sha1(b"blob %d\0" % len(self.content) + self.content).hexdigest()  # noqa: S324  what git uses

    @cached_property
    def oid(self) -> str:
        """By which a client knows that it has this content: SHA-256 for a large file, git's name for another."""
        return hashlib.sha256(self.content).hexdigest() if self.large else self.blob


def is_large(path: str, size: int) -> bool:
    """Whether a file of that many bytes must go through LFS."""
    return size > 0 and (path.endswith(LARGE_SUFFIXES) or size > MOST_BYTES_OF_A_REGULAR_FILE)


@dataclass(frozen=True)
class Commit:
    """All files at one moment; its id follows from its content and its parent."""

    parent: str | None
    title: str
    description: str
    author: str
    files: Mapping[str, File]
    date: datetime = field(default_factory=lambda: datetime.now(UTC))

    @cached_property
    def oid(self) -> str:
        """40 hexadecimal digits."""
        blobs = [f"{path} {file.blob}" for path, file in sorted(self.files.items())]
        said = "\n".join([str(self.parent), self.title, self.description, self.author, *blobs])
        return hashlib.sha1(said.encode()).hexdigest()  # noqa: S324  as long as git's


@dataclass
class AccessRequest:
    """Who asks for access to a gated repository, with what was filled in."""

    person: str
    fields: Mapping[str, str]
    status: Status = "pending"
    reason: str = ""
    date: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def id(self) -> str:
        """What names the request where user names are hidden."""
        return hashlib.sha256(self.person.encode()).hexdigest()[:24]


@dataclass
class Repository:
    """Branches and tags over commits, LFS objects by SHA-256, and who may see and read it."""

    kind: Kind
    name: str
    private: bool = False
    gated: Gate = False
    hides_user_names: bool = False
    sdk: str = ""
    stage: str = "RUNNING"
    host: str = ""
    commits: dict[str, Commit] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    requests: dict[str, AccessRequest] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._add(
            "main",
            Commit(None, "initial commit", "", "system", {".gitattributes": File(ATTRIBUTES.encode())}),
        )

    def at(self, revision: str) -> Commit:
        """The commit that a branch, a tag or an id means."""
        oid = self.branches.get(revision) or self.tags.get(revision) or revision
        if oid not in self.commits:
            raise Refused(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return self.commits[oid]

    def history(self, revision: str) -> Iterable[Commit]:
        """A commit and all before it, newest first."""
        commit = self.at(revision)
        yield commit
        while commit.parent:
            commit = self.commits[commit.parent]
            yield commit

    def commit(
        self,
        files: Mapping[str, File | bytes],
        *,
        deleted: Iterable[str] = (),
        branch: str = "main",
        parent: str | None = None,
        said: tuple[str, str, str] = ("more", "", "system"),
    ) -> Commit:
        """A new commit on a branch: files over those of its head, less the deleted ones (a folder ends in `/`).

        said  title, description, author
        Refused with 412 where `parent` is no longer the head of the branch.
        """
        if branch not in self.branches:
            raise Refused(404, f"Invalid rev id: {branch}", "RevisionNotFound")
        head = self.at(branch)
        if parent not in (None, head.oid):
            raise Refused(412, "A commit has happened since. Please refresh and try again.")
        kept = dict(head.files)
        for path in deleted:
            gone = [each for each in kept if each == path or (path.endswith("/") and each.startswith(path))]
            if not gone:
                raise Refused(404, f"A file with this name doesn't exist: {path}", "EntryNotFound")
            for each in gone:
                del kept[each]
        for path, content in files.items():
            file = content if isinstance(content, File) else File(content, is_large(path, len(content)))
            if not file.large and len(file.content) > MOST_BYTES_OF_A_REGULAR_FILE:
                raise Refused(400, f"{path} is too large to be committed without LFS")
            kept[path] = file
        return self._add(branch, Commit(head.oid, *said, kept))

    def _add(self, branch: str, commit: Commit) -> Commit:
        self.commits[commit.oid] = commit
        self.branches[branch] = commit.oid
        return commit

    def ask(self, person: str, **fields: str) -> AccessRequest:
        """What the form of a gated repository does; an `auto` gate accepts at once."""
        if not self.gated:
            raise Refused(400, "The repository is not gated")
        status: Status = "accepted" if self.gated == "auto" else "pending"
        return self.requests.setdefault(person, AccessRequest(person, fields, status))

    def decide(self, status: Status, *, person: str = "", request: str = "", reason: str = "") -> None:
        """Move a request to another list; by its id where user names are hidden."""
        if not self.gated:
            raise Refused(400, "The repository is not gated")
        if person and self.hides_user_names:
            raise Refused(400, "User names are hidden: give the id of the request")
        meant = next(
            (each for each in self.requests.values() if each.id == request or each.person == person), None
        )
        if meant is None or meant.status == status:
            raise Refused(404, f"No request that could become {status}")
        meant.status, meant.reason = status, reason
