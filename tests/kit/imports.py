"""Who imports whom, read from the files: the rooms of a package, and the arrows between them.

`python -m tests.kit.imports [FOLDER]` prints the numbers of a package, this one's by default.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

Arrow = tuple[str, str]
"""Who imports, and what is imported."""

PACKAGE = Path(__file__).parents[2] / "medground_bench"


def imported(file: Path) -> Iterator[str]:
    """Every module that a file names in an import, also within a function; `from a import b` names a.b."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room_of(module: str, package: str) -> str | None:
    """The room of a module of the package, by its dotted name; None for another package's, and for its root."""
    first, _, rest = module.partition(".")
    return rest.partition(".")[0] or None if first == package else None


def arrows(folder: Path) -> set[Arrow]:
    """The arrows between the rooms of a package; a module that lies loose at its root is a room of its own."""
    there = {path.stem for path in folder.glob("*.py")} | {
        path.parent.name for path in folder.glob("*/__init__.py")
    }
    between = set()
    for file in sorted(folder.rglob("*.py")):
        room = file.relative_to(folder).with_suffix("").parts[0]
        others = {room_of(module, folder.name) for module in imported(file)} & there
        between |= {(room, other) for other in others - {room}} if room != "__init__" else set()
    return between


def floors(between: Collection[Arrow]) -> dict[str, int]:
    """Room -> how many rooms stand below it in the longest chain; rooms of a circle share a floor."""
    below: dict[str, set[str]] = {}
    for room, other in between:
        below.setdefault(room, set()).add(other)
        below.setdefault(other, set())
    ring = {room: frozenset(circle) for circle in circles(between) for room in circle}
    height: dict[str, int] = {}

    def of(room: str) -> int:
        if room not in height:
            members = ring.get(room, frozenset({room}))
            lower = {other for member in members for other in below[member]} - members
            height.update(dict.fromkeys(members, 1 + max(map(of, lower), default=-1)))
        return height[room]

    return {room: of(room) for room in sorted(below)}


def circles(between: Collection[Arrow]) -> list[set[str]]:
    """Sets of rooms that all reach each other."""
    reach = {room: reached(room, between) for arrow in between for room in arrow}
    rings = {frozenset(other for other in reach[room] if room in reach[other]) for room in reach}
    return sorted((set(ring) for ring in rings if ring), key=sorted)


def reached(room: str, between: Collection[Arrow]) -> set[str]:
    """Every room that one can come to along arrows."""
    seen: set[str] = set()
    new = {other for start, other in between if start == room}
    while new:
        seen |= new
        new = {other for start, other in between if start in new} - seen
    return seen


def arrows_up(between: Collection[Arrow], floor: Mapping[str, int]) -> set[Arrow]:
    """The arrows that do not lead to a lower floor of a given order."""
    return {(room, other) for room, other in between if floor[other] >= floor[room]}


def main(folder: Path) -> None:
    """Print the numbers."""
    between = arrows(folder)
    lengths = {file: len(file.read_text("utf-8").splitlines()) for file in folder.rglob("*.py")}
    longest = max(lengths, key=lambda file: lengths[file])
    print(f"rooms          {len(floors(between))}")  # noqa: T201
    print(f"loose modules  {sum(path.stem != '__init__' for path in folder.glob('*.py'))}")  # noqa: T201
    print(f"floors         {max(floors(between).values()) + 1}")  # noqa: T201
    print(f"arrows         {len(between)}")  # noqa: T201
    print(f"circles        {[sorted(circle) for circle in circles(between)]}")  # noqa: T201
    print(f"longest file   {longest.relative_to(folder)}, {lengths[longest]} lines")  # noqa: T201
    print(f"lines          {sum(lengths.values())} in {len(lengths)} files")  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else PACKAGE)
