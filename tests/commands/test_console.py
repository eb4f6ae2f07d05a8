"""How a command line ends: one paragraph on stderr, and an exit code."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
from contextlib import redirect_stderr, suppress
from multiprocessing import get_context

import pytest

from medground_bench.commands import console
from medground_bench.core.errors import MethodFailed, UnknownName


@pytest.fixture
def ends(capsys):
    """Run a command that raises an error; gives the exit code and stderr."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def run(error: BaseException):
        def command() -> None:
            raise error

        with pytest.raises(SystemExit) as left:
            console.run(command)
        return left.value.code, capsys.readouterr().err

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (MethodFailed("NaN"), 1, "error: NaN"),
        (UnknownName("method", "rize", ["rise"]), 2, "Did you mean rise?"),
        (FileNotFoundError(2, "No such file or directory", "x.png"), 1, "x.png: No such file"),
        (ModuleNotFoundError("No module named 'torch'", name="torch"), 1, "medground-bench[lvlm]"),
        (ModuleNotFoundError("No", name="transformers.models"), 1, "needs transformers, which is not"),
        (ModuleNotFoundError("No module named 'gradio'", name="gradio"), 1, "medground-bench[space]"),
        (
            ModuleNotFoundError("No module named 'medground_bench.x'", name="medground_bench.x"),
            3,
            "fault of this",
        ),
        (ModuleNotFoundError("no name"), 3, "fault of this program"),
        (ZeroDivisionError("oh"), 3, "ZeroDivisionError: oh"),
        (console.Stopped(signal.SIGTERM), 143, "stopped by SIGTERM"),
    ],
    ids=repr,
)
def test_every_error_has_its_exit_code_and_its_words(ends, error, code, words):
    left, err = ends(error)
    assert left == code
    assert words in err and err.startswith("error: ") and "Traceback" not in err


def test_every_extra_that_is_named_exists():
    import tomllib
    from pathlib import Path

    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))["project"]
    for library, extra in console.EXTRAS.items():
        distribution = {"skimage": "scikit-image", "gradio_client": "gradio"}.get(library, library)
        assert any(wanted.startswith(distribution) for wanted in project["optional-dependencies"][extra])


# Progress where there is no terminal.


class Clock:
    """Seconds that pass when told."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def told(capsys):
    return capsys.readouterr().err.splitlines()


def test_a_log_gets_a_line_every_thirty_seconds_with_the_rate_and_the_time_left(capsys):
    clock = Clock()
    with console.progress("rise lvlm direct", 1000, "cases", clock=clock) as advance:
        for _ in range(12):
            clock.now += 10
            advance(1)
        assert told(capsys) == [
            "rise lvlm direct: 3 of 1000 cases (0%), 0.1 cases/s, 2:46:10 left",
            "rise lvlm direct: 6 of 1000 cases (1%), 0.1 cases/s, 2:45:40 left",
            "rise lvlm direct: 9 of 1000 cases (1%), 0.1 cases/s, 2:45:10 left",
            "rise lvlm direct: 12 of 1000 cases (1%), 0.1 cases/s, 2:44:40 left",
        ]
    assert told(capsys) == ["rise lvlm direct: 12 of 1000 cases (1%) in 0:02:00, 0.1 cases/s"]


def test_quick_work_gets_a_line_every_five_percent_and_one_when_it_ends(capsys):
    clock = Clock()
    with console.progress("quick", 200, "cases", clock=clock) as advance:
        for _ in range(200):
            clock.now += 0.01
            advance(1)
    lines = told(capsys)
    assert len(lines) == 19 + 1
    assert lines[0] == "quick: 10 of 200 cases (5%), 100 cases/s, 0:00:02 left"
    assert lines[-2] == "quick: 190 of 200 cases (95%), 100 cases/s, 0:00:00 left"
    assert lines[-1] == "quick: 200 of 200 cases (100%) in 0:00:02, 100 cases/s"


def test_work_whose_end_nobody_knows_is_told_by_time(capsys):
    clock = Clock()
    with console.progress("scan", None, "files", clock=clock) as advance:
        for _ in range(7):
            clock.now += 10
            advance(5)
    assert told(capsys) == [
        "scan: 15 files, 0.5 files/s",
        "scan: 30 files, 0.5 files/s",
        "scan: 35 files in 0:01:10, 0.5 files/s",
    ]


def test_what_a_resumed_run_had_already_does_not_pass_for_its_pace(capsys):
    clock = Clock()
    with console.progress("resumed", 100, "cases", clock=clock) as advance:
        for _ in range(50):
            clock.now += 0.001
            advance(1)
        for _ in range(4):
            clock.now += 30
            advance(1)
    assert "54 of 100 cases (54%), 0.0333 cases/s, 0:23:00 left" in told(capsys)[-2]


@pytest.mark.parametrize("total", [0, None])
def test_nothing_done_is_one_line(capsys, total):
    with console.progress("empty", total, "cases", clock=Clock()):
        pass
    assert told(capsys) == [f"empty: {'0 of 0' if total == 0 else 0} cases in 0:00:00, - cases/s"]


def test_work_that_stops_midway_says_how_far_it_came(capsys):
    clock = Clock()
    with pytest.raises(KeyError), console.progress("broken", 40, "cases", clock=clock) as advance:
        advance(1)
        raise KeyError
    assert told(capsys)[-1] == "broken: 1 of 40 cases (2%) in 0:00:00, - cases/s"


SLOW = """
import sys
from medground_bench.commands import console
console.LINE_S = 0.05
with console.progress("slow", 3, "cases") as advance:
    advance(1)
    sys.stdin.read()
"""


def test_slow_work_is_told_from_dead_work():
    line = [sys.executable, "-c", SLOW]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as work:
        lines = [work.stderr.readline() for _ in range(4)]
        _out, rest = work.communicate("")
    assert all(each.startswith("slow: 1 of 3 cases (33%), ") for each in lines)
    assert rest.splitlines()[-1].startswith("slow: 1 of 3 cases (33%) in ")


WORK = """
import sys, time
from medground_bench.commands.console import progress
with progress("piped", 40, "cases") as advance:
    for _ in range(40):
        time.sleep(0.02)
        advance(1)
    sys.stdin.read()
"""


def test_lines_reach_a_real_pipe_while_the_work_goes_on():
    line = [sys.executable, "-c", WORK]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as work:
        first = work.stderr.readline()
        assert work.poll() is None, "the line came before the end"
        _out, rest = work.communicate("")
    assert re.fullmatch(r"piped: 2 of 40 cases \(5%\), [\d.]+ cases/s, 0:00:0\d left\n", first)
    assert len(rest.splitlines()) == 18 + 1 and rest.splitlines()[-1].startswith(
        "piped: 40 of 40 cases (100%) in "
    )
    assert "\x1b" not in first + rest and "\r" not in first + rest


def child(file):
    with (
        file.open("a", encoding="utf-8", buffering=1) as log,
        redirect_stderr(log),
        console.progress("child", 4, "cases") as advance,
    ):
        for _ in range(4):
            advance(1)


def test_a_child_process_writes_its_lines_to_the_log_it_was_given(tmp_path):
    file = tmp_path / "predict.log"
    work = get_context("spawn").Process(target=child, args=(file,))
    work.start()
    work.join(60)
    lines = file.read_text("utf-8").splitlines()
    assert work.exitcode == 0 and len(lines) == 4
    assert all(re.match(r"child: \d of 4 cases \(\d+%\)", line) for line in lines)


def test_a_terminal_keeps_its_bar():
    master, slave = pty.openpty()
    work = WORK.replace("sys.stdin.read()", "")
    environment = os.environ | {"TERM": "xterm-256color"}
    shown = b""
    with subprocess.Popen([sys.executable, "-c", work], stderr=slave, env=environment):
        os.close(slave)
        with suppress(OSError):  # how the end of a terminal is told on Linux
            while more := os.read(master, 65536):
                shown += more
    os.close(master)
    assert "\u2501".encode() in shown and b"40/40" in shown and b"cases/s" in shown
    assert b"of 40 cases" not in shown
