"""Units of work are done once, also over a kill at any byte."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from medground_bench.core.errors import MedgroundError
from medground_bench.storage.journal import opened_journal
from medground_bench.storage.whole_files import hold

ROOT = Path(__file__).parents[2]
UNITS = {f"run {number}": {"boxes": [[number, 0.1]], "error": None} for number in range(3)}


class Maker:
    """Makes the units; knows which it was asked for."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def work(self, file: Path) -> dict:
        with opened_journal(file) as journal:
            return {key: journal.once(key, lambda key=key: self._make(key)) for key in UNITS}

    def _make(self, key: str) -> dict:
        self.made.append(key)
        return UNITS[key]


@pytest.fixture
def file(tmp_path) -> Path:
    return tmp_path / "new" / "work.jsonl"


def test_every_unit_is_made_once_and_comes_back_as_it_was(file):
    first, again = Maker(), Maker()
    assert first.work(file) == again.work(file) == UNITS
    assert (first.made, again.made) == (list(UNITS), [])
    assert [json.loads(line)["key"] for line in file.read_text().splitlines()] == list(UNITS)


def test_an_entry_is_the_same_when_it_is_made_as_when_it_is_read(file):
    entries = []
    for _time in range(2):
        with opened_journal(file) as journal:
            entries.append(journal.once("k", lambda: {"boxes": ((1, 2),)}))
    assert entries == [{"boxes": [[1, 2]]}] * 2


def test_a_unit_that_fails_is_not_kept_and_what_was_done_is(file):
    with pytest.raises(KeyboardInterrupt), opened_journal(file) as journal:
        journal.once("run 0", lambda: UNITS["run 0"])
        journal.once("run 1", lambda: (_ for _ in ()).throw(KeyboardInterrupt))
    maker = Maker()
    assert maker.work(file) == UNITS and maker.made == ["run 1", "run 2"]


def test_a_file_cut_at_any_byte_is_gone_on_with(file):
    Maker().work(file)
    content = file.read_bytes()
    for size in range(len(content)):
        file.write_bytes(content[:size])
        maker = Maker()
        assert maker.work(file) == UNITS
        assert maker.made == list(UNITS)[content[:size].count(b"\n") :]
        assert file.read_bytes() == content


@pytest.mark.parametrize(
    "damage",
    [b"\x00\xff\n", b"[]\n", b"3\n", b"null\n", b"{}\n", b'{"key": "run 1"}\n', b'{"key": 1, "entry": {}}\n',
     b'{"key": "run 1", "entry": []}\n', b'{"key": "run 1", "boxes": [], "colour": 1}\n'],
)  # fmt: skip
def test_a_damaged_line_is_cut_off_with_all_that_follows(file, damage):
    Maker().work(file)
    first, second, third = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(first + damage + third)
    maker = Maker()
    assert maker.work(file) == UNITS and maker.made == ["run 1", "run 2"]
    assert file.read_bytes() == first + second + third


def test_the_units_of_another_run_are_left_alone(file):
    with opened_journal(file) as journal:
        journal.once("other 0", dict)
    maker = Maker()
    maker.work(file)
    with opened_journal(file) as journal:
        assert (maker.made, list(journal.known)) == (list(UNITS), ["other 0", *UNITS])


def test_a_journal_in_use_is_refused(file):
    file.parent.mkdir()
    with file.open("a") as other:
        hold(other, file)
        with pytest.raises(MedgroundError, match="in use"):
            Maker().work(file)


def test_a_killed_process_keeps_every_unit_that_it_was_done_with(file):
    program = (
        "import sys, time; from pathlib import Path; from medground_bench.storage.journal import opened_journal\n"
        "with opened_journal(Path(sys.argv[1])) as journal:\n"
        "    for number in range(3):\n"
        "        journal.once(f'run {number}', lambda: {'boxes': [[number, 0.1]], 'error': None})\n"
        "        time.sleep(0 if number == 0 else 60)"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", program, str(file)], env=environment) as child:
        while not (file.is_file() and file.read_bytes().count(b"\n") >= 2):
            assert child.poll() is None
            time.sleep(0.02)
        os.kill(child.pid, signal.SIGKILL)
    maker = Maker()
    assert maker.work(file) == UNITS and maker.made == ["run 2"]
