"""Which rows of the board are wanted, in which order: the same words in an address, the API and the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from medground_bench.core.errors import UnknownName
from medground_bench.leaderboard.rows import ALL

CASE_FIELDS = ("mode", "source", "lvlm", "finding", "size")
"""Which cases a table is made of."""

ROW_FIELDS = ("family", "badge")
"""Which rows of it are shown; ranks are those among all."""

FILTERS = (*CASE_FIELDS, *ROW_FIELDS)
BEST_FIRST = "-iou"


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardQuery:
    """Filters, `all` where there is none; a mode is always chosen.

    sort  a column's key, or `method`; with a minus in front from the greatest to the least
    """

    mode: str
    source: str = ALL
    lvlm: str = ALL
    finding: str = ALL
    size: str = ALL
    family: str = ALL
    badge: str = ALL
    sort: str = BEST_FIRST

    @property
    def cases(self) -> BoardQuery:
        """The same cases with all rows, best first."""
        return replace(self, family=ALL, badge=ALL, sort=BEST_FIRST)

    def as_params(self) -> dict[str, str]:
        """What stands in an address: whatever is not as usual."""
        usual = BoardQuery(mode="")
        return {
            each.name: getattr(self, each.name)
            for each in fields(self)
            if getattr(self, each.name) != getattr(usual, each.name)
        }

    @classmethod
    def of(cls, params: Mapping[str, str], choices: Mapping[str, tuple[str, ...]]) -> BoardQuery:
        """The query in an address; UnknownName for a value that is no choice. Words of others are left aside.

        choices  filter or `sort` -> what there is to choose from; of modes the first is taken where none is said
        """
        modes = choices["mode"]
        said = {each.name: str(params[each.name]) for each in fields(cls) if params.get(each.name)}
        for name, value in said.items():
            offered = choices[name] if name in ("mode", "sort") else (ALL, *choices[name])
            if value.removeprefix("-" if name == "sort" else "") not in offered:
                raise UnknownName(name, value, offered)
        return cls(**({"mode": modes[0] if modes else ""} | said))
