"""The bytes of a picture file, and what a picture is called by its file."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from medground_bench.core.errors import BadPicture

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".dcm", ".dicom")
"""How the names of picture files end; what a file is, its content decides."""

LARGEST_FILE_BYTES = 1 << 29


def picture_name(path: Path) -> str:
    """A file's name without its picture suffix: `scan` of scan.PNG, but 1.2.840.4 whole, whose .4 is no suffix.

    A name is never one that means a folder: ...png is called so.
    """
    cut = path.suffix.lower() in SUFFIXES and path.stem.strip(".")
    return path.stem if cut else path.name


def bytes_of(path: Path) -> bytes:
    """The whole content of a regular file, or of what a link to one names.

    raises  BadPicture, without the path, for what is missing, no file, too large or not to be opened; a pipe or a
            device is refused unopened, since reading one might never end
    """
    try:
        kind = path.stat()
        if stat.S_ISDIR(kind.st_mode):
            raise BadPicture("is a folder. Give one picture file.")
        if not stat.S_ISREG(kind.st_mode):
            raise BadPicture("is a pipe or a device, not a file. Save the picture as a file first.")
        if kind.st_size > LARGEST_FILE_BYTES:
            raise BadPicture(
                f"has {kind.st_size:,} bytes; no radiograph needs more than {LARGEST_FILE_BYTES:,}. Give one picture."
            )
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE_BYTES + 1)
    except FileNotFoundError:
        raise BadPicture("there is no such file. Check the path.") from None
    except OSError as error:
        reason = error.strerror or os.strerror(error.errno or 0)
        raise BadPicture(f"cannot be opened ({reason}). Check the path and its permissions.") from None
    except ValueError:
        raise BadPicture("is no path that a file can have. Check it for odd characters.") from None
    if not content:
        raise BadPicture("the file is empty. Copy or download it again.")
    return content
