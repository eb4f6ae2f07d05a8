"""Boxes and phrases out of the free text of an LVLM. Nothing is evaluated, and between two conventions none is guessed.

The text is untrusted: it may hold prose, fenced blocks, an echo of the question, a list that was cut off, or a hidden
chain of thought, of which nothing is read. A text without a box is no error: it gives no box.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from medground_bench.box_forms import (
    COUNTED_WORDS,
    FRACTIONS,
    IN_DOUBT,
    IN_PIXELS,
    LOCATION_TOKENS,
    NORMALISED,
    PERCENT,
    PIXELS,
    TAGS,
    THOUSANDTHS,
    Kind,
    Order,
    box_of,
    meaning_of,
)
from medground_bench.box_groups import Item, Number, Written
from medground_bench.box_reader import Reader
from medground_bench.types import Box, Frame
from medground_bench.visible_text import visible


@dataclass(frozen=True, slots=True)
class BoxConvention:
    """How an LVLM family writes a bare list of four numbers: positions in a raster that covers the whole picture.

    raster  Frame("thousandths", 1000, 1000), or the pixels of the picture as given, or as resized for the model
    """

    raster: Frame
    order: Order = Order.X_FIRST


@dataclass(frozen=True, slots=True)
class BoxesRead:
    """The boxes of a text, in its order, each once, at most 10.

    refused  pieces of the text that look like boxes and are not read: at most 10, each once and 80 characters long
    """

    boxes: tuple[Box, ...]
    refused: tuple[str, ...] = ()


MOST_CHARACTERS = 20_000
"""More of a visible text is not read; a response has 512 tokens at most."""

MOST_BOXES = 10
MOST_REFUSED = 10
MOST_REFUSED_CHARACTERS = 80
MOST_PHRASES = 10
MOST_PHRASE_CHARACTERS = 80
MOST_DEPTH = 6
"""Of the lists and objects that phrases stand in."""

BEYOND = 0.25
"""Numbers may lie outside of the raster that is said by so much of its side; further, what is said is wrong."""

LEAST_PIXELS = 2
"""Numbers all below it are no box in pixels."""

QUOTES = "\"'`\u201c\u201d\u2018\u2019"
NUMBER = r"[-+]?(?>(?:\d++(?:\.\d*+)?|\.\d++)(?:e[-+]?\d++)?+)|[-+]?(?:nan|inf(?:inity)?)"
CORNER = r"(?:top|upper|bottom|lower)[ _-]?(?:left|right)|(?:left|right)[ _-]?(?:top|upper|bottom|lower)"
PLACE = r"<(loc_?|patch_index_|bin_|coord_|[xy]|)(\d{1,6})>"

KEY = re.compile(
    rf"[{QUOTES}]{{1,3}}+(?P<quoted>[^{QUOTES}\n{{}}<>]{{1,60}}+)[{QUOTES}]{{1,3}}+\s*+(?:=>|->|[:=])"
    rf"|(?P<plain>[^\W\d][\w-]{{0,40}}+(?: [\w-]{{1,40}}+){{0,3}})(?P<mark>[*{QUOTES}]{{0,4}}+)"
    rf"(?P<gloss>\s?\((?!\s*[-+.\d])[^()\n]{{1,40}}\)[*{QUOTES}]{{0,4}}+)?\s*+(?P<sign>=>|[:=])"
    r"|(?P<coordinate>[xy][ _-]?(?:min|max|[0-2]))(?: is| at| of)? (?=[-+.]?\d)"
)
"""Words before a colon or an equals sign. Between quotes, in braces or before "=" any word is a key; elsewhere one that
`box_forms` knows, for a colon is punctuation, too. Parentheses may stand between, as in `bbox (xywh):`."""

TOKEN = re.compile(
    rf"""(?P<point>[(\[]\s*(?P<first>{NUMBER}|[a-z]\w?)\s*[,;]\s*(?P<second>{NUMBER}|[a-z]\w?)\s*[)\]]\s*,?\s*
        (?:is|as|being|for|marks|denotes|represents|\()\s*(?:at\s+)?(?:the\s+|its\s+)?(?P<where>{CORNER})\b)
    |(?P<places>(?:{PLACE.replace("(", "(?:")}\s?)+)
    |(?P<tag><\|?/?[a-z_][\w-]*\|?/?>)
    |(?P<element><(?P<name>[a-z][\w-]*)(?=\s+[\w-]+\s*=))
    |(?P<number>(?<![\w.])(?P<digits>{NUMBER})(?:\s?(?P<unit>%|(?:px|pixels?)\b)|(?!\w)))
    |(?P<label>(?P<quote>["'])[^\W\d][^"'\d\n\[\]{{}}()<>:=]{{0,60}}(?P=quote))
    |(?P<corner>(?:{CORNER})\b(?=[\s{QUOTES}*_)]*
        (?:corners?|points?|vert\w+|coord\w+|edges?|position|and|&|to|is|are|at|of|[,:=(\[])))
    |(?P<word>\w+(?:['\u2019-]\w+)*)
    |(?P<open>[\[({{])
    |(?P<close>[\])}}>])
    |(?P<comma>[,;]|\s*\n[ \t]*[-*][ \t]+(?=[-+.]?\d))
    |(?P<space>\s+)
    |(?P<stop>[.!?](?=\s|$))
    |(?P<link>[-\u2013\u2014~\u2192]+>?)
    |(?P<skip>[|*\\{QUOTES}])
    |(?P<other>.)""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
"""Every kind of token; the method of `_Tokens` that has its name says what it means."""

UNITS = {"": None, "%": PERCENT, "px": PIXELS}
BRACKETS = {"[": "]", "(": ")", "{": "}"}
TAG_ENDS = frozenset(tag.end for tag in TAGS.values())

LABELS = ("label", "region", "phrase", "description", "name")

QUOTED = re.compile(
    "'([^'\"\\n\\[\\]]{1,80})'|[\N{LEFT DOUBLE QUOTATION MARK}]([^\N{RIGHT DOUBLE QUOTATION MARK}\\n\\[\\]]{1,80})"
    "[\N{RIGHT DOUBLE QUOTATION MARK}]"
)
LIST = re.compile(r"\[([^\[\]]{1,1000})\]")
OPENING = re.compile(r"[\[{]")

DECODER = json.JSONDecoder(parse_int=float)
"""Integers come as floats, so that five thousand digits become infinity and not an error."""


def boxes_in(text: str, convention: BoxConvention, picture: Frame) -> BoxesRead:
    """Boxes in the pixels of `picture`, clipped to it; of hidden chains there are none.

    Read are four numbers in brackets or under the key of a box, two corners, named sides, and the tags and tokens of
    `box_forms`. A key, a tag or a unit that states an order or a raster has the last word, then a list of names such as
    [ymin, xmin, ymax, xmax] before, then the convention. Four numbers that all lie in 0..1, or a little beyond, are
    fractions of the sides, whatever the convention: no box is one pixel large. An empty, reversed or outside box is
    refused, and so is one whose numbers contradict what is said of their raster.
    """
    boxes: dict[Box, None] = {}
    refused: dict[str, None] = {}
    text = unicodedata.normalize("NFKC", visible(text)[:MOST_CHARACTERS])[:MOST_CHARACTERS]
    text = text.replace("\N{MINUS SIGN}", "-").replace("&quot;", '"')
    family = _family(text, convention)
    for written in _written(text, convention.order):
        box = _box(written, family, picture)
        if box is not None:
            boxes[box] = None
        else:
            piece = " ".join(text[written.start : written.end].split())
            refused["".join(filter(str.isprintable, piece))[:MOST_REFUSED_CHARACTERS]] = None
    return BoxesRead(tuple(boxes)[:MOST_BOXES], tuple(refused)[:MOST_REFUSED])


def phrases_in(text: str) -> tuple[str, ...]:
    """The phrases of the first list in the text that holds any: at most 10, each once, at most 80 characters each.

    Besides JSON, a bracketed list in single or curly quotes is read, which models write when they think of Python. Of
    hidden chains there are none.
    """
    text = visible(text)[:MOST_CHARACTERS]
    for value in _values(text):
        phrases = _clean(_strings(value, MOST_DEPTH))
        if phrases:
            return phrases
    for bracket in LIST.finditer(text):
        phrases = _clean(one or other for one, other in QUOTED.findall(bracket.group(1)))
        if phrases:
            return phrases
    return ()


def _box(written: Written, family: Frame | None, picture: Frame) -> Box | None:
    """None for one that is refused."""
    if written.sides is None or not all(math.isfinite(number.value) for number in written.sides.values()):
        return None
    raster = _raster(list(written.sides.values()), written.raster, family)
    corners = box_of({side: number.value for side, number in written.sides.items()})
    if raster is None or corners is None:
        return None
    across, down = picture.width / raster.width, picture.height / raster.height
    x0, x1 = (min(max(x * across, 0.0), float(picture.width)) for x in corners[::2])
    y0, y1 = (min(max(y * down, 0.0), float(picture.height)) for y in corners[1::2])
    return Box(x0, y0, x1, y1, picture) if x0 < x1 and y0 < y1 else None


def _raster(numbers: list[Number], stated: Frame | None, family: Frame | None) -> Frame | None:
    """What the numbers are positions in; None where that is in doubt, or they contradict it."""
    units, values = {number.unit for number in numbers}, [number.value for number in numbers]
    rasters = {raster for raster in (stated, UNITS[numbers[0].unit]) if raster}
    if len(units) > 1 or len(rasters) > 1:
        return None
    raster = next(iter(rasters), None)
    if raster in (None, FRACTIONS, THOUSANDTHS) and min(values) >= -BEYOND and max(values) <= 1 + BEYOND:
        return FRACTIONS
    if raster is None:
        raster = family
    elif raster is PIXELS:
        raster = family if family != THOUSANDTHS else None
    elif max(values) > (1 + BEYOND) * raster.width:
        raster = None
    return raster if max(values) >= LEAST_PIXELS else None


def _family(text: str, convention: BoxConvention) -> Frame | None:
    """The raster of the family; None where the text itself says that it is another."""
    said = IN_PIXELS if convention.raster == THOUSANDTHS else NORMALISED
    return None if said.search(text) else convention.raster


def _written(text: str, order: Order) -> list[Written]:
    """The boxes of a text, in time that grows as the text does."""
    tokens, place = _Tokens(text, order), 0
    while place < len(text):
        key = KEY.match(text, place)
        if key and tokens.key(key):
            place = key.end()
        else:
            token = TOKEN.match(text, place)
            assert token and token.lastgroup, "the last kind of token is any character"
            getattr(tokens, token.lastgroup)(token)
            place = token.end()
    return tokens.reader.finish()


class _Tokens:
    """What each kind of token says of the numbers around it: a method for each."""

    def __init__(self, text: str, order: Order) -> None:
        self.text = text
        self.reader = Reader(text, order.sides)
        self.last_word, self.last_word_end = "", 0
        self.end_of_label = 0

    def key(self, match: re.Match[str]) -> bool:
        """Take a key, if it is one."""
        words: str = match["quoted"] or match["plain"] or match["coordinate"]
        marked = match["quoted"] or (match["mark"] or "").strip("*") or (match["sign"] or "").startswith("=")
        hard = bool(marked) or self.reader.in_braces
        meaning = meaning_of(words)
        if meaning.kind is Kind.LABEL and (match["gloss"] or not hard or not any(map(str.isalpha, words))):
            self.end_of_label = match.end()
            return False
        if match.end() == self.end_of_label and meaning.kind in (Kind.OTHER, Kind.REFUSED):
            return False  # "angle" of "costophrenic angle:"
        glossed = meaning_of(words + (match["gloss"] or ""))
        meaning = glossed if glossed.kind is Kind.BOX else meaning
        self.reader.take_key(meaning, match.start(), hard=hard)
        return True

    def word(self, match: re.Match[str]) -> None:
        """Prose, but for words that join numbers."""
        self.last_word, self.last_word_end = match[0].casefold(), match.end()
        if self.last_word in ("and", "or"):
            self.reader.join(doubt=True)
        elif self.last_word not in ("to", "through") or not self.reader.join():
            self.reader.word(match.start())

    def label(self, match: re.Match[str]) -> None:
        """Quoted words are a value; among numbers they are but a label."""
        self.reader.use_key()

    def corner(self, match: re.Match[str]) -> None:
        """The name of a corner in prose."""
        self.reader.name_next_point(meaning_of(match[0]).sides, match.start())

    def point(self, match: re.Match[str]) -> None:
        """A point and, after it, which corner it is; the (x1, y1) of a template says nothing."""
        start, end = match.span()
        self.reader.interrupt(start)
        if not (match["first"][0].isalpha() or match["second"][0].isalpha()):
            numbers = tuple(Number(float(match[name]), "", start, end) for name in ("first", "second"))
            self.reader.corner(meaning_of(match["where"]).sides, Item(numbers, start, end))

    def number(self, match: re.Match[str]) -> None:
        """A number and its unit."""
        unit = "px" if (match["unit"] or "%") != "%" else match["unit"] or ""
        self.reader.number(Number(float(match["digits"]), unit, *match.span()))

    def places(self, match: re.Match[str]) -> None:
        """Location tokens in a row are a box when they are four, of a raster that is known."""
        tokens = re.findall(PLACE, match[0].casefold())
        start, end = match.start(), match.start() + len(match[0].rstrip())
        names, numbers = {name for name, _ in tokens}, [int(digits) for _, digits in tokens]
        meaning = LOCATION_TOKENS.get(min(names))
        edge = meaning.raster.width - 1 if meaning and meaning.raster else 0
        self.reader.foreign(start)
        if meaning and len(names) == 1 and len(tokens) == 4 and max(numbers) <= edge:
            four = [Number(number + (number == edge), "", start, end) for number in numbers]
            self.reader.list_of_four(meaning, four, start, end)
        elif meaning or len(tokens) > 1:
            self.reader.refuse(start, end)

    def tag(self, match: re.Match[str]) -> None:
        """A tag of boxes is a bracket, one that is named like a key is a key, and any other says nothing."""
        tag, start = match[0].casefold(), match.start()
        if tag in TAGS:
            self.reader.open(TAGS[tag].end, start, TAGS[tag].meaning)
        elif tag in TAG_ENDS:
            self.reader.close(tag, match.end())
        elif "|" not in tag and meaning_of(tag).kind is not Kind.LABEL:
            if "/" in tag:
                self.reader.end_key(start)
            else:
                self.reader.take_key(meaning_of(tag), start, hard=True)

    def element(self, match: re.Match[str]) -> None:
        """A tag with attributes holds them as braces hold keys."""
        self.reader.open(">", match.start(), meaning_of(match["name"]))

    def open(self, match: re.Match[str]) -> None:
        """A bracket, and whether the word right before it counts something."""
        follows = self.text[self.last_word_end : match.start()] in ("", " ")
        in_doubt = follows and self.last_word in COUNTED_WORDS
        self.reader.open(BRACKETS[match[0]], match.start(), IN_DOUBT if in_doubt else None)

    def close(self, match: re.Match[str]) -> None:
        """The end of a bracket, or of a tag with attributes."""
        self.reader.close(match[0], match.end())

    def space(self, match: re.Match[str]) -> None:
        """A line ends; after a comma it goes on."""
        if "\n" in match[0] and not self.text.endswith((",", ";"), 0, match.start()):
            self.reader.end_line()

    def stop(self, match: re.Match[str]) -> None:
        """A sentence ends."""
        self.reader.end_sentence(match.start())

    def link(self, match: re.Match[str]) -> None:
        """A dash or an arrow."""
        if not self.reader.join():
            self.reader.foreign(match.start())

    def comma(self, match: re.Match[str]) -> None:
        """A comma, a semicolon, or the dash before the next number of a YAML list."""
        self.reader.comma()

    def skip(self, match: re.Match[str]) -> None:
        """Quotes and other marks around a number say nothing of it."""

    def other(self, match: re.Match[str]) -> None:
        """Anything else."""
        self.reader.foreign(match.start())


def _values(text: str) -> Iterator[Any]:
    """Every JSON list or object of a text, outermost first; where one is cut off, the whole ones inside it.

    Reading ends at a list nested a thousand deep: that is an attack on the reader, not an answer.
    """
    place = 0
    while opening := OPENING.search(text, place):
        try:
            value, place = DECODER.raw_decode(text, opening.start())
        except RecursionError:
            return
        except ValueError:
            place = opening.end()
        else:
            yield value


def _strings(value: Any, depth: int) -> Iterator[str]:
    if depth == 0:
        return
    if isinstance(value, list):
        for item in value:
            if isinstance(item, str):
                yield item
            else:
                yield from _strings(item, depth - 1)
    elif isinstance(value, dict):
        yield from (value[label] for label in LABELS if isinstance(value.get(label), str))
        yield from (text for inner in value.values() for text in _strings(inner, depth - 1))


def _clean(phrases: Iterator[str]) -> tuple[str, ...]:
    words = (" ".join(phrase.split()) for phrase in phrases)
    kept = [phrase for phrase in words if phrase and phrase.isprintable() and any(map(str.isalpha, phrase))]
    return tuple(dict.fromkeys(phrase[:MOST_PHRASE_CHARACTERS] for phrase in kept))[:MOST_PHRASES]
