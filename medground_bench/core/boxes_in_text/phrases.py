"""Phrases out of the free text of an LVLM."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from medground_bench.core.boxes_in_text.boxes import MOST_CHARACTERS
from medground_bench.core.boxes_in_text.words import PHRASE_KEYS
from medground_bench.core.visible_text import without_drafts

MOST_PHRASES = 10
MOST_PHRASE_CHARACTERS = 80
MOST_DEPTH = 6
"""Of the lists and objects that phrases stand in."""


QUOTED = re.compile(
    "'([^'\"\\n\\[\\]]{1,80})'|[\N{LEFT DOUBLE QUOTATION MARK}]([^\N{RIGHT DOUBLE QUOTATION MARK}\\n\\[\\]]{1,80})"
    "[\N{RIGHT DOUBLE QUOTATION MARK}]"
)
LIST = re.compile(r"\[([^\[\]]{1,1000})\]")
OPENING = re.compile(r"[\[{]")

DECODER = json.JSONDecoder(parse_int=float)
"""Integers come as floats, so that five thousand digits become infinity and not an error."""


def phrases_in(text: str) -> tuple[str, ...]:
    """The phrases of the first list in the text that holds any: at most 10, each once, at most 80 characters each.

    Besides JSON, a bracketed list in single or curly quotes is read, which models write when they think of Python. Of
    hidden chains there are none.

    >>> phrases_in("I would look at ['left lung', 'heart'].")
    ('left lung', 'heart')
    >>> phrases_in("I would look at the heart.")
    ()
    """
    text = without_drafts(text).shown[:MOST_CHARACTERS]
    for value in _values(text):
        phrases = _clean(_strings(value, MOST_DEPTH))
        if phrases:
            return phrases
    for bracket in LIST.finditer(text):
        phrases = _clean(one or other for one, other in QUOTED.findall(bracket.group(1)))
        if phrases:
            return phrases
    return ()


def _values(text: str) -> Iterator[object]:
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


def _strings(value: object, depth: int) -> Iterator[str]:
    if depth == 0:
        return
    if isinstance(value, list):
        for item in value:
            if isinstance(item, str):
                yield item
            else:
                yield from _strings(item, depth - 1)
    elif isinstance(value, dict):
        yield from (value[label] for label in PHRASE_KEYS if isinstance(value.get(label), str))
        yield from (text for inner in value.values() for text in _strings(inner, depth - 1))


def _clean(phrases: Iterator[str]) -> tuple[str, ...]:
    words = (" ".join(phrase.split()) for phrase in phrases)
    legible = [
        phrase for phrase in words if phrase and phrase.isprintable() and any(map(str.isalpha, phrase))
    ]
    return tuple(dict.fromkeys(phrase[:MOST_PHRASE_CHARACTERS] for phrase in legible))[:MOST_PHRASES]
