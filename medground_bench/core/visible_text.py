"""What of a response its readers may see: the chain of thought that models hide between marks is cut out.

Answers, boxes and phrases are all read from this text alone, so a draft inside a chain is never taken for a reply.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Set
from dataclasses import dataclass

REASONING = (
    r"think|thought|reason|analys|reflect|scratch|ponder|deliberat|monologue|rationale|(?<![a-z])cot(?![a-z])"
)
"""A mark whose name holds one of these words belongs to a chain, whatever brackets it has."""

ENDING = re.compile(r"(?<![a-z])(?:end|stop|close)(?![a-z])|^unused95$")
OPENING = re.compile(rf"{REASONING}|^unused94$")
"""Of MedGemma 1.5: <unused94>thought ... <unused95>."""

SHOWN = re.compile(
    r"(?:start|begin|end|bos|eos|eot|eom|pad|unk|mask|im|image|img|vision|user|assistant|system|model)(?:[_-]\w+)*"
    r"|s|endoftext|(?:loc_?|seg|unused|patch_index_|bin_|[xy]_?)\d+|(?:object_)?ref\w*|obj\w*|p|points?|quad\w*|poly\w*"
    r"|b?box\w*|bounding_box\w*|bndbox|coord\w*|rect\w*|roi|region|location|position|phrase|grounding|[xy]_?(?:min|max)"
    r"|left|top|right|bottom|width|height|[xywh]|c[xy]|size|svg|area|map|circle|ellipse|annotations?|evidence"
    r"|(?:final_?)?(?:answer|ans|solution|choice|option|prediction|explanation|justification|verdict|conclusion|response|reply)s?"
    r"|(?:output|result|decision)s?|final|impression|findings?"
    r"|report|label|json|text|html|body|div|span|section|h[1-6]|br|hr|[abiuq]|em|strong|small|big|mark|code|pre|su[bp]"
    r"|[ou]l|li|d[lt]|dd|table|thead|tbody|tr|t[hd]|center|font|blockquote"
    r"|(?:tool|function)(?:_?calls?|_response)?|detect\w*|target|objects?|item|class|category|entity"
    r"|(?:[a-z]+[ _-])*(?:abnormalit\w+|lesion|heart|lungs?|lobes?|zones?|hil(?:um|ar)|pleura\w*|trachea\w*|aort\w+"
    r"|ribs?|clavicles?|spine|diaphragm|mediastin\w+|cardiomegaly|effusion|pneumo\w+|consolidation|opacit\w+|nodule|mass"
    r"|infiltrat\w+|atelectasis|o?edema|fracture|fibrosis|emphysema|hernia|thickening|calcification|device|catheter"
    r"|tube|pacemaker|tuberculosis)s?(?:[ _-][a-z0-9]+)*"
)
"""Tags that hide nothing: control tokens, tokens of boxes, answers and sections of a report, HTML, calls of tools, and
names of organs and findings."""

MARK = re.compile(
    r"\\?(?:[<\N{WHITE LEFT-POINTING TRIANGLE}]\s*+(?P<bar>\|)?\s*+(?P<slash>/)?\s*+"
    r"(?P<name>[a-z][\w:.-]{0,40}(?: [a-z]{1,20})?)"
    r"(?:\s+[\w:-]+\s*=[^<>\n]{0,200}?)?(?P<empty>/)?\s*+\|?\s*+\\?[>\N{WHITE RIGHT-POINTING TRIANGLE}]"
    rf"|\[\s*+(?P<closing>/)?\s*+(?P<bracketed>(?:[a-z]+[_ ])?(?:{REASONING})[a-z_]*)\s*\])",
    re.IGNORECASE,
)
COMMENT = re.compile(
    rf"<!--.*?(?:-->|\Z)|^[ \t]*```[ \t]*(?:{REASONING})\w*[ \t]*$.*?(?:^[ \t]*```[ \t]*$|\Z)",
    re.IGNORECASE | re.MULTILINE | re.DOTALL,
)
"""A comment, or a fenced block that says it is a thought."""

FINAL_CHANNEL = re.compile(r"<\|?channel\|>\s*(?:final|answer|response)\w*", re.IGNORECASE)
BARE_CHANNELS = re.compile(r"\Aanalysis(?=[A-Z]).*?(?:assistantfinal|\Z)", re.DOTALL)
"""The channels of GPT where the marks between them were lost."""

OPEN_CHANNEL, CLOSED_CHANNEL = (
    re.compile(r"<\|channel\|?>", re.IGNORECASE),
    re.compile(r"<channel\|>", re.IGNORECASE),
)

ESCAPED = {"&lt;": "<", "&gt;": ">", r"\u003c": "<", r"\u003e": ">", r"<\/": "</"}
"""What stands for the brackets of a mark in HTML and in JSON."""
ESCAPES = re.compile("|".join(map(re.escape, ESCAPED)), re.IGNORECASE)

_TITLE = r"(?:(?:[-*]|\d+[.)])[ \t]+)?(?P<mark>#{1,6}[ \t]*|\*\*|__)?"
_COLON = r"[ \t]*(?:\*\*|__)?[ \t]*(?::|(?(mark)$|(?!)))"
DRAFT = re.compile(
    rf"^[ \t>]*{_TITLE}(?:[\w',-]+ ){{0,4}}?[\w-]{{0,20}}?"
    rf"(?:{REASONING}|draft|initial|preliminary|tentative|attempt|guess|(?<![a-z])steps?(?![a-z]))"
    rf"[\w-]{{0,20}}(?: [\w'-]+){{0,4}}{_COLON}",
    re.IGNORECASE | re.MULTILINE,
)
"""The title of a section that leads to the answer: a word before a colon, a heading, a line in bold."""
FINAL = re.compile(
    rf"(?:^[ \t>]*|(?<=[.!?\])][ \n])){_TITLE}(?:(?:so|thus|therefore|my|the|final|overall),? ){{0,3}}"
    rf"(?:answers?|final|conclusion|verdict|results?|output|response|(?<=final )[a-z]+)"
    rf"(?: [\w'-]+){{0,2}}(?:{_COLON}| is\b)",
    re.IGNORECASE | re.MULTILINE,
)
"""The title of the answer itself, or the sentence that gives it."""

OPEN, CLOSE = "\N{SHIFT OUT}", "\N{SHIFT IN}"
"""What every mark of a chain is rewritten to."""

OPEN_OTHER, CLOSE_OTHER = "\N{DATA LINK ESCAPE}", "\N{DEVICE CONTROL ONE}"
"""Of a tag that hides, though its name tells of no chain."""


@dataclass(frozen=True, slots=True)
class Parts:
    """A response in two parts.

    shown   what is read
    unsure  what is not, though no mark says that it is a chain

    >>> Parts(shown="Answer: [5, 6, 7, 8]", unsure="Thought: [1, 2, 3, 4]?").shown
    'Answer: [5, 6, 7, 8]'
    """

    shown: str
    unsure: str


def visible(text: str) -> str:
    """The text without its hidden chains, in plain characters; empty when one was opened and never closed.

    Paired tags of any name hide what is between them, but for those of `SHOWN`; so do MedGemma's <unused94>, the
    channels of Gemma and GPT, [THINK], the triangles of Kimi, fenced blocks that name a thought, and comments. A lone
    closing mark cuts what is before it. A tag whose name tells of no chain hides what it closes,
    or what follows where it opens a line.

    >>> visible("<thinking>At first glance yes.</thinking>No")
    'No'
    """
    return _by_marks(text).shown


def without_drafts(text: str) -> Parts:
    r"""The visible text without the sections that are titled as drafts of an answer, which another title gives.

    Such drafts are unsure, and so is what a tag hides whose name tells of no chain.

    >>> without_drafts("Thought: [1, 2, 3, 4]?\nAnswer: [5, 6, 7, 8]")
    Parts(shown='Answer: [5, 6, 7, 8]', unsure='Thought: [1, 2, 3, 4]?')
    """
    parts = _by_marks(text)
    shown, unsure, place = "", [parts.unsure] if parts.unsure else [], 0
    while (draft := DRAFT.search(parts.shown, place)) and (final := FINAL.search(parts.shown, draft.end())):
        shown += parts.shown[place : draft.start()]
        unsure.append(parts.shown[draft.start() : final.start()].strip())
        place = final.start()
    return Parts(shown + parts.shown[place:], "\n".join(unsure))


def _by_marks(text: str) -> Parts:
    text = text.translate(dict.fromkeys(map(ord, (OPEN, CLOSE, OPEN_OTHER, CLOSE_OTHER)), " "))
    text = unicodedata.normalize("NFKC", ESCAPES.sub(lambda escape: ESCAPED[escape[0].lower()], text))
    text = BARE_CHANNELS.sub("", text)
    text = FINAL_CHANNEL.split(COMMENT.sub("\n", text))[-1]
    closed = {mark["name"].casefold() for mark in MARK.finditer(text) if mark["name"] and mark["slash"]}
    marked = MARK.sub(
        lambda mark: _canonical(mark, closed), CLOSED_CHANNEL.sub(CLOSE, OPEN_CHANNEL.sub(OPEN, text))
    )
    shown: list[str] = []
    unsure: list[str] = []
    opened: list[str] = []
    for piece in re.split(f"([{OPEN}{CLOSE}{OPEN_OTHER}{CLOSE_OTHER}])", marked):
        if piece in (OPEN, OPEN_OTHER):
            opened.append(piece)
        elif piece in (CLOSE, CLOSE_OTHER) and opened:
            opened.pop()
        elif piece in (CLOSE, CLOSE_OTHER):
            unsure = [*unsure, *shown] if piece == CLOSE_OTHER else []
            shown.clear()
        elif OPEN not in opened:
            (unsure if opened else shown).append(piece)
    if opened:
        shown, unsure = [], [] if OPEN in opened else [*shown, *unsure]
    return Parts("\n".join(shown).strip("\n"), "\n".join(unsure).strip("\n"))


def _canonical(mark: re.Match[str], closed: Set[str]) -> str:
    """What a mark that hides is rewritten to; any other tag as it stands."""
    name = (mark["name"] or mark["bracketed"]).casefold()
    of_chain = OPENING.search(name) or name == "unused95"
    opens_a_line = not mark.string[: mark.start()].rpartition("\n")[2].strip()
    hides = of_chain or (not (mark["bar"] or SHOWN.fullmatch(name)) and (name in closed or opens_a_line))
    if mark["empty"] or not hides:
        return mark[0]
    if mark["slash"] or mark["closing"] or ENDING.search(name):
        return CLOSE if of_chain else CLOSE_OTHER
    return OPEN if of_chain else OPEN_OTHER
