"""Explicit answers ("Answer: No", "The answer is yes", "No, ..."), and whether the words around leave them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from medground_bench.core.answers import doubts
from medground_bench.core.answers.grammar import letter, rule
from medground_bench.core.answers.sentence import Sentence
from medground_bench.core.types import Answer

YES, NO = Answer.YES, Answer.NO


@dataclass(frozen=True, slots=True)
class ExplicitAnswer:
    """A yes or no that the sentence `at` gives in so many words.

    bare  without a word such as "answer" before it
    rest  what follows it in its sentence

    >>> from medground_bench.core.answers.sentence import read_sentences
    >>> explicit = next(explicit_answers([*read_sentences("The answer is no, there is no mass.", "mass")]))
    >>> explicit.answer, explicit.bare, explicit.rest.text
    (<Answer.NO: 'no'>, False, 'there is no mass.')
    """

    answer: Answer
    at: int
    bare: bool
    rest: Sentence

    @property
    def is_whole(self) -> bool:
        """Whether nothing follows it in its sentence."""
        return not self.rest.letters


def explicit_answers(body: Sequence[Sentence]) -> Iterator[ExplicitAnswer]:
    """Those that count: declared ones, bare ones that are a whole sentence, or open the first or the last one.

    >>> from medground_bench.core.answers.sentence import read_sentences
    >>> body = [*read_sentences("Look at the lungs. No mass effect is seen. Answer: yes", "mass")]
    >>> [(explicit.at, explicit.answer.value) for explicit in explicit_answers(body)]
    [(2, 'yes')]
    """
    for at, sentence in enumerate(body):
        explicit = _explicit_answer(sentence, at, last=at == len(body) - 1)
        if explicit and explicit.bare:
            in_place = explicit.is_whole or at in (0, len(body) - 1)
            explicit = explicit if in_place else None
        if explicit and not sentence.aside:
            yield explicit


def stands(explicit: ExplicitAnswer, body: Sequence[Sentence], *, stated: bool) -> bool:
    """Whether all that is said beside an explicit answer leaves it; `stated` when a plain statement says the same.

    >>> from medground_bench.core.answers.sentence import read_sentences
    >>> body = [*read_sentences("No. I may be wrong.", "mass")]
    >>> stands(next(explicit_answers(body)), body, stated=False)
    False
    """
    answer, before, after = explicit.answer, body[: explicit.at], body[explicit.at + 1 :]
    if _led_against(explicit, before):
        return False
    if any(each.any(doubts.FIELD) and each.names_others and not each.names for each in after):
        return False
    alone = explicit.bare and explicit.is_whole and not stated
    if alone and after and (after[0].affirms_others if answer is YES else after[0].any(doubts.INABILITY)):
        return False
    return _rest_leaves(explicit.rest, answer) and all(leaves(each, answer, stated=stated) for each in after)


def _led_against(explicit: ExplicitAnswer, before: Sequence[Sentence]) -> bool:
    """Whether what stands before an explicit answer takes it away, or argues for the other one."""
    if not before:
        return False
    others = rule("OTHER_ALONE").fullmatch(before[-1].letters) is not None
    staged = any(each.any(doubts.STAGED) and not each.names for each in before)
    unable = explicit.bare and any(each.any(doubts.INABILITY) for each in before)
    if others or staged or unable or argues_against(before[-1], explicit.answer):
        return True
    other = rule("OPENS_YES" if explicit.answer is NO else "NO_ALONE")
    if any(other.match(each.letters) and not each.aside for each in before):
        return True
    if explicit.answer is NO:
        return any(each.calls_it for each in before)
    denied = any(each.any(doubts.SAYS_NOT) for each in before)
    return denied or (any(each.clears_seat for each in before) and not any(each.shows_it for each in before))


def leaves(sentence: Sentence, answer: Answer, *, stated: bool = True) -> bool:
    """Whether a sentence after an answer leaves it as it is.

    It does when it was read whole and is not to the contrary, when it closes the response, or when it tells what the
    picture shows in words that neither doubt nor contradict. A sentence of any other kind does not: "Maybe."

    >>> from medground_bench.core.answers.sentence import read_sentences
    >>> remarks = read_sentences("The heart is normal. Maybe. The mass is large.", "mass")
    >>> [leaves(sentence, Answer.NO) for sentence in remarks]
    [True, False, False]
    """
    if sentence.says is answer or sentence.is_remark:
        return True
    if sentence.is_read or rule("NORMAL_STUDY").fullmatch(sentence.letters):
        denied = sentence.denies_by_anatomy or sentence.denies_it
        return not (sentence.shows_it if answer is NO else denied)
    of_others = sentence.names_others and not sentence.is_kin
    doubted = sentence.any(*doubts.TAKES_BACK) or (sentence.any(doubts.HEDGE) and not of_others)
    opposed = sentence.any(doubts.OPENS_CONTRAST) and not stated
    if doubted or opposed or not sentence.describes or _interjects(sentence, answer):
        return False
    if answer is NO and sentence.any(doubts.ABNORMAL) and not (stated or of_others):
        return False
    if answer is YES:
        return not (sentence.denies_it or sentence.clears_seat)
    return not sentence.shows_it or sentence.any(doubts.DEFINES)


def argues_against(sentence: Sentence, answer: Answer) -> bool:
    """Whether a sentence just before an answer argues for the other one in words that were not read.

    >>> from medground_bench.core.answers.sentence import read_sentences
    >>> argues_against(next(read_sentences("No mass abuts the hilum.", "mass")), Answer.YES)
    True
    """
    if sentence.is_read:
        return False
    if (
        answer is YES
        and sentence.finding
        and sentence.denies_first
        and rule("CONCLUSION").match(sentence.letters)
    ):
        return True
    if not sentence.names or sentence.any(doubts.DEFINES, doubts.CONDITION, doubts.CONTRAST):
        return False
    return (sentence.denials > 0) is (answer is YES)


def _explicit_answer(sentence: Sentence, at: int, *, last: bool) -> ExplicitAnswer | None:
    opens = sentence.decides
    match = opens or rule("CONCLUDES", before="END").match(sentence.letters)
    if match is None or sentence.text.endswith(("?", "...")):
        return None
    answer = YES if match[0].endswith(letter("yes")) else NO
    if not opens and not _may_conclude(sentence.before(match.end() - 1), answer):
        return None
    bare = rule("BARE").fullmatch(match[0]) is not None
    if bare and not (opens or last):
        return None
    return ExplicitAnswer(answer, at, bare, sentence.after(match.end()))


def _may_conclude(before: Sentence, answer: Answer) -> bool:
    """Whether the words before "so the answer is ..." are no condition, hedge or draft, and do not say the contrary."""
    if before.any(doubts.CONDITION, doubts.HEDGE, doubts.DRAFT, doubts.PAST, doubts.EXAMPLE, *doubts.FRAMES):
        return False
    if answer is YES:
        about_it = before.names or before.names_head or before.text.startswith("no evidence")
        return not (about_it and before.denials)
    return not before.names or before.denials == 1


def _rest_leaves(rest: Sentence, answer: Answer) -> bool:
    """Whether what follows an explicit answer in its own sentence leaves it.

    Read whole it must speak of the finding; after a no it may speak of others. Unread it must tell of the finding after
    a yes, and deny something after a no, unless a plain statement that agrees stands before or after it.
    """
    if not rest.letters or rest.says or (rest.is_remark and not rest.any(doubts.TALK, doubts.CONDITION)):
        return True
    if rest.is_read or rest.repeats:
        of_others = rest.is_read and rest.names_others and not (rest.is_kin or rest.denies_it)
        return (NO if rest.is_read else rest.repeats) is answer and not of_others
    tail = _after_agreement(rest, answer)
    if tail:
        of_others = tail.names_others and not tail.names
        return of_others or not tail.any(doubts.HEDGE, doubts.INABILITY)
    if rest.any(*doubts.VOID, doubts.TALK, doubts.SPEECH, doubts.ABNORMAL) or _interjects(rest, answer):
        return False
    if answer is YES:
        denied = rest.denies_first or (rest.names and rest.denials)
        told = rest.is_kin and rest.any(doubts.TELLS) and not rest.any(doubts.WAS, doubts.LOOK_ALIKE)
        return told and not denied
    agrees_at_last = any(
        rest.after(word).says is NO and (not rest.before(word).denials or rest.clause_begins(word))
        for word in range(1, len(rest.letters))
    )
    of_a_part = rest.is_one_sided or (rest.names and rest.denials != 1)
    return agrees_at_last or (rest.opens_with_denial and rest.describes and not of_a_part)


def _after_agreement(rest: Sentence, answer: Answer) -> Sentence | None:
    """What follows a plain statement that agrees; None where there is none at the beginning."""
    lead = rule("LEAD", affirming=answer is YES, before="END").match(rest.letters)
    return rest.after(lead.end()) if lead and rest.before(lead.end()).says is answer else None


def _interjects(sentence: Sentence, answer: Answer) -> bool:
    """Whether the other answer stands among words that were not read."""
    other = NO if answer is YES else YES
    return re.search(rf"\b{other}\b(?=\s*(?:$|[.,;:!)]))", sentence.text) is not None
