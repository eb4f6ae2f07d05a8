"""`medground attribute` and `medground localize`: from a picture file to overlays, charts and a JSON file."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from medground_bench.concept_figure import draw_concepts
from medground_bench.durable import write_whole
from medground_bench.localizers import localize
from medground_bench.lvlms import open_lvlm
from medground_bench.one_picture import (
    PHANTOM_NOTE,
    Ask,
    Asked,
    Explanation,
    ask,
    check_finding,
    check_vocabulary,
    embedded,
    explain_by,
)
from medground_bench.pictures import read_picture, to_study
from medground_bench.types import Box


@dataclass(frozen=True, slots=True, eq=False)
class Attributed:
    """An LVLM's answer about a picture file, and what every method made of it."""

    image: Path
    lvlm: str
    asked: Asked
    explanations: Sequence[Explanation]

    @property
    def note(self) -> str | None:
        """What must be known before the answer is believed."""
        return PHANTOM_NOTE.format(lvlm=self.lvlm) if embedded(self.lvlm) else None

    def as_json(self) -> dict[str, Any]:
        """Plain values, boxes in native pixels."""
        case = self.asked.case
        return {
            "image": str(self.image),
            "width": case.native.width,
            "height": case.native.height,
            "lvlm": self.lvlm,
            "prompt": case.prompt,
            "response": case.response.text,
            "answer": self.asked.answer.value,
            "note": self.note,
            "methods": [each.as_json() for each in self.explanations],
        }

    def as_text(self) -> str:
        """For people: the answer, then a paragraph per method."""
        lines = [f"{self.lvlm} says {self.asked.answer}: {self.asked.case.response.text.strip()}"]
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
        return "\n".join(lines)


@dataclass(frozen=True, slots=True, eq=False)
class Located:
    """The concepts on a picture file, boxes in native pixels."""

    image: Path
    localizer: str
    concepts: dict[str, Box]
    missing: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """{"image", "localizer", "concepts": {name: [x0, y0, x1, y1]}, "missing": [name]}; native pixels."""
        return {
            "image": str(self.image),
            "localizer": self.localizer,
            "concepts": {name: list(box.xyxy) for name, box in self.concepts.items()},
            "missing": list(self.missing),
        }

    def as_text(self) -> str:
        """A line per concept."""
        lines = [f"{name:<26}{_corners(box)}" for name, box in self.concepts.items()]
        return "\n".join([*lines, *(f"{name:<26}not found" for name in self.missing)])


def attribute_file(
    image: Path,
    wanted: Ask,
    lvlm: str,
    methods: Sequence[str],
    folder: Path,
    *,
    vocabulary: str | None = None,
) -> Attributed:
    """Ask, explain, and write `<method>.png`, charts and `attribution.json` into a folder.

    A chart that an earlier run left for a method that now has none is removed. Everything cheap that can be wrong is
    looked at before the LVLM is opened.

    vocabulary  concepts for the methods that try concepts: a shipped name or a YAML file
    """
    native = read_picture(image)
    if wanted.finding is not None:
        check_finding(wanted.finding, lvlm)
    if vocabulary is not None:
        check_vocabulary(vocabulary, methods)
    opened = open_lvlm(lvlm)
    asked = ask(opened, native, wanted, name=image.stem)
    explanations = [
        explain_by(method, opened, asked.case, vocabulary=vocabulary) for method in dict.fromkeys(methods)
    ]
    for each in explanations:
        _save(folder / f"{each.method}.png", each.overlay(native))
        _save(folder / f"{each.method}-concepts.png", each.concept_chart())
        _save(folder / f"{each.method}-words.png", each.word_chart())
    attributed = Attributed(image, opened.key, asked, explanations)
    _save_json(folder / "attribution.json", attributed.as_json())
    return attributed


def localize_file(image: Path, localizer: str, folder: Path) -> Located:
    """Find the concepts and write `concepts.png` and `concepts.json` into a folder."""
    native = read_picture(image)
    study = to_study(native)
    regions = localize(localizer, study.picture)
    boxes = {name: study.letterbox.to_native(box) for name, box in regions.boxes.items()}
    found = {name: box for name, box in boxes.items() if box is not None}
    missing = (*regions.missing, *(name for name in boxes if name not in found))
    located = Located(image, localizer, found, missing)
    _save(folder / "concepts.png", draw_concepts(native, regions))
    _save_json(folder / "concepts.json", located.as_json())
    return located


def _save(path: Path, image: Image.Image | None) -> None:
    if image is None:
        path.unlink(missing_ok=True)
        return
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    write_whole(path, buffer.getvalue())


def _save_json(path: Path, content: dict[str, Any]) -> None:
    write_whole(path, f"{json.dumps(content, indent=2)}\n".encode())


def _corners(box: Box) -> str:
    return ", ".join(f"{value:.1f}" for value in box.xyxy)
