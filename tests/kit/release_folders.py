"""A dataset folder as it stands before it is published: released rows of some sources, and no card yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from builder.publish.card.about import About
from builder.publish.card.files import card_files
from builder.publish.columns import CREDENTIALED, FREE
from builder.publish.levels import Level
from builder.publish.released_rows import released
from medground_bench.benchmark.folder import DatasetFolder
from medground_bench.benchmark.rows import CaseRow
from medground_bench.core.case_ids import case_id
from medground_bench.core.types import Mode, Track
from tests.kit.publishing import KEY, LVLM, SHARES, TABLES, raw_rows

REPOSITORY = "org/medground-bench"
SOURCES_OF = {Level.KEYS: CREDENTIALED + FREE, Level.BOXES: CREDENTIALED + FREE, Level.FULL: FREE}
"""Level -> the sources that may be published at it."""


def about_of(level: Level, **facts: object) -> About:
    """The facts of a release at a level, with the right to share what it shares."""
    return About(REPOSITORY, level, **{"shares": SHARES if level is Level.BOXES else {}, **facts})


def published_folder(
    root: Path,
    level: Level = Level.KEYS,
    sources: Sequence[str] | None = None,
    lvlms: Sequence[str] = (LVLM,),
) -> DatasetFolder:
    """A row of every table for each source, and of those that LVLMs have for each LVLM."""
    folder = DatasetFolder(root)
    chosen = SOURCES_OF[level] if sources is None else sources
    rows = {source: raw_rows(source) for source in chosen}
    for name, table in TABLES.items():
        if name == "questions":
            for source in chosen:
                folder.write(table, "test", source, released(rows[source][name], level, KEY))
            continue
        for lvlm in lvlms:
            own = [of_lvlm(row, lvlm) for source in chosen for row in rows[source][name]]
            folder.write(table, "test", lvlm, released(own, level, KEY))
    return folder


def of_lvlm(row, lvlm: str):
    """The row as another LVLM would have it."""
    changed = replace(row, lvlm=lvlm)
    if isinstance(row, CaseRow):
        changed = replace(changed, case_id=case_id(row.question_id, Track(lvlm, Mode(row.mode))))
    return changed


def with_card(folder: DatasetFolder, about: About) -> dict[str, bytes]:
    """Write the card into the folder; gives its files."""
    files = card_files(folder, about)
    for name, content in files.items():
        (folder.path / name).write_bytes(content)
    return files
