"""A package of someone else that brings a method: written to a folder as pip would install it."""

from __future__ import annotations

from pathlib import Path

METHOD = '''
"""Quarter: one quarter of the picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from medground_bench.lvlms import Need
from medground_bench.core.types import Attribution, Box


@dataclass(frozen=True, kw_only=True)
class Quarter:
    needs: ClassVar[frozenset[Need]] = frozenset()

    right: bool = False
    low: bool = False

    def attribute(self, lvlm, case, rng):
        x, y = (112 if self.right else 0), (112 if self.low else 0)
        return Attribution(boxes=(Box(x, y, x + 112, y + 112, case.study),))

    @classmethod
    def candidates(cls, lvlm) -> Sequence["Quarter"]:
        return [cls(right=right, low=low) for right in (False, True) for low in (False, True)]


METHOD = Quarter
'''


def install_quarter(folder: Path, text: str = METHOD) -> Path:
    """The method `quarter` of a package `someone_elses`, with the metadata that entry points are read from."""
    package, metadata = folder / "someone_elses", folder / "someone_elses-1.0.dist-info"
    package.mkdir(parents=True)
    metadata.mkdir()
    (package / "__init__.py").write_text("")
    (package / "quarter.py").write_text(text)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: someone-elses\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[medground.methods]\nquarter = someone_elses.quarter:METHOD\n"
    )
    return folder
