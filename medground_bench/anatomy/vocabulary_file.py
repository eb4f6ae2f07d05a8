"""Reading a concept vocabulary: a shipped one by name, or a YAML file, which is validated as a whole.

A file is data: it is loaded without constructors, and aliases, repeated keys and large files are refused. All problems
of a file are told at once. `vocabulary` says what a file may hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import yaml

from medground_bench.anatomy.vocabulary import PAPER, WHOLE, Concept, ConceptGroup, Vocabulary
from medground_bench.core.errors import BadVocabulary, UnknownName, told

SHIPPED = Path(__file__).with_name("vocabularies")
LARGEST_FILE_BYTES = 20_000
MOST_REGIONS = 200
"""Concepts and groups together: each costs one pass of the LVLM."""

MOST_CELLS = 16
LONGEST_NAME = 60
RESERVED = ("whole image",)
"""What the fallback is called."""

HELP = "The module medground_bench.anatomy.vocabulary shows what a vocabulary may hold."


def shipped() -> tuple[str, ...]:
    """Names of the vocabularies that come with the package, the paper's first."""
    return (PAPER.name, *sorted(path.stem for path in SHIPPED.glob("*.yaml")))


def read_vocabulary(location: str) -> Vocabulary:
    """The vocabulary of a shipped name, or in a YAML file; BadVocabulary lists all that is wrong with the file.

    A path is opened as it is given: what strangers type should be checked against `shipped` first, and what they upload
    read by `parse_vocabulary`.
    """
    if location == PAPER.name:
        return PAPER
    path = SHIPPED / f"{location}.yaml" if location in shipped() else Path(location)
    if not path.is_file():
        raise UnknownName("vocabulary or YAML file", location, shipped())
    with path.open("rb") as file:
        name = path.stem if path.suffix.lower() in (".yaml", ".yml") else path.name
        return parse_vocabulary(file.read(LARGEST_FILE_BYTES + 1), name)


def parse_vocabulary(content: bytes, name: str) -> Vocabulary:
    """The vocabulary in the bytes of a YAML file, which may come from anyone."""
    reading = _Reading()
    top = _load(content, reading)
    concepts = tuple(reading.concepts(top.get("concepts"))) if not reading.problems else ()
    groups = tuple(reading.groups(top.get("groups"), concepts)) if not reading.problems else ()
    if len(concepts) + len(groups) > MOST_REGIONS:
        reading.problems.append(
            f"{len(concepts)} concepts and {len(groups)} groups are more than {MOST_REGIONS}, and each costs one pass"
        )
    if reading.problems:
        raise BadVocabulary(f"vocabulary {name}: {told(reading.problems)}. {HELP}")
    return Vocabulary(name, concepts, groups)


def _load(content: bytes, reading: _Reading) -> Mapping[str, object]:
    """The top of the file; an empty one, and a problem, when it is no YAML of the kind we take."""
    top: object = None
    if len(content) > LARGEST_FILE_BYTES:
        reading.problems.append(f"the file is larger than {LARGEST_FILE_BYTES:,} bytes")
        return {}
    try:
        root = yaml.compose(content, Loader=yaml.SafeLoader)
        reading.problems += [] if root is None else _surprises(root, set())
        top = None if reading.problems else yaml.safe_load(content)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reading.problems.append(
            f"it is no YAML that can be loaded safely ({' '.join(str(error).split())[:200]})"
        )
    if reading.problems or top is None:
        return {}
    return reading.mapping("the file", top, ("concepts", "groups"))


def _surprises(node: yaml.Node, seen: set[int]) -> list[str]:
    """Aliases, by which a small file grows without end, and repeated keys, of which YAML keeps the last in silence."""
    if id(node) in seen:
        return [f"line {node.start_mark.line + 1} is used again by an alias; write it out"]
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        return [problem for child in node.value for problem in _surprises(child, seen)]
    if not isinstance(node, yaml.MappingNode):
        return []
    problems: list[str] = []
    keys: set[str] = set()
    for key, value in node.value:
        if isinstance(key, yaml.ScalarNode) and key.value in keys:
            problems.append(f"line {key.start_mark.line + 1} says {key.value!r} again")
        keys |= {key.value} if isinstance(key, yaml.ScalarNode) else set()
        problems += _surprises(key, seen) + _surprises(value, seen)
    return problems


@dataclass(slots=True)
class _Reading:
    """Turns loaded values into concepts and groups, and collects what is wrong with them."""

    problems: list[str] = field(default_factory=list)

    def mapping(self, what: str, value: object, allowed: tuple[str, ...]) -> Mapping[str, object]:
        """The value when it is a mapping with no other than the allowed keys."""
        if not isinstance(value, dict) or not value:
            self.problems.append(f"{what} is no mapping; it may have {', '.join(allowed)}")
            return {}
        unknown = [str(key) for key in value if key not in allowed]
        if unknown:
            self.problems.append(
                f"{what} has the unknown key {', '.join(unknown)} (known: {', '.join(allowed)})"
            )
        return value

    def concepts(self, value: object) -> Iterator[Concept]:
        """Every concept, a grid as its cells."""
        if not isinstance(value, dict) or not value:
            self.problems.append(
                "`concepts` needs at least one name, each with a colon after it, with or without a definition"
            )
            return
        derived = {name for name, definition in value.items() if definition is not None}
        taken: set[str] = set()
        for name, definition in value.items():
            if not self._is_name(name):
                continue
            for concept in self._concept(name, definition, derived):
                if concept.name in taken:
                    self.problems.append(f"{concept.name!r} is there twice")
                taken.add(concept.name)
                yield concept

    def groups(self, value: object, concepts: tuple[Concept, ...]) -> Iterator[ConceptGroup]:
        """Every group; its members are concepts of the file."""
        known = {concept.name for concept in concepts}
        if value is None:
            return
        if not isinstance(value, dict):
            self.problems.append("`groups` needs names, each with a list of concepts")
            return
        for name, members in value.items():
            if not self._is_name(name):
                continue
            if name in known:
                self.problems.append(f"{name!r} is a concept and a group; rename one")
            listed = self._names(f"group {name!r}", members)
            if len(listed) < 2:
                self.problems.append(f"group {name!r} needs at least two members")
            for member in listed:
                if member in value and member not in known:
                    self.problems.append(
                        f"group {name!r} holds the group {member!r}; list the concepts themselves"
                    )
                elif member not in known:
                    self.problems.append(f"group {name!r} has the unknown member {member!r}")
            yield ConceptGroup(name, listed)

    def _concept(self, name: str, definition: object, derived: set[str]) -> Iterator[Concept]:
        if definition is None:
            yield Concept(name, (name,))
            return
        keys = self.mapping(repr(name), definition, ("of", "rows", "columns", "rows_of", "cells"))
        if not keys:
            return
        sources = self._names(f"`of` of {name!r}", keys.get("of"))
        level = self._names(f"`rows_of` of {name!r}", keys["rows_of"]) if "rows_of" in keys else ()
        for source in sorted(derived.intersection((*sources, *level))):
            self.problems.append(
                f"{name!r} is made of {source!r}, which this file defines; name the localizer's concepts"
            )
        if len(level) > 1 or ("rows_of" in keys and "rows" in keys):
            self.problems.append(f"{name!r} takes its rows from one place: `rows`, or `rows_of` one concept")
        if "cells" in keys:
            if {"rows", "columns", "rows_of"} & keys.keys():
                self.problems.append(f"{name!r} has `cells` of the whole, so neither rows nor columns")
            yield from self._cells(name, sources, keys["cells"])
            return
        rows = self._share(f"`rows` of {name!r}", keys["rows"]) if "rows" in keys else WHOLE
        columns = self._share(f"`columns` of {name!r}", keys["columns"]) if "columns" in keys else WHOLE
        yield Concept(name, sources, rows, columns, level[0] if level else None)

    def _cells(self, name: str, sources: tuple[str, ...], value: object) -> Iterator[Concept]:
        pair = value if isinstance(value, list) and len(value) == 2 else []
        if not pair or not all(type(each) is int and 1 <= each <= MOST_CELLS for each in pair):
            self.problems.append(f"`cells` of {name!r} is [rows, columns], each 1 to {MOST_CELLS}")
            return
        down, across = pair
        for row, column in product(range(down), range(across)):
            rows, columns = (row / down, (row + 1) / down), (column / across, (column + 1) / across)
            yield Concept(f"{name} {row + 1}.{column + 1}", sources, rows, columns)

    def _names(self, what: str, value: object) -> tuple[str, ...]:
        """One name or a list of different ones."""
        listed = value if isinstance(value, list) else [value]
        names = [each for each in listed if isinstance(each, str) and each.strip()]
        if not listed or len(names) < len(listed):
            self.problems.append(f"{what} needs a name or a list of names")
            return ()
        if len(set(names)) < len(names):
            self.problems.append(f"{what} says a name twice")
        return tuple(names)

    def _share(self, what: str, value: object) -> tuple[float, float]:
        if isinstance(value, list) and len(value) == 2 and all(type(each) in {int, float} for each in value):
            start, end = float(value[0]), float(value[1])
            if 0 <= start < end <= 1:
                return start, end
        self.problems.append(f"{what} is [from, to], shares with 0 <= from < to <= 1")
        return WHOLE

    def _is_name(self, name: object) -> bool:
        if not isinstance(name, str):
            self.problems.append(f"the name {name!r} is not text; put it in quotes")
        elif not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
            self.problems.append(
                f"the name {name[:LONGEST_NAME]!r} needs 1 to {LONGEST_NAME} printable characters"
            )
        elif name in RESERVED:
            self.problems.append(f"the name {name!r} is reserved for the fallback")
        else:
            return True
        return False
