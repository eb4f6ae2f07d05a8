"""What decides a method's boxes besides its settings, its code and the case: the LVLM, and what settings only name."""

from __future__ import annotations

from collections.abc import Iterable

from medground_bench.anatomy.hiding import Fill, editor_versions
from medground_bench.localizers import localizer_record
from medground_bench.lvlms import LvlmDescription
from medground_bench.methods import Method
from medground_bench.storage.whole_files import Plain


def inputs_of(method: Method, lvlm: LvlmDescription, sources: Iterable[str]) -> dict[str, Plain]:
    """As parts of a key.

    sources  of the cases: where a method fills hidden regions by an editor, each source has its own
    """
    fill = getattr(method, "fill", Fill.ZERO)
    return {
        "lvlm": lvlm.key,
        "revision": lvlm.revision,
        "precision": lvlm.precision,
        "localizer": localizer_of(method),
        "editors": editor_versions(fill, sources),
    }


def localizer_of(method: Method) -> Plain:
    """What the localizer that a method's settings name depends on; None for a method without one."""
    name = getattr(method, "localizer", None)
    return localizer_record(name) if isinstance(name, str) else None
