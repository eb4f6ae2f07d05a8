"""Verdicts of a response ("Answer: No", "The answer is yes", "No, ..."), and whether the words around leave them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from medground_bench.answers import doubts
from medground_bench.answers.grammar import letter, rule
from medground_bench.answers.sentence import Sentence
from medground_bench.types import Answer

YES, NO = Answer.YES, Answer.NO


@dataclass(frozen=True, slots=True)
class Verdict:
    """A verdict of the sentence `at`.

    bare  without a word such as "answer" before it
    rest  what follows it in its sentence
    """

    answer: Answer
    at: int
    bare: bool
    rest: Sentence

    @property
    def is_whole(self) -> bool:
        """Whether nothing follows it in its sentence."""
        return not self.rest.letters


def verdicts_of(body: Sequence[Sentence]) -> Iterator[Verdict]:
    """Those that count: declared ones, bare ones that are a whole sentence, or open the first or the last one."""
    for at, sentence in enumerate(body):
        verdict = _verdict(sentence, at)
        if verdict and verdict.bare:
            in_place = verdict.is_whole or at in (0, len(body) - 1)
            verdict = verdict if in_place and not sentence.aside else None
        if verdict:
            yield verdict


def stands(verdict: Verdict, body: Sequence[Sentence], *, stated: bool) -> bool:
    """Whether all that is said beside a verdict leaves it.

    stated  a plain statement says the same
    """
    before, after = body[: verdict.at], body[verdict.at + 1 :]
    if before and argues_against(before[-1], verdict.answer):
        return False
    if verdict.bare and any(each.any(doubts.INABILITY) for each in before):
        return False
    if verdict.answer is YES and body[0].finding and not stated and _all_sounds_normal(before, after):
        return False
    taken_back = (
        _takes_back(each, verdict, next_one=not place, stated=stated) for place, each in enumerate(after)
    )
    return not _is_void(verdict.answer, verdict.rest) and not any(taken_back)


def argues_against(sentence: Sentence, answer: Answer) -> bool:
    """Whether a sentence just before an answer names the finding in words that were not read, and the other way."""
    if not sentence.names or sentence.says or sentence.any(doubts.DEFINES, doubts.CONDITION, doubts.CONTRAST):
        return False
    return (sentence.denials > 0) is (answer is YES)


def _verdict(sentence: Sentence, at: int) -> Verdict | None:
    opens = rule("DECIDES", before="END").match(sentence.letters)
    found = opens or rule("CONCLUDES", before="END").match(sentence.letters)
    if found is None or sentence.text.endswith("?"):
        return None
    answer = YES if found[0].endswith(letter("yes")) else NO
    if not opens and not _may_conclude(sentence.before(found.end() - 1), answer):
        return None
    bare = rule("BARE").fullmatch(found[0]) is not None
    return Verdict(answer, at, bare, sentence.after(found.end()))


def _may_conclude(before: Sentence, answer: Answer) -> bool:
    """Whether the words before "so the answer is ..." are no condition, hedge or draft, and do not say the contrary."""
    if before.any(doubts.CONDITION, doubts.HEDGE, doubts.DRAFT):
        return False
    if answer is YES:
        about_it = before.names or before.names_head or before.text.startswith("no evidence")
        return not (about_it and before.denials)
    return not before.names or before.denials == 1


def _is_void(answer: Answer, rest: Sentence) -> bool:
    """Whether what follows a verdict in its own sentence leaves nothing of it.

    What was read whole must speak of the finding; after a no it may speak of others. What was not read may hold no word
    that hedges, restricts, corrects or chats, unless a plain statement that agrees stands before it.
    """
    if not rest.letters or rest.says or (answer is YES and rule("SOMEWHERE").fullmatch(rest.letters)):
        return False
    if rest.is_read or rest.repeats:
        return answer is YES if rest.is_read else rest.repeats is not answer
    lead = rule("LEAD", affirming=answer is YES, before="END").match(rest.letters)
    if lead and rest.before(lead.end()).says is answer:
        tail = rest.after(lead.end())
        of_others = tail.names_others and not tail.names
        return not of_others and tail.any(doubts.HEDGE, doubts.INABILITY)
    return _speaks_against(rest, answer)


def _speaks_against(rest: Sentence, answer: Answer) -> bool:
    """Whether unread words after a verdict speak against it, or not of what it is about."""
    if rest.any(*doubts.VOID, doubts.TALK) or _interjects(rest, answer):
        return True
    denies = doubts.NORMAL.search(re.split("[,;:(]", rest.text)[0]) is not None
    if answer is YES:
        return denies or not rest.is_kin or (rest.names and rest.denials > 0) or rest.any(doubts.WAS)
    if any(rest.after(word).says is answer for word in range(1, len(rest.letters))):
        return False
    of_a_part = rule("PART_ONLY").fullmatch(rest.letters) is not None
    return not denies or of_a_part or (rest.names and rest.denials != 1)


def _takes_back(sentence: Sentence, verdict: Verdict, *, next_one: bool, stated: bool) -> bool:
    """Whether a later sentence leaves nothing of a verdict."""
    if sentence.says or sentence.text.endswith("?"):
        return False
    alone = next_one and verdict.answer is YES and verdict.bare and verdict.is_whole and not stated
    if sentence.is_read:
        return alone and sentence.affirms_others
    corrects = sentence.any(doubts.CORRECTION, doubts.SENDS_AGAIN) or _interjects(sentence, verdict.answer)
    if corrects or (sentence.any(doubts.OPENS_CONTRAST) and not stated):
        return True
    unable = sentence.any(doubts.INABILITY, doubts.POOR)
    if verdict.answer is NO:
        affirmed = not sentence.denials and not sentence.any(doubts.DEFINES)
        return unable or (sentence.names and (affirmed or sentence.any(doubts.HEDGE)))
    normal_study = rule("NORMAL_STUDY").fullmatch(sentence.letters) is not None
    return normal_study or (alone and unable) or (sentence.names and sentence.denials > 0)


def _all_sounds_normal(before: Sequence[Sentence], after: Sequence[Sentence]) -> bool:
    """Whether all that stands beside a verdict, or the conclusion just before it, says that nothing is there."""
    if before and before[-1].sounds_normal and rule("CONCLUSION").match(before[-1].letters):
        return True
    unread = [each for each in (*before, *after) if not each.is_read]
    return bool(unread) and all(each.sounds_normal for each in unread)


def _interjects(sentence: Sentence, answer: Answer) -> bool:
    """Whether the other verdict stands among words that were not read."""
    other = NO if answer is YES else YES
    return re.search(rf"\b{other}\b(?=\s*(?:$|[.,;:!)]))", sentence.text) is not None
