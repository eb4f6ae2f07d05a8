"""The pieces of a text that are boxes or look like boxes, and the prose between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from medground_bench.core.boxes_in_text.meanings import IN_DOUBT, KeyKind, Meaning
from medground_bench.core.boxes_in_text.scopes import Extent, Number, Scope, WrittenBox
from medground_bench.core.boxes_in_text.sides import Sides
from medground_bench.core.boxes_in_text.words import (
    BOX_WORDS,
    CONTRASTS,
    COUNTED_WORDS,
    DENIALS,
    NAMES_OF_SCORES,
    PLACE_WORDS,
)

MOST_DEPTH = 9
"""A box nested deeper is refused."""

MOST_WORDS_BETWEEN = 12
"""In prose the parts of one box stand near each other."""

MOST_WORDS_AFTER_BOX = 6
"""Four numbers without brackets look like a box so soon after a word such as "box"."""

MOST_WORDS_OF_LABEL = 2
"""They do after so few words on their line."""


@dataclass(frozen=True, slots=True)
class Loose:
    """Numbers of a sentence that are no box yet: how many, where, and after how many words of the text the last.

    >>> Loose(count=2, start=4, end=12, at=3).count  # "from (10, 20)": a point waits for another
    2
    """

    count: int = 0
    start: int = 0
    end: int = 0
    at: int = 0


class Pieces:
    """The pieces so far.

    words  of prose so far

    >>> from medground_bench.core.boxes_in_text.meanings import BARE
    >>> from medground_bench.core.boxes_in_text.statements import Said
    >>> pieces, text = Pieces(), Scope("", start=0, opened=0, depth=1, said=Said(), hears=Said())
    >>> pieces.word("not")
    >>> pieces.write(text, BARE, [Number(float(at), None, at, at) for at in range(4)], (0, 4))
    >>> [written.numbers for written in pieces.written]  # denied, so it has none
    [()]
    """

    def __init__(self) -> None:
        self.written: list[WrittenBox] = []
        self.words = 0
        self._last_word = ""
        self._line_at = 0
        self._box_word_at = -MOST_WORDS_AFTER_BOX - 1
        self._loose = Loose()
        self._caveat = ""

    def word(self, word: str) -> None:
        """One more word of prose."""
        self.words += 1
        self._last_word = word
        self._heed(word)
        if word in BOX_WORDS:
            self.expect_a_box()

    def _heed(self, word: str) -> None:
        """A word of a denial, or of scores, holds for what comes."""
        of_score = word in NAMES_OF_SCORES and not self._caveat and not self._soon_after_box_word
        if of_score or word in DENIALS or word.endswith(("n't", "n\u2019t")):
            self._caveat = word
        elif word in CONTRASTS:
            self.end_caveat()
        elif word in BOX_WORDS | PLACE_WORDS:
            self.end_score()

    @property
    def _soon_after_box_word(self) -> bool:
        return self.words - self._box_word_at <= MOST_WORDS_AFTER_BOX

    def end_caveat(self) -> None:
        """What is denied, or shown as an example, or is a list of scores, ends here."""
        self._caveat = ""

    def end_score(self) -> None:
        """A score has its number, or what follows is called a box."""
        if self._caveat in NAMES_OF_SCORES:
            self._caveat = ""

    def key(self, meaning: Meaning, *, in_braces: bool) -> None:
        """In an object no prose before a key holds for what stands under it."""
        if in_braces:
            self.end_caveat()
        elif meaning.kind is KeyKind.BOX:
            self.end_score()

    def expect_a_box(self) -> None:
        """What comes next may be one."""
        self._box_word_at = self.words

    def new_line(self) -> None:
        """A line begins."""
        self._line_at = self.words

    def write(
        self,
        scope: Scope,
        meaning: Meaning,
        numbers: Sequence[Number],
        extent: Extent,
        *,
        sides: Sides = (),
    ) -> None:
        """Refused in doubt, after a denial and too deep; under the key of something else it is not worth a word."""
        if meaning.kind is KeyKind.REFUSED or scope.depth > MOST_DEPTH or self._caveat:
            numbers = ()
        if meaning.kind is not KeyKind.OTHER:
            scope.hears.used = True
            self.written.append(WrittenBox(*extent, tuple(numbers), sides, meaning, scope.said))

    def refuse_last(self) -> None:
        """What follows the last piece says that it is no box."""
        self.written[-1] = replace(self.written[-1], numbers=())

    def looks_like_a_box(self, scope: Scope, numbers: Sequence[Number]) -> bool:
        """Whether four numbers without brackets do: near a word such as "box", or after a label on their line."""
        key = scope.key
        if scope.closer or counts(numbers) or (key and key.meaning.kind is KeyKind.OTHER):
            return False
        labelled = self.words - self._line_at <= MOST_WORDS_OF_LABEL and self._last_word not in COUNTED_WORDS
        return labelled or self._soon_after_box_word

    def loose(self, scope: Scope, count: int, extent: Extent) -> None:
        """Numbers that make no box by themselves; four that stand near each other look like one."""
        if scope.meaning_here().kind in (KeyKind.OTHER, KeyKind.REFUSED):
            return
        if self.words - self._loose.at > MOST_WORDS_BETWEEN:
            self.end_loose(scope)
        start, end = extent
        before = self._loose if self._loose.count else Loose(0, start, end)
        self._loose = Loose(before.count + count, min(before.start, start), max(before.end, end), self.words)

    def end_loose(self, scope: Scope) -> None:
        """What is loose does not go on."""
        loose, self._loose = self._loose, Loose()
        if loose.count >= 4:
            self.write(scope, IN_DOUBT, (), (loose.start, loose.end))


def counts(numbers: Sequence[Number]) -> bool:
    """Whether they are like [3, 4, 5, 6]: references, ribs, steps; or a box of two pixels.

    >>> counts([Number(value, None, 0, 1) for value in (3.0, 4.0, 5.0, 6.0)])  # "ribs 3, 4, 5, 6"
    True
    """
    return {later.value - number.value for number, later in pairwise(numbers)} == {1}
