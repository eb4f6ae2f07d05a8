"""Examples in docstrings: every public function and class of these rooms shows one, and pytest runs them."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("core", "submission", "benchmark", "methods", "lvlms/__init__", "lvlms/engine/locations")
"""Folders and files of the package, without their ending."""


def place_of(room: str) -> Path:
    folder = ROOT / "medground_bench" / room
    return folder if folder.is_dir() else folder.with_suffix(".py")


def without_example(source: str) -> Iterator[str]:
    """Names of the public functions and classes of a module whose own docstring has nothing to run."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name[0] != "_":
            docstring = ast.get_docstring(node) or ""
            if ">>> " not in docstring or "+SKIP" in docstring:
                yield node.name


@pytest.mark.parametrize("room", ROOMS)
def test_every_public_function_and_class_shows_an_example(room):
    place = place_of(room)
    names = {
        file.relative_to(ROOT / "medground_bench").as_posix(): [*without_example(file.read_text("utf-8"))]
        for file in (sorted(place.rglob("*.py")) if place.is_dir() else [place])
        if file.stem == "__init__" or not file.stem.startswith("_")  # the room's own affair
    }
    assert names
    assert not {file: each for file, each in names.items() if each}


@pytest.mark.parametrize("room", ROOMS)
def test_pytest_runs_the_examples(room):
    pytest_options = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["pytest"][
        "ini_options"
    ]
    assert "--doctest-modules" in pytest_options["addopts"]
    assert place_of(room).relative_to(ROOT).as_posix() in pytest_options["testpaths"]


def test_what_has_nothing_to_run_is_told_by_name():
    source = '''
class Shown:
    """A class.

    >>> Shown().method() is None
    True
    """

    def method(self):
        """Needs none."""

def bare(): ...

def skipped():
    """>>> skipped()  # doctest: +SKIP"""

async def described():
    """In words."""

def _private(): ...

CONSTANT = 1
'''
    assert [*without_example(source)] == ["bare", "skipped", "described"]
