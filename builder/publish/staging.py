"""The dataset as it is published at a level, in a folder beside the one that was built: rows, others' files, card.

`<folder>.publish/<level>/` holds `dataset/`, which is what is sent, file by file, and `publish.json`, the statement of
what was inspected. Rows are staged again by every run: same rows, same bytes.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from builder.publish.card.about import About
from builder.publish.card.changes import changes_of
from builder.publish.card.contact import contact_of
from builder.publish.card.files import card_files
from builder.publish.columns import CREDENTIALED, NAMES
from builder.publish.contents import masked, text_findings
from builder.publish.folder_files import FolderFile, files_of, names_of
from builder.publish.levels import Level
from builder.publish.other_files import demand_one_key, demand_recurring, same_rows
from builder.publish.policy import Inspection, Unpublishable, inspect, statement
from builder.publish.released_rows import released
from builder.publish.releases import FIRST, name_of, numbered, words_of
from builder.publish.shipment import CARD, Remote, Shipment, card_of, demand_ours, fetched, look
from medground_bench.benchmark.card import MARK
from medground_bench.benchmark.folder import DatasetFolder
from medground_bench.benchmark.parquet import decoded, encoded
from medground_bench.benchmark.rows import TABLES, Table
from medground_bench.core.errors import told
from medground_bench.core.progress import Advance, Progress, silently
from medground_bench.storage.hub_calls import HubCalls
from medground_bench.storage.whole_files import sha256, write_whole

STATEMENT = "publish.json"
MADE_OF_THE_REST = ("LICENSE", CARD, "croissant.json", "eval.yaml")
"""Written over all files of a revision."""

AT_LEVEL = re.compile(rf"at level `({'|'.join(Level)})`")


@dataclass(frozen=True, slots=True)
class Choices:
    """What a maintainer says about publishing.

    key       of the opaque ids, at least 32 random bytes
    shares    source -> why its boxes may be shared, for level `boxes`
    contact   where readers ask; empty for the repository's own discussions
    only_own  whether files of the repository that the folder lacks go away
    """

    repository: str
    level: Level
    key: bytes = field(repr=False)
    shares: Mapping[str, str] = field(default_factory=dict)
    contact: str = ""
    only_own: bool = False


class Staging:
    """A folder's rows at a level, and what becomes of them beside a repository's other files.

    BadAbout where what is chosen cannot stand in a card.
    """

    def __init__(
        self, folder: DatasetFolder, choices: Choices, calls: HubCalls, progress: Progress = silently
    ) -> None:
        self.folder, self.choices, self.calls, self.progress = folder, choices, calls, progress
        self.about = About(choices.repository, choices.level, choices.shares, choices.contact)
        self.place = work_folder(folder.path) / choices.level
        self.dataset = DatasetFolder(self.place / "dataset")

    def inspected(self) -> Inspection:
        """The first step: stage the folder's rows and look into every file that they make."""
        shutil.rmtree(self.dataset.path, ignore_errors=True)
        files: list[tuple[Table[Any], Path]]  # rows of any table
        files = [(table, path) for table in TABLES for path in self.folder.all_files(table.name)]
        with self.progress("staging", len(files), "files") as advance:
            for table, path in files:
                rows = decoded(path, table.row)
                staged = released(rows, self.choices.level, self.choices.key)
                if staged or not rows:
                    target = self.dataset.path / table.name / path.name
                    write_whole(target, encoded(table.row, sorted(staged, key=table.key)))
                advance(1)
        if not any(self.dataset.path.rglob("*.parquet")):
            raise Unpublishable(
                f"{self.folder.path} has no rows at level {self.choices.level}: full is for the phantom alone."
            )
        return self._inspect(names_of(self.dataset.path))

    def left_out(self) -> tuple[str, ...]:
        """The folder's files that are no tables, which are not sent; what looks like ids in a name is masked."""
        tables = {path for table in TABLES for path in self.folder.all_files(table.name)}
        others = sorted(
            path for path in self.folder.path.rglob("*") if not path.is_dir() and path not in tables
        )
        names = (path.relative_to(self.folder.path).as_posix() for path in others)
        return tuple(masked(name) for name in names if name != CARD)

    def shipment(self, own: Inspection, remote: Remote) -> Shipment:
        """For the second step: the whole revision, of the inspected rows, of what others published, and of a card.

        NotOurs for a repository that holds something else, Unpublishable where something in it may not be published,
        OtherKey where opaque ids do not go with those that are there.
        """
        name = self.choices.repository
        card = demand_ours(self.calls, "dataset", name, remote, "\n".join(MARK))
        for file in set(names_of(self.dataset.path)) - {file.name for file in own.files}:
            (self.dataset.path / file).unlink()
        self._bring(remote)
        brought = self._of_the_hub(own)
        others = self._others(brought)
        demand_one_key(self.dataset.path)
        changes = self._changes(remote, card)
        written = self._write_card(changes, card)
        whole = own.without(brought).with_more(others).with_more(self._inspect(written))
        write_whole(self.place / STATEMENT, statement(whole))
        return Shipment(
            kind="dataset",
            name=name,
            folder=self.dataset.path,
            title=changes[0],
            gate="manual",
            release=name_of(changes[0]),
            statement=self.place / STATEMENT,
            rows={file.name: file.rows for file in whole.files if file.rows is not None},
            made_of_the_rest=MADE_OF_THE_REST,
            notes=tuple(self._notes(card)),
        )

    def _others(self, brought: set[str]) -> Inspection:
        """The policy's word on files that are on the hub already; Unpublishable says that they are."""
        found = self._inspect(brought)
        refused = brought & {each.file for each in found.refusals}
        form = {name for name in refused if self._only_form(name, (self.dataset.path / name).read_bytes())}
        left = replace(found, refusals=tuple(each for each in found.refusals if each.file not in form))
        if left.refusals:
            raise Unpublishable(
                f"{self.choices.repository} holds what may not be published at level {self.choices.level}, on the hub "
                f"already: {told([str(each) for each in left.refusals])}. Nothing was sent. Make the dataset private "
                "and look into it; --remove-gone removes files that your folder lacks."
            )
        return left

    def _only_form(self, name: str, content: bytes) -> bool:
        """Whether a table is refused for its bytes alone, as another version of the builder wrote them."""
        found = inspect([FolderFile(name, content)], self.choices.level, self.choices.shares)
        rules = {each.rule for each in found.refusals if each.file == name}
        return rules <= {"NOT_CANONICAL"} and not text_findings(content, NAMES)

    def _notes(self, card: str) -> Iterator[str]:
        before = AT_LEVEL.search(card)
        if before and Level(before[1]).height > self.choices.level.height:
            yield (
                f"the releases so far are at level {before[1]}, and whoever has access can read them on: a new release "
                "takes nothing back"
            )

    def _inspect(self, names: Collection[str]) -> Inspection:
        """The policy's word on some of the files that are staged."""
        with self.progress("policy", len(names), "files") as advance:
            files = _told(files_of(self.dataset.path, names), advance)
            return inspect(files, self.choices.level, self.choices.shares)

    def _bring(self, remote: Remote) -> None:
        """The repository's files come into the folder as they are, unless the folder has other rows by that name.

        OtherKey where the opaque ids of such rows go with none of those that are there.
        """
        for file, there in remote.own.items():
            here = self.dataset.path / file
            lacking = not here.exists()
            if file in MADE_OF_THE_REST or (self.choices.only_own if lacking else there.is_as(here)):
                continue
            content = fetched(self.calls, "dataset", self.choices.repository, file, remote.head)
            if not lacking:
                ours = here.read_bytes()
                demand_recurring(f"{file} of {self.choices.repository}", content, ours)
                if not (same_rows(ours, content) and self._only_form(file, content)):
                    continue
            write_whole(here, content)

    def _of_the_hub(self, own: Inspection) -> set[str]:
        """The files of the folder that are not as they were staged, so that they came from the repository."""
        staged = {file.name: file.sha256 for file in own.files}
        files = ((name, self.dataset.path / name) for name in names_of(self.dataset.path))
        return {name for name, path in files if staged.get(name) != sha256(path.read_bytes())}

    def _changes(self, remote: Remote, card: str) -> tuple[str, ...]:
        """A line per release, with one for this one where rows differ from those of the repository."""
        tables = {
            path.relative_to(self.dataset.path).as_posix(): path
            for table in TABLES
            for path in self.dataset.all_files(table.name)
        }
        before = {name: file for name, file in remote.own.items() if name.endswith(".parquet")}
        after = {
            name: before[name] if name in before and before[name].is_as(path) else sha256(path.read_bytes())
            for name, path in tables.items()
        }
        known, words = changes_of(card), words_of(before, after)
        used = (*remote.tags, *remote.releases)
        return known if words is None and known else numbered(known, used, words or FIRST)

    def _write_card(self, changes: tuple[str, ...], card: str) -> set[str]:
        """The names of the files that are made of the rows of all others; who said where to ask is asked on."""
        contact = self.about.contact or contact_of(card)
        files = card_files(self.dataset, replace(self.about, changes=changes, contact=contact))
        for name, content in files.items():
            write_whole(self.dataset.path / name, content)
        return set(files)


def has_opaque_ids(repository: str, calls: HubCalls) -> bool:
    """Whether a dataset of the hub has rows of a credentialed source, by its card."""
    About(repository, Level.KEYS)  # a name that is none is told as such
    card = card_of(calls, "dataset", repository, look(calls, "dataset", repository))
    return any(f"`{source}`" in card for source in CREDENTIALED)


def work_folder(folder: Path) -> Path:
    """Where a dataset folder is made ready to be published: beside it."""
    named = folder if folder.name not in ("", "..") else folder.resolve()
    return named.with_name(f"{named.name}.publish")


def _told(files: Iterator[FolderFile], advance: Advance) -> Iterator[FolderFile]:
    for file in files:
        yield file
        advance(1)
