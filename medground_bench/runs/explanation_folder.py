"""`medground attribute` and `medground localize`: from a picture file to overlays, charts and a JSON file.

The JSON file is the record of what lies beside it. A folder never mixes runs: before a command writes, it removes what
it wrote there before, and what the other command wrote there about another picture. A folder that the user did not name
is one picture's for good: a/scan.png and b/scan.jpg would share one, so the second is refused before any work.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from medground_bench import plugins
from medground_bench.anatomy.plausible import doubts
from medground_bench.core.errors import FolderTaken
from medground_bench.core.types import Box
from medground_bench.drawing.concept_figure import draw_concepts
from medground_bench.localizers import localize, localizer_record
from medground_bench.lvlms import embedded, open_lvlm
from medground_bench.methods import open_method
from medground_bench.pictures import HowRead, picture_digest, picture_name
from medground_bench.runs.explain import (
    PHANTOM_NOTE,
    AnsweredCase,
    Explanation,
    Query,
    ask,
    check_finding,
    check_vocabulary,
    explain_by_each,
    read_film,
)
from medground_bench.storage.whole_files import Plain, write_whole

RESULTS = Path("medground-out")
"""Folder of the folders that are named after pictures."""

ATTRIBUTION, CONCEPTS = "attribution.json", "concepts.json"
DRAWN_CONCEPTS = "concepts.png"
OVERLAY, CONCEPT_CHART, WORD_CHART = ".png", "-concepts.png", "-words.png"
"""What a method's name is followed by in the name of its overlay and of its charts."""


@dataclass(frozen=True, slots=True, eq=False)
class Attributed:
    """An LVLM's answer about a picture file, and what every method made of it; nothing is written before `save`.

    failures  method -> why it has no explanation, for those that failed on this picture
    """

    image: Path
    how: HowRead
    lvlm: str
    lvlm_revision: str
    answered: AnsweredCase
    explanations: Sequence[Explanation]
    failures: Mapping[str, str]

    @property
    def note(self) -> str | None:
        """What must be known before the answer is believed."""
        return PHANTOM_NOTE.format(lvlm=self.lvlm) if embedded(self.lvlm) else None

    def as_json(self) -> dict[str, Plain]:
        """Plain values, boxes in native pixels."""
        case = self.answered.case
        return {
            "image": str(self.image),
            "image_sha256": picture_digest(self.answered.native),
            "read": self.how.as_json(),
            "width": case.native.width,
            "height": case.native.height,
            "lvlm": self.lvlm,
            "lvlm_revision": self.lvlm_revision,
            "prompt": case.prompt,
            "response": case.response.text,
            "answer": self.answered.answer.value,
            "note": self.note,
            "methods": [each.as_json() for each in self.explanations],
            "failures": [{"method": method, "error": error} for method, error in self.failures.items()],
        }

    def as_text(self) -> str:
        """For people: the answer, then a paragraph per method."""
        lines = [f"{self.lvlm} says {self.answered.answer}: {self.answered.case.response.text.strip()}"]
        for each in self.explanations:
            evidence = each.explained.attribution
            delta = evidence.concept_drops.get(evidence.concept or "")
            loss = "" if delta is None else f", {delta:.2f} nats"
            concept = f" {evidence.concept}{loss}" if each.explained.boxes and evidence.concept else ""
            lines.append(f"{each.method}:{concept} ({each.seconds:.2f} s)")
            lines += [f"  {_corners(box)}" for box in each.explained.boxes]
            lines += [f"  nothing to report: {each.no_box_because}"] if each.no_box_because else []
            missing = ", ".join(evidence.missing_concepts)
            lines += [f"  not found on the picture, so not tried: {missing}"] if missing else []
            lines += [f"  looks like a box and is not read as one: {piece}" for piece in evidence.refused]
            lines += [f"  {doubt}" for doubt in each.doubts]
        lines += [f"{method}: failed. {error}" for method, error in self.failures.items()]
        return "\n".join(lines)

    def save(self, folder: Path) -> None:
        """Write `attribution.json`, and `<method>.png` and charts of every method that did not fail."""
        native = self.answered.native
        record = self.as_json()
        _make_room(folder, ATTRIBUTION, picture_digest(native))
        _save_json(folder / ATTRIBUTION, record)
        for each in self.explanations:
            _save(folder / f"{each.method}{OVERLAY}", each.overlay(native))
            _save(folder / f"{each.method}{CONCEPT_CHART}", each.concept_chart())
            _save(folder / f"{each.method}{WORD_CHART}", each.word_chart())


@dataclass(frozen=True, slots=True, eq=False)
class Located:
    """The concepts on a picture file, boxes in native pixels.

    made_by       the localizer's settings, pool and weights; see `localizers.record_of`
    expected_iou  the box IoU to expect, of concepts found or not believed; empty where the localizer cannot tell
    doubts        what cannot be right about the concepts; see `anatomy.plausible`
    """

    image: Path
    how: HowRead
    image_sha256: str
    localizer: str
    made_by: dict[str, Plain]
    concepts: dict[str, Box]
    missing: tuple[str, ...]
    expected_iou: dict[str, float]
    doubts: tuple[str, ...]

    def as_json(self) -> dict[str, Plain]:
        """Plain values; `concepts` is name -> [x0, y0, x1, y1] in native pixels."""
        return {
            "image": str(self.image),
            "image_sha256": self.image_sha256,
            "read": self.how.as_json(),
            "localizer": self.localizer,
            "made_by": self.made_by,
            "concepts": {name: list(box.xyxy) for name, box in self.concepts.items()},
            "missing": list(self.missing),
            "expected_iou": dict(self.expected_iou),
            "doubts": list(self.doubts),
        }

    def as_text(self) -> str:
        """A line per concept."""
        lines = [self._line(name, _corners(box)) for name, box in self.concepts.items()]
        return "\n".join([*lines, *(self._line(name, "not found") for name in self.missing)])

    def _line(self, name: str, where: str) -> str:
        iou = self.expected_iou.get(name)
        return f"{name:<26}{where}" + ("" if iou is None else f"   (IoU to expect: {iou:.2f})")


def folder_of(image: Path) -> Path:
    """Where the results about a picture file go when nobody says; FolderTaken when those of another file are there."""
    folder = RESULTS / picture_name(image)
    for record in (ATTRIBUTION, CONCEPTS):
        earlier = _field(folder / record, "image")
        if earlier is not None and Path(earlier).absolute() != image.absolute():
            raise FolderTaken(
                f"{folder} holds the results of {earlier}, and those of {image} would replace them. "
                "Give another folder with --out, or remove this one."
            )
    return folder


def attribute_file(
    image: Path,
    query: Query,
    lvlm: str,
    methods: Sequence[str],
    *,
    vocabulary: str | None = None,
    newest: bool = False,
) -> Attributed:
    """Query and explain; everything cheap that can be wrong is looked at before the LVLM is opened, or at least asked.

    A method that fails on this picture is among the `failures`, and the others go on; an error that says nothing about
    the picture is raised.

    vocabulary  concepts for the methods that try concepts: a shipped name or a YAML file
    newest      takes the LVLM's newest commit on the hub, see `open_lvlm`
    """
    film = read_film(image)
    if query.finding is not None:
        check_finding(query.finding, lvlm)
    if vocabulary is not None:
        check_vocabulary(vocabulary, methods)
    opened = open_lvlm(lvlm, newest=newest)
    chosen = {method: open_method(method, opened) for method in methods}
    answered = ask(opened, film, query, name=picture_name(image))
    explanations, failures = explain_by_each(chosen, opened, answered.case, vocabulary=vocabulary)
    return Attributed(image, film.how, opened.key, opened.revision, answered, explanations, failures)


def localize_file(image: Path, localizer: str, folder: Path, standard: str | None = None) -> Located:
    """Find the concepts, by a standard if one is asked for; write `concepts.json` and `concepts.png` into a folder."""
    film = read_film(image)
    regions = localize(localizer, film.study.picture, standard)
    boxes = {name: film.study.letterbox.to_native(box) for name, box in regions.boxes.items()}
    visible = {name: box for name, box in boxes.items() if box is not None}
    missing = (*regions.missing, *(name for name in boxes if name not in visible))
    digest, made_by = picture_digest(film.picture), localizer_record(localizer, standard)
    expected = dict(regions.expected_iou)
    located = Located(
        image, film.how, digest, localizer, made_by, visible, missing, expected, doubts(regions)
    )
    _make_room(folder, CONCEPTS, located.image_sha256)
    _save_json(folder / CONCEPTS, located.as_json())
    _save(folder / DRAWN_CONCEPTS, draw_concepts(film.picture, regions))
    return located


def _make_room(folder: Path, record: str, image_sha256: str) -> None:
    """Remove an earlier run of the command whose record this is, and the other's if it was about another picture.

    The record goes last, and is written first, so that no drawing is ever without one.
    """
    methods = [plugin.name for plugin in plugins.available("methods")]
    drawings = {
        ATTRIBUTION: [f"{name}{kind}" for name in methods for kind in (OVERLAY, CONCEPT_CHART, WORD_CHART)],
        CONCEPTS: [DRAWN_CONCEPTS],
    }
    for earlier, names in drawings.items():
        of = _field(folder / earlier, "image_sha256")
        if of is not None and (earlier == record or of != image_sha256):
            for name in (*names, earlier):
                (folder / name).unlink(missing_ok=True)


def _field(record: Path, key: str) -> str | None:
    """What a record of ours says of its picture; None where there is none to be read, or one that is not ours."""
    try:
        content = json.loads(record.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    value = content.get(key) if isinstance(content, dict) else None
    return value if isinstance(value, str) else None


def _save(path: Path, image: Image.Image | None) -> None:
    if image is None:
        path.unlink(missing_ok=True)  # of a run whose record was lost
        return
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    write_whole(path, buffer.getvalue())


def _save_json(path: Path, content: dict[str, Plain]) -> None:
    write_whole(path, f"{json.dumps(content, indent=2)}\n".encode())


def _corners(box: Box) -> str:
    return ", ".join(f"{value:.1f}" for value in box.xyxy)
