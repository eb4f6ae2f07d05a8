"""A desk that is open for a small build, and prediction files for it."""

from __future__ import annotations

import json
from pathlib import Path

from medground_bench.benchmark.folder import DatasetFolder
from medground_bench.benchmark.opening import open_benchmark
from medground_bench.core.types import Mode
from medground_bench.leaderboard.accepting import SubmissionDesk
from medground_bench.leaderboard.folder_store import FolderStore
from medground_bench.leaderboard.keeping import open_edition
from medground_bench.leaderboard.store import StoreSettings, SubmissionStore
from medground_bench.leaderboard.truth import Truth
from medground_bench.storage.whole_files import sha256


def desk_for(
    build: DatasetFolder, place: Path | SubmissionStore, *, page: str = "", scored_per_week: int = 10
) -> SubmissionDesk:
    """A new store, in a folder where no other is given, that is open for a build."""
    store = FolderStore.made(place) if isinstance(place, Path) else place
    truth = Truth.of(open_benchmark(build.path))
    open_edition(store, truth, StoreSettings(page=page, scored_per_week=scored_per_week), "op")
    return SubmissionDesk(store, truth)


def answers(build: DatasetFolder, width: float = 0.5, mode: Mode = Mode.DIRECT) -> bytes:
    """A prediction file of one track: a box for every case, which begins at a tenth and ends a little later each time.

    width  where the first box ends, as a share of its picture; files of other widths are no copies of each other
    """
    lines = []
    for number, each in enumerate(open_benchmark(build.path).references()):
        if each.mode == mode:
            right, bottom = each.native.width, each.native.height
            box = [right * 0.1, bottom * 0.1, right * (width + number / 100), bottom * 0.9]
            lines.append(json.dumps({"case_id": each.case_id, "boxes": [box]}))
    return ("\n".join(lines) + "\n").encode()


def run_record(predictions: bytes) -> bytes:
    """What `predict` writes beside a prediction file, as far as submitters want it."""
    said = {
        "sha256": sha256(predictions),
        "failures": [],
        "lvlm": "rule_lvlm",
        "lvlm_revision": "1f2e3d",
        "seed": 7,
        "libraries": {"torch": "2.13.0+cpu", "numpy": "2.5.5"},
    }
    return json.dumps(said).encode()
