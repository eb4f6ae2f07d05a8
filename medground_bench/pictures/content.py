"""What a file is, by its content; its name is not asked. Pure: bytes in, words out."""

from __future__ import annotations

import struct

RASTERS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP")
"""The only decoders of Pillow that an untrusted file may reach."""

DICOM = "DICOM"
READ = (*RASTERS, DICOM)

_STARTS = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
    b"BM": "BMP",
}
_OTHERS = (
    (0, b"PK\3\4", "a zip archive. Unpack it first."),
    (0, b"\x1f\x8b", "a gzip archive, such as .nii.gz or .tar.gz. Unpack it first."),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive. Unpack it first."),
    (0, b"Rar!", "a RAR archive. Unpack it first."),
    (0, b"BZh", "a bzip2 archive. Unpack it first."),
    (0, b"\xfd7zXZ\0", "an xz archive. Unpack it first."),
    (0, b"\x28\xb5\x2f\xfd", "a zstd archive. Unpack it first."),
    (257, b"ustar", "a tar archive. Unpack it first."),
    (344, b"n+1\0", "a NIfTI volume. Export one view of it as"),
    (344, b"ni1\0", "a NIfTI volume. Export one view of it as"),
    (4, b"n+2\0", "a NIfTI volume. Export one view of it as"),
    (0, b"NRRD", "an NRRD volume. Export one view of it as"),
    (0, b"ObjectType", "a MetaImage volume. Export one view of it as"),
    (0, b"\x89HDF", "an HDF5 file. Export one view of it as"),
    (0, b"\x93NUMPY", "a NumPy array. Save it as"),
    (0, b"PAR1", "a parquet table. Save one picture of it as"),
    (0, b"%PDF", "a PDF document. Export the picture from it as"),
    (0, b"%!PS", "a PostScript document. Export the picture from it as"),
    (
        0,
        b"GIF8",
        "a GIF picture, which has too few greys for a radiograph. Go back to the original, and save it as",
    ),
    (0, b"\0\0\0\x0cjP  ", "a JPEG 2000 file outside DICOM. Convert it to"),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000 file outside DICOM. Convert it to"),
    (0, b"\xff\x0a", "a JPEG XL file. Convert it to"),
    (0, b"\0\0\0\x0cJXL ", "a JPEG XL file. Convert it to"),
    (4, b"ftyphei", "a HEIC photograph. Convert it to"),
    (4, b"ftypmif", "a HEIC photograph. Convert it to"),
    (4, b"ftypavi", "an AVIF picture. Convert it to"),
    (4, b"ftyp", "a film. Export one frame of it as"),
    (0, b"P2\n", "a PGM picture. Convert it to"),
    (0, b"P5\n", "a PGM picture. Convert it to"),
    (0, b"P6\n", "a PPM picture. Convert it to"),
    (0, b"8BPS", "a Photoshop file. Export it as"),
    (0, b"\xd0\xcf\x11\xe0", "an office document. Export the picture from it as"),
    (0, b"\x7fELF", "a program. Choose the picture."),
    (
        0,
        b"version https://git-lfs",
        "a pointer of Git LFS, not the picture itself. Fetch it with `git lfs pull`.",
    ),
)
START_OF_SCAN, END_OF_JPEG = 0xDA, b"\xff\xd9"
_VRS = b"AE AS AT CS DA DS DT FD FL IS LO LT OB OD OF OL OV OW PN SH SL SQ SS ST SV TM UC UI UL UN UR US UT UV".split()
_WEB_PAGES = (b"<!doctype html", b"<html")


def container_of(content: bytes) -> str | None:
    """One of `READ`, or None for anything else."""
    if content[128:132] == b"DICM" or bare_data_set(content):
        return DICOM
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "WEBP"
    return next((name for start, name in _STARTS.items() if content.startswith(start)), None)


def bare_data_set(content: bytes) -> str | None:
    """How a DICOM file without its 128 bytes of preamble goes on: `meta`, `explicit`, `implicit`; None for no such.

    A file header (group 2), or data (group 8) with the types of its elements written out or not; little endian.
    """
    if len(content) < 16:
        return None
    group, element = struct.unpack("<HH", content[:4])
    written_out = content[4:6] in _VRS
    if group == 2 and element <= 2 and written_out:
        return "meta"
    if group != 8 or element > 0x60:
        return None
    if written_out:
        return "explicit"
    (length,) = struct.unpack("<I", content[4:8])
    return "implicit" if length <= min(256, len(content) - 8) else None


def what_it_is(content: bytes) -> str:
    """The end of a sentence about a file that is none of `READ`: what it is, and what to do."""
    accepted = f"{', '.join(RASTERS[:-1])} or {RASTERS[-1]}, or give the DICOM file"
    for place, start, name in _OTHERS:
        if content[place : place + len(start)] == start:
            return f"is {name if name.endswith('.') else f'{name} {accepted}.'}"
    head = content[:1000]
    if head.lstrip().lower().startswith(_WEB_PAGES):
        return "is a web page, perhaps the one that asks to log in. Download the picture again."
    if _is_text(head):
        return f"cannot be read as a picture: it is a text file. Save the picture as {accepted}."
    return f"cannot be read as a picture, or is damaged. Accepted: {', '.join(READ)}; try opening it in a viewer."


def another_behind(content: bytes, container: str) -> bool:
    """Whether a second picture follows the first within a PNG, JPEG, WEBP or BMP, the files that say where they end."""
    ends = {"PNG": _end_of_png, "JPEG": _end_of_jpeg, "WEBP": _end_of_riff, "BMP": _end_of_bmp}
    if container not in ends:
        return False
    return container_of(content[ends[container](content) :]) is not None


def _end_of_png(content: bytes) -> int:
    at = 8
    while at + 12 <= len(content):
        length = int.from_bytes(content[at : at + 4], "big")
        kind, at = content[at + 4 : at + 8], at + 12 + length
        if kind == b"IEND":
            return at
    return len(content)


def _end_of_jpeg(content: bytes) -> int:
    """Behind the end mark after the scans; marks in the segments before, such as a thumbnail's, do not count."""
    at = 2
    while at + 4 <= len(content) and content[at] == 0xFF and content[at + 1] != START_OF_SCAN:
        at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
    end = content.find(END_OF_JPEG, at)
    return len(content) if end < 0 else end + len(END_OF_JPEG)


def _end_of_riff(content: bytes) -> int:
    length = int.from_bytes(content[4:8], "little")
    return 8 + length + length % 2


def _end_of_bmp(content: bytes) -> int:
    length = int.from_bytes(content[2:6], "little")
    return max(length, 54)


def _is_text(head: bytes) -> bool:
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4:
            return False
    return all(byte >= 32 or byte in b"\t\n\r\f" for byte in head)
