"""From a response to the sentences that are read: small letters, no markup, no repeated question."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from medground_bench.core.answers.doubts import FOREIGN
from medground_bench.core.answers.grammar import rule, tokens
from medground_bench.core.answers.names import attribute_first, name_pattern, names_of, plain_words
from medground_bench.core.prompts import SUFFIXES


def is_english(text: str) -> bool:
    """Whether most letters are Latin and not two words belong to another language.

    >>> is_english("There is no effusion."), is_english("No hay derrame pleural.")
    (True, False)
    """
    text = unicodedata.normalize("NFKC", text)
    letters = [character for character in text if character.isalpha()]
    latin = sum(
        unicodedata.name(character, "").startswith(("LATIN", "MATHEMATICAL")) for character in letters
    )
    words = re.findall(r"[^\W\d_]+", text.casefold())
    foreign = FOREIGN.intersection(words)
    return 2 * latin > len(letters) and len(foreign) < min(2, len(words))


@dataclass(frozen=True, slots=True)
class _Line:
    """A line without bullet and markdown; empty for an empty one."""

    text: str
    heading: bool = False
    bullet: bool = False


def sentences_of(seen: str, finding: str | None) -> Iterator[tuple[str, bool]]:
    """The sentences, and of each whether it follows a question that is not ours.

    A label that the grammar does not know stands before every sentence of its line. A heading, or a line that ends
    with a colon, stands before the next line, or before all bullets that follow: "Prior film:" takes from what is
    under it the right to speak for this one.

    >>> list(sentences_of("**Prior film:** effusion.", "mass"))
    [('prior film: effusion.', False)]
    >>> list(sentences_of("Is it cold? Yes.", "mass"))
    [('is it cold?', False), ('yes.', True)]
    """
    heading, in_list, asked = "", False, False
    for line in _lines(_plain(seen, finding or "")):
        if line.text.endswith(":") or (line.heading and not _speaks(line.text, finding)):
            heading, in_list = f"{line.text.rstrip('.:')}: ", False
            continue
        if in_list and not line.bullet:
            heading = ""
        if line.text:
            for sentence, follows in _of_line(line.text, heading, finding):
                yield sentence, follows or asked
            asked = line.text.endswith("?")
            in_list = line.bullet
            heading = heading if in_list else ""


def _of_line(line: str, heading: str, finding: str | None) -> Iterator[tuple[str, bool]]:
    label, asked = LABEL.match(line), False
    for place, written in enumerate(re.split(r"(?<=[.!?])\s+", line)):
        known = not label or any(
            _fits("LABEL", each.strip(), finding) for each in (label[0], _label(written))
        )
        repeated = (
            label[0] if label and place and not known and not _fits("SENTENCE", written, finding) else ""
        )
        if re.search(r"\w", written):
            yield f"{heading}{repeated}{written}".lstrip(" :,-("), asked
            asked = asked or written.endswith("?")


def _label(written: str) -> str:
    label = LABEL.match(written)
    return label[0] if label else "?"


def _speaks(line: str, finding: str | None) -> bool:
    """Whether a heading is a sentence of its own: "**No**", "## There is no effusion"."""
    return any(_fits(name, line, finding) for name in ("STATEMENT", "SENTENCE"))


def _fits(name: str, line: str, finding: str | None) -> bool:
    letters = "".join(word for word, _ in tokens(line, finding))
    return any(rule(name, affirming=each).fullmatch(letters) for each in (True, False))


MARKUP = (
    (r"\\f?boxed\s*\{((?:[^{}]|\{[^{}]*\})*)\}", r" answer: \1. "),  # LaTeX: a box declares
    (r"\\(?:begin|end)\s*\{[^{}]*\}", " "),
    (r"\\[a-z]+\s*\{?|\\[()\[\]]|[{}$]", " "),
    (r'(?<=")\s*:\s*true\b', ": yes"),  # JSON
    (r'(?<=")\s*:\s*false\b', ": no"),
    (r'"([^"\n]{1,60})"\s*:\s*"?', r"\n\1: "),
    (r"</?(?:b|i|u|em|strong|mark|span|code|su[bp]|font|big|small)\b[^<>\n]*>", ""),  # tags inside a line
    (r"<\w+ +\w+ *= *\"([^\"<>\n]{1,60})\" */?>", r"\n\1: "),
    (r"<[^<>\n]{1,40}>", "\n"),
    (r"\[(answer|verdict|conclusion|result)\]\s*:?", r"\1: "),
    (r"[(\[]?\s*\b(?:yes\s*/\s*no|no\s*/\s*yes|yes or no|no or yes)\b\s*[)\]]?", " yes or no "),
    (r"[\[\]]", " "),
    ("\N{THEREFORE}", " therefore "),
    (r"\(\s*[-+]\s*\)", " marked "),  # a sign behind a finding
    (r"\byes\b(?=[^\w\n]*\N{CROSS MARK})", " yes, wrong "),
    ("[\N{RIGHTWARDS ARROW}\N{RIGHTWARDS DOUBLE ARROW}]|[-=]+>", " : "),
    (r"\bno\. ?(?=\d)(?!\d+[.)])", "number "),  # "No. 17"
    (r"~~[^~\n]*~~", " "),
    (r"\(?\bconfidence\s*(?:level)?\s*:?\s*(?:high|0?\.[5-9]\d*|1(?:\.0+)?|(?:[5-9]\d|100)\s*%)\)?", " "),
    (r"\b\d+(?:\.\d+)?(?:\s*x\s*\d+(?:\.\d+)?)*\s*[cm]m\b", "sized"),  # "a 6 cm mass"
)
"""What stands for what, in this order."""

ASKED_AGAIN = (
    (  # the whole question, with nothing added that would make it another one
        r"(?:question\s*:\s*)?\"?\b(?:is|are) there (?:any |clear |an? )*(?:(?:evidence|signs?) of )?"
        r"(?:any |an? |the )*{name}(?: (?:seen|visible|present))?(?: (?:in|on) (?:the|this) (?:[a-z]+ ){{0,3}}?"
        r"(?:image|picture|x ray|xray|radiograph|scan|film))?\s*\?\"?",
        " ",
    ),
    (r"(?<=question )(?:of |about |as to |is )?whether there is (?:any )?(?:evidence of )?{name}", " "),
    (
        r"\b(?:finding|label|condition)\s*:\s*({name})[\s\",]*\n\s*(?:is )?(?:present|found|detected|answer)\s*:",
        r"\n\1: ",
    ),
    (r"(?:^|(?<=[.\n]))\s*((?:(?:any|the) )?(?:(?:evidence|presence|signs?) of )?{name})\s*\?", r"\n\1: "),
    (r"\(\s*{name}\s*\)", " "),
    (r"\byes or no\s*\?|(?:^|(?<=\n))[\s*_]*q\s*:", " "),
)
"""The question, its prompt or a field of a form, repeated by the response; {name} is the finding's."""

OPTION = re.compile(r"(?:\boption\s+)?\(?\b[a-e]\s*[).:][\s*_]*(?=(?:yes|no)\b)")
BULLET = re.compile(r"^\s*(?:[-+*\N{BULLET}]\s+|\(?\d{1,2}[.)]\s+|step \d+\s*[:.)-]\s*|\(?[a-e]\)\s+)+")
HEADING = re.compile(r"\s*(?:#{1,6}\s[^.!?]*$|(\*\*|__)[^*_.!?]+\1\s*:?\s*$)")
LABEL = re.compile(r"[^.:!?,;]{1,60}:\s+(?=\w)")
RULE = re.compile(r"\s*\|?[\s:|-]*-{2,}[\s:|-]*$")
PLAIN_TITLES = frozenset({
    "", "present", "present?", "status", "answer", "verdict", "result", "evidence", "observed", "seen", "yes or no",
    "value",
})  # fmt: skip
"""Titles of a table's column whose cells say what they seem to say."""

LEFT_OUT = ("So", "Sk", "Cf", "Cs", "Co", "Mn")
"""Unicode categories: emoji, modifiers, what is invisible or no character."""


def _plain(seen: str, finding: str) -> str:
    """Small letters, without LaTeX, JSON, tags, emoji, and the repeated question."""
    text = plain_words(seen)
    for pattern, plain in MARKUP:
        text = re.sub(pattern, plain, text)
    text = "".join(character for character in text if unicodedata.category(character) not in LEFT_OUT)
    if len(OPTION.findall(text)) == 1:
        text = OPTION.sub(" ", text)
    asides = re.findall(r"\([^)]*\)", plain_words(finding))
    for repeated in (*asides, *map(plain_words, SUFFIXES.values())):
        text = text.replace(repeated, " ")
    whole, parts = names_of(finding)
    name = f"(?:{name_pattern((*whole, *parts))})" if whole else r"[^?\n]{1,200}?"
    for pattern, plain in ASKED_AGAIN:
        text = re.sub(pattern.format(name=name), plain, text)
    return re.sub('"([^"\n]{0,400})"', _quoted, attribute_first(text, finding))


def _quoted(quotation: re.Match[str]) -> str:
    """A word or two in quotes as they stand; a longer quotation is nobody's statement, and stays one sentence."""
    content = quotation[1].strip()
    return content if len(content.split()) <= 3 else f'" {re.sub("[.!?;:]", ",", content)} "'


def _lines(text: str) -> Iterator[_Line]:
    header: list[str] = []
    written = text.splitlines()
    for line, below in zip(written, [*written[1:], ""], strict=True):
        if RULE.match(below) and "|" in line:
            header = _cells(line)
        elif "|" in line and not RULE.match(line):
            yield from (_Line(row, bullet=True) for row in _rows(_cells(line), header))
        elif not RULE.match(line):
            header = []
            yield _Line(_clean(line), HEADING.match(line) is not None, BULLET.match(line) is not None)


def _cells(line: str) -> list[str]:
    return [_clean(cell).rstrip(".") for cell in re.sub(r"^\s*\||\|\s*$", "", line).split("|")]


def _rows(cells: list[str], header: list[str]) -> Iterator[str]:
    """A row of a table as a line a cell, "name: cell", under the column's title where it is no plain one."""
    titles = [*header[1:], *[""] * len(cells)]
    for title, cell in zip(titles, cells[1:], strict=False):
        yield f"{cells[0]}: {cell}." if title in PLAIN_TITLES else f"{title}: {cells[0]}: {cell}."


def _clean(written: str) -> str:
    line = re.sub(r"[*_`#~>\"]" if written.count('"') % 2 else r"[*_`#~>]", " ", written)
    line = re.sub(r"(?<![a-z])'|'(?![a-z])", " ", BULLET.sub("", line))
    line = " ".join(re.sub(r"(?<=[a-z]{2})\.(?=[a-z]{2})", ". ", line).split())
    return f"{line}." if HEADING.match(written) and line[-1:].isalnum() else line
