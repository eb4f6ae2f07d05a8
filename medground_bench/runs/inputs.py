"""What decides a method's boxes besides its settings and its code: the case, the LVLM, and what settings only name."""

from __future__ import annotations

from collections.abc import Iterable

from medground_bench.anatomy.hiding import Fill, editor_versions
from medground_bench.core.types import Case
from medground_bench.localizers import localizer_record
from medground_bench.lvlms import LvlmDescription
from medground_bench.methods import Method
from medground_bench.pictures import picture_digest
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


def seen_of(case: Case) -> dict[str, Plain]:
    """All that a method sees of a case, as parts of a key."""
    response = case.response
    return {
        "case": case.case_id,
        "finding": case.finding,
        "prompt": case.prompt,
        "response": [response.text, response.token_ids, response.tokens],
        "picture": picture_digest(case.picture),
        "native": [case.native.width, case.native.height],
    }


def localizer_of(method: Method) -> Plain:
    """What the localizer that a method's settings name depends on; None for a method without one."""
    name = getattr(method, "localizer", None)
    return localizer_record(name) if isinstance(name, str) else None
