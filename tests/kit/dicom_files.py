"""DICOM files in which one thing is other than in a good one: an element, a frame, a run of bytes."""

from __future__ import annotations

import io
import struct

import numpy as np
from pydicom import Dataset, dcmwrite
from pydicom.encaps import encapsulate

from tests.kit.containers import dataset, deep, phantom

TWELVE = deep(phantom(), "u2", 16, 0)
"""The phantom in 12 bits."""

MARK = "MUSTERMANN"
"""What no message may quote: it stands where a patient's name would."""

ROWS = struct.pack("<HH2sH", 0x28, 0x10, b"US", 2)
"""What stands before the number of rows."""


def written(made: Dataset) -> bytes:
    file = io.BytesIO()
    dcmwrite(file, made, enforce_file_format=True)
    return file.getvalue()


def stored_in(syntax: str, body: bytes, values: np.ndarray, **elements: object) -> bytes:
    """A file whose frame is other than its header says."""
    made = dataset(values)
    made.file_meta.TransferSyntaxUID = syntax
    made.PixelData = encapsulate([body])
    made["PixelData"].VR = "OB"
    for keyword, value in elements.items():
        setattr(made, keyword, value)
    return written(made)


def patched(content: bytes, before: bytes, after: bytes) -> bytes:
    """The file with other bytes, as many, in the one place where those stand."""
    assert content.count(before) == 1 and len(before) == len(after)
    return content.replace(before, after)
