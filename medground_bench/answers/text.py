"""From a response to the sentences that are read: small letters, no markup, no repeated question."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from medground_bench.answers.doubts import FOREIGN
from medground_bench.answers.grammar import rule, tokens
from medground_bench.answers.names import attribute_first, name_pattern, names_of, plain_words
from medground_bench.prompts import SUFFIXES


def is_english(text: str) -> bool:
    """Whether most letters are Latin and not two words belong to another language."""
    letters = [character for character in text if character.isalpha()]
    latin = sum(
        unicodedata.name(character, "").startswith(("LATIN", "MATHEMATICAL")) for character in letters
    )
    words = re.findall(r"[^\W\d_]+", text.casefold())
    foreign = FOREIGN.intersection(words)
    return 2 * latin > len(letters) and len(foreign) < min(2, len(words))


def sentences_of(seen: str, finding: str | None) -> Iterator[tuple[str, bool]]:
    """The sentences, and of each whether it answers a question that is not ours.

    A heading, or a line that ends with a colon, belongs to the first sentence after it: "Prior film:" takes from what
    follows the right to speak for this one.
    """
    label, asked = "", False
    for line, heading in _lines(_plain(seen, finding or "")):
        if line.endswith(":") or (heading and not _speaks(line, finding)):
            label = f"{line.rstrip('.:')}: "
            continue
        for written in re.split(r"(?<=[.!?])\s+", label + line):
            sentence = written.lstrip(" :,-(")
            if re.search(r"\w", sentence):
                yield sentence, asked
                asked = sentence.endswith("?")
        label = ""


def _speaks(line: str, finding: str | None) -> bool:
    """Whether a heading is a sentence of its own: "**No**", "## There is no effusion"."""
    letters = "".join(word for word, _ in tokens(line, finding))
    stated = any(rule("STATEMENT", affirming=each).fullmatch(letters) for each in (True, False))
    return rule("DECIDES", before="END").match(letters) is not None or stated


MARKUP = (
    (r"\\f?boxed\s*\{((?:[^{}]|\{[^{}]*\})*)\}", r" answer: \1. "),  # LaTeX: a box declares
    (r"\\[a-z]+\s*\{?|\\[()\[\]]|[{}$]", " "),
    (r'(?<=")\s*:\s*true\b', ": yes"),  # JSON
    (r'(?<=")\s*:\s*false\b', ": no"),
    (r'"([^"\n]{1,60})"\s*:\s*"?', r"\n\1: "),
    (r"</?(?:b|i|u|em|strong|mark|span|code|su[bp]|font|big|small)\b[^<>\n]*>", ""),  # tags inside a line
    (r"<[^<>\n]{1,40}>", "\n"),
    (r"[(\[]?\s*\b(?:yes\s*/\s*no|no\s*/\s*yes|yes or no|no or yes)\b\s*[)\]]?", " yes or no "),
    (r"[\[\]]", " "),
    ("\N{THEREFORE}", " therefore "),
    ("[\N{RIGHTWARDS ARROW}\N{RIGHTWARDS DOUBLE ARROW}]|[-=]+>", " : "),
    (r"\bno\.?\s*(?=\d)", "number "),  # "No. 17"
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
    (r"\byes or no\s*\?|(?:^|(?<=\n))\s*q\s*:", " "),
)
"""The question, its prompt or a field of a form, repeated by the response; {name} is the finding's."""

OPTION = re.compile(r"(?:\boption\s+)?\(?\b[a-e]\s*[).:]\s*(?=(?:yes|no)\b)")
BULLET = re.compile(r"^\s*(?:[-+\N{BULLET}]\s+|\(?\d{1,2}[.)]\s+|step \d+\s*[:.)-]\s*|\(?[a-e]\)\s+)+")
HEADING = re.compile(r"\s*(?:#{1,6}\s[^.!?]*$|(\*\*|__)[^*_.!?]+\1\s*:?\s*$)")
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


def _lines(text: str) -> Iterator[tuple[str, bool]]:
    """The lines without bullets and markdown, cells of a table joined by colons; and which of them are headings."""
    for written in text.splitlines():
        heading = HEADING.match(written) is not None
        line = re.sub(r"[*_`#~>\"]" if written.count('"') % 2 else r"[*_`#~>]", " ", written)
        if line.count("|") > 1:
            line = ": ".join(cell.strip() for cell in line.strip(" |").split("|"))
        line = re.sub(r"(?<![a-z])'|'(?![a-z])", " ", BULLET.sub("", line))
        line = " ".join(re.sub(r"(?<=[a-z]{2})\.(?=[a-z]{2})", ". ", line).split())
        if re.search(r"\w", line):
            yield (f"{line}." if heading and line[-1].isalnum() else line), heading
