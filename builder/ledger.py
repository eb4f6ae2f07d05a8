"""What a source could not give as its files have it: nothing is left out, cut or put together without an entry here.

An entry says the file, the row, a stable code and words. Words name no patient and no picture, since they are printed;
the name of a picture file stands beside them, in the file of the ledger alone, which is kept with the store.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum

from builder.place import Place

SHOWN = 5


class Fault(StrEnum):
    """What is wrong with an entry of a source; the values are what files and messages say."""

    MISSING_PICTURE = "MISSING_PICTURE"
    UNREADABLE_PICTURE = "UNREADABLE_PICTURE"
    BAD_ROW = "BAD_ROW"
    CUT_SHORT = "CUT_SHORT"
    BAD_BOX = "BAD_BOX"
    BOX_OUTSIDE = "BOX_OUTSIDE"
    AMBIGUOUS = "AMBIGUOUS"
    DENIED = "DENIED"
    DUPLICATE = "DUPLICATE"
    NOT_IN_SOURCE = "NOT_IN_SOURCE"
    OTHER_ANSWER = "OTHER_ANSWER"
    OTHER_FILES = "OTHER_FILES"


@dataclass(frozen=True, slots=True)
class Entry:
    """One fault: the name of the file, the row in it (counted from 1; None for the whole file), and words.

    picture  path of the picture within the copy, which is not printed
    """

    file: str
    row: int | None
    fault: Fault
    words: str
    picture: str | None = None

    def __str__(self) -> str:
        """For people."""
        row = "" if self.row is None else f", row {self.row}"
        return f"{self.fault} {self.file}{row}: {self.words}"


class Ledger:
    """The entries of one source in the order in which they were met; the same one twice is one."""

    def __init__(self) -> None:
        self._entries: dict[Entry, None] = {}

    def __len__(self) -> int:
        """How many entries there are."""
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        """In the order in which they were met."""
        return iter(self._entries)

    def note(self, entry: Entry) -> None:
        """Add an entry."""
        self._entries[entry] = None

    def counts(self) -> dict[Fault, int]:
        """How many there are of each fault, those of `Fault` that occur, in its order."""
        counted = Counter(entry.fault for entry in self._entries)
        return {fault: counted[fault] for fault in Fault if fault in counted}

    def lines(self) -> list[str]:
        """The summary: how many of each fault, and the first ones of each."""
        told = []
        for fault, count in self.counts().items():
            told.append(f"{fault}: {count}")
            own = [str(entry) for entry in self._entries if entry.fault is fault]
            told += [f"  {line}" for line in own[:SHOWN]]
            if count > SHOWN:
                told.append(f"  and {count - SHOWN} more")
        return told

    def write(self, store: Place, source: str) -> str:
        """Write all entries as `ledger-<source>.jsonl` into the store and tell where; none is an empty file."""
        name = f"ledger-{source}.jsonl"
        lines = (json.dumps(asdict(entry), sort_keys=True) for entry in self._entries)
        store.write(name, "".join(f"{line}\n" for line in lines).encode("ascii"))
        return str(store / name)
