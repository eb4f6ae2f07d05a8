"""From what each token of a response lost to what each word lost: tokens may be pieces of words. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from medground_bench.core.types import TokenDrop


@dataclass(frozen=True, slots=True)
class WordDrop:
    """What a word lost, in nats; `text` is the word with the white space before it, as it stands in the response.

    >>> WordDrop(" effusion", drop=1.25).text
    ' effusion'
    """

    text: str
    drop: float


def word_drops(drops: Sequence[TokenDrop]) -> list[WordDrop]:
    """Words of a response with the sum of their tokens' drops, in order.

    A word ends where a token begins with white space, or follows one that ends with it. Nothing is lost: the texts join
    to the response, the drops add up to Delta. White space alone, and a token that only begins a character and so has
    no text of its own, count with the token after them; at the end of the response, with the last word.

    >>> words = word_drops([TokenDrop("No", 0.5), TokenDrop(" effu", 1.0), TokenDrop("sion", 0.25)])
    >>> [(word.text, word.drop) for word in words]
    [('No', 0.5), (' effusion', 1.25)]
    """
    words: list[WordDrop] = []
    text, drop, waiting = "", 0.0, 0.0
    for token in drops:
        waiting += token.drop
        if not token.token:
            continue
        if text.strip() and (token.token[0].isspace() or text[-1].isspace()):
            words.append(WordDrop(text, drop))
            text, drop = "", 0.0
        text, drop, waiting = text + token.token, drop + waiting, 0.0
    if words and not text.strip():
        last = words.pop()
        text, drop = last.text + text, last.drop + drop
    if drops:
        words.append(WordDrop(text, drop + waiting))
    return words
