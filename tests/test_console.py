"""How a command line ends: one paragraph on stderr, and an exit code."""

from __future__ import annotations

import signal

import pytest

from medground_bench import console
from medground_bench.errors import MethodFailed, UnknownName


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

    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))["project"]
    for library, extra in console.EXTRAS.items():
        assert any(wanted.startswith(library) for wanted in project["optional-dependencies"][extra])
