"""Finding methods, LVLMs, localizers, sources and editors by name, without importing them.

A plug-in is one file in its folder, whose name is the public name, or an entry point of the group `medground.<kind>`
from another package. Listing reads file names, docstrings and literals with `ast`; a module is imported only when it is
asked for, so `medground list methods` never imports torch. To find the file of a plug-in outside, Python imports
the package that holds it, not the plug-in itself. A name that is there twice is refused, not chosen between.

The library has three kinds. Programs hand in their own; they are asked to when a kind is wanted that is not known yet.
One that nobody handed in has no files, but may have entry points.
"""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any

from medground_bench.core.errors import MedgroundError, UnknownName


@dataclass(frozen=True, slots=True)
class PluginKind:
    """A kind of plug-ins: what it is called, whose files they are, and the name at the root of a file that is one."""

    name: str
    package: str
    constant: str


_PARSING = Lock()
_KINDS = {
    kind.name: kind
    for kind in (
        PluginKind("methods", "medground_bench.methods", "METHOD"),
        PluginKind("lvlms", "medground_bench.lvlms", "LVLM"),
        PluginKind("localizers", "medground_bench.localizers", "LOCALIZER"),
    )
}


PROGRAMS = "medground_bench.commands.programs"
"""Knows the programs beside the library, and lets them hand in their kinds; imported when a kind is wanted."""


def hand_in(kind: PluginKind) -> None:
    """Make a program's own kind of plug-ins known, such as the sources of the builder."""
    _KINDS[kind.name] = kind


def is_own(plugin: Plugin, kind: str) -> bool:
    """Whether a plug-in of a kind is a file of this package or program, not an entry point of another."""
    known = _known(kind)
    return known is not None and plugin.origin == known.package


def _known(kind: str) -> PluginKind | None:
    """A kind by its name; None for one that no program here brings."""
    if kind not in _KINDS:
        import_module(PROGRAMS).hand_in_plugins()
    return _KINDS.get(kind)


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plug-in that is there: its public name, the first line of its docstring, and where it comes from."""

    name: str
    summary: str
    origin: str


def available(kind: str) -> list[Plugin]:
    """Every plug-in of a kind, sorted by name."""
    files = _files(kind)
    own = [Plugin(name, _summary(path), _KINDS[kind].package) for name, path in files.items()]
    outside = [
        Plugin(name, _summary(source(kind, name)), point.value) for name, point in _outside(kind).items()
    ]
    return sorted(own + outside, key=lambda plugin: plugin.name)


def load(kind: str, name: str) -> Any:  # the kind says which protocol it follows; who asks for it knows
    """The object a plug-in offers (`METHOD`, `LVLM`, ...); an unknown name lists the near ones."""
    files, outside = _files(kind), _outside(kind)
    if name in files:
        return getattr(import_module(f"{_KINDS[kind].package}.{name}"), _KINDS[kind].constant)
    if name in outside:
        return outside[name].load()
    raise UnknownName(kind.removesuffix("s"), name, [*files, *outside])


def literal(kind: str, name: str, constant: str) -> Any:  # whatever the file holds
    """A literal constant of a plug-in's file, read without importing it; None where it has none."""
    path = source(kind, name)
    if path is None:
        return None
    for node in _parsed(path).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == constant for target in targets):
            return ast.literal_eval(node.value)  # type: ignore[attr-defined]
    return None


def source(kind: str, name: str) -> Path | None:
    """The file of a plug-in; None for one of another package whose code is in no Python file."""
    outside = _outside(kind)
    if name not in outside:
        return _files(kind).get(name)
    try:
        spec = find_spec(outside[name].module)
    except ModuleNotFoundError:
        return None
    path = Path(spec.origin) if spec and spec.origin else None
    return path if path is not None and path.suffix == ".py" and path.is_file() else None


def _files(kind: str) -> dict[str, Path]:
    known = _known(kind)
    if known is None:
        return {}
    spec = find_spec(known.package)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    paths = [path for folder in folders for path in Path(folder).glob("*.py")]
    return {path.stem: path for path in sorted(paths) if not path.stem.startswith("_")}


def _outside(kind: str) -> dict[str, EntryPoint]:
    """Entry points by name; MedgroundError for a name that is taken."""
    found: dict[str, EntryPoint] = {}
    own = _files(kind)
    points = _entry_points(f"medground.{kind}", tuple(sys.path))
    for point in sorted(points, key=lambda point: point.value):
        other = (
            f"{_KINDS[kind].package}.{point.name}"
            if point.name in own
            else found.get(point.name, point).value
        )
        if other != point.value:
            raise MedgroundError(
                f"two {kind} are called {point.name}: {other} and {point.value} (entry point of "
                f"{point.dist.name if point.dist else 'an unknown package'}). Rename the entry point, or uninstall one."
            )
        found[point.name] = point
    return found


@lru_cache(maxsize=8)
def _entry_points(group: str, _path: tuple[str, ...]) -> EntryPoints:
    """Those of all packages on this `sys.path`, looked for once: 15 ms among 150 packages, and 150 looks a page."""
    return entry_points(group=group)


def _parsed(path: Path) -> ast.Module:
    """One thread at a time: Python 3.11 counts the depth of all together, and may raise SystemError (gh-106905)."""
    with _PARSING:
        return ast.parse(path.read_text("utf-8"))


def _summary(path: Path | None) -> str:
    docstring = ast.get_docstring(_parsed(path)) if path else None
    return (docstring or "").split("\n", 1)[0]
