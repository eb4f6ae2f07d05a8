"""A program as a shipment: its files in a folder as they are sent, looked into, with the statement beside them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from builder.publish.folder_files import files_of
from builder.publish.policy import statement
from builder.publish.program_files import known_digests
from builder.publish.program_policy import inspect_program
from builder.publish.shipment import Shipment
from medground_bench import __version__
from medground_bench.core.errors import MedgroundError
from medground_bench.storage.whole_files import write_whole

FOLDER, STATEMENT, LOG = "space", "publish.json", "log.jsonl"


def program_shipment(name: str, files: Mapping[str, bytes], place: Path) -> Shipment:
    """The shipment of a Space of the hub; Unpublishable where the policy refuses a file.

    place  folder for the files, the statement and the log; files of an earlier time are taken away

    It has no tag. The one that `evaluate` looks for first is called after its own version, not after ours, so a metric
    is pinned by its commit.
    """
    folder, paper = place / FOLDER, place / STATEMENT
    others = sorted(path.name for path in place.iterdir()) if place.is_dir() else []
    if other := next((other for other in others if other not in (FOLDER, STATEMENT, LOG)), None):
        raise MedgroundError(f"{place} holds something else ({other}). Give --out a folder of its own.")
    if folder.is_dir() and not paper.is_file():
        raise MedgroundError(f"{folder} is there and nothing of ours. Give --out a folder of its own.")
    if folder.is_dir():
        shutil.rmtree(folder)
    for file, content in files.items():
        write_whole(folder / file, content)
    write_whole(paper, statement(inspect_program(files_of(folder), known_digests())))
    return Shipment("space", name, folder, f"MedGround-Bench {__version__}", paper)
