"""Measure every localizer that needs no weights of others: `python -m medground_bench.cards.localizers --help`.

On phantoms, on radiographs rendered from a CT in bodies that nothing was learned from, and, where they are given,
on real pictures: every such run is a look at them, and is written down. Then `python -m medground_bench.cards` writes
the tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer

from medground_bench import plugins
from medground_bench.anatomy.unet.shipped import MODELS
from medground_bench.cards.accuracy import (
    AS_IT_IS,
    BY_STANDARD,
    CONTROL,
    DRAWN,
    MASKS,
    PARTS,
    PEOPLE,
    PHANTOMS,
    RENDERS,
    WHOLE,
    AnatomyAccuracy,
    MeasuredLocalizer,
    PartIou,
    RealLook,
)
from medground_bench.cards.records import CARDS
from medground_bench.cards.telling import told
from medground_bench.core.intervals import ImageMeans, sums_per_image
from medground_bench.localizers import (
    KnowsCases,
    Localizer,
    by_standard,
    needs_others_weights,
    open_localizer,
)
from medground_bench.phantom import seeds
from medground_bench.storage.whole_files import sha256
from medground_bench.training.radiograph.renders import UNWATCHED, renders
from medground_bench.training.unet.examine import (
    KnownPicture,
    Sighting,
    box_overlap,
    milliseconds,
    phantom_pictures,
    radiographs,
    render_pictures,
)

Found = tuple[str, str, float]
"""A body, a concept on a picture of it, and box IoU."""

SAME_REGIONS = {"uot_pot"}
"""Finds what another one finds, by another solver."""

MadePictures = Mapping[str, Sequence[KnownPicture]]
"""By what they are: PHANTOMS, RENDERS."""


def measurable() -> list[str]:
    """Localizers of this package that need neither weights of others nor a case, each way to the same regions once."""
    listed = [each.name for each in plugins.available("localizers") if plugins.is_own(each, "localizers")]
    opened = {name: open_localizer(name) for name in listed if name not in SAME_REGIONS}
    return [
        name
        for name, localizer in opened.items()
        if not isinstance(localizer, KnowsCases) and not needs_others_weights(localizer)
    ]


def on_made_pictures(name: str, localizer: Localizer, made: MadePictures) -> Iterator[PartIou]:
    """Of every part, for whole masks where it has a choice."""
    whole = by_standard(localizer, None)
    localize, asked = (whole.localize, WHOLE) if whole else (localizer.localize, AS_IT_IS)
    for against, pictures in made.items():
        found = [
            (known.name, concept, iou)
            for known in pictures
            for concept, iou in known.overlaps(localize).items()
        ]
        yield from part_ious(name, asked, against, found)


def on_films(name: str, localizer: Localizer, folder: Path) -> Iterator[PartIou]:
    """Of the lungs, by both standards of people; one with a choice also by the standard that it is measured by."""
    whole = by_standard(localizer, None)
    sightings = radiographs((whole or localizer).localize, folder)
    for against in (DRAWN, MASKS):
        yield from part_ious(name, WHOLE if whole else AS_IT_IS, against, against_people(sightings, against))
    for against, standard in ((DRAWN, "drawn"), (MASKS, "mask")):
        if chosen := by_standard(localizer, standard):
            found = against_people(radiographs(chosen.localize, folder), against)
            yield from part_ious(name, BY_STANDARD, against, found)


def against_people(sightings: Iterable[Sighting], against: str) -> Iterator[Found]:
    """What was found, against drawn boxes, or the masks' boxes where there is a mask."""
    for one in sightings:
        truth = one.drawn if against == DRAWN else one.outlined
        if truth:
            yield one.picture, one.concept, box_overlap(one.found, truth)


def between_people(sightings: Iterable[Sighting]) -> Iterator[PartIou]:
    """The masks' boxes against drawn ones."""
    found = [
        (one.picture, one.concept, box_overlap(one.outlined, one.drawn)) for one in sightings if one.outlined
    ]
    return part_ious(PEOPLE, AS_IT_IS, DRAWN, found)


def part_ious(name: str, asked: str, against: str, found: Iterable[Found]) -> Iterator[PartIou]:
    """Means over the concepts of every part that was looked for, with intervals over bodies."""
    found = list(found)
    for part, concepts in PARTS.items():
        rows = [(body, iou) for body, concept, iou in found if concept in concepts]
        if not rows:
            continue
        images, values = [(against, body) for body, _iou in rows], np.array([[iou] for _body, iou in rows])
        means = ImageMeans.of(*sums_per_image(images, values))
        low, high = (None if np.isnan(end[0]) else round(float(end[0]), 4) for end in means.ends())
        yield PartIou(
            localizer=name,
            asked=asked,
            against=against,
            part=part,
            iou=round(float(means.means[0]), 4),
            low=low,
            high=high,
            bodies=means.images,
        )


def measured(name: str, made: MadePictures, folder: Path | None) -> tuple[MeasuredLocalizer, list[PartIou]]:
    """One localizer on everything."""
    localizer = open_localizer(name)
    digests = [sha256(file.read_bytes()) for file in (MODELS / name).glob("*.safetensors")]
    cost = milliseconds(localizer.localize, made[RENDERS][0].picture)
    ious = [*on_made_pictures(name, localizer, made), *(on_films(name, localizer, folder) if folder else ())]
    return MeasuredLocalizer(name, digests[0] if digests else None, round(cost, 1)), ious


def measure(names: Sequence[str], made: MadePictures, out: Path, folder: Path | None, today: str) -> None:
    """Keep the numbers of these localizers in `out`; a look at real pictures is written down before it is taken."""
    kept = AnatomyAccuracy.read(out)
    for name in names:
        open_localizer(name)  # an unknown one is said before anything is looked at
    if folder:
        sightings = radiographs(open_localizer(CONTROL).localize, folder)
        look = RealLook(today, names, len({one.picture for one in sightings}), "numbers alone")
        kept = kept.looked(look, list(between_people(sightings)))
        kept.keep(out)
    for name in names:
        kept = kept.measured(*measured(name, made, folder))
        kept.keep(out)
        typer.echo(f"{name} is measured")


def main(
    localizers: Annotated[list[str] | None, typer.Argument(help="which; all that can be, if none")] = None,
    out: Annotated[Path, typer.Option(help="folder of the cards: the numbers of others there stay")] = CARDS,
    work: Annotated[Path, typer.Option(help="folder for rendered pictures")] = Path("unet-training"),
    folder: Annotated[
        Path | None, typer.Option("--radiographs", help="folder of real pictures with annotations.json")
    ] = None,
    bodies: Annotated[int, typer.Option(help="phantoms, and rendered bodies, to measure on")] = 100,
    processes: Annotated[int, typer.Option(help="cores that render")] = 2,
) -> None:
    """Measure localizers. Example: python -m medground_bench.cards.localizers phantom_unet --radiographs films."""
    torch.set_num_threads(1)
    held = UNWATCHED[:bodies]
    made = {
        PHANTOMS: list(phantom_pictures(seeds.EXAMINATION[:bodies])),
        RENDERS: list(render_pictures(held, renders(held, work, processes=processes))),
    }
    measure(localizers or measurable(), made, out, folder, datetime.now(UTC).date().isoformat())


if __name__ == "__main__":
    told(main)
