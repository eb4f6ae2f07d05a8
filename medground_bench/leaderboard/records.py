"""What a store keeps of a submission: its record, the edition of the benchmark that it answers, its receipt.

A record never changes. It holds the boxes and what was said about them, the submitter under a pseudonym, and neither a
score nor anything of the expert boxes. Same submission, same bytes.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from itertools import chain
from typing import Any, TypeAlias

from medground_bench.core.errors import MedgroundError
from medground_bench.storage.whole_files import Plain, fingerprint
from medground_bench.submission.metadata import Metadata, TrainingData

Json: TypeAlias = dict[str, Any]  # json.loads gives no types: who reads an object makes its own record of it

ID_DIGITS = 20
CASE_LISTS = "cases/"


class BadRecord(MedgroundError):
    """A file of a store that is not what its name says."""


@dataclass(frozen=True, slots=True)
class Edition:
    """What rows of one board have in common: the benchmark, its revision, and the protocol that scored them."""

    dataset: str
    revision: str
    protocol: int

    @property
    def key(self) -> str:
        """How files of this edition are called."""
        return f"v{self.protocol}-{self.revision[:12]}"

    def same_cases(self, other: Edition) -> bool:
        """Whether both are of one revision of one benchmark, under whatever protocol."""
        return (self.dataset, self.revision) == (other.dataset, other.revision)

    def under(self, protocol: int) -> Edition:
        """The same benchmark under another protocol."""
        return replace(self, protocol=protocol)


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionRecord:
    """One submission as it was accepted.

    person       pseudonym; who it is stands in a file of its own, from which a name can be taken out
    file_sha256  of the uploaded bytes
    lines        the file's lines as `submission` read them, in the order of case ids
    """

    id: str
    person: str
    file_sha256: str
    dataset: str
    dataset_revision: str
    tracks: tuple[str, ...]
    metadata: Metadata
    lines: tuple[Json, ...]

    @property
    def name(self) -> str:
        """The file that holds it."""
        return record_name(self.id)

    @property
    def upload(self) -> bytes:
        """Its boxes as a prediction file, for the one parser that reads them."""
        return b"".join(json.dumps(line).encode() + b"\n" for line in self.lines)

    @property
    def boxes(self) -> dict[str, list[list[float]]]:
        """Its boxes by case id."""
        return {line["case_id"]: line["boxes"] for line in self.lines}

    @classmethod
    def said(cls, content: bytes) -> Metadata:
        """What is said about the submission in a record's file, without reading its boxes; BadRecord as in `of`."""
        head = content.partition(b"\n")[0].rstrip(b",")
        return cls.of(head + b', "lines": []}').metadata

    @classmethod
    def some_boxes(cls, content: bytes, about: int) -> dict[str, list[list[float]]]:
        """The boxes of about so many cases of a record's file, spread over it, without reading the others."""
        lines = content.splitlines()[2:-1]
        some = (json.loads(line.rstrip(b",")) for line in lines[:: max(1, len(lines) // about)])
        return {line["case_id"]: line["boxes"] for line in some}

    def content(self) -> bytes:
        """Same record, same bytes; a line a case."""
        head = asdict(replace(self, lines=())) | {"metadata": self.metadata.as_json()}
        head.pop("lines")
        lines = ",\n".join(json.dumps(line, sort_keys=True) for line in self.lines)
        return f'{{"about": {json.dumps(head, sort_keys=True)},\n"lines": [\n{lines}\n]}}\n'.encode("ascii")

    @classmethod
    def of(cls, content: bytes) -> SubmissionRecord:
        """The record in a file; BadRecord where there is none."""
        try:
            saved = json.loads(content)
            about = saved["about"]
            metadata = _accepted(about.pop("metadata"))
            about["tracks"] = tuple(about["tracks"])
            return cls(metadata=metadata, lines=tuple(saved["lines"]), **about)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadRecord(f"a file of the store is no record of a submission ({error})") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a submitter keeps; the same for every retry, and however it was sent.

    status  as of now: "scored", "held" for review, "withdrawn" ...
    tracks  of the board under which its row stands, those that it answers: `LVLM MODE, LVLM MODE`
    entry   hash of the log's entry that accepted it
    """

    id: str
    status: str
    method: str
    tracks: str
    file_sha256: str
    dataset: str
    dataset_revision: str
    protocol: int
    received_at: str
    entry: str
    link: str

    def as_json(self) -> dict[str, str | int]:
        """One flat object."""
        return asdict(self)

    @classmethod
    def of(cls, given: Json) -> Receipt:
        """The receipt in an object; BadRecord where there is none."""
        try:
            return cls(**given)
        except TypeError as error:
            raise BadRecord(f"what came back is no receipt ({error})") from error


def _accepted(said: Json) -> Metadata:
    """What was accepted with a submission, by type alone: today's rules are for what is handed in today."""
    made = Metadata(**said | {"training_data": TrainingData(said["training_data"])})
    given = [*made.lvlm_revisions.items(), *made.versions.items()]
    texts = [made.method, *filter(None, (made.about, made.code, made.dataset_revision)), *chain(*given)]
    if not all(isinstance(text, str) for text in texts) or not isinstance(made.seed, int | None):
        raise TypeError("what is said of it has other types")
    return made


def submission_id(person: str, file_sha256: str, metadata: Metadata, edition: Edition) -> str:
    """By content: the same bytes with the same words by the same person, for the same cases, are one submission."""
    said: Plain = json.loads(json.dumps(metadata.as_json()))
    key = fingerprint(
        person=person, file=file_sha256, said=said, dataset=edition.dataset, revision=edition.revision
    )
    return key[:ID_DIGITS]


def receipt_address(identity: str) -> str:
    """What of a Space's address leads to a receipt, for good."""
    return f"tab=submit&receipt={identity}"


def record_name(identity: str) -> str:
    """The file of a submission's record."""
    return f"submissions/{identity}.json"


def scores_name(identity: str, edition: Edition) -> str:
    """The file of what a submission scores under an edition's protocol."""
    return f"scores/{edition.key}/{identity}.json"


def cases_name(edition: Edition) -> str:
    """The file of an edition's cases, without their boxes; another protocol may say other things of them."""
    return f"{CASE_LISTS}{edition.key}.json"


def kept_board_name(edition: Edition, entries: int) -> str:
    """The file of an edition's board as it was closed after so many entries: it may be opened again, and closed."""
    return f"boards/{edition.key}-{entries}.json"
