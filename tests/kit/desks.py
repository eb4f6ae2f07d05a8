"""A small made-up benchmark with a desk before it: who submits what, to a store in a folder or on the hub."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from medground_bench.core.types import Box, Frame, Mode, Reference
from medground_bench.leaderboard.accepting import Stage, SubmissionDesk, Upload
from medground_bench.leaderboard.folder_store import FolderStore
from medground_bench.leaderboard.hub_store import LONGEST_PAUSE_S, HubStore, impatient
from medground_bench.leaderboard.keeping import open_edition
from medground_bench.leaderboard.register import Register
from medground_bench.leaderboard.store import StoreSettings, SubmissionStore
from medground_bench.leaderboard.truth import Truth
from medground_bench.storage.hub_calls import HubCalls

REVISION = "1f2e" * 10
LVLMS = ("a", "b")
IMAGES = 12
OPERATOR = "op"


@dataclass
class Clock:
    """Stands still until it is moved."""

    at: datetime = datetime(2026, 12, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def pass_by(self, time: timedelta) -> None:
        self.at += time


def truth(revision: str = REVISION, lvlms: Iterable[str] = LVLMS, source: str = "phantom") -> Truth:
    """Twelve pictures of different sizes, one finding each, for two LVLMs in mode direct."""
    rng = np.random.default_rng(7)
    references = []
    for number in range(IMAGES):
        native = Frame.native(width=int(rng.integers(150, 400)), height=int(rng.integers(150, 400)))
        box = random_box(native, rng)
        for lvlm in lvlms:
            case = f"{source}/{number:03d}/nodule@{lvlm}:direct"
            references.append(
                Reference(case, source, f"{number:03d}", lvlm, Mode.DIRECT, "nodule", native, (box,))
            )
    return Truth("org/bench", revision, tuple(references))


def truth_of_both() -> Truth:
    """That of phantoms, and the same pictures and boxes as a source whose boxes are hidden."""
    both = truth(), truth(source="vindr_cxr")
    return Truth("org/bench", REVISION, tuple(reference for each in both for reference in each.references))


def random_box(native: Frame, rng: np.random.Generator) -> Box:
    x0, y0 = rng.uniform(0, 0.5, 2) * (native.width, native.height)
    x1, y1 = (x0, y0) + rng.uniform(0.15, 0.5, 2) * (native.width, native.height)
    return Box(float(round(x0)), float(round(y0)), float(round(x1)), float(round(y1)), native)


def boxes(of: Truth, seed: int = 0, lvlms: Iterable[str] = ("a",)) -> dict[str, list[list[float]]]:
    """A box at random for every case of some LVLMs."""
    rng = np.random.default_rng(seed)
    return {
        each.case_id: [list(random_box(each.native, rng).xyxy)]
        for each in of.references
        if each.lvlm in lvlms
    }


def file_of(given: dict[str, list[list[float]]]) -> bytes:
    """A prediction file of boxes by case."""
    return b"".join(
        json.dumps({"case_id": case, "boxes": found}).encode() + b"\n" for case, found in given.items()
    )


def said(method: str = "Mine", lvlms: Iterable[str] = ("a",), **more: object) -> str:
    """What is said about a file."""
    revisions = {lvlm: "1f2e" for lvlm in lvlms}
    return json.dumps({"method": method, "training_data": "undisclosed", "lvlm_revisions": revisions, **more})


def upload(person: str = "ann", content: bytes | None = None, **words: object) -> Upload:
    """What somebody sends: by default random boxes for LVLM a, another's for another person."""
    content = content if content is not None else file_of(boxes(truth(), seed=sum(person.encode())))
    return Upload(person=person, content=content, metadata=said(**words))  # type: ignore[arg-type]


def stopped(desk: SubmissionDesk, sent: Upload, at: Stage = Stage.SCORING) -> str:
    """The id of what somebody sends, and whose process ends when it is so far."""

    def stop(stage: Stage) -> None:
        if stage is at:
            raise KeyboardInterrupt

    known = Register.read(desk.store.look().log).submissions
    with suppress(KeyboardInterrupt):
        desk.submit(sent, stop)
    (identity,) = Register.read(desk.store.look().log).submissions.keys() - known.keys()
    return identity


@dataclass
class Place:
    """A store, and the desk before it."""

    store: SubmissionStore
    clock: Clock = field(default_factory=Clock)
    truth: Truth = field(default_factory=truth)

    def open(self, **settings: object) -> SubmissionDesk:
        """Open it for the benchmark."""
        chosen = replace(
            StoreSettings(operators=(OPERATOR,), controls=("whole_image", "centre_box")), **settings
        )
        open_edition(self.store, self.truth, chosen, OPERATOR, self.clock)
        return self.desk

    @property
    def desk(self) -> SubmissionDesk:
        return SubmissionDesk(self.store, self.truth, self.clock)


def folder_place(folder: Path) -> Place:
    return Place(FolderStore.made(folder))


def hub_place(org: str, name: str = "store") -> Place:
    store = HubStore(f"{org}/{name}", HubCalls(f"hf_{org}-writer", wait=hurried))
    store.make()
    return Place(store)


def hurried(pause_s: float) -> None:
    """As impatient as a store, without the waiting."""
    if pause_s > LONGEST_PAUSE_S:
        impatient(pause_s)
