"""The renderer's digest covers every module that drawing a scene needs."""

import ast
from pathlib import Path

import medground_bench
from medground_bench.phantom.digest import DRAWING

FOLDER = Path(medground_bench.__file__).parent / "phantom"


PREFIX = "medground_bench.phantom."


def imported(module):
    """The phantom modules a module imports, itself included, transitively; as paths without their suffix."""
    found, todo = set(), [module]
    while todo:
        name = todo.pop()
        found.add(name)
        for node in ast.walk(ast.parse((FOLDER / f"{name}.py").read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PREFIX):
                other = node.module.removeprefix(PREFIX).replace(".", "/")
                todo += {f"{other}/__init__" if (FOLDER / other).is_dir() else other} - found
    return found


def test_every_module_that_draws_a_scene_or_its_marker_is_in_the_digest():
    assert imported("scene") | imported("shortcut") == set(DRAWING)
