"""The page on rebuilding for a new LVLM: it names all that a family answers, and its commands are commands."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer

from medground_bench.lvlms.engine.family import Family

PAGE = (Path(__file__).parents[2] / "docs" / "rebuild_for_a_new_lvlm.md").read_text("utf-8")
COMMANDS = re.findall(r"^(?:python -m (builder)|(medground)) (.+)$", PAGE, re.MULTILINE)


def test_its_table_has_every_question_that_the_engine_asks_a_family():
    rows = re.findall(r"^\| (`[^|]+`) \|", PAGE, re.MULTILINE)
    named = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    asked = {name for name in {**vars(Family), **Family.__annotations__} if not name.startswith("_")}
    assert sorted(named) == sorted(asked)


@pytest.mark.parametrize("builder, library, line", COMMANDS)
def test_its_commands_are_taken_as_they_stand(builder, library, line):
    from builder.cli import app as building
    from medground_bench.commands.main import app

    group = typer.main.get_command(building if builder else app)
    name, *arguments = shlex.split(line)
    group.commands[name].make_context(name, arguments)
