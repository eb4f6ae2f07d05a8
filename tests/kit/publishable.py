"""Dataset folders as a build writes them, small, of any source and LVLMs; and the command that publishes them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace
from pathlib import Path

from typer.testing import CliRunner

from builder.cli import app
from medground_bench.benchmark.folder import DatasetFolder
from medground_bench.core.case_ids import case_id
from medground_bench.core.types import Mode, Track
from tests.kit.publishing import KEY, LVLM, TABLES, raw_rows

FINDINGS = ("pleural effusion", "atelectasis")
SHARE = "Agreement 12 with the owner of the data"


def raw_folder(
    path: Path,
    sources: Iterable[str] = ("imagenome",),
    lvlms: Iterable[str] = (LVLM,),
    findings: Iterable[str] = FINDINGS,
) -> DatasetFolder:
    """A folder with a question per source and finding, and the rows of every LVLM, with ids of credentialed sources."""
    folder = DatasetFolder(path)
    asked = [(source, raw_rows(source, finding)) for source in sources for finding in findings]
    for source in sources:
        rows = [row for owner, tables in asked if owner == source for row in tables["questions"]]
        folder.write(TABLES["questions"], "test", source, rows)
    for name in ("answers", "direct", "verdicts"):
        for lvlm in lvlms:
            rows = [_of(row, lvlm) for _owner, tables in asked for row in tables[name]]
            folder.write(TABLES[name], "test", lvlm, rows)
    folder.write_card()
    return folder


def _of(row, lvlm: str):
    changed = {"lvlm": lvlm}
    if "case_id" in {field.name for field in fields(row)}:
        changed["case_id"] = case_id(row.question_id, Track(lvlm, Mode.DIRECT))
    return replace(row, **changed)


def key_file(folder: Path) -> Path:
    """A file with the key of opaque ids."""
    path = folder / "ids.key"
    path.write_text(KEY.hex())
    path.chmod(0o600)
    return path


def publish(folder: DatasetFolder, to: str, *words: object) -> tuple[int, str]:
    """The exit code and all that is said of `builder publish`, run within this process."""
    key = key_file(folder.path.parent)
    run = CliRunner().invoke(
        app, ["publish", str(folder.path), "--to", to, "--id-key", str(key), *map(str, words)]
    )
    if run.exception is not None and not isinstance(run.exception, SystemExit):
        raise run.exception
    return run.exit_code, " ".join(run.output.split())
