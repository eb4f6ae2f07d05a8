"""Reading yes or no out of a response: an answer is read, never guessed.

A response decides by an explicit answer ("Answer: No", "The answer is yes", "No, ...") or by a plain statement ("There
is no evidence of X."), which counts only if every word of its sentence is read by one closed grammar
(`answers.grammar`, the table to check). What else stands beside an explicit answer must leave it: read sentences by
what they say, unread ones by the words in them (`answers.doubts`). One check at the end holds all that was read against
each other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from medground_bench.core.answers import doubts
from medground_bench.core.answers.explicit import argues_against, explicit_answers, leaves, stands
from medground_bench.core.answers.sentence import Sentence, read_sentences, without_remarks
from medground_bench.core.answers.text import is_english
from medground_bench.core.types import Answer
from medground_bench.core.visible_text import visible

MOST_CHARACTERS, MOST_SENTENCES = 20_000, 150
"""A longer response is not read: it has 512 tokens at most."""


MAY_BE_CUT_OFF = 1_000
"""Characters that 512 tokens have at least: the last sentence of a longer response may lack its "in the left lung"."""

READINGS_KEPT = 1024
"""A filter reads the same response at every step."""


class Why(StrEnum):
    """Why a response was read as it was.

    >>> read("No, but I may be wrong.", "mass").why.value
    'hedged, conditional, refused or taken back'
    """

    EXPLICIT = "an explicit answer"
    STATEMENT = "a plain statement"
    EMPTY = "no word"
    TOO_LONG = "too long"
    HIDDEN = "a hidden chain that never closed"
    OTHER_LANGUAGE = "another language"
    CONTRADICTION = "it says both"
    WITHDRAWN = "hedged, conditional, refused or taken back"
    NOTHING_PLAIN = "nothing plain"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a response says and why it was read so.

    >>> Reading(Answer.NO, Why.EXPLICIT).answer
    <Answer.NO: 'no'>
    """

    answer: Answer
    why: Why


def read_answer(text: str, finding: str | None) -> Answer:
    """YES or NO where the response decides, else UNREADABLE; see `read`.

    >>> read_answer("There is a mass in the left lung.", "mass")
    <Answer.YES: 'yes'>
    >>> read_answer("There may be a mass.", "mass")
    <Answer.UNREADABLE: 'unreadable'>
    """
    return read(text, finding).answer


@lru_cache(maxsize=READINGS_KEPT)
def read(text: str, finding: str | None) -> Reading:
    """What a response says of a finding.

    text     the whole response
    finding  what was asked about; None for a question in free words, on which only explicit answers are read

    1. Hidden chains, markup and the repeated question are cut out. Another language than English is not read.
    2. An explicit answer decides: "the answer is X", "Answer: X", "finding: X", a LaTeX box, wherever it stands; yes or
       no as a whole sentence; the first or the last sentence when it opens with one. What follows in its sentence must
       not hedge it, make it conditional, speak of the past or of something else.
    3. Without one, the first or the last sentence that plainly says that the finding is there, or is not.
    4. An explicit answer and a plain statement to the contrary, anywhere, leave no decision; nor does a correction, nor
       after a "no" a refusal or a word about a poor picture. A closing remark (disclaimer, advice, offer of help) takes
       nothing back.

    >>> read("The angles are sharp. The answer is no.", "pleural effusion").answer
    <Answer.NO: 'no'>
    """
    seen = visible(text)
    readable = len(seen) <= MOST_CHARACTERS and is_english(seen)
    sentences = [*read_sentences(seen, finding)] if readable else []
    if not 0 < len(sentences) <= MOST_SENTENCES:
        return _unreadable(_why_not(text, seen, len(sentences)))
    body = without_remarks(sentences)
    explicit = [*explicit_answers(body)]
    stated = {each.says for each in (*sentences, *(each.rest for each in explicit))} - {None}
    in_clauses = {says for each in sentences for says in each.clauses_say} if explicit else set()
    if len(stated | in_clauses | {each.answer for each in explicit}) > 1:
        return _unreadable(Why.CONTRADICTION)
    if not explicit:
        return _by_statement(body)
    if any(stands(each, body, stated=bool(stated)) for each in explicit):
        return Reading(explicit[-1].answer, Why.EXPLICIT)
    return _unreadable(Why.WITHDRAWN)


def _by_statement(body: Sequence[Sentence]) -> Reading:
    """The last sentence, else the first, that plainly speaks of the finding and whose neighbours leave it."""
    first, last, several = body[0], body[-1], len(body) > 1
    answer = last.says or (None if several and not body[-2].names else last.says_it)
    if answer:
        spoken = all(each.is_read or each.describes or each.any(doubts.BEGINS) for each in body[:-1])
        stands = spoken and not (several and argues_against(body[-2], answer))
        if not last.text.endswith((".", "!")) and sum(len(each.text) for each in body) >= MAY_BE_CUT_OFF:
            answer = None
    elif all(each.is_read for each in body):
        answer = next((each.says for each in body if each.says), None)
        stands = answer is None or all(leaves(each, answer) for each in body)
    else:
        answer, stands = first.says, all(leaves(each, first.says) for each in body[1:] if first.says)
    if answer is None:
        return _unreadable(Why.NOTHING_PLAIN)
    framed = any(each.any(*doubts.FRAMES) for each in body if not each.says)
    return Reading(answer, Why.STATEMENT) if stands and not framed else _unreadable(Why.WITHDRAWN)


def _why_not(text: str, seen: str, sentences: int) -> Why:
    """Why no sentence of a response is read."""
    if not re.search(r"\w", seen):
        return Why.EMPTY if re.fullmatch(r"\W*", text) else Why.HIDDEN
    if not is_english(seen):
        return Why.OTHER_LANGUAGE
    return Why.TOO_LONG if len(seen) > MOST_CHARACTERS or sentences else Why.NOTHING_PLAIN


def _unreadable(why: Why) -> Reading:
    return Reading(Answer.UNREADABLE, why)
