"""What a location names: a store, in a folder or a dataset of the hub; the board of one, or of a folder of results."""

from __future__ import annotations

from pathlib import Path

from medground_bench.leaderboard.board import Board
from medground_bench.leaderboard.folder_store import FolderStore
from medground_bench.leaderboard.hub_store import HubStore
from medground_bench.leaderboard.published import board_of
from medground_bench.leaderboard.store import NoStore, SubmissionStore
from medground_bench.storage.hub import Repository


def open_store(location: str) -> SubmissionStore:
    """The store in a folder, or in the dataset of a hub id; NoStore where there is none."""
    folder = Path(location)
    if folder.is_dir():
        return FolderStore.at(folder)
    repository = Repository.parse(location, kind="dataset")
    if repository is None or repository.commit:
        raise NoStore(
            f"{location}: there is no such folder. Give the folder of a store, a hub id such as org/name without a "
            "commit, or the address of a Space; for a board also a folder of results, which medground demo makes."
        )
    return HubStore(repository.name)


def open_board(location: str) -> Board:
    """The board of a folder of results, or the one that follows from a store's files."""
    folder = Path(location)
    is_results = folder.is_dir() and not FolderStore.is_in(folder)
    return Board.read(folder) if is_results else board_of(open_store(location).look())


def make_store(location: str) -> SubmissionStore:
    """A new store in a folder, or in a new private dataset of the hub; the one that is there where there is one."""
    repository = None if Path(location).exists() else Repository.parse(location, kind="dataset")
    if repository is None:
        folder = Path(location)
        made = folder.is_dir() and any(folder.iterdir())
        return FolderStore.at(folder) if made else FolderStore.made(folder)
    store = HubStore(repository.name)
    store.make()
    return store
