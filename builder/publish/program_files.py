"""The files of a program as they are pushed: the metric's Space, and the main one with the library it runs on.

A Space, and whoever duplicates it, starts from its own repository alone, so it carries our code: nothing of ours is
installed there, no index has to have it, and the metric at a commit gives the same number for ever.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import medground_bench
from medground_bench.anatomy.atlas import CT_POOL, MANIFEST, PHANTOM_POOL
from medground_bench.commands.demo_stages import TUNED
from medground_bench.commands.programs import programs_folder
from medground_bench.core.errors import MedgroundError, SourceMissing
from medground_bench.leaderboard.board import Board
from medground_bench.leaderboard.case_book import CASES_FILE, CaseBook
from medground_bench.runs.sweep import Sweep

LIBRARY = Path(medground_bench.__file__).parent
LEFT_OUT = ("__pycache__", "programs")
"""Folders of the library that are no part of it: what Python makes, and in an installation the programs."""

METRIC = "attribution_overlap"
UNIONS = "medground_bench.core.unions"
METRIC_LINES = {
    f"{METRIC}.py": (f"from {UNIONS} import", "from .unions import"),
    "app.py": (f"from {UNIONS} import", "from unions import"),
}
"""File of the metric -> what is exchanged in it, once: on the hub the arithmetic lies beside it."""

DATASET = "medground-bench"
"""What the dataset is called, whoever publishes it; the card of the Space names it."""

IN_THE_CHECKOUT = f'evaluate.load("metrics/{METRIC}")'
FRONT = "---\n"
PACKED_CT = "training/radiograph/ct/chest.npz"
"""The open CT that radiographs are rendered from, in the library."""


def metric_files(name: str) -> dict[str, bytes]:
    """Name -> bytes of the metric's Space `org/metric`: the folder, and the library's arithmetic as it stands."""
    folder = _checkout() / "metrics" / METRIC
    if _parts(name)[1] != METRIC:
        raise MedgroundError(
            f"the metric cannot be published as {name}: `evaluate` looks for a module of the repository's own name. "
            f"Give --to ORG/{METRIC}."
        )
    files = {path.name: path.read_bytes() for path in _files(folder)}
    for file, (here, there) in METRIC_LINES.items():
        files[file] = _exchanged(files[file], here, there)
    for file in (f"{METRIC}.py", "README.md"):
        files[file] = _exchanged(files[file], IN_THE_CHECKOUT, f'evaluate.load("{name}")')
    files["unions.py"] = (LIBRARY / "core" / "unions.py").read_bytes()
    return _with_licence(files)


def space_files(name: str, results: Path | None = None) -> dict[str, bytes]:
    """Name -> bytes of the main Space: its pages, the library, and of a results folder what its pages show."""
    folder, organisation = _checkout() / "space_app", _parts(name)[0]
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in _files(folder)
        if path.relative_to(folder).parts[0] != "results"
    }
    files["README.md"] = _exchanged(
        files["README.md"], FRONT, f"{FRONT}datasets:\n- {organisation}/{DATASET}\n"
    )
    files |= {
        f"medground_bench/{path.relative_to(LIBRARY).as_posix()}": path.read_bytes()
        for path in _files(LIBRARY)
    }
    return _with_licence(files | (_results(results) if results else {}))


def known_digests() -> dict[str, str]:
    """Name -> SHA-256 of the library's pictures, weights and CT and of the example films, as recorded for each."""
    known = {
        f"medground_bench/{pool.relative_to(LIBRARY).as_posix()}/{each[kind]['file']}": each[kind]["sha256"]
        for pool in (PHANTOM_POOL, CT_POOL)
        for each in json.loads((pool / MANIFEST).read_text("utf-8"))["pictures"]
        for kind in ("picture", "masks")
    }
    body = LIBRARY / PACKED_CT
    known[f"medground_bench/{PACKED_CT}"] = body.with_suffix(".sha256").read_text("utf-8").strip()
    films = programs_folder() / "space_app" / "examples"
    for film in json.loads((films / "films.json").read_text("utf-8")):
        known[f"examples/{film['file']}"] = film["sha256"]
    for record in sorted(LIBRARY.rglob("examination.json")):
        weights = record.with_name("model.safetensors").relative_to(LIBRARY).as_posix()
        known[f"medground_bench/{weights}"] = json.loads(record.read_text("utf-8"))["weights_sha256"]
    return known


def _parts(name: str) -> tuple[str, str]:
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", name):
        raise MedgroundError(f"{name} is no name of a repository of the hub. Give --to ORG/NAME.")
    organisation, _, own = name.partition("/")
    return organisation, own


def _checkout() -> Path:
    folder = programs_folder()
    if not (folder / "metrics").is_dir() or not (folder / "LICENSE").is_file():
        raise SourceMissing(
            f"{folder} is no checkout of the repository, and the programs are published from one. Clone it, and run "
            "the same command there."
        )
    return folder


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_file() and not set(parts[:-1]) & set(LEFT_OUT):
            yield path


def _exchanged(content: bytes, old: str, new: str) -> bytes:
    """With the first occurrence of a text exchanged; each must be there."""
    text = content.decode("utf-8")
    assert old in text, old
    return text.replace(old, new, 1).encode("utf-8")


def _results(folder: Path) -> dict[str, bytes]:
    """The board, the cases and the tuned settings as our own classes write them, so that nothing else comes along.

    Of the scores and of the cases there are those of phantoms alone; of other cases there is their number. No box of a
    credentialed source, no answer about it and no score from which a box could be worked out leaves this way.
    """
    with TemporaryDirectory() as written:
        Board.read(folder).for_everybody().save(Path(written))
        if (folder / CASES_FILE).is_file():
            CaseBook.read(folder).for_everybody().save(Path(written))
        for path in sorted((folder / TUNED).glob("*.json")):
            Sweep.read(path).save(Path(written, TUNED))
        return {
            f"results/{path.relative_to(written).as_posix()}": path.read_bytes()
            for path in _files(Path(written))
        }


def _with_licence(files: dict[str, bytes]) -> dict[str, bytes]:
    files["LICENSE"] = (_checkout() / "LICENSE").read_bytes()
    return dict(sorted(files.items()))
