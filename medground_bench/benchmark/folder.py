"""Open a benchmark, a folder or a dataset of the hub, and read its tracks, cases and references."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from medground_bench.core.errors import SourceMissing, UnknownName
from medground_bench.core.types import Box, Case, Frame, Mode, Picture, Reference, Response
from medground_bench.pictures import picture_digest, to_study
from medground_bench.storage.whole_files import fingerprint

SPLITS = ("test", "tune")
ASKED = ("questions", "verdicts")
"""Tables of which every benchmark has one: its own questions, or verdicts of a released split."""

MOST_DETAIL = 200
"""Characters of another library's message that are passed on."""


@dataclass(frozen=True, slots=True, order=True)
class BenchmarkTrack:
    """One LVLM in one mode, and how many retained cases it has; it can have none."""

    lvlm: str
    mode: Mode
    cases: int


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A benchmark on this machine; `revision` is the hub's commit, None for a folder."""

    folder: Path
    revision: str | None = None

    @classmethod
    def open(cls, location: str | Path, revision: str | None = None) -> Benchmark:
        """The benchmark in a folder, or that of a hub id (`org/medground-bench`) at a revision."""
        folder = Path(location)
        if not folder.is_dir():
            folder = _fetched(str(location), revision)
            revision = folder.name
        elif revision is not None:
            raise SourceMissing(f"{location} is a folder, which has no revisions. Leave the revision out.")
        if not any((folder / table).is_dir() for table in ASKED):
            raise SourceMissing(
                f"{folder.resolve()} is no benchmark: it has neither of the folders {' and '.join(ASKED)}. Give the "
                "folder that a build wrote (usually called medground-bench) or a hub id such as org/medground-bench."
            )
        return cls(folder.resolve(), revision)

    def tracks(self, split: str = "test") -> tuple[BenchmarkTrack, ...]:
        """Every LVLM and mode that was asked, sorted; also those of which no case was retained."""
        asked: dict[tuple[str, Mode], int] = {}
        for file in self._files("verdicts", split):
            for lvlm, mode in {(row["lvlm"], row["mode"]) for row in _rows(file, ["lvlm", "mode"])}:
                asked[lvlm, Mode(mode)] = 0
        for mode in Mode:
            for file in self._files(mode.value, split):
                for row in _rows(file, ["lvlm"]):
                    asked[row["lvlm"], mode] = asked.get((row["lvlm"], mode), 0) + 1
        return tuple(BenchmarkTrack(lvlm, mode, cases) for (lvlm, mode), cases in sorted(asked.items()))

    def references(
        self,
        *,
        lvlm: str | None = None,
        mode: Mode | None = None,
        source: str | None = None,
        split: str = "test",
    ) -> tuple[Reference, ...]:
        """What the scorer knows of the retained cases, by case id; None takes all."""
        columns = ["case_id", "source", "image_id", "lvlm", "mode", "finding", "boxes", "width", "height"]
        rows = self._cases(columns, lvlm=lvlm, mode=mode, source=source, split=split)
        return tuple(map(_reference, rows))

    def cases(
        self,
        *,
        lvlm: str | None = None,
        mode: Mode | None = None,
        source: str | None = None,
        split: str = "test",
    ) -> Iterator[Case]:
        """The retained cases as an attribution method sees them, by case id, pictures in the study frame."""
        columns = [
            *("case_id", "source", "finding", "prompt", "width", "height", "image", "image_sha256"),
            *("response", "response_token_ids", "response_tokens"),
        ]
        rows = self._cases(columns, lvlm=lvlm, mode=mode, source=source, split=split)
        return map(_case, rows)

    def content_digest(self, lvlm: str, mode: Mode, split: str = "test") -> str:
        """Changes when any case of a track changes."""
        columns = ["case_id", "prompt", "response_token_ids", "image_sha256"]
        rows = self._cases(columns, lvlm=lvlm, mode=mode, split=split)
        return fingerprint(cases=list(rows))

    def _cases(
        self,
        columns: Sequence[str],
        *,
        lvlm: str | None,
        mode: Mode | None,
        split: str,
        source: str | None = None,
    ) -> Iterator[dict[str, Any]]:
        self._demand(lvlm, mode, split)
        conditions = [(name, "==", value) for name, value in (("lvlm", lvlm), ("source", source)) if value]
        needed = sorted({*columns, "lvlm", "source"})
        rows = [
            row
            for each in ([mode] if mode else Mode)
            for file in self._files(each.value, split)
            for row in _rows(file, needed, conditions)
        ]
        return iter(sorted(rows, key=lambda row: row["case_id"]))

    def _demand(self, lvlm: str | None, mode: Mode | None, split: str) -> None:
        if split not in SPLITS:
            raise UnknownName("split", split, SPLITS)
        tracks = self.tracks(split)
        if lvlm is not None and not tracks:
            raise SourceMissing(
                f"{self.folder} holds no answers yet in its split {split}. Ask an LVLM with: "
                f"python -m builder add-lvlm --lvlm {lvlm} --mode {mode or Mode.DIRECT} --out {self.folder}"
            )
        if lvlm is not None and lvlm not in {track.lvlm for track in tracks}:
            raise UnknownName(f"LVLM of {self.folder.name}", lvlm, {track.lvlm for track in tracks})
        if lvlm is not None and mode is not None and (lvlm, mode) not in {(t.lvlm, t.mode) for t in tracks}:
            raise SourceMissing(f"{self.folder} has no track of {lvlm} in mode {mode}, split {split}.")

    def _files(self, config: str, split: str) -> list[Path]:
        return sorted((self.folder / config).glob(f"{split}-*.parquet"))


@contextmanager
def readable(file: Path) -> Iterator[None]:
    """SourceMissing when a parquet file turns out to be damaged, or to be of another version of the benchmark."""
    try:
        yield
    except (pa.ArrowException, OSError, KeyError, TypeError) as error:
        raise SourceMissing(
            f"{file} is damaged or of another version ({' '.join(str(error).split())[:MOST_DETAIL]}). "
            "Build or download the benchmark again."
        ) from error


def _rows(
    file: Path, columns: Sequence[str] = (), conditions: Sequence[tuple[str, str, str]] = ()
) -> list[dict[str, Any]]:
    with readable(file):
        table = pq.read_table(file, columns=list(columns) or None, filters=list(conditions) or None)
        return [{name: row[name] for name in columns or row} for row in table.to_pylist()]


def _reference(row: dict[str, Any]) -> Reference:
    if row["boxes"] is None:
        raise SourceMissing(
            f"case {row['case_id']}: this copy of the benchmark comes without the expert boxes of {row['source']}, "
            "which may not be shared. Build it from your own credentialed copy of the source."
        )
    native = native_frame(row)
    boxes = tuple(Box(x0, y0, x1, y1, native) for x0, y0, x1, y1 in row["boxes"])
    return Reference(
        case_id=row["case_id"],
        source=row["source"],
        image_id=row["image_id"],
        lvlm=row["lvlm"],
        mode=Mode(row["mode"]),
        finding=row["finding"],
        native=native,
        boxes=boxes,
    )


def _case(row: dict[str, Any]) -> Case:
    response = Response(row["response"], tuple(row["response_token_ids"]), tuple(row["response_tokens"]))
    study = to_study(stored_picture(row, f"case {row['case_id']}"))
    return Case(row["case_id"], row["finding"], row["prompt"], response, study.picture, native_frame(row))


def stored_picture(row: dict[str, Any], name: str) -> Picture:
    """The native picture of a row with `image`, `image_sha256` and `source`; SourceMissing calls the row by `name`."""
    if row["image"] is None:
        raise SourceMissing(
            f"{name}: the pictures of {row['source']} may not be shared and are not in this copy of "
            "the benchmark. Build it from your own credentialed copy of the source."
        )
    try:
        with Image.open(io.BytesIO(row["image"]["bytes"]), formats=("PNG",)) as image:
            picture = np.array(image.convert("L"), dtype=np.uint8)
    except (OSError, SyntaxError, ValueError, zlib.error):
        picture = np.zeros((0, 0), np.uint8)
    if picture_digest(picture) != row["image_sha256"]:
        raise SourceMissing(f"{name}: its picture is damaged. Build or download the benchmark again.")
    return picture


def native_frame(row: dict[str, Any]) -> Frame:
    """Of a row with `width` and `height`."""
    return Frame("native", width=row["width"], height=row["height"])


def _fetched(location: str, revision: str | None) -> Path:
    """The folder of a hub dataset, fetched or found in the cache; its name is the commit."""
    if location.count("/") != 1 or location.startswith((".", "/", "~")):
        raise SourceMissing(
            f"{location}: there is no such folder. Check the path, or give a hub id such as org/name."
        )
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    asked = f"{location}@{revision}" if revision else location
    try:
        return Path(snapshot_download(location, repo_type="dataset", revision=revision))
    except GatedRepoError as error:
        raise SourceMissing(
            f"{asked} is gated. Ask for access on its page https://huggingface.co/datasets/{location}, then log in "
            "with `hf auth login`."
        ) from error
    except RepositoryNotFoundError as error:
        raise SourceMissing(
            f"{asked}: neither a folder here nor a dataset of the hub that you may see. Check the name, or log in "
            "with `hf auth login`."
        ) from error
    except (HfHubHTTPError, LocalEntryNotFoundError) as error:
        raise SourceMissing(
            f"{asked} is no folder here, and could not be fetched from the hub ({str(error).splitlines()[0]}). "
            "Check the path, or the revision and the network."
        ) from error
