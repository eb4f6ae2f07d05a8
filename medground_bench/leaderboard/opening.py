"""What a location names: a store or results, in a folder or a dataset of the hub; the board of one, or of both."""

from __future__ import annotations

from pathlib import Path

from medground_bench.leaderboard import audit
from medground_bench.leaderboard.board import FILE, Board
from medground_bench.leaderboard.case_book import CASES_FILE
from medground_bench.leaderboard.case_scores import CASES, SCORES
from medground_bench.leaderboard.folder_store import FolderStore
from medground_bench.leaderboard.hub_store import HubStore
from medground_bench.leaderboard.joining import joined
from medground_bench.leaderboard.published import board_of
from medground_bench.leaderboard.store import NoStore, SubmissionStore
from medground_bench.storage.hub import Repository, fetched, newest

RESULTS = (FILE, CASES, SCORES, CASES_FILE, "tuned/*.json")
"""What of a dataset of results is wanted: the board, its cases, and the settings that methods were tuned to."""


def is_address(location: str) -> bool:
    """Whether a location is that of a Space."""
    return location.startswith(("http://", "https://"))


def open_store(location: str) -> SubmissionStore:
    """The store in a folder, or in the dataset of a hub id; NoStore where there is none."""
    if is_address(location):
        raise NoStore(
            f"{location} is the address of a Space, which tells its board and not the files of its store, so that "
            "nothing can be verified or joined from there. Give the store itself: its folder, or its hub id such as "
            "org/name."
        )
    folder = Path(location)
    if folder.is_dir():
        return FolderStore.at(folder)
    repository = Repository.parse(location, kind="dataset")
    if repository is None or repository.commit:
        raise NoStore(
            f"{location}: there is no such folder. Give the folder of a store, or a hub id such as org/name without a "
            "commit; to submit or to see a board also the address of a Space, and for a board a folder of results, "
            "which medground demo makes."
        )
    return HubStore(repository.name)


def results_at(location: str) -> Path:
    """The folder of results that a location names, be there results in it or not; SourceMissing where the hub has none.

    A dataset of the hub is fetched at the commit that is named, or at its newest.
    """
    repository = None if Path(location).is_dir() else Repository.parse(location, kind="dataset")
    if repository is None:
        return Path(location)
    return fetched(repository if repository.commit else newest(repository), RESULTS)


def open_board(location: str, store: str | None = None) -> Board:
    """The board of results, or the one that follows from a store's files; with a `store` beside it, of both."""
    found = _board_at(location)
    return found if store is None else joined(found, board_of(open_store(store).look()))


def _board_at(location: str) -> Board:
    folder, repository = Path(location), Repository.parse(location, kind="dataset")
    if folder.is_dir():
        return board_of(FolderStore.at(folder).look()) if FolderStore.is_in(folder) else Board.read(folder)
    if repository is not None and repository.commit:
        return Board.read(results_at(location))
    seen = open_store(location).look()
    is_results = SCORES in seen.names and audit.FILE not in seen.names
    return Board.read(results_at(location)) if is_results else board_of(seen)


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
