"""Draw bad films, what a localizer finds on each, and the truth: `python -m medground_bench.cards.bad_films --help`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from medground_bench.cards.telling import told
from medground_bench.core.concepts import ConceptRegions
from medground_bench.core.geometry import box_iou, tight_box
from medground_bench.core.types import Box, Frame
from medground_bench.drawing.film_sheet import FilmTile, draw_film_sheet
from medground_bench.drawing.palette import BRIGHT, PAPER, Colour
from medground_bench.localizers import by_standard, open_localizer
from medground_bench.pictures.synthetic import png_of
from medground_bench.storage.whole_files import write_whole
from medground_bench.training.bad_films import films
from medground_bench.training.radiograph.chest import shipped_chest
from medground_bench.training.radiograph.render import MADE, SIDE_PX, RenderedFilm

LUNGS, HEART, CLAVICLES = (
    ("left lung", "right lung"),
    "cardiac silhouette",
    ("left clavicle", "right clavicle"),
)
COLOURS: Mapping[str, Colour] = {
    **dict.fromkeys(LUNGS, BRIGHT[1]),
    HEART: BRIGHT[0],
    **dict.fromkeys(CLAVICLES, BRIGHT[2]),
}
"""Concepts whose boxes are drawn; the rest would hide the picture."""


@dataclass(frozen=True, eq=False)
class FoundOnFilm:
    """A film by its name, and what was found on it."""

    name: str
    film: RenderedFilm
    regions: ConceptRegions

    @property
    def truth(self) -> dict[str, Box]:
        """The tight box of every concept on it."""
        frame = Frame.study_of(self.film.picture)
        boxes = {concept: tight_box(mask, frame) for concept, mask in self.film.masks.items()}
        return {concept: box for concept, box in boxes.items() if box}

    def iou(self, concepts: Sequence[str]) -> float:
        """Mean box IoU of concepts that are on it; 0 for one that was not found."""
        found, truth = self.regions.boxes, self.truth
        return float(np.mean([box_iou(found[c], truth[c]) if c in found else 0.0 for c in concepts]))

    @property
    def caption(self) -> tuple[str, str]:
        """Two lines: what it is, and how well it was read."""
        return self.name, f"IoU: lungs {self.iou(LUNGS):.2f}, heart {self.iou([HEART]):.2f}"


def drawn_sheet(films: Sequence[FoundOnFilm], title: str) -> NDArray[np.uint8]:
    """(H, W, 3): all films in rows, each with its caption, below the title."""
    return draw_film_sheet([FilmTile(each.film.picture, _boxes(each), each.caption) for each in films], title)


def _boxes(each: FoundOnFilm) -> list[tuple[Box, Colour]]:
    """The truth in white below what was found."""
    truth, found = each.truth, each.regions.boxes
    return [
        (boxes[concept], ink)
        for concept, colour in COLOURS.items()
        for boxes, ink in ((truth, PAPER), (found, colour))
        if concept in boxes
    ]


def main(
    out: Annotated[Path, typer.Option(help="file of the sheet, PNG")],
    localizer: Annotated[str, typer.Option(help="who finds the concepts")] = "film_unet",
    side_px: Annotated[int, typer.Option(help="side of each film")] = SIDE_PX,
) -> None:
    """Found boxes in colour, true ones in white: of lungs, heart and clavicles, for whole masks."""
    opened = open_localizer(localizer)
    localize, chest, read = (by_standard(opened, None) or opened).localize, shipped_chest(), []
    for name, each in films(chest).items():
        film = each.rendered(chest, side_px)
        read.append(FoundOnFilm(name, film, localize(film.picture)))
    title = f"synthetic films of one CT; {localizer}: lungs blue, heart amber, clavicles green; truth white"
    write_whole(out, png_of(drawn_sheet(read, title), MADE))


if __name__ == "__main__":
    told(main)
