"""What a checkpoint of a training run is called: by all that decides the weights in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from medground_bench import phantom
from medground_bench.storage.whole_files import Plain, fingerprint, sha256


def checkpoint_key(recipe: Mapping[str, Plain], program: str) -> str:
    """Twelve digits of a digest: the recipe, the code beside the program, and that which draws and describes phantoms.

    program  `__file__` of what trains
    """
    folders = [Path(program).parent, Path(phantom.__file__).parent]
    files = [file for folder in folders for file in sorted(folder.rglob("*.py"))]
    return fingerprint(recipe=recipe, code=[sha256(file.read_bytes()) for file in files])[:12]
