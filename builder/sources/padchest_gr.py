"""PadChest-GR: grounded findings of 4,555 studies, boxes of two readers, on 16-bit PNG.

A record of the JSON has StudyID, ImageID (with ".png") and findings; a finding has abnormal, labels, boxes and
extra_boxes, the second reader's. A box is [x1, y1, x2, y2] in shares of the picture's width and height, origin
top-left; x2 and y2 are ends, so the box is half-open. The authors multiply and round to whole pixels, here the
fractions stay: the two differ by half a pixel at most. Only abnormal findings with a box are asked about; the finding
is the labels joined by " or ". Where `abnormal` is false, labels and boxes may be absent.

Two files give records. `filtered_studies.json` is the authors' own choice of studies and the only file by which
`release_index` is known: they take records, not patients, the first 2,000 for `test` and the last 100, from the end,
for `tune`, and number the findings. A file too short for both fills `test` first. From the official
`grounded_reports_*.json` the same shares of its own records are taken, and no question has an index. Both may be
there; then the authors' is taken.

Findings of one picture with the same labels are one question with all boxes, as the paper says, though the authors'
code asks about each; they stand as DUPLICATE in the ledger and carry the index of the first.

Patients come from `master_table.csv` (or .csv.zip) by StudyID. Greys: the least and the largest value of a file become
black and white, and fractions are cut off, as the authors do it.
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
from builder.sources._tables import Corners, corners_of, records_in, rows_of
from medground_bench.core.errors import SourceMissing
from medground_bench.core.types import Picture, Question
from medground_bench.fetching.remote import ListedPicture, ProjectFile
from medground_bench.pictures import Levels

TERMS = Terms(
    "BIMCV's form for PadChest-GR and the PadChest Dataset Research Use Agreement",
    "https://bimcv.cipf.es/bimcv-projects/padchest-gr/",
    "grounded_reports_20240819.json or the authors' filtered_studies.json, master_table.csv, PadChest_GR/<ImageID>",
)
CHOSEN, OFFICIAL, PATIENTS, PICTURES = (
    "filtered_studies.json",
    "grounded_reports_20240819.json",
    "master_table.csv",
    "PadChest_GR",
)
PREFIXES = (".", "PadChest-GR", "padchest-gr", "PadChest_GR", "Padchest_GR_files")
TEST_RECORDS, TUNE_RECORDS = 2_000, 100
EXPECTED = {"test": 2_657, "tune": 144}
PATIENT_COLUMNS = ("studyid", "patientid")
UNMATCHED = (
    f"{CHOSEN} is not in the copy: the studies are the first and last of {OFFICIAL}, not the authors' choice, and no "
    "question has an index of theirs"
)
NO_PATIENTS = f"{PATIENTS} is not in the copy, or not once: whose pictures they are is not known"


def _files(roots: tuple[Path, ...], *names: str) -> list[Path]:
    return places_of(roots, PREFIXES, names, Path.is_file)


def _patient_tables(roots: tuple[Path, ...]) -> list[Path]:
    return _files(roots, PATIENTS, f"{PATIENTS}.zip")


def _folders(roots: tuple[Path, ...]) -> list[Path]:
    return places_of(roots, PREFIXES, (PICTURES, "."), _has_pictures)


def _has_pictures(folder: Path) -> bool:
    """By its name too: pictures of this kind lie in many a folder."""
    return folder.name == PICTURES and next(folder.glob("*.png"), None) is not None


@dataclass(frozen=True)
class PadChestGr:
    """Per study a question about every abnormal finding that has a box."""

    roots: tuple[Path, ...]
    name: str = "padchest_gr"
    editor: str = "radedit"
    may_show: bool = False
    terms: Terms = TERMS
    levels: Levels = Levels.MIN_MAX
    ledger: Ledger = field(default_factory=Ledger, compare=False)

    def __post_init__(self) -> None:
        the_only(_files(self.roots, CHOSEN) or _files(self.roots, OFFICIAL), f"{CHOSEN} or {OFFICIAL}", TERMS)
        the_only(_folders(self.roots), f"PadChest-GR's folder {PICTURES}/ of .png files", TERMS)

    @classmethod
    def holds(cls, root: Path) -> bool:
        """See `Source`."""
        return bool(_files((root,), CHOSEN, OFFICIAL) or _folders((root,)))

    @classmethod
    def parts(cls, roots: tuple[Path, ...]) -> list[CopyPart]:
        """See `source_check.OfFiles`."""
        chosen, official = _files(roots, CHOSEN), _files(roots, OFFICIAL)
        return [
            part_of(chosen, CHOSEN, needed=not official),
            part_of(official, OFFICIAL, needed=not chosen),
            part_of(_patient_tables(roots), PATIENTS, needed=False),
            part_of(_folders(roots), f"{PICTURES}/<ImageID>"),
        ]

    @property
    def notes(self) -> tuple[str, ...]:
        """See `KnowsRelease`."""
        told = () if self._chosen else (UNMATCHED,)
        return told if len(_patient_tables(self.roots)) == 1 else (*told, NO_PATIENTS)

    @classmethod
    def tables(cls) -> tuple[ProjectFile, ...]:
        """See `fetching.remote.Fetchable`: there are none."""
        raise SourceMissing(
            "PadChest-GR is not on PhysioNet, and no account fetches it: BIMCV gives it, 36 GB in parts, to whoever "
            f"sends its form and accepts its agreement. It takes: {TERMS.agreement}, at {TERMS.page}. After "
            f"that, put into one folder: {TERMS.layout}."
        )

    @classmethod
    def listed(cls, root: Path) -> list[ListedPicture]:
        """See `fetching.remote.Fetchable`."""
        return []

    def splits(self) -> tuple[str, ...]:
        """See `Source`."""
        return ("test", "tune")

    def questions(self, split: str, limit: int | None) -> Iterator[SourceQuestion]:
        """See `Source`."""
        copy = Copy(self.name, self._file.name, self.files, self.ledger)
        yield from of_first_pictures(questions_of(self._found[split], copy), pictures_wanted(split, limit))

    def picture(self, question: Question) -> Picture:
        """See `Source`."""
        return self.files.read(question, self.levels)

    def asked(self, split: str) -> Mapping[str, int]:
        """See `KnowsRelease`."""
        return asked(self._found[split])

    def expected(self, split: str) -> int | None:
        """See `KnowsRelease`; the authors' own file has records for both splits, without a study in both."""
        whole = self._chosen and len(self._records) >= TEST_RECORDS + TUNE_RECORDS
        return EXPECTED[split] if whole else None

    @property
    def _chosen(self) -> bool:
        return self._file.name == CHOSEN

    @cached_property
    def _file(self) -> Path:
        return (_files(self.roots, CHOSEN) or _files(self.roots, OFFICIAL))[0]

    @cached_property
    def _records(self) -> list[object]:
        return records_in(self._file)

    @cached_property
    def files(self) -> PictureFiles:
        """See `OfPictureFiles`."""
        folder = _folders(self.roots)[0]
        return PictureFiles(lambda image_id: folder / f"{image_id}.png")

    @cached_property
    def _patients(self) -> dict[str, str]:
        """Study -> patient."""
        tables = _patient_tables(self.roots)
        rows = rows_of(tables[0], PATIENT_COLUMNS, self.ledger) if len(tables) == 1 else iter(())
        return {row.cells["studyid"]: row.cells["patientid"] for row in rows if row.cells["patientid"]}

    @cached_property
    def _found(self) -> dict[str, list[Annotated]]:
        """Split -> findings in the authors' order."""
        numbered = list(enumerate(self._records, start=1))
        rest = numbered[TEST_RECORDS:]
        chosen = {"test": numbered[:TEST_RECORDS], "tune": rest[-TUNE_RECORDS:][::-1]}
        found = {}
        for split, records in chosen.items():
            found[split] = [each for number, record in records for each in self._findings(number, record)]
            for position, each in enumerate(found[split]):
                each.position = position if self._chosen else None
        return found

    def _findings(self, number: int, record: object) -> Iterator[Annotated]:
        """The abnormal findings of a record that have a box."""
        image = record.get("ImageID") if isinstance(record, dict) else None
        findings = record.get("findings") if isinstance(record, dict) else None
        if not (isinstance(record, dict) and isinstance(image, str) and isinstance(findings, list)):
            self._note(number, Fault.BAD_ROW, "the record has no ImageID or no list of findings")
            return
        if not safe_name(image):
            self._note(number, Fault.BAD_ROW, "its ImageID is no name of a file")
            return
        for finding in findings:
            if isinstance(finding, dict) and finding.get("abnormal") is not True:
                continue
            each = self._annotated(number, image.removesuffix(".png"), finding)
            if each is not None:
                each.patient_id = self._patients.get(str(record.get("StudyID")))
                yield each

    def _annotated(self, number: int, image_id: str, finding: object) -> Annotated | None:
        """A finding with its boxes; None where it has none, or is not what it should be."""
        parts = finding if isinstance(finding, dict) else {}
        labels, boxes, more = parts.get("labels"), parts.get("boxes", []), parts.get("extra_boxes", [])
        if not (isinstance(labels, list) and isinstance(boxes, list) and isinstance(more, list)):
            self._note(number, Fault.BAD_ROW, "a finding is not what it should be")
            return None
        if not labels or not all(isinstance(label, str) and label.strip() for label in labels):
            self._note(number, Fault.BAD_ROW, "a finding has no label")
            return None
        if not boxes and not more:
            return None
        each = Annotated(image_id, " or ".join(labels), number, relative=True)
        for box in (*boxes, *more):
            corners = corners_of(box)
            if corners is None or not _in_order(corners):
                self._note(number, Fault.BAD_BOX, f"{each.finding}: a box is not four shares in order")
            else:
                each.corners.append((number, corners))
        return each

    def _note(self, number: int, fault: Fault, words: str) -> None:
        self.ledger.note(Entry(self._file.name, number, fault, words))


def _in_order(corners: Corners) -> bool:
    x0, y0, x1, y1 = corners
    return x0 < x1 and y0 < y1


SOURCE = PadChestGr
