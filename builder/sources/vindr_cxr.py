"""VinDr-CXR 1.0.0: boxes of 22 local findings on 3,000 test pictures, each the consensus of five radiologists.

`annotations/annotations_test.csv` has a row per box: image_id, class_name, x_min, y_min, x_max, y_max, pixels of the
DICOM picture as it is stored, origin top-left, fractions included; `x_max` and `y_max` are ends, so the box is
half-open. The authors round all four to whole pixels, here the fractions stay: the two differ by half a pixel at most.
Rows of "No finding" have no box and are no question. The reader of the train split, who is named in a column there,
is none here.

Order: the authors group by (image_id, class_name), sorted, and so does `release_index`. The finding is asked for as
class_name spells it ("Nodule/Mass", "ILD").

Greys: `Levels.WINDOWED`, which is what the authors do: the values within the file's first window, or all where it says
none, from the least to the greatest, padding like any other value.

No patient is named, so each picture counts as its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from builder.ledger import Entry, Fault, Ledger
from builder.sources import SourceQuestion, pictures_wanted
from builder.sources._annotated import Annotated, Copy, asked, of_first_pictures, questions_of
from builder.sources._copies import CopyPart, Terms, part_of, places_of, safe_name, the_only
from builder.sources._pictures import PictureFiles
from builder.sources._tables import Corners, Row, number_in, rows_of
from medground_bench.core.types import Picture, Question
from medground_bench.fetching.remote import ListedPicture, Project, ProjectFile
from medground_bench.pictures import Levels

TERMS = Terms(
    "a credentialed PhysioNet account and the PhysioNet Credentialed Health Data License 1.5.0",
    "https://physionet.org/content/vindr-cxr/1.0.0/",
    "annotations/annotations_test.csv and test/<image_id>.dicom",
)
PREFIXES = (".", "1.0.0", "vindr-cxr/1.0.0", "files/vindr-cxr/1.0.0", "physionet.org/files/vindr-cxr/1.0.0")
TABLE, PICTURES = "annotations/annotations_test.csv", "test"
COLUMNS = ("image_id", "class_name", "x_min", "y_min", "x_max", "y_max")
NO_FINDING = "No finding"
PROJECT = Project("vindr-cxr", "1.0.0", picture_bytes=10_700 * 1_000)
TEST_PICTURES, EXPECTED = 3_000, 2_108


def _tables(roots: tuple[Path, ...]) -> list[Path]:
    return places_of(roots, PREFIXES, (TABLE,), Path.is_file)


def _folders(roots: tuple[Path, ...]) -> list[Path]:
    return places_of(
        roots, PREFIXES, (PICTURES,), lambda place: next(place.glob("*.dicom"), None) is not None
    )


@dataclass(frozen=True)
class VindrCxr:
    """Per test picture a question about every finding that has a box."""

    roots: tuple[Path, ...]
    name: str = "vindr_cxr"
    editor: str = "radedit"
    may_show: bool = False
    terms: Terms = TERMS
    levels: Levels = Levels.WINDOWED
    ledger: Ledger = field(default_factory=Ledger, compare=False)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        the_only(_tables(self.roots), f"VinDr-CXR's {TABLE}", TERMS)
        the_only(_folders(self.roots), f"VinDr-CXR's folder {PICTURES}/ of .dicom files", TERMS)

    @classmethod
    def holds(cls, root: Path) -> bool:
        """See `Source`."""
        return bool(_tables((root,)) or _folders((root,)))

    @classmethod
    def parts(cls, roots: tuple[Path, ...]) -> list[CopyPart]:
        """See `source_check.OfFiles`."""
        return [
            part_of(_tables(roots), TABLE),
            part_of(_folders(roots), f"{PICTURES}/<image_id>.dicom"),
        ]

    def splits(self) -> tuple[str, ...]:
        """See `Source`."""
        return ("test",)

    def questions(self, split: str, limit: int | None) -> Iterator[SourceQuestion]:
        """See `Source`."""
        copy = Copy(self.name, _tables(self.roots)[0].name, self.files, self.ledger)
        yield from of_first_pictures(questions_of(self._boxes.found, copy), pictures_wanted(split, limit))

    def picture(self, question: Question) -> Picture:
        """See `Source`."""
        return self.files.read(question, self.levels)

    def asked(self, split: str) -> Mapping[str, int]:
        """See `KnowsRelease`."""
        return asked(self._boxes.found)

    def expected(self, split: str) -> int | None:
        """See `KnowsRelease`; the authors' file names 3,000 pictures."""
        return EXPECTED if len({row.cells["image_id"] for row in self._boxes.rows}) == TEST_PICTURES else None

    @cached_property
    def files(self) -> PictureFiles:
        """See `OfPictureFiles`."""
        folder = _folders(self.roots)[0]
        return PictureFiles(lambda image_id: folder / f"{image_id}.dicom")

    @cached_property
    def _boxes(self) -> _Boxes:
        return _Boxes(_tables(self.roots)[0], self.ledger)

    @classmethod
    def tables(cls) -> tuple[ProjectFile, ...]:
        """See `fetching.remote.Fetchable`."""
        return (ProjectFile(PROJECT, TABLE),)

    @classmethod
    def listed(cls, root: Path) -> list[ListedPicture]:
        """See `fetching.remote.Fetchable`."""
        positions: dict[str, set[int]] = {}
        table = the_only(_tables((root,)), f"VinDr-CXR's {TABLE}", TERMS)
        for position, each in enumerate(_Boxes(table, Ledger()).found):
            positions.setdefault(each.image_id, set()).add(position)
        return [
            ListedPicture(image_id, ProjectFile(PROJECT, f"{PICTURES}/{image_id}.dicom"), frozenset(indices))
            for image_id, indices in positions.items()
        ]


@dataclass(frozen=True)
class _Boxes:
    """The table of boxes, and what the authors ask of it."""

    table: Path
    ledger: Ledger

    @cached_property
    def rows(self) -> list[Row]:
        """All of them."""
        return list(rows_of(self.table, COLUMNS, self.ledger))

    @cached_property
    def found(self) -> list[Annotated]:
        """In the authors' order."""
        groups: dict[tuple[str, str], Annotated] = {}
        for row in self.rows:
            image_id, finding = row.cells["image_id"], row.cells["class_name"]
            if finding == NO_FINDING:
                continue
            if not (safe_name(image_id) and finding):
                self._note(row, Fault.BAD_ROW, "its picture or its finding has no usable name")
                continue
            each = groups.setdefault((image_id, finding), Annotated(image_id, finding, row.number))
            corners = _corners(row)
            if corners is None:
                self._note(row, Fault.BAD_BOX, f"{finding}: its four numbers are no box")
            else:
                each.corners.append((row.number, corners))
        ordered = [groups[key] for key in sorted(groups)]
        for position, each in enumerate(ordered):
            each.position = position
        return ordered

    def _note(self, row: Row, fault: Fault, words: str) -> None:
        self.ledger.note(Entry(self.table.name, row.number, fault, words))


def _corners(row: Row) -> Corners | None:
    """None where a number is missing, NaN or infinite, and where the box is empty or turned."""
    x0, y0, x1, y1 = (number_in(row.cells[column]) for column in COLUMNS[2:])
    return (x0, y0, x1, y1) if -1e6 < x0 < x1 < 1e6 and -1e6 < y0 < y1 < 1e6 else None


SOURCE = VindrCxr
