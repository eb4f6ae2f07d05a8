"""Everything that was made of a picture as one ZIP: the record, overlays, charts, the film, and what was asked."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from medground_bench.core.types import Picture
from medground_bench.runs.explanation_folder import Attributed
from medground_bench.runs.trials import Trial

FILM = "film.png"
ALWAYS = (1980, 1, 1, 0, 0, 0)
"""The time of every file in it: same run, same names."""


def zipped(attributed: Attributed, trials: Mapping[str, Sequence[Trial]]) -> bytes:
    """What `medground attribute` writes, the film as it was read, and the pictures that were asked.

    trials  method -> what it tried; a picture is `<method>-hidden/<concept>.png`, in the study frame
    """
    buffer = io.BytesIO()
    with TemporaryDirectory() as made, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        attributed.save(Path(made))
        for path in sorted(Path(made).iterdir()):
            _add(archive, path.name, path.read_bytes())
        _add(archive, FILM, _png(attributed.answered.native))
        for method, tried in sorted(trials.items()):
            for trial in sorted(tried, key=lambda each: each.name):
                _add(archive, f"{method}-hidden/{trial.name}.png", _png(trial.picture))
    return buffer.getvalue()


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    archive.writestr(zipfile.ZipInfo(name, ALWAYS), content, zipfile.ZIP_DEFLATED)


def _png(picture: Picture) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return buffer.getvalue()
