"""A file becomes a grey picture: the one way in for the library, the command line and the Space."""

from __future__ import annotations

import warnings
from pathlib import Path
from threading import Lock

from medground_bench.core.errors import BadPicture
from medground_bench.core.types import Picture
from medground_bench.pictures.content import DICOM, container_of, what_it_is
from medground_bench.pictures.dicom import read_dicom
from medground_bench.pictures.files import bytes_of
from medground_bench.pictures.greys import Levels
from medground_bench.pictures.radiograph import Radiograph
from medground_bench.pictures.raster import read_raster

_ONE_AT_A_TIME = Lock()


def read_picture(path: str | Path, levels: Levels = Levels.ROBUST) -> Picture:
    """The file as grey uint8 (height, width), upright; BadPicture says in one paragraph what is wrong with it.

    PNG, JPEG, TIFF, BMP, WEBP and, with the extra `dicom`, DICOM; see `radiograph_of`, which also says how it was read.
    What its notes tell, such as that the file has more pages, is a UserWarning here.
    """
    radiograph = radiograph_of(path, levels)
    for note in radiograph.how.notes:
        warnings.warn(f"{path}: {note}", stacklevel=2)
    return radiograph.picture


def radiograph_of(
    path: str | Path, levels: Levels = Levels.ROBUST, *, called: str | None = None
) -> Radiograph:
    """The file as grey uint8 (height, width), upright, and how it was read.

    levels  the rule for files deeper than 8 bits, see `greys`; MIN_MAX also leaves a DICOM file's own window aside
    called  what an error calls the file, its path if not given

    8-bit grey, colour and palette files are converted by luma (ITU-R 601) and are otherwise as they are stored; deeper
    ones, in any colour, are decoded at full depth and brought to 8 bits by the rule. Transparency is laid over black;
    one that is the same everywhere, of whatever strength, hides nothing in particular and is left aside. EXIF and TIFF
    orientation is applied. "Min is white" (MONOCHROME1) is inverted at every depth. Of several pages the first of the
    largest size is read, of an animation the first frame, and the notes tell of the others. What DICOM files say of
    themselves: `dicom`.
    """
    try:
        return decoded(bytes_of(Path(path)), levels)
    except BadPicture as problem:
        raise BadPicture(f"{path if called is None else called}: {problem}") from None


def decoded(content: bytes, levels: Levels = Levels.ROBUST) -> Radiograph:
    """As `radiograph_of`, from the bytes of a file.

    One file at a time, also among threads: that bounds the memory of a server that reads files of many visitors.
    """
    container = container_of(content)
    if container is None:
        raise BadPicture(what_it_is(content))
    with _ONE_AT_A_TIME:
        if container == DICOM:
            return read_dicom(content, levels)
        return read_raster(content, container, levels)
