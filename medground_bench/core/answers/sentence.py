"""A sentence of a response: its words as letters of the grammar, and what it says of the finding."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from medground_bench.core.answers import doubts
from medground_bench.core.answers.grammar import UNREAD, letter, rule, tokens
from medground_bench.core.answers.names import SHARED_NOUNS, seats_of, signs_of, stems_of
from medground_bench.core.answers.text import sentences_of
from medground_bench.core.types import Answer

MOST_WORDS = 60
"""A longer sentence says nothing."""


@dataclass(frozen=True)
class Sentence:
    """Small letters without markup.

    letters  one for every word, phrase or mark
    places   where each of them begins in the text
    aside    it follows a question that is not ours, and may answer that one

    >>> sentence = next(read_sentences("An ill-defined mass abuts the hilum.", "mass"))
    >>> sentence.names, sentence.says  # "abuts" stands in no list, so it says nothing
    (True, None)
    """

    text: str
    letters: str
    places: tuple[int, ...]
    finding: str
    aside: bool = False

    @cached_property
    def says(self) -> Answer | None:
        """What it plainly says of the finding, every word of it read."""
        yes = self.names and rule("STATEMENT", affirming=True).fullmatch(self.letters)
        no = letter("FINDING") in self.letters and rule("STATEMENT").fullmatch(self.letters)
        if rule("ITEMS_ALONE", affirming=True).fullmatch(self.letters) and self.names:
            return Answer.YES
        return None if bool(yes) == bool(no) else Answer.YES if yes else Answer.NO

    @cached_property
    def clauses_say(self) -> frozenset[Answer]:
        """What clauses of it plainly say of the finding, where it was not read whole and hedges nothing."""
        if self.is_read or not self.names or self._is_doubted:
            return frozenset()
        begins = [0, *(word for word in range(1, len(self.letters)) if self.clause_begins(word))]
        ends = [*(word - 1 for word in begins[1:]), len(self.letters)]
        clauses = [
            self.before(end).after(begin) for begin, end in zip(begins, ends, strict=True) if begin < end
        ]
        return frozenset(clause.says for clause in clauses if clause.says)

    @property
    def calls_it(self) -> bool:
        """Whether it calls something that it sees the finding: "the device over the chest is a pacemaker"."""
        return not (self.denials or self._is_doubted) and rule("IDENTITY").fullmatch(self.letters) is not None

    @property
    def says_it(self) -> Answer | None:
        """What it says of "it"."""
        yes, no = rule("IT_IS").fullmatch(self.letters), rule("IT_IS_NOT").fullmatch(self.letters)
        return None if not self.finding else Answer.YES if yes else Answer.NO if no else None

    @property
    def repeats(self) -> Answer | None:
        """What it says after an explicit answer: "there is", "it is not"."""
        yes, no = rule("INDEED").fullmatch(self.letters), rule("INDEED_NOT").fullmatch(self.letters)
        return Answer.YES if yes else Answer.NO if no else self.says_it

    @property
    def is_read(self) -> bool:
        """Whether every word was read, whatever it speaks of."""
        return any(rule("STATEMENT", affirming=each).fullmatch(self.letters) for each in (True, False))

    @property
    def names(self) -> bool:
        """Whether it names the finding or a part of it."""
        return letter("FINDING") in self.letters or letter("PART") in self.letters

    @property
    def names_head(self) -> bool:
        """Whether it names the finding by its last word alone: "effusion" of "pleural effusion"."""
        return letter("HEAD_NOUN") in self.letters

    @property
    def names_others(self) -> bool:
        """Whether it names another finding."""
        return letter("LONGER") in self.letters or letter("OTHER") in self.letters

    @property
    def is_kin(self) -> bool:
        """Whether it speaks of the finding, if only in other words: "the fifth rib is fractured" of a rib fracture."""
        if self.names or (self.names_head and self.finding.casefold().split()[-1] not in SHARED_NOUNS):
            return True
        return any(
            all(re.search(rf"\b{stem}", self.text) for stem in stems) for stems in stems_of(self.finding)
        )

    @property
    def affirms_others(self) -> bool:
        """Whether it says of other findings alone that they are there."""
        denies = rule("DENIALS").fullmatch(self.letters)
        return self.is_read and self.names_others and not self.names and not denies

    @property
    def denials(self) -> int:
        """How many of its words deny something."""
        return len(doubts.DENIAL.findall(self.text))

    @property
    def opens_with_denial(self) -> bool:
        """Whether its first clause says, in whatever words, that something is not there or as it should be."""
        return doubts.NORMAL.search(re.split("[,;:(]", self.text)[0]) is not None

    @property
    def denies_first(self) -> bool:
        """Whether its first clause denies, or calls something normal."""
        clause = re.split("[,;:(]", self.text)[0]
        return doubts.DENIAL.search(clause) is not None or doubts.IS_NORMAL.search(clause) is not None

    @property
    def denies_by_anatomy(self) -> bool:
        """Whether it calls the whole picture, or the part where the finding has its seat, normal."""
        if rule("NORMAL_STUDY").fullmatch(self.letters):
            return True
        return rule("DENIALS").fullmatch(self.letters) is not None and self._of_the_seat

    @property
    def clears_seat(self) -> bool:
        """Whether it calls the part where the finding has its seat normal, in words that were not read."""
        return (
            self.any(doubts.SOUND) and not (self.denials or self.any(doubts.CONDITION)) and self._of_the_seat
        )

    @property
    def shows_it(self) -> bool:
        """Whether it speaks of the finding, or of signs of it, and denies nothing."""
        return not self.denials and (self.is_kin or self._holds(signs_of(self.finding)))

    @property
    def decides(self) -> re.Match[str] | None:
        """The explicit answer that it begins with, and what opens it."""
        return rule("DECIDES", before="END").match(self.letters)

    @property
    def _is_doubted(self) -> bool:
        """Whether anything in it hedges, defines, or is somebody else's speech."""
        return self.any(*doubts.VOID, doubts.DEFINES, doubts.SPEECH)

    @property
    def _of_the_seat(self) -> bool:
        return self._holds(seats_of(self.finding)) and not self.any(doubts.ONE_SIDE)

    @property
    def denies_it(self) -> bool:
        """Whether it denies the finding, or the signs of it, in words that were not read."""
        signs = self._holds(signs_of(self.finding)) and not self.any(doubts.ONE_SIDE)
        return self.denials > 0 and (self.is_kin or signs)

    def _holds(self, words: Iterable[str]) -> bool:
        return any(re.search(rf"\b{word}\b", self.text) for word in words)

    @property
    def describes(self) -> bool:
        """Whether it tells what the picture shows: it names a finding, a sign, a part of the body or the picture."""
        return self.names or self.names_head or self.names_others or self.any(doubts.SIGHT)

    @property
    def is_one_sided(self) -> bool:
        """Whether it speaks of the left alone, or of the right."""
        return ("left" in self.text) is not ("right" in self.text)

    @property
    def is_remark(self) -> bool:
        """Whether it may close a response without touching its answer: a disclaimer, advice, an offer of help."""
        asks = self.text.endswith("?")
        if (self.names and not asks) or self.decides or self.any(doubts.SEES_NOTHING, doubts.BLIND):
            return False
        return doubts.REMARK.search(doubts.LINK.sub("", self.text)) is not None

    def any(self, *words: re.Pattern[str]) -> bool:
        """Whether it holds any of these."""
        return any(each.search(self.text) for each in words)

    def clause_begins(self, word: int) -> bool:
        """Whether a clause of its own may begin with this word: a mark, or "and", stands before it."""
        return rule("JOINT").match(self.letters, word - 1) is not None

    def before(self, words: int) -> Sentence:
        """Its first words, so many."""
        end = self.places[words] if words < len(self.letters) else len(self.text)
        return Sentence(self.text[:end], self.letters[:words], self.places[:words], self.finding)

    def after(self, words: int) -> Sentence:
        """What follows so many words, and the marks after them."""
        while words < len(self.letters) and rule("MARK").match(self.letters, words):
            words += 1
        start = self.places[words] if words < len(self.letters) else len(self.text)
        places = tuple(place - start for place in self.places[words:])
        return Sentence(self.text[start:], self.letters[words:], places, self.finding)


def read_sentences(seen: str, finding: str | None) -> Iterator[Sentence]:
    """The sentences of what is visible of a response.

    >>> [sentence.says for sentence in read_sentences("There is no mass. The heart is large.", "mass")]
    [<Answer.NO: 'no'>, None]
    """
    for text, aside in sentences_of(seen, finding):
        words = tokens(text, finding)
        if len(words) > MOST_WORDS:
            words = [(UNREAD, 0)]
        letters, places = "".join(word for word, _ in words), tuple(place for _, place in words)
        yield Sentence(text, letters, places, finding or "", aside)


def without_remarks(sentences: Sequence[Sentence]) -> Sequence[Sentence]:
    """The sentences up to the closing remarks; a disclaimer with a label ends them whatever stands under it.

    >>> body = without_remarks([*read_sentences("There is no mass. Please consult a doctor.", "mass")])
    >>> [sentence.text for sentence in body]
    ['there is no mass.']
    """
    for at, sentence in enumerate(sentences):
        if at and sentence.any(doubts.LABELLED_REMARK):
            below = sentences[at:]
            if not any(each.says or each.any(doubts.BLIND) or each.decides for each in below):
                sentences = sentences[:at]
            break
    end = len(sentences)
    while end > 1 and sentences[end - 1].is_remark:
        end -= 1
    return sentences[:end]
