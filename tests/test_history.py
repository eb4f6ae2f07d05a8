"""The search of the repository's history: what was committed once is found, wherever and however long ago."""

from __future__ import annotations

import runpy
import subprocess
from pathlib import Path

import pytest

from builder.publish.patterns import distinct_patterns
from tests.kit.publishing import leaks, secrets
from tests.kit.trees import digits_of

ROOT = Path(__file__).parents[1]
SEARCH = runpy.run_path(str(ROOT / ".ci" / "credentialed_history.py"))["main"]
UID = ".".join(["1", "2", "840", digits_of(6, "uid", digits="123456789"), "2", "55"])


def git(folder: Path, *words: str) -> None:
    author = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *author, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path):
    """With one commit that is innocent, and how to commit a file and its removal."""
    git(tmp_path, "init", "--initial-branch", "main")
    git(tmp_path, "commit", "--allow-empty", "--message", "a beginning, version 2026.9.0")

    def once(name: str, content: bytes) -> None:
        (tmp_path / name).write_bytes(content)
        git(tmp_path, "add", "--force", name)
        git(tmp_path, "commit", "--message", "more")
        git(tmp_path, "rm", name)
        git(tmp_path, "commit", "--message", "less")

    return tmp_path, once


DISTINCT = {
    **{
        rule: text
        for source in ("imagenome", "vindr_cxr", "padchest_gr")
        for rule, text in leaks(source).values()
    },
    **dict(secrets().values()),
    "DICOM_UID": UID,
}


@pytest.mark.parametrize("pattern", distinct_patterns(), ids=lambda pattern: pattern.rule)
def test_a_file_that_was_taken_out_again_is_found(repository, capsys, pattern):
    folder, once = repository
    once("notes.txt", b"nothing")
    assert SEARCH(folder) == 0
    once("notes.md", f"first\n{DISTINCT[pattern.rule]}\n".encode())
    assert SEARCH(folder) == 1
    said = capsys.readouterr().err
    assert f"notes.md: holds {pattern.what}" in said and DISTINCT[pattern.rule] not in said


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("scan.dcm", b"", "is a medical image"),
        ("scan", bytes(128) + b"DICM", "is a medical image"),
        ("master_table.csv", b"", "is named like a table"),
        ("-".join(["02aa804e"] * 5) + ".txt", b"", "holds a MIMIC-CXR image id"),
    ],
)
def test_names_and_kinds_of_files_are_looked_at_too(repository, capsys, name, content, why):
    folder, once = repository
    once(name, content)
    assert SEARCH(folder) == 1 and why in capsys.readouterr().err


def test_messages_tags_and_other_branches_are_searched(repository, capsys):
    folder, _once = repository
    git(folder, "tag", "--annotate", "v1", "--message", DISTINCT["TOKEN"])
    git(folder, "switch", "--create", "other")
    git(folder, "commit", "--allow-empty", "--message", f"from {DISTINCT['MIMIC_PATH']}")
    git(folder, "switch", "main")
    assert SEARCH(folder) == 1
    said = capsys.readouterr().err
    assert "a message: holds a MIMIC-CXR path" in said and "v1: holds an access token" in said


def test_a_folder_without_a_history_has_nothing_to_search(tmp_path):
    assert SEARCH(tmp_path) == 0


def test_the_history_of_this_repository_passes_and_make_check_asks_for_it():
    assert "$(BIN)/python .ci/credentialed_history.py" in (ROOT / "Makefile").read_text("utf-8")
    assert SEARCH(ROOT) == 0
