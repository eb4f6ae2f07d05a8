"""What `join` costs beside decoding: opening the copy, finding the questions, filling the rows; and verifying, once."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import numpy as np
from datasets import Dataset
from PIL import Image
from rich.table import Table

from builder.build import open_source
from builder.publish.released_rows import released
from builder.questions import question_rows
from builder.sources import Source
from medground_bench import join
from medground_bench.benchmark import copies
from medground_bench.benchmark.parquet import features_of
from medground_bench.core.progress import silently
from tests.kit.publishing import KEY
from tests.kit.trees import CHOSEN, TEST_TABLE, digits_of, grounded, table, twelve_bits, vindr_row

CASES, FINDINGS = 4_000, ("Nodule/Mass", "Cardiomegaly", "Pleural effusion", "Atelectasis")
SOURCES = ("vindr_cxr", "padchest_gr")


@dataclass(frozen=True)
class JoinCost:
    """Seconds of one join of all cases, and of reading all its rows.

    opened_s    by `join` itself, which decodes nothing
    read_s      by reading every row, decoding and digests included
    decoded_s   of that, by decoding
    digested_s  of that, by digests; none the second time
    """

    source: str
    turn: str
    cases: int
    opened_s: float
    read_s: float
    decoded_s: float
    digested_s: float

    @property
    def added_ms(self) -> float:
        """A case, beside decoding and digests."""
        return 1000 * (self.opened_s + self.read_s - self.decoded_s - self.digested_s) / self.cases


def write_copy(source: str, root: Path, pictures: int, side: int) -> Path:
    """A copy of so many pictures, each with every finding."""
    rng, folder = np.random.default_rng(0), root / source
    rows = []
    (folder / ("test" if source == "vindr_cxr" else "PadChest_GR")).mkdir(parents=True)
    for number in range(pictures):
        greys = rng.integers(0, 256, (side, side), np.uint8)
        name = digits_of(32, "join", number)
        if source == "vindr_cxr":
            (folder / "test" / f"{name}.dicom").write_bytes(twelve_bits(greys, inverted=False))
            rows += [vindr_row(name, finding, (1, 2, 30, 40)) for finding in FINDINGS]
        else:
            Image.fromarray(greys.astype(np.uint16) * 9).save(folder / "PadChest_GR" / f"{name}.png")
            told = [grounded(finding, [[0.1, 0.1, 0.5, 0.5]], []) for finding in FINDINGS]
            rows.append({"StudyID": str(number), "ImageID": f"{name}.png", "findings": told})
    if source == "vindr_cxr":
        table(folder / TEST_TABLE, rows)
    else:
        (folder / CHOSEN).write_text(json.dumps(rows), "utf-8")
    return folder


def published_rows(source: Source) -> Dataset:
    """The questions of a copy as they are published without boxes and pictures."""
    from builder.publish.levels import Level

    known = question_rows(source, None, None, silently)["test"]
    rows = released([row for _known, row in known], Level.KEYS, KEY)
    names = ["question_id", "source", "finding", "release_index", "image_sha256", "boxes", "width", "height"]
    columns = {name: [getattr(row, name) for row in rows] for name in [*names, "image"]}
    return Dataset.from_dict(columns, features=features_of(columns))


@contextmanager
def timed(owner: object, name: str) -> Iterator[list[float]]:
    """The seconds of every call of a function meanwhile."""
    took, function = [], getattr(owner, name)

    def measured(*arguments: object) -> object:
        start = time.perf_counter()
        made = function(*arguments)
        took.append(time.perf_counter() - start)
        return made

    with patch.object(owner, name, measured):
        yield took


def join_costs(source: str, cases: int = CASES, side: int = 256) -> list[JoinCost]:
    """The first join of a copy, and one that finds its digests kept."""
    costs = []
    with TemporaryDirectory() as root:
        folder = write_copy(source, Path(root), cases // len(FINDINGS), side)
        opened = open_source(source, (folder,))
        rows = published_rows(opened)
        for turn in ("first", "again"):
            start = time.perf_counter()
            joined = join(rows, {source: folder}, progress=silently)
            between = time.perf_counter()
            with timed(type(opened), "picture") as decoded, timed(copies, "picture_digest") as digested:
                read = sum(row["image"] is not None for row in joined.dataset)
            end = time.perf_counter()
            assert read == len(rows) == cases and joined.report.failed == 0
            costs.append(
                JoinCost(source, turn, cases, between - start, end - between, sum(decoded), sum(digested))
            )
            del joined
    return costs


def join_table(costs: list[JoinCost]) -> Table:
    """Seconds of each part, and what is added to a case."""
    made = Table(title="join: reading every row of a published dataset with its picture, one thread")
    for heading in (
        "source",
        "turn",
        "cases",
        "join, s",
        "read, s",
        "decoding, s",
        "digests, s",
        "added a case, ms",
    ):
        made.add_column(heading, justify="left" if heading in ("source", "turn") else "right")
    for one in costs:
        seconds = (one.opened_s, one.read_s, one.decoded_s, one.digested_s)
        made.add_row(
            one.source,
            one.turn,
            f"{one.cases:,}",
            *(f"{each:.2f}" for each in seconds),
            f"{one.added_ms:.3f}",
        )
    return made
