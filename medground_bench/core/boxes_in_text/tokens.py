"""The tokens of a text, each told to the `Reader`: numbers, brackets, keys, tags, corners, prose."""

from __future__ import annotations

import re

from medground_bench.core.boxes_in_text.meanings import (
    IN_DOUBT,
    LOCATION_TOKENS,
    TAGS,
    KeyKind,
    meaning_of,
    words_of,
)
from medground_bench.core.boxes_in_text.patterns import KEY, PLACE, TOKEN, VALUE
from medground_bench.core.boxes_in_text.prose import Prose, prose_of
from medground_bench.core.boxes_in_text.reader import Reader
from medground_bench.core.boxes_in_text.scopes import Item, Number, WrittenBox
from medground_bench.core.boxes_in_text.sides import SideOrder
from medground_bench.core.boxes_in_text.tables import tables_of
from medground_bench.core.boxes_in_text.words import (
    CALLS,
    COUNTED_WORDS,
    DENIED_AFTER,
    NOWHERE,
    ORDER_WORDS,
    PICTURE_WORDS,
    SIDES_BEYOND_DOUBT,
    UNITS,
    WORDS_AFTER_COUNTS,
    WORDS_BESIDE_SIDES,
)

BRACKETS = {"[": "]", "(": ")", "{": "}"}
TAG_ENDS = frozenset(tag.end for tag in TAGS.values())


def written_in(text: str, order: SideOrder) -> list[WrittenBox]:
    """The boxes of a text, in time that grows as the text does.

    order  the habit of the family

    >>> boxes = written_in("[1, 2, 30, 40], not [5, 6, 7, 9]", SideOrder.X_FIRST)
    >>> [[number.value for number in written.numbers] for written in boxes]
    [[1.0, 2.0, 30.0, 40.0], []]
    """
    prose = prose_of(text)
    tables = tables_of(text, prose.said)
    text, place = tables.rest, 0
    tokens = _Tokens(text, prose, order)
    while place < len(text):
        key = KEY.match(text, place)
        if key and tokens.key(key):
            place = key.end()
        else:
            token = TOKEN.match(text, place)
            assert token and token.lastgroup, "the last kind of token is any character"
            getattr(tokens, token.lastgroup)(token)
            place = token.end()
    return sorted((*tables.written, *tokens.reader.finish()), key=lambda each: each.start)


class _Tokens:
    """What each kind of token says of the numbers around it: a method for each."""

    def __init__(self, text: str, prose: Prose, order: SideOrder) -> None:
        self.text, self.prose = text, prose
        self.reader = Reader(text, order.sides, prose.said)
        self.last_word, self.last_word_end = "", 0
        self.end_of_label = 0
        self.names: list[str] = []

    def key(self, match: re.Match[str]) -> bool:
        """Take a key, if it is one."""
        words: str = (
            match["quoted"] or match["plain"] or match["coordinate"] or match["edge"] or match["axis"]
        )
        marked = match["quoted"] or (match["mark"] or "").strip("*") or (match["sign"] or "").startswith("=")
        hard = bool(marked) or self.reader.in_braces
        meaning = meaning_of(words)
        side = meaning_of(words.rpartition(" ")[2])
        if meaning.kind is KeyKind.LABEL and side.kind is KeyKind.SIDES and not match["quoted"]:
            if any(map(str.isdigit, words.split())):
                return False  # "to 110 and y=20"
            meaning = side  # "from x" of "from x=10"
        value = VALUE.match(self.text, match.end())
        if value:
            self.reader.say(words, value["quoted"] or value["plain"], quoted=bool(value["quoted"]))
        if meaning.kind is KeyKind.LABEL and (match["gloss"] or not hard):
            self.end_of_label = match.end()
            return False
        stated = any(self.prose.marks[match.start() : match.end()])
        of_picture = words.rpartition(" ")[2].casefold() in PICTURE_WORDS and " " in words
        prose = match.end() == self.end_of_label or (not hard and (stated or of_picture))
        if prose and meaning.kind in (KeyKind.OTHER, KeyKind.REFUSED):
            self.end_of_label = match.end()
            return False  # "in a 448x448 image:", "corner of the image:", or "angle" of "costophrenic angle:"
        glossed = meaning_of(words + (match["gloss"] or "").replace("%", "percent"))
        meaning = glossed if glossed.kind is KeyKind.BOX else meaning
        self.reader.take_key(meaning, match.start(), hard=hard)
        return True

    def word(self, match: re.Match[str]) -> None:
        """Prose, but for words that join numbers."""
        self._name(match)
        self.last_word, self.last_word_end = match[0].casefold(), match.end()
        if self.last_word in WORDS_AFTER_COUNTS or DENIED_AFTER.match(self.text, match.start()):
            self.reader.doubt_last(match.start() - self.text.startswith(" ", match.start() - 1))
        if self.last_word in ORDER_WORDS:
            self.reader.say_order([self.last_word])
        if self.last_word in ("and", "or"):
            self.reader.join(doubt=True)
        elif self.last_word not in ("to", "through") or not self.reader.join():
            self.reader.word(self.last_word, match.start())

    def _name(self, match: re.Match[str]) -> None:
        """The name of a side in prose; four in a row are an order, as in "center x, center y, width, height"."""
        word = match[0].casefold()
        if self.text[self.last_word_end : match.start()].strip(" ,/-"):
            self.names = []
        centred = self.last_word if self.last_word.startswith("cent") else ""
        name = "".join(words_of(f"{centred} {word}"))
        if name in SIDES_BEYOND_DOUBT:
            self.names = [*self.names, name][-4:]
        elif not WORDS_BESIDE_SIDES.issuperset(word.split("-")):
            self.names = []
        if len(self.names) == 4:
            self.reader.say_order(self.names)

    def label(self, match: re.Match[str]) -> None:
        """Quoted words are a value; among numbers they are but a label."""
        self.reader.use_key()
        words = words_of(match[0])
        if len(SIDES_BEYOND_DOUBT.intersection(words)) > 2 or not ORDER_WORDS.keys().isdisjoint(words):
            self.reader.say_order(words)

    def corner(self, match: re.Match[str]) -> None:
        """The name of a corner in prose."""
        if not self.text[self.last_word_end : match.start()].strip(" ,/-"):
            self.last_word_end = match.end()
        self.reader.name_next_point(meaning_of(match[0]).sides, match.start())

    def point(self, match: re.Match[str]) -> None:
        """A point and, after it, which corner it is; the (x1, y1) of a template says nothing."""
        start, end = match.span()
        self.reader.interrupt(start)
        if not (match["first"][0].isalpha() or match["second"][0].isalpha()):
            numbers = tuple(Number(float(match[name]), None, start, end) for name in ("first", "second"))
            self.reader.corner(meaning_of(match["where"]).sides, Item(numbers, start, end))

    def number(self, match: re.Match[str]) -> None:
        """A number and its unit."""
        zero_first = re.match(r"[-+]?0\d", match["digits"])  # the end of "1,024"?
        raster = NOWHERE if zero_first else UNITS[(match["unit"] or "").casefold()]
        self.reader.number(Number(float(match["digits"]), raster, *match.span()))

    def area(self, match: re.Match[str]) -> None:
        """Width x height: of the picture it is no part of a box."""
        if not self.prose.marks[match.start()]:
            self.reader.size(2, *match.span())

    def length(self, match: re.Match[str]) -> None:
        """A width or a height, in words."""
        if not self.prose.marks[match.start()]:
            self.reader.size(1, *match.span())

    def places(self, match: re.Match[str]) -> None:
        """Location tokens in a row are a box when they are four, of a raster that is known."""
        tokens = re.findall(PLACE, match[0].casefold())
        start, end = match.start(), match.start() + len(match[0].rstrip())
        names, numbers = {name for name, _ in tokens}, [float(digits) for _, digits in tokens]
        meaning = LOCATION_TOKENS.get(min(names))
        if names == {"loc"} and any(len(digits) != 4 for _, digits in tokens):
            meaning = None  # not PaliGemma's
        edge = meaning.raster.width - 1 if meaning and meaning.raster else 0
        self.reader.foreign(start)
        if meaning and len(names) == 1 and len(tokens) == 4 and max(numbers) <= edge:
            four = [Number(number + (number == edge), None, start, end) for number in numbers]
            self.reader.list_of_four(meaning, four, start, end)
        elif meaning or names == {"loc"} or len(tokens) > 1:
            self.reader.refuse(start, end)

    def bare_places(self, match: re.Match[str]) -> None:
        """Location tokens that lost their brackets."""
        self.reader.foreign(match.start())
        self.reader.refuse(*match.span())

    def tag(self, match: re.Match[str]) -> None:
        """A tag of boxes is a bracket, one that is named like a key is a key, and any other says nothing."""
        tag, start = match[0].casefold(), match.start()
        if tag in TAGS:
            self.reader.open(TAGS[tag].end, start, TAGS[tag].meaning)
        elif tag in TAG_ENDS:
            self.reader.close(tag, match.end())
        elif "|" not in tag and meaning_of(tag).kind is not KeyKind.LABEL:
            if "/" in tag:
                self.reader.end_key(start)
            else:
                self.reader.take_key(meaning_of(tag), start, hard=True)

    def element(self, match: re.Match[str]) -> None:
        """A tag with attributes holds them as braces hold keys."""
        self.reader.open(">", match.start(), meaning_of(match["name"]))

    def open(self, match: re.Match[str]) -> None:
        """A bracket, and whether the word right before it counts something."""
        between = self.text[self.last_word_end : match.start()]
        counts = between in ("", " ") and self.last_word in COUNTED_WORDS
        scaled = re.search(r"\d ?[*\u00d7] ?$", self.text[max(0, match.start() - 4) : match.start()])
        in_doubt = counts or scaled or (not between and self.last_word in CALLS)
        self.reader.open(BRACKETS[match[0]], match.start(), IN_DOUBT if in_doubt else None)

    def close(self, match: re.Match[str]) -> None:
        """The end of a bracket, or of a tag with attributes."""
        raster = NOWHERE if match["factor"] else UNITS[(match["unit_of_all"] or "").casefold()]
        self.reader.close(match[0][0], match.end(), raster)

    def space(self, match: re.Match[str]) -> None:
        """A line ends; after a comma it goes on."""
        if "\n" in match[0] and not self.text.endswith((",", ";"), 0, match.start()):
            self.reader.end_line()
            if not self.text.endswith((":", " is", " are"), 0, match.start()):
                self.reader.end_clause()

    def stop(self, match: re.Match[str]) -> None:
        """A sentence ends."""
        self.reader.end_sentence(match.start())

    def link(self, match: re.Match[str]) -> None:
        """A dash or an arrow."""
        if not self.reader.join():
            self.reader.foreign(match.start())

    def comma(self, match: re.Match[str]) -> None:
        """A comma, a semicolon, or the dash before the next number of a YAML list."""
        self.reader.comma(match[0][0])
        after_word = self.last_word_end == match.start()
        if after_word and (match[0] == ";" or self.last_word in ("no", "not")):
            self.reader.end_clause()  # "No, it is at"

    def skip(self, match: re.Match[str]) -> None:
        """Quotes and other marks around a number say nothing of it."""

    def other(self, match: re.Match[str]) -> None:
        """Anything else."""
        self.reader.foreign(match.start())
