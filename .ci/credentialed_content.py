"""Refuse files that look like content of a credentialed source: radiographs, identifiers, tables of the source.

A guard for commits, not a proof: it stops what happens by accident. Whatever can hold pixels or rows may stand only
where it is listed here, however small it is. What text may not hold is what publishing refuses as well, and so are the
first bytes of pictures and archives: `builder/publish/patterns.py`. Exit code 1 and one line per file when it speaks.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # nothing needs to be installed for it

from builder.publish.patterns import (  # noqa: E402
    ARCHIVE_STARTS,
    DATA_STARTS,
    compiled,
    distinct_patterns,
    is_picture,
    starts,
)

POOLS = ("medground_bench/anatomy/phantom_pool", "medground_bench/anatomy/ct_pool")
"""Holds the pictures that its manifest lists by digest, all of them phantoms."""

FILMS = "space_app/examples"
"""Holds the public films, with their licences, that its films.json lists by digest."""

PICTURES_AT = ("docs/",)
"""Screenshots and charts; an X-ray on them is a phantom."""

DATA_AT = ("submissions/examples/", "tests/core/answers/")
"""Made-up prediction files, and made-up responses to read."""

OPEN_CT = "medground_bench/training/radiograph/ct/chest.npz"
"""One body under an open licence, by the digest beside it; NOTICE.md there says whose it is."""

LARGEST_PICTURE_BYTES = 400_000
"""A radiograph of native size is larger than a screenshot."""

DATA_COMPLAINT = (
    f"is a data file or an archive; these stand only in {' '.join(DATA_AT)} and, by digest, at {OPEN_CT}"
)

LARGEST_TEXT_BYTES = 5_000_000

PICTURES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".jp2", ".webp", ".gif"}
DATA = {
    ".parquet", ".arrow", ".feather", ".npz", ".npy", ".h5", ".hdf5", ".jsonl", ".zip", ".gz", ".tgz", ".tar", ".7z",
    ".pkl", ".pt",
}  # fmt: skip
NEVER = {".dcm", ".dicom", ".nii", ".mha", ".mhd"}

TABLES = re.compile(
    r"(mimic-cxr-[\w.-]*|cxr-(record|study)-list|image_labels_(train|test)|annotations_(train|test)"
    r"|grounded_reports[\w-]*|master_table|\w+_scenegraph)\.(csv|json|jsonl|parquet)(\.gz)?$",
    re.IGNORECASE,
)
MADE_UP = {"db20dd67280e2011157db09aa4a569e6941c396f0bcfb6c890ad18e76421591b"}
"""Digests of what tests make up: an address with a password."""


def complaint(path: Path) -> str | None:
    """Why a file may not be committed, None when nothing speaks against it."""
    if path.suffix.lower() in NEVER or "dicom" in path.suffix.lower():
        return "is a medical image file"
    if TABLES.search(path.name):
        return "is named like a table of a credentialed source"
    with path.open("rb") as file:
        content = file.read(LARGEST_TEXT_BYTES)
    return _kind_complaint(path, content) or _text_complaint(path, content)


def _kind_complaint(path: Path, content: bytes) -> str | None:
    """Why a file that can hold pixels or rows may not stand where it does."""
    place, suffix = _place(path), path.suffix.lower()
    if content[128:132] == b"DICM":
        return "is a DICOM file"
    if is_picture(content) or suffix in PICTURES:
        return _picture_complaint(path, place)
    if (starts(content, ARCHIVE_STARTS + DATA_STARTS) or suffix in DATA) and not place.startswith(DATA_AT):
        return None if place == OPEN_CT and _is_open_ct(content) else DATA_COMPLAINT
    return None


def _text_complaint(path: Path, content: bytes) -> str | None:
    what = text_complaint(str(path).encode() + b"\n" + content)
    return f"holds {what}" if what else None


def text_complaint(content: bytes) -> str | None:
    """What a file or a message holds that nobody may commit, None when it is nothing."""
    for pattern in distinct_patterns():
        for match in compiled(pattern).finditer(content):
            if hashlib.sha256(match.group()).hexdigest() not in MADE_UP:
                return pattern.what
    return None


def _place(path: Path) -> str:
    """Path within the repository, the whole path for a file outside it."""
    full = path.resolve()
    return (full.relative_to(ROOT) if full.is_relative_to(ROOT) else full).as_posix()


def _picture_complaint(path: Path, place: str) -> str | None:
    if place.startswith(PICTURES_AT):
        size = path.stat().st_size
        return f"is a picture of {size:,} bytes" if size > LARGEST_PICTURE_BYTES else None
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if any(place.startswith(f"{pool}/") and digest in _pool_digests(pool) for pool in POOLS):
        return None
    if place.startswith(f"{FILMS}/") and digest in _film_digests():
        return None
    return (
        f"is a picture; these stand only in {' '.join(PICTURES_AT)} and, by digest, in the manifest.json of "
        f"{' '.join(POOLS)} and in {FILMS}/films.json"
    )


def _is_open_ct(content: bytes) -> bool:
    return (
        hashlib.sha256(content).hexdigest()
        == (ROOT / OPEN_CT).with_suffix(".sha256").read_text("utf-8").strip()
    )


def _pool_digests(pool: str) -> set[str]:
    pictures = json.loads((ROOT / pool / "manifest.json").read_text("utf-8"))["pictures"]
    return {each[kind]["sha256"] for each in pictures for kind in ("picture", "masks")}


def _film_digests() -> set[str]:
    return {each["sha256"] for each in json.loads((ROOT / FILMS / "films.json").read_text("utf-8"))}


def main(names: list[str]) -> int:
    """Check the named files; 1 when one is refused."""
    refused = [
        (name, why) for name in sorted(names) if Path(name).is_file() and (why := complaint(Path(name)))
    ]
    for name, why in refused:
        sys.stderr.write(
            f"{name}: {why}. Credentialed content stays in its own folder, outside the repository.\n"
        )
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
