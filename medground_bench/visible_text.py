"""What of a response its readers may see: the chain of thought that models hide between marks is cut out.

Answers, boxes and phrases are all read from this text alone, so a draft inside a chain is never taken for a reply.
"""

from __future__ import annotations

import re
from collections.abc import Set

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
)
"""Tags that hide nothing: control tokens, tokens of boxes, answers and sections of a report, HTML."""

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

OPEN, CLOSE = "\N{SHIFT OUT}", "\N{SHIFT IN}"
"""What every mark of a chain is rewritten to."""


def visible(text: str) -> str:
    """The text without its hidden chains; empty when one was opened and never closed.

    Paired tags of any name hide what is between them, but for those of `SHOWN`; so do MedGemma's <unused94>, the
    channels of Gemma and GPT, [THINK], the triangles of Kimi, fenced blocks that name a thought, and comments. A lone
    closing mark cuts what is before it. A tag whose name tells of no chain hides what it closes,
    or what follows where it opens a line.

    >>> visible("<thinking>At first glance yes.</thinking>No")
    'No'
    """
    text = text.translate({ord(OPEN): " ", ord(CLOSE): " "}).replace("&lt;", "<").replace("&gt;", ">")
    text = BARE_CHANNELS.sub("", text)
    text = FINAL_CHANNEL.split(COMMENT.sub("\n", text))[-1]
    closed = {mark["name"].casefold() for mark in MARK.finditer(text) if mark["name"] and mark["slash"]}
    marked = MARK.sub(
        lambda mark: _canonical(mark, closed), CLOSED_CHANNEL.sub(CLOSE, OPEN_CHANNEL.sub(OPEN, text))
    )
    shown: list[str] = []
    depth = 0
    for piece in re.split(f"([{OPEN}{CLOSE}])", marked):
        if piece == OPEN:
            depth += 1
        elif piece == CLOSE and depth:
            depth -= 1
        elif piece == CLOSE:
            shown.clear()
        elif not depth:
            shown.append(piece)
    return "" if depth else "\n".join(shown).strip("\n")


def _canonical(mark: re.Match[str], closed: Set[str]) -> str:
    """OPEN or CLOSE for a mark of a chain; any other tag as it stands."""
    name = (mark["name"] or mark["bracketed"]).casefold()
    of_chain = OPENING.search(name) or name == "unused95"
    opens_a_line = not mark.string[: mark.start()].rpartition("\n")[2].strip()
    hides = of_chain or (not (mark["bar"] or SHOWN.fullmatch(name)) and (name in closed or opens_a_line))
    if mark["empty"] or not hides:
        return mark[0]
    return CLOSE if mark["slash"] or mark["closing"] or ENDING.search(name) else OPEN
