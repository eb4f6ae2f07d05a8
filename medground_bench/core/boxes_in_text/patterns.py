"""The tokens of a text with boxes, as regular expressions."""

from __future__ import annotations

import re

from medground_bench.core.boxes_in_text.words import (
    AXES,
    BOTTOM,
    CORNER,
    LEFT,
    LENGTH_UNITS,
    PIXEL_UNITS,
    RIGHT,
    TOP,
    UNIT,
)

QUOTES = "\"'`\u201c\u201d\u2018\u2019"
NUMBER = r"[-+]?(?>(?:\d++(?:\.(?!\.)\d*+)?|\.\d++)(?:e[-+]?\d++)?+)|[-+]?(?:nan|inf(?:inity)?)"
SIZE = (
    rf"(?<![\w.])\d++(?:\.\d++)?(?:\s?{PIXEL_UNITS})?(?:\s[x\u00d7]\s|[x\u00d7])\d++(?:\.\d++)?"
    rf"(?!\s?{LENGTH_UNITS}|\w)"
)
LENGTH = (
    rf"(?<![\w.])\d++(?:\.\d++)?\s?{PIXEL_UNITS}?\s(?:wide|high|tall)\b"
    rf"|\b(?:width|height)\s(?:of\s|is\s)?\d++(?:\.\d++)?(?!\s?{LENGTH_UNITS}|\w)"
)
PLACE = r"<\|?(loc_?|patch_index_|bin_|coord_|[xy]|)(\d{1,6}\.?\d{0,6})\|?>"
LATEX_SIDE = re.compile(
    r"(?<![^\W_])([xy])_(?:\{\s?\\?(?:(?:text|mathrm|rm)\b\s?\{?)?(min|max|[0-2])\s?\}{1,2}|\\(min|max)(?![a-z]))"
)
"""The name of a side as in x_{\\min}."""

KEY = re.compile(
    rf"[{QUOTES}]{{1,3}}+(?P<quoted>[^{QUOTES}\n{{}}<>]{{1,60}}+)[{QUOTES}]{{1,3}}+\s*+(?:=>|->|[:=])"
    rf"|(?P<plain>[^\W\d][\w-]{{0,40}}+(?: [\w-]{{1,40}}+){{0,3}})(?P<mark>[*{QUOTES}]{{0,4}}+)"
    rf"(?P<gloss>\s?\((?!\s*[-+.\d])[^()\n]{{1,40}}\)[*{QUOTES}]{{0,4}}+)?\s*+(?P<sign>=>|[:=])"
    r"|(?P<coordinate>[xy][ _-]?(?:min|max|[0-2]))(?: is| at| of| \|)? (?=[-+.]?\d)"
    rf"|(?P<edge>{LEFT}|{TOP}|{RIGHT}|{BOTTOM})(?: edge| side| border| boundary)?(?: is)?(?: at| =) (?:[xy] ?= ?)?"
    r"(?=[-+.]?\d)"
    rf"|(?<!\d )(?P<axis>{AXES})(?:[- ](?:axis|coordinates?|values?))?"
    r"(?: (?:is|ranges?|ranging|spans?|spanning|runs?|goes|extends?|in|from|between|of|at|\u2208)){0,3} (?=[-+.\[(]?\d)"
)
"""Words before a colon or an equals sign. Between quotes, in braces or before "=" any word is a key; elsewhere one that
`meanings` knows, for a colon is punctuation, too. Parentheses may stand between, as in `bbox (xywh):`."""

VALUE = re.compile(
    r"""\s*\\?(?:(["'])(?P<quoted>[^"'\n]{1,60}+)\1|["']?(?P<plain>[^"'\n,;{}\[\]()]{1,60}+))"""
)
"""What stands under a key, as words."""

TOKEN = re.compile(
    rf"""(?P<point>[(\[]\s*(?P<first>{NUMBER}|[a-z]\w?)\s*[,;]\s*(?P<second>{NUMBER}|[a-z]\w?)\s*[)\]]\s*,?\s*
        (?:is|as|being|for|marks|denotes|represents|\()\s*(?:at\s+)?(?:the\s+|its\s+)?(?P<where>{CORNER})\b)
    |(?P<places>(?:{PLACE.replace("(", "(?:")}\s?)+)
    |(?P<bare_places>(?<!\w)loc_?\d{{1,4}}(?:[\s,;]{{1,3}}loc_?\d{{1,4}})+(?!\w))
    |(?P<tag><\|?/?[a-z_][\w-]*\|?/?>)
    |(?P<element><(?P<name>[a-z][\w-]*)(?=\s+[\w-]+\s*=))
    |(?P<area>{SIZE})
    |(?P<length>{LENGTH})
    |(?P<number>(?<!\w)(?<![^.]\.)(?P<digits>{NUMBER})(?:\s?(?P<unit>{UNIT})|(?!\w)))
    |(?P<label>(?P<quote>["'])[^\W\d][^"'\d\n\[\]{{}}()<>:=]{{0,60}}(?P=quote))
    |(?P<corner>(?:{CORNER})\b(?=[\s{QUOTES}*_)]*
        (?:corners?|points?|vert\w+|coord\w+|edges?|position|and|&|to|is|are|at|of|[,:=(\[]|\d++\s*[,\s]\s*\d)))
    |(?P<word>(?<!\w)e\.g\.|\w+(?:['\u2019-]\w+)*)
    |(?P<open>[\[({{])
    |(?P<close>[\])}}>](?:\s?(?P<unit_of_all>{UNIT})|(?P<factor>\ ?[*/\u00d7]\ ?\d))?)
    |(?P<comma>[,;]|\s*\n[ \t]*[-*][ \t]+(?=[-+.]?\d))
    |(?P<space>\s+)
    |(?P<stop>[.!?](?=\s|$))
    |(?P<link>[-\u2013\u2014~\u2192]+>?|\.{{2,3}})
    |(?P<skip>[|*\\{QUOTES}])
    |(?P<other>.)""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
"""Every kind of token; the method of `tokens` that has its name says what it means."""
