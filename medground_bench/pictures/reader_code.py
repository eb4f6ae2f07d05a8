"""Identity of the code and the libraries that make greys of a file: what was read by another reader is read again."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from medground_bench.storage.whole_files import fingerprint, sha256

LIBRARIES = ("imagecodecs", "numpy", "pillow", "pydicom", "pylibjpeg", "pylibjpeg-openjpeg")


@cache
def reader_code() -> str:
    """Of everything the greys of a picture depend on besides its file and the rule by which it becomes grey."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    own = {file.name: sha256(file.read_bytes()) for file in files}
    return fingerprint(own=own, libraries={library: _version(library) for library in LIBRARIES})


def _version(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None
