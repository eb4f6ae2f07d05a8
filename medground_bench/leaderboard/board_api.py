"""What a Space answers about its board, to its page and to programs: in words of an address, as plain JSON.

A page offers the calls of `BoardApi` under these names, `SpaceClient` asks by them, and the command line takes a board
at hand in the same way. The scores of the cases, of which tables are made, are not told.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from medground_bench.core.errors import MedgroundError, UnknownName
from medground_bench.leaderboard.board import Board
from medground_bench.leaderboard.exports import EXPORTS, as_json, file_name
from medground_bench.leaderboard.page_data import SHOWN, page_data
from medground_bench.leaderboard.query import FILTERS
from medground_bench.leaderboard.records import Json
from medground_bench.leaderboard.views import BoardTable

PAGE, TABLE, FILE = "board", "board_table", "board_file"
MOST_LETTERS = 200
"""Of a word in an address."""

Words = Mapping[str, str]
"""Filters, the order, and which view is shown, as in the page's address: {"lvlm": "..."}."""


class AskedBoard(Protocol):
    """A board that can be asked, here or at a Space; UnknownName or MedgroundError for words that it does not know."""

    def page(self, words: Words) -> Json:
        """All that a page shows, every cell as text."""
        ...

    def table(self, words: Words) -> Json:
        """The table's numbers, with what its columns mean."""
        ...

    def file(self, words: Words, ending: str) -> Json:
        """The same table as a file: `name`, and `content` in base64; `ending` is csv, json, parquet or tex."""
        ...


@dataclass(frozen=True, slots=True)
class BoardApi:
    """The calls, of whatever board there is when one comes."""

    board: Callable[[], Board]

    def page(self, words: Words) -> Json:
        """All that a page shows."""
        return page_data(self.board(), known_words(words))

    def table(self, words: Words) -> Json:
        """The table's numbers."""
        return dict(json.loads(as_json(self._table(words))))

    def file(self, words: Words, ending: str) -> Json:
        """The table as a file."""
        if ending not in EXPORTS:
            raise UnknownName("file of the board", str(ending)[:MOST_LETTERS], EXPORTS)
        table = self._table(words)
        content = EXPORTS[ending](table)
        return {"name": file_name(table, ending), "content": base64.b64encode(content).decode("ascii")}

    def _table(self, words: Words) -> BoardTable:
        board = self.board()
        return board.table(board.query(known_words(words)))


def known_words(words: Words) -> dict[str, str]:
    """Filters, the order and the view as text of bounded length, whoever wrote them; UnknownName for any other word.

    MedgroundError where it is no object. Of a page's address, which may hold words of others, the page asks its own.
    """
    if not isinstance(words, Mapping):
        raise MedgroundError(
            'a query is an object of filters and of the order, such as {"lvlm": "..."} or {}.'
        )
    names = (*FILTERS, "sort", SHOWN)
    if unknown := [str(name)[:MOST_LETTERS] for name in words if name not in names]:
        raise UnknownName("filter of the board", unknown[0], names)
    return {name: str(words[name])[:MOST_LETTERS] for name in names if words.get(name)}
