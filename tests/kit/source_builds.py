"""Copies of the three sources, a build of them by the rule LVLM, and what is published of it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import pytest
from typer.testing import CliRunner

from builder.cli import app
from builder.publish.columns import CREDENTIALED
from builder.publish.levels import Level
from builder.publish.released_rows import released
from medground_bench.benchmark.folder import DatasetFolder
from medground_bench.benchmark.rows import SPLITS, TABLES
from medground_bench.phantom.seeds import TEST
from tests.kit.fakes import RuleLvlm
from tests.kit.publishing import KEY
from tests.kit.trees import TreeEditor, Trees, findings

PHANTOMS = list(islice((each for each in map(str, TEST) if "pacemaker" in findings(each)), 2))
"""The rule LVLM says where a pacemaker is, so some questions become cases."""


def build_of_sources(trees: Trees, out: Path, sources: Sequence[str] = CREDENTIALED) -> DatasetFolder:
    """A build of copies of sources by one LVLM, in both modes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("builder.build.open_editor", lambda name: TreeEditor(trees))
        patch.setattr("medground_bench.lvlms.open_lvlm", lambda location, **_choices: RuleLvlm(key=location))
        for source in sources:
            words = ["build", "--source", source, "--lvlm", "one", "--mode", "direct", "--mode", "reason"]
            for folder in trees.roots(source):
                words += ["--root", str(folder)]
            done = CliRunner().invoke(app, [*words, "--allow-missing", "--out", str(out)])
            assert done.exit_code == 0, done.output
    return DatasetFolder(out)


def released_folder(built: DatasetFolder, level: Level, out: Path) -> DatasetFolder:
    """A folder with what is published of another."""
    folder = DatasetFolder(out)
    for table in TABLES:
        for split in SPLITS:
            for file in built.files(table, split):
                owner = file.stem.partition("-")[2]
                folder.write(table, split, owner, released(built.read(table, split, owner), level, KEY))
    folder.write_card()
    return folder
