"""The picture files of a copy: their sizes from their headers, their greys by the library's reader."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Callable
from pathlib import Path

from medground_bench.core.errors import BadPicture
from medground_bench.core.types import Frame, Picture, Question
from medground_bench.pictures import Levels, radiograph_of
from medground_bench.pictures.codestreams import frame_of
from medground_bench.pictures.content import container_of
from medground_bench.pictures.dicom_header import faults, whole_number
from medground_bench.pictures.sizes import demand_size

HEADER_BYTES = 1 << 18
"""In which the size of a PNG or JPEG stands; a JPEG with more before it is read on."""


class PictureFiles:
    """Pictures by their ids; the header of each is read once.

    path_of  image id -> where its file is, or should be
    """

    def __init__(self, path_of: Callable[[str], Path]) -> None:
        self.path_of = path_of
        self._frames: dict[str, Frame | BadPicture] = {}

    def is_there(self, image_id: str) -> bool:
        """Whether there is a file."""
        return self.path_of(image_id).is_file()

    def frame(self, image_id: str) -> Frame:
        """The native frame by the file's header; BadPicture where it says none."""
        if image_id not in self._frames:
            try:
                self._frames[image_id] = frame_in(self.path_of(image_id))
            except BadPicture as problem:
                self._frames[image_id] = problem
        known = self._frames[image_id]
        if isinstance(known, BadPicture):
            raise known
        return known

    def read(self, question: Question, levels: Levels) -> Picture:
        """The native picture; BadPicture for one that cannot be read or has another size than its question."""
        path = self.path_of(question.image_id)
        picture = radiograph_of(path, levels).picture
        if Frame.native_of(picture) != question.native:
            raise BadPicture(
                f"{path}: has {picture.shape[1]} x {picture.shape[0]} px, but its boxes are in pixels of "
                f"{question.native.width} x {question.native.height}. It was turned or replaced; copy it again."
            )
        return picture


def frame_in(path: Path) -> Frame:
    """The size that a PNG, JPEG or DICOM file says of itself; no pixel is decoded."""
    try:
        with path.open("rb") as file:
            start = file.read(HEADER_BYTES)
    except OSError as error:
        raise BadPicture(f"cannot be opened ({error.strerror}).") from None
    container = container_of(start)
    if container == "PNG":
        width, height = struct.unpack(">II", start[16:24].ljust(8, b"\0"))
    elif container == "JPEG":
        header = frame_of(start) or frame_of(path.read_bytes())
        width, height = (header.width, header.height) if header else (0, 0)
    elif container == "DICOM":
        width, height = _size_in_dicom(path)
    else:
        raise BadPicture("is no PNG, JPEG or DICOM file, or is empty.")
    demand_size(width, height)
    return Frame.native(width, height)


def _size_in_dicom(path: Path) -> tuple[int, int]:
    """Width and height; a deflated file, which may unfold to gigabytes and is not read anyway, is refused before."""
    try:
        import pydicom
        from pydicom.filereader import read_file_meta_info
        from pydicom.uid import DeflatedExplicitVRLittleEndian
    except ImportError:
        raise BadPicture("is a DICOM file, which needs pip install 'medground-bench[dicom]'.") from None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they may quote the file
        try:
            if read_file_meta_info(path).get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
                raise BadPicture("is a deflated DICOM file, which is not read.")
            header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=["Rows", "Columns"])
        except faults():
            raise BadPicture("is a DICOM file that is damaged or cut off.") from None
    return whole_number(header, "Columns"), whole_number(header, "Rows")
