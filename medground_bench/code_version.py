"""Identity of the code and the libraries that results depend on: what was made by other code is made again."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from medground_bench import plugins
from medground_bench.anatomy.atlas import MANIFEST, PHANTOM_POOL
from medground_bench.durable import fingerprint, sha256

OF_LVLMS = ("lvlms",)
OF_METHODS = (
    *("anatomy", "box_text.py", "geometry.py", "localizers", "lvlms", "methods", "pictures.py", "prompts.py"),
    "types.py",
)
"""Folders and files of this package that decide a response, or the boxes of a method."""

LIBRARIES = ("numpy", "pillow", "scipy", "tokenizers", "torch", "transformers")


@cache
def lvlm_code() -> str:
    """Of everything an LVLM's response depends on besides its weights, the picture and the prompt."""
    return _digest(OF_LVLMS, ["lvlms"])


@cache
def method_code() -> str:
    """Of everything a method's boxes depend on besides its settings, the case and the LVLM's weights.

    The reference pool of the localizers is among it; plug-ins of other packages are, too.
    """
    return _digest(OF_METHODS, ["methods", "lvlms", "localizers"], [PHANTOM_POOL / MANIFEST])


def library_versions() -> dict[str, str | None]:
    """Library -> installed version, None where it is not there."""
    return {name: _version(name) for name in LIBRARIES}


def _digest(parts: Iterable[str], kinds: Iterable[str], data: Iterable[Path] = ()) -> str:
    root = Path(__file__).parent
    places = [root / part for part in parts]
    files = [file for place in places for file in (place.rglob("*.py") if place.is_dir() else [place])]
    own = {str(file.relative_to(root)): sha256(file.read_bytes()) for file in [*files, *data]}
    outside = {
        f"{kind} {plugin.name} {plugin.origin}": _source_digest(kind, plugin.name)
        for kind in kinds
        for plugin in plugins.available(kind)
        if plugin.origin != plugins.PACKAGES[kind]
    }
    return fingerprint(own=own, outside=outside, libraries=library_versions())


def _source_digest(kind: str, name: str) -> str | None:
    source = plugins.source(kind, name)
    return None if source is None else sha256(source.read_bytes())


def _version(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None
