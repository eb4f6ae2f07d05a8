"""Names that are not everybody's: those of our own methods, however they are spelled."""

from __future__ import annotations

import re

from medground_bench import plugins


def name_key(name: str) -> str:
    """By what names are compared: letters and digits alone, in one case, up to the first bracket.

    >>> name_key("Grad-CAM++ (ours)") == name_key("gradcam")
    True
    """
    return re.sub("[^a-z0-9]", "", name.partition("(")[0].casefold())


def own_names() -> tuple[str, ...]:
    """The methods of this package, controls too."""
    return tuple(each.name for each in plugins.available("methods") if plugins.is_own(each, "methods"))
