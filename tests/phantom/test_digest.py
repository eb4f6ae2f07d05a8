"""The renderer's digest covers every module that drawing a scene needs."""

import ast
from pathlib import Path

import medground_bench
from medground_bench.phantom.digest import DRAWING

FOLDER = Path(medground_bench.__file__).parent / "phantom"


def imported(module):
    """The phantom modules a module imports, itself included, transitively."""
    found, todo = set(), [module]
    while todo:
        name = todo.pop()
        found.add(name)
        for node in ast.walk(ast.parse((FOLDER / f"{name}.py").read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
                "medground_bench.phantom."
            ):
                todo += {node.module.rsplit(".", 1)[1]} - found
    return found


def test_every_module_that_draws_a_scene_or_its_marker_is_in_the_digest():
    assert imported("scene") | imported("shortcut") == set(DRAWING)
