"""Disks that are really full or closed: one sentence, and the same command goes on once that is mended."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from medground_bench.benchmark.folder import DatasetFolder
from tests.kit.builds import build, bytes_of
from tests.kit.closed_folders import closed, files_of_at_most
from tests.kit.fakes import RuleLvlm
from tests.kit.tiny_disks import tiny_disk as a_tiny_disk

BUILD = ("build", "--source", "phantom", "--limit", 2, "--lvlm", "x", "--mode", "direct")


@pytest.fixture
def tiny_disk(tmp_path):
    """A disk of its own for what is put there; gives how to make it larger."""
    with a_tiny_disk(tmp_path / "disk", kilobytes=400) as enlarge:
        yield tmp_path / "disk", enlarge


@pytest.fixture
def visible_folder():
    """A folder in which every user of the machine may write, unlike those of pytest."""
    mask = os.umask(0)
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        yield Path(name)
    os.umask(mask)


def refused(run, *words):
    """The one sentence of a command that ends with exit code 1."""
    code, _, err = run(*words)
    assert code == 1, err
    assert err.count("error: ") == 1 and "Traceback" not in err
    return err[err.index("error: ") :]


@pytest.mark.parametrize("place", ["--out", "--store"])
def test_a_disk_that_is_full_is_one_sentence_and_what_is_done_is_kept(
    run, rule_lvlm, tmp_path, tiny_disk, place
):
    disk, enlarge = tiny_disk
    words = {"--out": tmp_path / "m", "--store": tmp_path / "store", place: disk / "m"}
    command = [*BUILD, *(word for pair in words.items() for word in pair)]
    if place == "--out":
        (disk / "filling").write_bytes(b"x" * 360 * 1024)
    said = refused(run, *command)
    assert said.startswith(f"error: {disk}/")
    assert said.endswith("No space left on device. Mend that and run the same command again.\n")
    assert not list(disk.rglob("*.tmp")), "nothing is there in half"
    enlarge()
    done, alone = rule_lvlm.asked, RuleLvlm()
    assert run(*command)[0] == 0
    assert bytes_of(DatasetFolder(words["--out"])) == bytes_of(build(tmp_path / "whole", lvlm=alone, limit=2))
    assert (done > 0) == (place == "--store"), "questions come before answers"
    assert rule_lvlm.asked < done + alone.asked or done == 0


def test_a_file_that_may_not_grow_is_one_sentence_and_the_same_command_goes_on(run, rule_lvlm, tmp_path):
    out = tmp_path / "m"
    with files_of_at_most(20_000):
        said = refused(run, *BUILD, "--out", out)
    assert said.startswith(f"error: {tmp_path}/")
    assert said.endswith("File too large. Mend that and run the same command again.\n")
    assert not [*out.rglob("*.tmp"), *out.with_name("m.store").rglob("*.tmp")]
    assert run(*BUILD, "--out", out)[0] == 0
    assert bytes_of(DatasetFolder(out)) == bytes_of(build(tmp_path / "whole", limit=2))


@pytest.mark.parametrize("place", ["m", "store"])
def test_a_folder_that_is_closed_to_this_user_is_one_sentence_that_names_it(
    run, rule_lvlm, visible_folder, place
):
    words = (*BUILD, "--out", visible_folder / "m", "--store", visible_folder / "store")
    assert run(*words)[0] == 0
    done = bytes_of(DatasetFolder(visible_folder / "m"))
    for path in (store := visible_folder / "store", *store.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)
    with closed(visible_folder / place):
        said = refused(run, *words)
    assert f"error: {visible_folder / place}" in said
    assert said.endswith("Permission denied. Mend that and run the same command again.\n")
    assert bytes_of(DatasetFolder(visible_folder / "m")) == done
    asked = rule_lvlm.asked
    assert run(*words)[0] == 0
    assert rule_lvlm.asked == asked
