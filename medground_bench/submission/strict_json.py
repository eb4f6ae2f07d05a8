"""Untrusted bytes -> numbered lines -> JSON objects, strictly and within bounds of time and memory. Pure."""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping

from medground_bench.submission.problems import Code, Refused, kind, shown

MAX_BYTES = 32 * 2**20
"""Of the upload, and of what it expands to."""

MAX_LINE_CHARACTERS = 256 * 2**10
MAX_LINES = 100_000
MAX_GZIP_RATIO = 200
MAX_GZIP_MEMBERS = 64
LINE_HINT = 'One object a line: {"case_id": ..., "boxes": ...}.'

FOREIGN = {
    b"\x1f\x8b": "gzip inside gzip",
    b"PK\x03\x04": "a zip archive",
    b"\x93NUMPY": "a numpy file",
    b"\x89HDF": "an HDF5 file",
    b"\x80\x02": "a pickle",
    b"\x80\x03": "a pickle",
    b"\x80\x04": "a pickle",
    b"\x80\x05": "a pickle",
    b"PAR1": "a parquet file",
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"%PDF": "a PDF",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ": "an xz file",
    b"7z\xbc\xaf": "a 7z archive",
    b"\x28\xb5\x2f\xfd": "a zstandard file",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
}
"""First bytes of what people upload by mistake, or to see what happens; none of it is ever opened."""


def _text(upload: bytes) -> str:
    if len(upload) > MAX_BYTES:
        message = f"{len(upload):,} bytes; at most {MAX_BYTES:,} are read. Send one track a file."
        raise Refused(Code.TOO_LARGE, message)
    raw = _expanded(upload) if upload.startswith(b"\x1f\x8b") else upload
    foreign = next((what for magic, what in FOREIGN.items() if raw.startswith(magic)), None)
    foreign = "a tar archive" if raw[257:262] == b"ustar" else foreign
    if foreign:
        message = f"this is {foreign}. Send UTF-8 JSON lines (.jsonl), plain or gzip (.jsonl.gz)."
        raise Refused(Code.NOT_JSON_LINES, message)
    null = raw.find(b"\0")
    if null >= 0:
        raise Refused(Code.NULL_BYTE, f"there is a null byte at byte {null}; that is no text.")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        message = f"not UTF-8 at byte {error.start} (line {line}). Save it as UTF-8."
        raise Refused(Code.BAD_UTF8, message) from None
    return text.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")


def _expanded(upload: bytes) -> bytes:
    """The content of a gzip file; stops at the caps while inflating, so a bomb costs no more than they allow."""
    pieces, size, rest = [], 0, upload
    for _ in range(MAX_GZIP_MEMBERS):
        inflater = zlib.decompressobj(wbits=31)
        try:
            pieces.append(inflater.decompress(rest, MAX_BYTES + 1 - size))
        except zlib.error:
            raise Refused(Code.GZIP_BROKEN, "damaged gzip. Compress it again.") from None
        size += len(pieces[-1])
        if size > MAX_BYTES or size > max(2**20, MAX_GZIP_RATIO * len(upload)):
            message = f"it expands to more than {MAX_BYTES:,} bytes or {MAX_GZIP_RATIO} times its size."
            raise Refused(Code.GZIP_BOMB, message)
        if not inflater.eof:
            raise Refused(Code.GZIP_BROKEN, "gzip that ends too early. Upload it again.")
        rest = inflater.unused_data
        if not rest:
            return b"".join(pieces)
    raise Refused(Code.GZIP_BOMB, f"more than {MAX_GZIP_MEMBERS} gzip members. Compress it in one go.")


def text_lines(upload: bytes) -> Iterator[tuple[int, str]]:
    r"""Lines that are not blank, numbered from 1, of UTF-8 text, plain or gzip; CRLF and a BOM are accepted.

    >>> [*text_lines(b'{"case_id": "a"}\r\n\r\n{"case_id": "b"}')]
    [(1, '{"case_id": "a"}'), (3, '{"case_id": "b"}')]
    """
    text = _text(upload)
    if text.count("\n") > MAX_LINES:
        raise Refused(Code.TOO_LARGE, f"more than {MAX_LINES:,} lines. Send one track a file.")
    if not text.strip():
        raise Refused(Code.EMPTY_FILE, "there is no line in it.")
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line.removesuffix("\r")


def json_object(line: str, hint: str = LINE_HINT) -> Mapping[str, object]:
    """The object of one line; numbers that are not finite come through as float, for the caller to name.

    hint  what is wanted, for whoever sent something else

    >>> json_object('{"case_id": "a", "boxes": [[0, 0, 1e999, 9]]}')["boxes"]
    [[0, 0, inf, 9]]
    >>> json_object("[1, 2]")
    Traceback (most recent call last):
    medground_bench.submission.problems.Refused: a list, not an object. One object a line: {...
    """
    if len(line) > MAX_LINE_CHARACTERS:
        message = f"{len(line):,} characters; at most {MAX_LINE_CHARACTERS:,} a line are read."
        raise Refused(Code.TOO_LARGE, message)
    try:
        value = STRICT_JSON.decode(line)
    except RecursionError:
        raise Refused(Code.TOO_DEEP, f"nested too deep. {hint}") from None
    except json.JSONDecodeError as error:
        message = f"not JSON at character {error.pos + 1}: {error.msg}. {hint}"
        raise Refused(Code.BAD_JSON, message) from None
    if not isinstance(value, dict):
        raise Refused(Code.NOT_AN_OBJECT, f"{kind(value)}, not an object. {hint}")
    return value


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    keys = Counter(key for key, _ in pairs)
    entry = dict(pairs)
    repeated = next((key for key, times in keys.items() if times > 1), None)
    if repeated is not None:
        case = entry.get("case_id") if repeated != "case_id" else None
        message = f"the key {shown(repeated)} stands in it more than once."
        raise Refused(Code.DUPLICATE_KEY, message, shown(case) if isinstance(case, str) else None)
    return entry


def _integer(digits: str) -> int | float:
    """An int where it is short; a long one as float, in linear time (5,000 digits become infinity)."""
    return int(digits) if len(digits) <= 18 else float(digits)


STRICT_JSON = json.JSONDecoder(
    object_pairs_hook=_without_duplicates, parse_int=_integer, parse_float=float, parse_constant=float
)
"""Numbers that are not finite come through as such, so that the problem can name the box they stand in."""
