"""Bytes to lines to objects: what is read, and what is refused by content. Every attack is made here, at test time."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import time
import zipfile

import numpy as np
import pytest

from medground_bench.submission.problems import Refused
from medground_bench.submission.strict_json import (
    MAX_BYTES,
    MAX_GZIP_MEMBERS,
    MAX_LINES,
    json_object,
    text_lines,
)

LINE = b'{"case_id": "phantom/a/mass@tiny:direct", "boxes": [[1, 2, 3, 4]]}'


def short(value):
    """Names of parametrised tests stay short, whatever the upload."""
    return value if isinstance(value, str) and len(value) < 30 else "upload"


def zipped():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("../../predictions.jsonl", LINE)
    return buffer.getvalue()


def tarred():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("../../etc/passwd"))
    return buffer.getvalue()


def numpied():
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3))
    return buffer.getvalue()


def test_lines_keep_their_numbers_and_blank_ones_are_passed_over():
    upload = b"\xef\xbb\xbf" + LINE + b"\r\n\n  \n" + LINE
    assert list(text_lines(upload)) == [(1, LINE.decode()), (4, LINE.decode())]
    assert list(text_lines(gzip.compress(upload))) == list(text_lines(upload))


def test_an_object_keeps_its_numbers_even_those_that_are_not_finite():
    read = json_object('{"a": [1, 2.5, 1e999, -Infinity, NaN, 123456789012345678901]}')["a"]
    assert read[:4] == [1, 2.5, float("inf"), float("-inf")] and read[4] != read[4]
    assert read[5] == 123456789012345678901.0 and isinstance(read[5], float)


@pytest.mark.parametrize(
    ("upload", "code", "said"),
    [
        (b"", "EMPTY_FILE", "no line"),
        (b" \n\r\n ", "EMPTY_FILE", "no line"),
        (gzip.compress(b""), "EMPTY_FILE", "no line"),
        (zipped(), "NOT_JSON_LINES", "zip archive"),
        (tarred(), "NOT_JSON_LINES", "tar archive"),
        (gzip.compress(tarred()), "NOT_JSON_LINES", "tar archive"),
        (numpied(), "NOT_JSON_LINES", "numpy"),
        (b"\x80\x04\x95\x10\x00cos\nsystem\n", "NOT_JSON_LINES", "pickle"),
        (b"\x89HDF\r\n\x1a\n", "NOT_JSON_LINES", "HDF5"),
        (gzip.compress(gzip.compress(LINE)), "NOT_JSON_LINES", "gzip inside gzip"),
        (LINE.decode().encode("utf-16"), "NOT_JSON_LINES", "UTF-16"),
        (LINE + b"\n\xff", "BAD_UTF8", f"byte {len(LINE) + 1} (line 2)"),
        (b'{"case_id": "\xed\xa0\x80"}', "BAD_UTF8", "byte 13"),
        (b"\xef\xbb\xbf{}\xff", "BAD_UTF8", "byte 5"),
        (b'{"a":\0}', "NULL_BYTE", "byte 5"),
        (gzip.compress(LINE)[:-9], "GZIP_BROKEN", "too early"),
        (gzip.compress(LINE) + b"more", "GZIP_BROKEN", "damaged"),
        (b"\x1f\x8bgarbage", "GZIP_BROKEN", "damaged"),
        (gzip.compress(bytes(50_000_000)), "GZIP_BOMB", "expands"),
        (gzip.compress(b" " * 3_000_000), "GZIP_BOMB", "200 times"),
        (gzip.compress(b" ") * (MAX_GZIP_MEMBERS + 1), "GZIP_BOMB", "members"),
        (b"\n" * (MAX_LINES + 1), "TOO_LARGE", "lines"),
        (b" " * (MAX_BYTES + 1), "TOO_LARGE", "bytes"),
    ],
    ids=short,
)
def test_other_files_are_refused_by_content_in_bounded_time(upload, code, said):
    start = time.process_time()
    with pytest.raises(Refused) as refused:
        list(text_lines(upload))
    assert (refused.value.code, refused.value.case_id) == (code, None)
    assert said in refused.value.message
    assert time.process_time() - start < 2


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("[1, 2]", "NOT_AN_OBJECT", "a list"),
        ("hello", "BAD_JSON", "not JSON at character 1"),
        ('{"a": 1} {}', "BAD_JSON", "One object a line"),
        ("[" * 100_000, "TOO_DEEP", "nested too deep"),
        ('{"a": 1, "b": {"c": 1, "c": 2}}', "DUPLICATE_KEY", "the key c"),
        (" " * 300_000 + "{}", "TOO_LARGE", "characters"),
    ],
    ids=short,
)
def test_a_line_that_is_no_plain_object_is_refused(line, code, said):
    with pytest.raises(Refused) as refused:
        json_object(line)
    assert refused.value.code == code and said in refused.value.message


def test_a_key_that_stands_twice_is_said_with_the_case_it_stands_in():
    with pytest.raises(Refused) as refused:
        json_object(json.dumps({"case_id": "b", "boxes": []}).replace("}", ', "boxes": [1]}'))
    assert (refused.value.code, refused.value.case_id) == ("DUPLICATE_KEY", "b")
