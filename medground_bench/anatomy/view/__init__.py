"""What kind of picture it is: an upright frontal chest, as the localizers expect, or something else that is said."""

from __future__ import annotations

from importlib.util import find_spec

from medground_bench.anatomy.view.views import NOTES, View
from medground_bench.core.types import Picture


def view_of(picture: Picture) -> View:
    """Of a picture (side, side) in the study frame, black bars included, by the network that ships with the package."""
    from medground_bench.anatomy.view.shipped import shipped_finder

    return shipped_finder()(picture)


def view_notes(picture: Picture) -> tuple[str, ...]:
    """What should be said of a picture in the study frame before anatomy is looked for on it; mostly nothing.

    Nothing either without torch, which comes with the extra `lvlm`: localizers that do without it go on as before.
    """
    if find_spec("torch") is None:
        return ()
    view = view_of(picture)
    return (NOTES[view],) if view in NOTES else ()
