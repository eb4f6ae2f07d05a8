"""A store in a dataset repository of the hub: one commit a change, each naming its parent.

A submitter waits at the other end, so a hub that is away is told soon and not waited for.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from medground_bench.leaderboard.store import MUTABLE, NoStore, Snapshot, StoreAway, demand_only_added
from medground_bench.storage.hub_calls import HubAway, HubCalls, NoSuchRepository

LONGEST_PAUSE_S = 3.0
"""A wait that is longer ends in `StoreAway`."""


def impatient(pause_s: float) -> None:
    """Wait for a moment; HubAway instead of waiting for long."""
    if pause_s > LONGEST_PAUSE_S:
        raise HubAway("the hub asks to wait for long.")
    time.sleep(pause_s)


@dataclass(frozen=True)
class HubStore:
    """The store in a dataset repository, `org/name`.

    kept  name of a file that never changes -> the commit at which this process saw it first, so that the hub's client
          takes it from its cache without asking
    """

    name: str
    calls: HubCalls = field(default_factory=lambda: HubCalls(wait=impatient))
    kept: dict[str, str] = field(default_factory=dict, repr=False)

    def make(self) -> None:
        """Make the repository where there is none; private, for it says what single cases score."""
        self.calls.asked(
            f"make the dataset {self.name}",
            lambda api: api.create_repo(self.name, repo_type="dataset", private=True, exist_ok=True),
        )

    def look(self) -> Snapshot:
        """What is there now; NoStore where the repository is not there."""
        try:
            info = self.calls.asked(
                f"look into {self.name}", lambda api: api.dataset_info(self.name, files_metadata=False)
            )
        except HubAway as away:
            raise StoreAway(f"the store {self.name} cannot be reached. Try again later.") from away
        except NoSuchRepository as error:
            raise NoStore(f"{self.name} is no store of submissions: {error}") from error
        head = str(info.sha)
        names = frozenset(file.rfilename for file in info.siblings or () if file.rfilename[0] != ".")
        for name in names - MUTABLE:
            self.kept.setdefault(name, head)
        return Snapshot(head, names, lambda name: self._read(name, head))

    def commit(self, files: Mapping[str, bytes], *, after: Snapshot, title: str) -> None:
        """One commit of all files, whose parent is the one that was seen."""
        from huggingface_hub import CommitOperationAdd

        demand_only_added(after, files)
        added = [CommitOperationAdd(name, content) for name, content in sorted(files.items())]
        try:
            self.calls.asked(
                f"write to {self.name}",
                lambda api: api.create_commit(
                    self.name, added, commit_message=title, repo_type="dataset", parent_commit=after.head
                ),
            )
        except HubAway as away:
            raise StoreAway(f"the store {self.name} cannot be reached. Try again later.") from away
        for name in files:
            self.kept.pop(name, None)  # one that was damaged is another from here on

    def address(self, name: str) -> str:
        """The page of a file on the hub."""
        return f"https://huggingface.co/datasets/{self.name}/blob/main/{name}"

    def _read(self, name: str, head: str) -> bytes:
        from huggingface_hub.errors import LocalEntryNotFoundError

        commit = self.kept.get(name, head)
        try:
            place = self.calls.asked(
                f"read {name} of {self.name}",
                lambda api: api.hf_hub_download(self.name, name, repo_type="dataset", revision=commit),
            )
        except (HubAway, LocalEntryNotFoundError) as away:
            raise StoreAway(f"the store {self.name} cannot be reached. Try again later.") from away
        return Path(place).read_bytes()
