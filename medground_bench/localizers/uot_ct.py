"""The paper's localizer with references that look like films: 16 radiographs rendered from one CT."""

from __future__ import annotations

from dataclasses import dataclass, field

from medground_bench.anatomy.atlas import Atlas, ct_atlas
from medground_bench.localizers.uot import Uot


@dataclass(frozen=True, kw_only=True)
class UotCt(Uot):
    """As `uot`, over another pool; every other setting is the paper's."""

    atlas: Atlas = field(default_factory=ct_atlas)


LOCALIZER = UotCt
