"""The password is in no file, output, log, traceback, argument or variable of a full run, whatever goes wrong."""

from __future__ import annotations

import base64
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from builder.sources import imagenome
from tests.fetching.conftest import NAME, PASSWORD, pictures
from tests.hub.faults import Answer, Cut, Silence, Slow
from tests.kit.physionet import busy

ROOT = Path(__file__).parents[2]
PAIR = base64.b64encode(f"{NAME}:{PASSWORD}".encode()).decode()
CANARIES = (PASSWORD.encode(), PAIR.encode(), PAIR[:20].encode(), PASSWORD.encode("unicode_escape"))


@dataclass
class Child:
    """The command in a process of its own; `seen` is what /proc shows of it to others."""

    process: subprocess.Popen[bytes]
    home: Path
    seen: set[bytes] = field(default_factory=set)

    def look(self) -> None:
        """Arguments and environment of the process, now."""
        for name in ("cmdline", "environ"):
            try:
                self.seen.add(Path(f"/proc/{self.process.pid}/{name}").read_bytes())
            except OSError:
                return

    def end(self) -> tuple[int, bytes]:
        """Exit code and all output, once it ended; its arguments and environment are looked at all the while."""
        while self.process.poll() is None:
            self.look()
            time.sleep(0.02)
        out, err = self.process.stdout.read(), self.process.stderr.read()
        return self.process.returncode, out + err


@pytest.fixture
def start(site, mimic, tmp_path) -> Iterator:
    """Start the command in a process with a home of its own."""
    home = tmp_path / "home"
    home.mkdir()
    children = []

    def start(*words, fault=(), stdin=subprocess.PIPE, **variables):
        kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "HOME")}
        program = ["-m", "tests.kit.fetch_program", site.address, imagenome.DIGEST, *fault, "fetch"]
        asked = [
            "--for",
            mimic.folder,
            "--source",
            "mimic_cxr_jpg",
            "--user",
            NAME,
            "--to",
            tmp_path / "copy",
        ]
        child = subprocess.Popen(
            [sys.executable, *program, *map(str, asked), *words],
            cwd=home, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**kept, "HOME": str(home), "PYTHONPATH": f"{home}:{ROOT}", **variables},
        )  # fmt: skip
        children.append(child)
        return Child(child, home)

    yield start
    for child in children:
        child.kill()
        child.wait()
        for pipe in filter(None, (child.stdin, child.stdout, child.stderr)):
            pipe.close()


def hidden(child, said, *folders):
    """No canary in the output, in /proc and in the files of the folders, the home among them."""
    found = {"output": said, **{f"process {number}": text for number, text in enumerate(sorted(child.seen))}}
    for folder in (child.home, *folders):
        for file in (file for file in folder.rglob("*") if file.is_file()):
            found[str(file)] = file.read_bytes() + file.name.encode()
    assert len(child.seen) >= 2
    return not [(place, canary) for place, text in found.items() for canary in CANARIES if canary in text]


FAULTS = {
    "cut": (Cut(), 3),
    "lost": (Silence(done=False), 1000),
    "500": (busy(status=500), 1000),
    "401": (Answer(401), 1),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_password_shows_nowhere_whatever_the_server_does(fault, site, start, tmp_path):
    what, times = FAULTS[fault]
    site.spoil(r"\.jpg$", what, skip=1, times=times)
    child = start("--password-stdin", MEDGROUND_TRACEBACK="1")
    child.process.stdin.write(f"{PASSWORD}\n".encode())
    child.process.stdin.close()
    code, said = child.end()
    assert code == (0 if fault == "cut" else 1), said
    assert b"Traceback" not in said
    assert site.checked == 1 and hidden(child, said, tmp_path / "copy")


def test_the_password_shows_nowhere_when_the_program_itself_is_at_fault(site, start, tmp_path):
    site.spoil(r"\.jpg$", Answer(418), skip=1)
    child = start("--password-stdin", fault=["--at-fault"], MEDGROUND_TRACEBACK="1")
    child.process.stdin.write(f"{PASSWORD}\n".encode())
    child.process.stdin.close()
    code, said = child.end()
    assert code == 3 and b"RuntimeError: this cannot happen" in said and b"Traceback" in said
    assert hidden(child, said, tmp_path / "copy")


def test_ctrl_c_says_how_to_go_on_shows_nothing_and_leaves_whole_files(site, start, tmp_path):
    site.spoil(r"\.jpg$", Slow(pause_s=3, pieces=1), skip=1, times=1000)
    child = start("--password-stdin")
    child.process.stdin.write(f"{PASSWORD}\n".encode())
    child.process.stdin.close()
    while not pictures(tmp_path / "copy"):
        child.look()
        assert child.process.poll() is None
        time.sleep(0.02)
    child.process.send_signal(signal.SIGINT)
    code, said = child.end()
    assert code == 130, said
    assert b"the same command goes on from there" in said
    assert hidden(child, said, tmp_path / "copy")


def test_at_a_terminal_it_is_asked_for_and_not_echoed(site, start, tmp_path):
    ours, theirs = pty.openpty()
    child = start(stdin=theirs)
    asked = b""
    while b"password of marie: " not in asked:
        asked += child.process.stderr.read1() if child.process.stderr.peek() else b""
        child.look()
    os.write(ours, f"{PASSWORD}\n".encode())
    code, said = child.end()
    assert code == 0, said
    os.set_blocking(ours, False)
    with suppress(BlockingIOError):
        assert PASSWORD.encode() not in os.read(ours, 1000)
    assert hidden(child, said, tmp_path / "copy")


def test_killed_again_and_again_it_ends_with_whole_files_alone(site, start, tmp_path, mimic):
    """Killed within every picture in turn; whatever has its name is whole at every moment."""
    wanted = {case.image_id for case in mimic.cases}
    for _ in range(2 * len(wanted)):
        child = start("--password-stdin")
        child.process.stdin.write(f"{PASSWORD}\n".encode())
        child.process.stdin.close()
        site.wire.rules.clear()
        site.spoil(r"\.jpg$", Silence(done=True, then=child.process.kill), skip=1)
        code, said = child.end()
        there = pictures(tmp_path / "copy")
        for name in there:
            project, _, path = name.partition("/files/")
            assert (tmp_path / "copy" / name).read_bytes() == (
                site.folders[project] / "files" / path
            ).read_bytes()
        if code == 0:
            break
        assert code == -signal.SIGKILL, said
    assert {Path(name).stem for name in there} == wanted
    assert not list((tmp_path / "copy").rglob("*.part*"))
