"""Identity of the code and the libraries that results depend on: what was made by other code is made again."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from medground_bench import plugins
from medground_bench.anatomy.atlas import pool_digest
from medground_bench.phantom.digest import renderer_digest
from medground_bench.storage.whole_files import fingerprint, sha256

OF_LVLMS = ("lvlms",)
OF_METHODS = (
    "anatomy", "core/boxes_in_text", "core/concepts.py", "core/geometry.py", "core/prompts.py", "core/randomness.py",
    "core/modes.py", "core/types.py", "core/unions.py",
    "core/visible_text.py", "localizers", "lvlms", "methods", "phantom/patient.py", "phantom/region_edits.py",
    "pictures",
)  # fmt: skip
OF_ABLATION = ("ablation/regions.py", "ablation/run.py", "ablation/variants.py")
OF_PROBES = (
    "core/answers", "core/edit_regions.py", "phantom/exact_edits.py", "probes/insertion.py", "probes/known_cause.py",
    "probes/pointing.py", "probes/protocol.py", "probes/randomisation.py", "probes/removal.py", "probes/run.py",
    "probes/subjects.py",
)  # fmt: skip
OF_SCORING = (
    "core/comparison.py", "core/geometry.py", "core/intervals.py", "core/ranks.py", "core/scoring.py", "core/unions.py",
)  # fmt: skip
"""Folders and files of this package that decide a response, the boxes of a method, or a score."""

LIBRARIES = ("numpy", "pillow", "scipy", "tokenizers", "torch", "transformers")


@cache
def lvlm_code() -> str:
    """Of everything an LVLM's response depends on besides its weights, the picture and the prompt."""
    return _digest(OF_LVLMS, ["lvlms"])


@cache
def ablation_code() -> str:
    """Of everything a row of an ablation depends on besides its inputs: scores, and how variants are run."""
    return fingerprint(scores=scoring_code(), variants=_digest(OF_ABLATION, []))


@cache
def probe_code() -> str:
    """Of everything a probe's numbers depend on besides its inputs."""
    return fingerprint(scores=scoring_code(), probes=_digest(OF_PROBES, ["sources", "editors"]))


@cache
def scoring_code() -> str:
    """Of everything a score of a method's boxes depends on besides these inputs and the expert boxes."""
    return fingerprint(methods=method_code(), scoring=_digest(OF_SCORING, []))


@cache
def method_code() -> str:
    """Of everything a method's boxes depend on besides its settings, the case and the LVLM's weights.

    The anatomy network's weights, the vocabularies, the reference pool in use and the phantom's drawing code, which
    decides its known masks, are among it; plug-ins of other packages are, too.
    """
    kinds = ["methods", "lvlms", "localizers"]
    return _digest(OF_METHODS, kinds, pool=pool_digest(), renderer=renderer_digest())


def library_versions() -> dict[str, str | None]:
    """Library -> installed version, None where it is not there."""
    return {name: _version(name) for name in LIBRARIES}


def _digest(parts: Iterable[str], kinds: Iterable[str], **data: str) -> str:
    root = Path(__file__).parents[1]
    places = [root / part for part in parts]
    files = [file for place in places for file in (place.rglob("*") if place.is_dir() else [place])]
    own = {
        str(file.relative_to(root)): sha256(file.read_bytes())
        for file in files
        if file.is_file() and file.suffix != ".pyc" and not file.name.startswith(".")
    }
    outside = {
        f"{kind} {plugin.name} {plugin.origin}": _source_digest(kind, plugin.name)
        for kind in kinds
        for plugin in plugins.available(kind)
        if not plugins.is_own(plugin, kind)
    }
    return fingerprint(own=own, outside=outside, libraries=library_versions(), **data)


def _source_digest(kind: str, name: str) -> str | None:
    source = plugins.source(kind, name)
    return None if source is None else sha256(source.read_bytes())


def _version(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None
