"""What tests of the builder share: its command line in this process, and the rule LVLM as what `--lvlm` opens."""

from __future__ import annotations

import signal
import sys

import pytest

from builder.cli import main
from tests.kit.fakes import RuleLvlm


@pytest.fixture
def run(monkeypatch, capsys):
    """Runs a command line in this process; gives exit code, stdout and stderr."""

    def ran(*words):
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        monkeypatch.setattr(sys, "argv", ["builder", *map(str, words)])
        try:
            with pytest.raises(SystemExit) as left:
                main()
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
        captured = capsys.readouterr()
        return left.value.code or 0, captured.out, captured.err

    return ran


@pytest.fixture
def rule_lvlm(monkeypatch):
    lvlm = RuleLvlm()
    monkeypatch.setattr("medground_bench.lvlms.open_lvlm", lambda location, **_choices: lvlm)
    return lvlm
