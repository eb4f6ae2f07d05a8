"""libtiff writes what it thinks of a damaged file to standard error; that is our sentence to say.

Of all decoders that pictures meet it is the only one that writes. It is asked to be quiet itself, through the one entry
that it has for that, since a redirected standard error would swallow what others in the process have to tell meanwhile.
Pillow offers no such entry; where its own library does not show libtiff's, as on Windows, libtiff goes on writing.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image


@contextmanager
def silent_libtiff() -> Iterator[None]:
    """Pillow's libtiff reports no errors meanwhile, to nobody; Pillow still raises."""
    try:
        set_handler = ctypes.CDLL(Image.core.__file__).TIFFSetErrorHandler  # type: ignore[attr-defined]
    except (OSError, AttributeError):
        yield
        return
    set_handler.argtypes, set_handler.restype = (ctypes.c_void_p,), ctypes.c_void_p
    usual = set_handler(None)
    try:
        yield
    finally:
        set_handler(usual)
