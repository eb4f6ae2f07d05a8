"""Refuse files that look like content of a credentialed source: radiographs, identifiers, tables of the source.

A guard for commits, not a proof: it stops what happens by accident. Exit code 1 and one line per file when it speaks.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

LARGEST_PICTURE_BYTES = 400_000
"""Shipped pictures are phantoms and thumbnails; a radiograph of native size is larger."""

LARGEST_TEXT_BYTES = 5_000_000

PICTURE_STARTS = (b"\x89PNG", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"BM", b"\0\0\0\x0cjP", b"RIFF")
NEVER = {".dcm", ".dicom", ".nii", ".mha", ".mhd"}

TABLES = re.compile(
    r"(mimic-cxr-[\w.-]*|cxr-(record|study)-list|image_labels_(train|test)|annotations_(train|test)"
    r"|grounded_reports[\w-]*|master_table|\w+_scenegraph)\.(csv|json|jsonl|parquet)(\.gz)?$",
    re.IGNORECASE,
)
IDENTIFIERS = {
    "a MIMIC-CXR path": re.compile(rb"\bp1\d/p1\d{7}\b|\bp1\d{7}/s5\d{7}\b"),
    "a MIMIC-CXR image id": re.compile(rb"\b[0-9a-f]{8}(?:-[0-9a-f]{8}){4}\b"),
    "a PadChest image id": re.compile(rb"\b\d{20,}_\d{2}-\d{3}-\d{3}\b"),
    "a DICOM instance UID": re.compile(rb"\b1\.2\.(?:840|276|826|392)\.\d+(?:\.\d+){4,}\b"),
}


def complaint(path: Path) -> str | None:
    """Why a file may not be committed, None when nothing speaks against it."""
    if path.suffix.lower() in NEVER or "dicom" in path.suffix.lower():
        return "is a medical image file"
    if TABLES.search(path.name):
        return "is named like a table of a credentialed source"
    with path.open("rb") as file:
        content = file.read(LARGEST_TEXT_BYTES)
    if content[128:132] == b"DICM":
        return "is a DICOM file"
    if content.startswith(PICTURE_STARTS):
        size = path.stat().st_size
        return f"is a picture of {size:,} bytes" if size > LARGEST_PICTURE_BYTES else None
    for what, pattern in IDENTIFIERS.items():
        if pattern.search(str(path).encode() + b"\n" + content):
            return f"holds {what}"
    return None


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
