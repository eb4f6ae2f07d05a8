"""What is kept of a visitor while the page is open: a folder, and the last run. Nothing of it outlives the visit.

A visit begins with its first call and ends when the page is left or loaded again, or when nothing was asked for long.
Its folder lies in that of the process, which is removed when the server is stopped (`app.main`).
"""

from __future__ import annotations

import os
import shutil
import time
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import gettempdir
from threading import Thread

import gradio as gr

from medground_bench.core.errors import MedgroundError
from medground_bench.runs.explanation_folder import Attributed
from medground_bench.runs.live import forget_pictures
from medground_bench.runs.trials import Trial
from medground_bench.storage.whole_files import sha256

FOLDER_VARIABLE = "GRADIO_TEMP_DIR"
"""Where gradio keeps what visitors send and what they are shown."""

WANTED, UPLOADS = "wanted", "uploads.txt"
RUNS_KEPT = 16
"""More are there only of programs that never say they left; the oldest goes."""


@dataclass(frozen=True, slots=True, eq=False)
class FinishedRun:
    """The last run of a visit, for its download."""

    attributed: Attributed
    trials: Mapping[str, list[Trial]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Visit:
    """One open page, or one program that calls the Space."""

    folder: Path

    @classmethod
    def of(cls, request: gr.Request) -> Visit:
        """Whose request it is. What a browser calls itself is no name of a folder, its digest is."""
        name = sha256((request.session_hash or "").encode())[:32]
        return cls(_visits_folder() / name)

    @property
    def wanted(self) -> Path:
        """The file without which the visit's run ends."""
        return self.folder / WANTED

    @property
    def last_run(self) -> FinishedRun | None:
        """What `keep` kept."""
        return _LAST_RUNS.get(self.folder.name)

    def begin(self) -> None:
        """A run is wanted, and the one before is forgotten."""
        _LAST_RUNS.pop(self.folder.name, None)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.wanted.touch()

    def keep(self, run: FinishedRun) -> None:
        """Keep a run until the next one, or the end of the visit."""
        _LAST_RUNS[self.folder.name] = run
        while len(_LAST_RUNS) > RUNS_KEPT:
            _LAST_RUNS.popitem(last=False)

    def stop(self) -> None:
        """The run is no longer wanted."""
        self.wanted.unlink(missing_ok=True)

    def sent(self, picture: Path) -> None:
        """Remember to remove a picture, unless it is one of ours."""
        if picture.is_relative_to(self.folder.parents[1]):
            self.folder.mkdir(parents=True, exist_ok=True)
            with (self.folder / UPLOADS).open("a", encoding="utf-8") as file:
                file.write(f"{picture}\n")

    def end(self) -> None:
        """Stop the run, and remove what the visitor sent and everything that was made of it.

        The same file sent by two is one file of gradio's: it goes with the last of them.
        """
        sent = self._uploads()
        shutil.rmtree(self.folder, ignore_errors=True)
        wanted = set().union(*(Visit(other)._uploads() for other in _visits_folder().glob("*")))
        for upload in sent - wanted:
            Path(upload).unlink(missing_ok=True)
        _LAST_RUNS.pop(self.folder.name, None)
        forget_pictures()

    def _uploads(self) -> set[str]:
        """What `sent` wrote down."""
        try:
            return set((self.folder / UPLOADS).read_text("utf-8").splitlines())
        except FileNotFoundError:
            return set()


_LAST_RUNS: OrderedDict[str, FinishedRun] = OrderedDict()


def end_old_visits(every_s: float, older_than_s: float) -> None:
    """End visits in which nothing was asked for so long, and remove cut uploads, for ever, beside everything else."""
    Thread(target=_end_old_visits, args=(every_s, older_than_s), daemon=True).start()


def end_visits_older_than(age_s: float) -> None:
    """End those in which nothing was asked for so long."""
    for folder in _visits_folder().glob("*"):
        with suppress(FileNotFoundError):  # of a visit that ends by itself meanwhile
            newest = max(path.stat().st_mtime for path in (folder, *folder.glob("*")))
            if time.time() - newest > age_s:
                Visit(folder).end()


def remove_cut_uploads(age_s: float) -> None:
    """Remove what is left of uploads that were cut off and are older; gradio removes only those that came to an end."""
    if folder := os.environ.get(FOLDER_VARIABLE):
        for part in Path(folder).glob("tmp*"):
            with suppress(FileNotFoundError):  # of an upload that ends meanwhile
                if part.is_file() and time.time() - part.stat().st_mtime > age_s:
                    part.unlink()


def still_there(upload: str) -> Path:
    """What a visitor sent; MedgroundError where it was removed since."""
    if not Path(upload).is_file():
        raise MedgroundError("The upload is no longer here: it is kept for an hour at most. Upload it again.")
    return Path(upload)


def _end_old_visits(every_s: float, older_than_s: float) -> None:
    while True:
        time.sleep(every_s)
        end_visits_older_than(older_than_s)
        remove_cut_uploads(older_than_s)


def _visits_folder() -> Path:
    return Path(os.environ.get(FOLDER_VARIABLE) or gettempdir(), "visits")
