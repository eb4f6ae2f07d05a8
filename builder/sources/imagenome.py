"""Chest ImaGenome 1.0.0, gold set, on the pictures of MIMIC-CXR-JPG: 1,000 pictures of 500 patients.

`gold_dataset/gold_object_attribute_with_coordinates.txt` (TAB) has a row per sentence, region and attribute. Of the
authors' choice: `relation` 1, `categoryID` anatomicalfinding or disease. `coord_original` is the region's box as text,
"[x1, y1, x2, y2]", whole native pixels of the JPEG, origin top-left; x2 and y2 are ends, so the box is half-open. It is
read as a literal and never run. `image_id` ends in ".dcm", the picture is
files/p<two digits>/p<patient_id>/s<study_id>/<image_id>.jpg.

Order: the authors group by (patient_id, study_id, image_id, label_name, categoryID), sorted, ids as numbers, and so
does `release_index`. A region named by several sentences is one box. A label of both categories is one question.

`relation` 1 says that a sentence speaks of a finding in a region, `context` whether it affirms or denies it ("yes",
"no"). The authors look at `relation` alone and ask about what is denied too, with the answer yes. Here the box of a row
that denies is no box of the finding. Where the same finding of a picture is both affirmed and denied, perhaps of two
regions, the question has the boxes of the rows that affirm, and AMBIGUOUS stands in the ledger. What is only denied is
no question, see `_annotated`: it keeps its number in the authors' order, which is then missing, and stands as DENIED.

Greys: JPEG of 8 bits, as it is stored.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from builder.ledger import Entry, Fault, Ledger
from builder.sources import SourceQuestion, pictures_wanted
from builder.sources._annotated import Annotated, Copy, asked, of_first_pictures, questions_of
from builder.sources._copies import CopyPart, Terms, part_of, places_of, safe_name, the_only
from builder.sources._pictures import PictureFiles
from builder.sources._tables import Row, corners_in, rows_of
from medground_bench.core.types import Picture, Question
from medground_bench.fetching.remote import ListedPicture, Project, ProjectFile
from medground_bench.pictures import Levels

TERMS = Terms(
    "a credentialed PhysioNet account and the PhysioNet Credentialed Health Data License 1.5.0 for both data sets",
    "https://physionet.org/content/chest-imagenome/1.0.0/ and https://physionet.org/content/mimic-cxr-jpg/2.1.0/",
    "gold_dataset/gold_object_attribute_with_coordinates.txt in one folder, files/p1x/... in the same or another",
)
PARTS = ("chest_imagenome", "mimic_cxr_jpg")
"""As whoever joins a published benchmark may call folders that hold one of its two data sets."""

NAME = "gold_object_attribute_with_coordinates.txt"
DIGEST = "b6c72e55ef322d61a2a7feae1cbfd6b69ef3009258f0afb6d1e342e51a158262"
ROWS, EXPECTED = 15_688, 1_405
TABLES_PROJECT = Project("chest-imagenome", "1.0.0")
PICTURES_PROJECT = Project("mimic-cxr-jpg", "2.1.0", picture_bytes=1_500 * 1_000)
TABLE_PREFIXES = (
    ".",
    "1.0.0",
    "chest-imagenome/1.0.0",
    "files/chest-imagenome/1.0.0",
    "physionet.org/files/chest-imagenome/1.0.0",
)
PICTURE_PREFIXES = (
    ".",
    *(
        f"{above}{version}"
        for above in ("", "mimic-cxr-jpg/", "files/mimic-cxr-jpg/", "physionet.org/files/mimic-cxr-jpg/")
        for version in ("2.1.0", "2.0.0")
    ),
)
COLUMNS = (
    "patient_id",
    "study_id",
    "image_id",
    "row_id",
    "bbox",
    "relation",
    "context",
    "label_name",
    "categoryid",
    "coord_original",
)
CATEGORIES = ("anatomicalfinding", "disease")
PATIENTS = re.compile(r"p\d\d")
Key = tuple[int, int, str, str, str]
"""By which the authors sort."""


def _tables(roots: tuple[Path, ...]) -> list[Path]:
    return places_of(roots, TABLE_PREFIXES, (f"gold_dataset/{NAME}", NAME), Path.is_file)


def _folders(roots: tuple[Path, ...]) -> list[Path]:
    return places_of(roots, PICTURE_PREFIXES, ("files", "."), _has_patients)


def _has_patients(folder: Path) -> bool:
    return folder.is_dir() and any(
        PATIENTS.fullmatch(each.name) and each.is_dir() for each in folder.iterdir()
    )


@dataclass(frozen=True)
class ImaGenome:
    """Per gold picture a question about every finding and disease that is related to a region of it."""

    roots: tuple[Path, ...]
    name: str = "imagenome"
    editor: str = "radedit"
    may_show: bool = False
    terms: Terms = TERMS
    levels: Levels = Levels.MIN_MAX  # of no effect: the pictures have 8 bits
    ledger: Ledger = field(default_factory=Ledger, compare=False)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        the_only(_tables(self.roots), f"Chest ImaGenome's {NAME}", TERMS)
        the_only(_folders(self.roots), "MIMIC-CXR-JPG's folder files/ with p10 to p19", TERMS)

    @classmethod
    def holds(cls, root: Path) -> bool:
        """See `Source`."""
        return bool(_tables((root,)) or _folders((root,)))

    @classmethod
    def parts(cls, roots: tuple[Path, ...]) -> list[CopyPart]:
        """See `source_check.OfFiles`."""
        return [
            part_of(_tables(roots), f"Chest ImaGenome: gold_dataset/{NAME}", digest=DIGEST),
            part_of(_folders(roots), "MIMIC-CXR-JPG: files/p1x/p<patient>/s<study>/<image>.jpg"),
        ]

    def splits(self) -> tuple[str, ...]:
        """See `Source`."""
        return ("test",)

    def questions(self, split: str, limit: int | None) -> Iterator[SourceQuestion]:
        """See `Source`."""
        copy = Copy(self.name, NAME, self.files, self.ledger)
        yield from of_first_pictures(questions_of(self._gold.found, copy), pictures_wanted(split, limit))

    def picture(self, question: Question) -> Picture:
        """See `Source`."""
        return self.files.read(question, self.levels)

    def asked(self, split: str) -> Mapping[str, int]:
        """See `KnowsRelease`."""
        return asked(self._gold.found)

    def expected(self, split: str) -> int | None:
        """See `KnowsRelease`; the authors' file has 15,688 rows."""
        return EXPECTED if len(self._gold.rows) == ROWS else None

    @cached_property
    def files(self) -> PictureFiles:
        """See `OfPictureFiles`."""
        folder = _folders(self.roots)[0]
        paths = {key[2]: Path(_path_of(key)) for key in self._gold.groups}
        return PictureFiles(lambda image_id: folder / paths.get(image_id, Path(f"{image_id}.jpg")))

    @cached_property
    def _gold(self) -> _Gold:
        return _Gold(_tables(self.roots)[0], self.ledger)

    @classmethod
    def tables(cls) -> tuple[ProjectFile, ...]:
        """See `fetching.remote.Fetchable`."""
        return (ProjectFile(TABLES_PROJECT, f"gold_dataset/{NAME}", DIGEST),)

    @classmethod
    def listed(cls, root: Path) -> list[ListedPicture]:
        """See `fetching.remote.Fetchable`."""
        gold = _Gold(the_only(_tables((root,)), f"Chest ImaGenome's {NAME}", TERMS), Ledger())
        positions: dict[str, set[int]] = {}
        paths: dict[str, str] = {}
        for position, key in enumerate(sorted(gold.groups)):
            positions.setdefault(key[2], set()).add(position)
            paths[key[2]] = f"files/{_path_of(key)}"
        return [
            ListedPicture(image_id, ProjectFile(PICTURES_PROJECT, paths[image_id]), frozenset(indices))
            for image_id, indices in positions.items()
        ]


@dataclass(frozen=True)
class _Gold:
    """The gold table, and what the authors ask of it."""

    table: Path
    ledger: Ledger

    @cached_property
    def rows(self) -> list[Row]:
        """All of them."""
        return list(rows_of(self.table, COLUMNS, self.ledger))

    @cached_property
    def found(self) -> list[Annotated]:
        """In the authors' order."""
        return [each for _key, each in sorted(self.groups.items())]

    @cached_property
    def groups(self) -> dict[Key, Annotated]:
        """What the authors ask about, what is only denied included."""
        groups: dict[Key, Annotated] = {}
        denied: dict[tuple[str, str], int] = {}
        seen: set[tuple[str, ...]] = set()
        for row in self.rows:
            if row.cells["categoryid"] not in CATEGORIES:
                continue
            key = _key(row)
            if key is None:
                self._note(row, Fault.BAD_ROW, "its patient, study, picture or finding has no usable name")
                continue
            if _denies(row):
                denied.setdefault((key[2], key[3]), row.number)
            if row.cells["relation"] in ("1", "1.0"):
                self._add(groups, key, row, seen)
        for position, key in enumerate(sorted(groups)):
            groups[key].position = position
            if (key[2], key[3]) in denied:
                self._tell_denial(groups[key], denied[key[2], key[3]])
        return groups

    def _tell_denial(self, each: Annotated, row: int) -> None:
        """Note that a finding is denied, first in that row."""
        fault, words = Fault.AMBIGUOUS, f"{each.finding} is denied as well, row {row}; asked as yes"
        if each.denied:
            fault, words = (
                Fault.DENIED,
                f"{each.finding} is only denied: no question here, one of the authors'",
            )
        self.ledger.note(Entry(NAME, each.row, fault, words))

    def _add(self, groups: dict[Key, Annotated], key: Key, row: Row, seen: set[tuple[str, ...]]) -> None:
        """Put the box of a row that affirms to its finding, once; the same row twice goes to the ledger."""
        new = Annotated(key[2], key[3], row.number, patient_id=str(key[0]), denied=True)
        each = groups.setdefault(key, new)
        whole = tuple(row.cells.values())
        if whole in seen:
            self._note(row, Fault.DUPLICATE, f"{each.finding}: the same row again")
        seen.add(whole)
        if _denies(row):
            return
        if each.denied:
            each.denied, each.row = False, row.number
        corners = corners_in(row.cells["coord_original"])
        if corners is None or not (corners[0] < corners[2] and corners[1] < corners[3]):
            self._note(row, Fault.BAD_BOX, f"{each.finding}: coord_original is no box")
        elif corners not in [known for _row, known in each.corners]:
            each.corners.append((row.number, corners))

    def _note(self, row: Row, fault: Fault, words: str) -> None:
        self.ledger.note(Entry(NAME, row.number, fault, words))


def _path_of(key: Key) -> str:
    """Of a picture, below files/."""
    patient, study, image_id, *_ = key
    return f"p{str(patient)[:2]}/p{patient}/s{study}/{image_id}.jpg"


def _denies(row: Row) -> bool:
    return row.cells["context"].casefold() == "no"


def _key(row: Row) -> Key | None:
    """None where an id is no number or no name, or there is no finding."""
    patient, study = row.cells["patient_id"], row.cells["study_id"]
    image_id, finding = row.cells["image_id"].removesuffix(".dcm"), row.cells["label_name"]
    if not (patient.isdecimal() and study.isdecimal() and safe_name(image_id) and finding):
        return None
    return int(patient), int(study), image_id, finding, row.cells["categoryid"]


SOURCE = ImaGenome
