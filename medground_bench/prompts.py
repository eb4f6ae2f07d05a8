"""The question template, the modes' suffixes, the editor's prompts, and reading yes or no out of a response.

Source: paper, section B.2. Reading is ours, by rules (see `read_answer`): an answer is read, never guessed.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from medground_bench.types import Answer, Mode

NO_ABNORMALITY = "No abnormality"
"""Prompt of the second background edit."""

SUFFIXES = {
    Mode.DIRECT: "Answer directly with yes or no without any explanation.",
    Mode.REASON: "Think step by step and answer with yes or no.",
}


def question(finding: str) -> str:
    """The benchmark's question about a finding."""
    return f"Is there evidence of {finding} in the image?"


def prompt(finding: str, mode: Mode) -> str:
    """What the LVLM is asked: the question, a line break, the mode's suffix."""
    return f"{question(finding)}\n{SUFFIXES[mode]}"


def no_finding(finding: str) -> str:
    """Prompt of the foreground edit and of the first background edit."""
    return f"No {finding}"


THOUGHT_MARKS = (("<think>", "</think>"), ("<unused94>", "<unused95>"))
"""Opening and closing mark of a hidden chain: common to open models, and MedGemma 1.5."""

MARKUP = re.compile('<[^<>\n]{1,40}>|[*_`#>~|"\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}]')

SAID = r"(?P<said>yes|no)\b(?!\s*(?:/|or\b|and\b|,\s*(?:or|and)\b)\s*(?:yes|no)\b)(?!-)"
NOT_A_VERDICT = r"(?!\s+(?:doubt|question|longer|matter|wonder)\b)"
VERDICT_WORD = SAID + NOT_A_VERDICT

DECLARED = re.compile(
    r"\b(?:(?:answer|verdict|conclusion|response)(?:\s+to\s+(?:the|this|your)\s+question)?\s*(?:\s+is|[:=\n\-]|\s+remains)"
    r"|\bi(?:\s+would|'d|\s+will|'ll|\s+must|\s+have\s+to)?\s+(?:say|answer|respond|conclude|reply)(?:\s+with)?)"
    r"[\s:,=\-('$]*" + VERDICT_WORD
)
"""Rule 1: "the answer is yes", "Answer: no", "I would say yes"."""

BOXED = re.compile(r"\\boxed\s*\{\s*(?:\\text\s*\{\s*)?" + VERDICT_WORD)
"""Rule 1: the last box of a chain that writes LaTeX."""

CLAUSE_ENDS = re.compile(r"[,;:]|\b(?:so|therefore|thus|hence|then)\b")
CONDITION = re.compile(r"\b(?:if|unless|whether)\b(?!.*\b(?:so|therefore|thus|hence)\b)")
DENIAL = re.compile(r"\b(?:cannot|could|not|unable|either|neither)\b|n't\b")
"""Before a declared answer: it depends on something (in the sentence), or is denied (in its clause)."""

CONNECTIVE = (
    r"(?:(?:and\s+)?(?:so|therefore|thus|hence|overall|finally|in\s+conclusion|in\s+summary|to\s+conclude|conclusion|"
    r"consequently|accordingly|as\s+a\s+result|ultimately)\b|(?:based\s+on|given|considering)\b[^,:]{0,160}[,:])"
)
BARE = re.compile(
    r"^[\W\d]*(?:(?:step\s+\d+\s*[:.]\s*)?"
    + CONNECTIVE
    + r"[\s,:]*)?"
    + VERDICT_WORD
    + r"(?=\s*(?:$|[.,;:!()\-\n\"'\]}]))"
)
"""Rule 2: a sentence that opens with the verdict: "No.", "Yes, there is", "Therefore, yes." """

BARE_BEFORE_CLAUSE = re.compile(
    r"^\W*" + VERDICT_WORD + r"\s+(?:there|it|i|the|this|that|we|in|on|based|because|since|as)\b"
)
"""Rule 2 without the comma: "Yes there is ..."; not "No effusion is seen", where no belongs to the noun."""

ECHO = re.compile(r"\b(?:is there evidence of\b[^?\n]{0,200}|yes or no|yes/no)\?")
"""The model repeats the question; it asks nothing and answers nothing, so it is cut out."""

CORRECTS = re.compile(
    r"\b(?:actually|wait|correction|sorry|i\s+mean|scratch\s+that|i\s+(?:was|am)\s+(?:wrong|mistaken)"
    r"|on\s+(?:second\s+thoughts?|reflection|(?:a\s+)?(?:closer|second)\s+(?:look|inspection)))\b"
)
CORRECTED = re.compile(
    r"\b" + VERDICT_WORD + r"(?=\s*(?:$|[.,;:!?()\-\n\"'\]}]|(?:there|it|i|the|this|that|we)\b))"
)
"""A verdict is taken back when a correction after it comes to the other one: "Yes. Actually, no." """

VERBS = r"(?:is|are|was|were|shows?|reveals?|demonstrates?|remains?|has|have|with|without|but|and)"
ADVERBS = r"(?:\w+ly\s+|indeed\s+|some\s+|any\s+|clear\s+|strong\s+|also\s+)*"
SIGNS = (
    r"(?:evidence|signs?|indications?|features?|findings?)\s+"
    r"(?:of|for|consistent\s+with|(?:suggestive|indicative)\s+of|(?:that\s+|to\s+)?(?:suggest|indicate|support)s?)\s+"
)
SEEN = r"(?:present|evident|seen|visible|visuali[sz]ed|identified|noted|observed|demonstrated|apparent|detected)\b"
ARTICLES = r"(?:(?:a|an|any|the|clear|visible|radiographic)\s+)*"
ITEM = rf"(?:(?!{VERBS}\b)[\w'-]+\s){{0,3}}[\w'-]+"
OTHERS = rf"(?:(?=[^.\n]{{0,300}}\bn?or\b)(?:{ITEM}(?:,\s*(?:n?or\s+)?|\s+n?or\s+)){{1,6}})?"
"""Earlier members of a list of denials ("no effusion, mass or nodule"); without "or" a comma starts a new clause."""

KINDS = r"(?:(?!(?:no|not|n?or|and|resolved|resolving|prior|previous|treated|suspected|excluded)\b)[\w'/-]+\s){0,4}"
"""Words before a finding that is affirmed: any kind of it is one. Those before a denied one would deny a kind only."""

IMAGE = (
    r"(?:\s+(?:in|on|within)\s+(?:(?:the|this|either|both)\s+)?(?:chest\s+)?"
    r"(?:image|picture|x-?ray|radiograph|film|study|lungs?|chest)s?)"
)
ENDS = rf"(?=\s*(?:$|[.,;!)]|\b(?:n?or|and|{SEEN}|in|on|at|within|here|anywhere|based)\b))"
PART = re.compile(
    r"\b(?:left|right|upper|lower|middle|mid|apical|basal|bas(?:e|es)|ap(?:ex|ices)|lobes?|large|new|old|prior"
    r"|previous|earlier|further|other|additional|more|longer|only|except|beyond)\b"
)
"""A denial of a part or a kind ("no mass in the left lung") does not deny the finding."""

NEGATIVE = re.compile(
    r"\b(?:no|not|none|n?or|never|neither|cannot|without|absen(?:t|ce)|lack(?:s|ing)?|free|negative|excluded|excludes?"
    r"|ruled|resolved|removed|against|instead)\b|n't\b"
)
"""Nothing of this may stand in a sentence that affirms."""

THEN = rf"^\W*(?:{CONNECTIVE}[\s,:]*)?"
PRONOUN = re.compile(
    rf"{THEN}(?:(?:it|this|they)\s+(?:is|are)(?P<no>\s+not|n't)?\s+{ADVERBS}{SEEN}|(?P<none>(?:it|this)\s+is\s+absent"
    rf"|there\s+(?:is|are)\s+(?:not|none)|there\s+(?:isn't|aren't)|none\s+(?:is|are)\s+{SEEN})){IMAGE}?[.!\s]*$"
)
"""Rule 3 without a noun: "It is not present." """


@dataclass(frozen=True, slots=True)
class _Statements:
    """Rule 3: the plain statements that one finding is there, or that it is not."""

    names: re.Pattern[str]
    denies: re.Pattern[str]
    affirms: re.Pattern[str]


@lru_cache(maxsize=512)
def _statements(finding: str) -> _Statements | None:
    """The patterns of a finding; None when it holds no word."""
    words = re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", finding).casefold())
    if not words:
        return None
    name = r"\b" + r"[\s/\-]{1,3}".join([*map(re.escape, words[:-1]), _numbers(words[-1])]) + r"\b"
    denied = rf"{ARTICLES}(?:{SIGNS})?{ARTICLES}{OTHERS}{ARTICLES}{name}"
    seen = rf"{IMAGE}?\s+(?:is|are|was|were)\s+{ADVERBS}{SEEN}"
    negated = (
        rf"{IMAGE}?\s+(?:(?:is|are|was|were|has|have)(?:\s+not|n't)\s+(?:\w+ly\s+)?(?:been\s+)?{SEEN}"
        r"|(?:is|are)\s+absent\b)"
    )
    denies = (
        rf"\bthere\s+(?:is|are|was|were)\s+(?:clearly\s+|also\s+)?(?:no|not)\s+{denied}{ENDS}",
        rf"\bthere\s+(?:isn't|aren't)\s+{denied}{ENDS}",
        rf"(?:{THEN}|\b(?:see|find|identify|detect|shows?|reveals?|demonstrates?)\s+)no\s+{denied}{ENDS}",
        rf"\b(?:no|without)\s+{ARTICLES}{SIGNS}{ARTICLES}{OTHERS}{ARTICLES}{name}{ENDS}",
        rf"\bno\s+{denied}{seen}",
        r"\b(?:do|does|did)(?:\s+not|n't)\s+(?:\w+ly\s+)?(?:show|reveal|demonstrate|display|provide|have|contain"
        rf"|suggest|indicate|support|see|find|identify|detect)\s+{denied}{ENDS}",
        rf"(?:{THEN}|[,;:]\s|\b(?:the|a|an|any|{SIGNS})\s*){name}{negated}",
    )
    affirms = (
        rf"\b(?:there\s+(?:is|are)|shows?|reveals?|demonstrates?)\s+{ADVERBS}(?:{SIGNS})?{KINDS}{name}{ENDS}",
        rf"{name}{seen}",
    )
    return _Statements(*(re.compile(pattern) for pattern in (name, "|".join(denies), "|".join(affirms))))


def _numbers(word: str) -> str:
    """Singular and plural of a noun."""
    for ending, forms in (
        ("ies", "(?:y|ies)"), ("y", "(?:y|ies)"), ("is", "[ie]s"), ("ss", "ss(?:es)?"), ("x", "(?:x|xes|ces)"),
        ("s", "s?"),
    ):  # fmt: skip
        if word.endswith(ending):
            return re.escape(word.removesuffix(ending)) + forms
    return re.escape(word) + "(?:e?s)?"


HEDGES = re.compile(
    r"\b(?:may|might|could|possibl[ey]|perhaps|maybe|likely|unlikely|probabl[ey]|uncertain|unclear|unsure|not\s+sure"
    r"|equivocal|appears?|seems?|but|however|although|though|except)\b"
)
REFUSES = re.compile(
    r"\bnot\s+(?:sure|certain|able)\b|\bunsure\b|\buncertain\b|\bimpossible\s+to\b|\bsorry\b"
    r"|\b(?:cannot|can\s+not|can't|unable\s+to|not\s+able\s+to)\s+(?:\w+ly\s+)?"
    r"(?:tell|determine|say|assess|provide|answer|diagnose|assist|help|interpret|analy[sz]e|give|confirm|make)\b"
)


def read_answer(text: str, finding: str | None) -> Answer:
    """YES or NO where the response decides, else UNREADABLE. The first rule that speaks decides.

    text     the whole response
    finding  what was asked about; None for a question in free words, on which rule 3 is silent

    0. Hidden chains, markdown and the repeated question are cut out; a hidden chain that was never closed leaves
       nothing to read.
    1. The last declared answer: "the answer is X", "Answer: X", "I would say X", a LaTeX box; not one that is
       conditional ("if so, the answer is yes"), denied, or a choice ("yes or no").
    2. A sentence that opens with the verdict, first or last of the response ("No. There is ...", "So, yes.").
       When the first says one thing and the last the other, there is no decision; nor when rule 3 would say the
       other. A refusal in it voids it.
    3. A plain closing statement that names the finding ("There is no evidence of X."; singular or plural, spaced or
       hyphened), or has no noun of its own ("It is not present.") where it can only mean the finding. Not one that
       hedges, denies a part only, was cut off, or that an earlier sentence contradicts unless it concludes
       ("Therefore, ...").

    A correction that comes to the other verdict than the opening or declared one ("Yes. Actually, no.") leaves no
    decision, whatever the rules say.
    """
    plain = _plain(text)
    if plain is None or _taken_back(plain):
        return Answer.UNREADABLE
    says = None if finding is None else _statements(finding)
    return _declared(plain) or _opened(plain, says) or _stated(plain, says) or Answer.UNREADABLE


def _plain(response_text: str) -> str | None:
    text = unicodedata.normalize("NFKC", response_text).casefold()
    for opening, closing in THOUGHT_MARKS:
        text = text.rpartition(closing)[2]
        if opening in text:
            return None
    text = re.sub("[\N{RIGHT SINGLE QUOTATION MARK}\N{LEFT SINGLE QUOTATION MARK}]", "'", text)
    text = re.sub("[\N{EN DASH}\N{EM DASH}\N{MINUS SIGN}]", "-", text)
    text = ECHO.sub(" ", MARKUP.sub(" ", text))
    return "\n".join(" ".join(line.split()) for line in text.splitlines()).strip()


def _sentences(text: str) -> list[str]:
    return [part for part in re.split(r"(?<=[.!?])\s+|\n+", text) if re.search(r"\w", part)]


def _taken_back(text: str) -> bool:
    sentences = _sentences(text)
    opening = _verdict(sentences[0]) if sentences else None
    verdicts = [(text.index(sentences[0]) + opening.end(), opening["said"])] if opening else []
    verdicts += [(match.end(), match["said"]) for match in _declarations(text)[-1:]]
    for end, said in verdicts:
        correction = CORRECTS.search(text, end)
        if correction and any(m["said"] != said for m in CORRECTED.finditer(text, correction.end())):
            return True
    return False


def _declared(text: str) -> Answer | None:
    found = _declarations(text)
    return Answer(found[-1]["said"]) if found else None


def _declarations(text: str) -> list[re.Match[str]]:
    matches = [*BOXED.finditer(text)] or [*DECLARED.finditer(text)]
    return [match for match in matches if _meant(text[max(0, match.start() - 300) : match.start()])]


def _meant(before: str) -> bool:
    """Whether what is declared or stated after this text is neither conditional nor denied."""
    sentence = re.split(r"[.!?]\s+|\n", before)[-1]
    return not CONDITION.search(sentence) and not DENIAL.search(CLAUSE_ENDS.split(sentence)[-1])


def _verdict(sentence: str) -> re.Match[str] | None:
    return BARE.match(sentence) or BARE_BEFORE_CLAUSE.match(sentence)


def _opened(text: str, says: _Statements | None) -> Answer | None:
    sentences = _sentences(text)
    ends = {sentence for sentence in (*sentences[:1], *sentences[-1:]) if not REFUSES.search(sentence)}
    said = {Answer(match["said"]) for end in ends if (match := _verdict(end))}
    if said and (stated := _stated(text, says)):
        said.add(stated)
    if len(said) > 1:
        return Answer.UNREADABLE
    return said.pop() if said else None


def _stated(text: str, says: _Statements | None) -> Answer | None:
    sentences = _sentences(text)
    if says is None or not sentences or REFUSES.search(text):
        return None
    *earlier, last = sentences
    cut_off = earlier and not last.endswith((".", "!"))
    stated = _statement(last, says)
    if stated is None and (not earlier or says.names.search(earlier[-1])):
        stated = _of_pronoun(last)
    if stated is None or cut_off or HEDGES.search(last):
        return None
    concludes = re.match(r"\W*" + CONNECTIVE, last) is not None
    contrary = any(_statement(sentence, says) not in (None, stated) for sentence in earlier)
    return stated if concludes or not contrary else None


def _statement(sentence: str, says: _Statements) -> Answer | None:
    """What a sentence says of the finding; None when it says nothing plain or two things."""
    if sentence.endswith("?"):
        return None
    if verdict := _verdict(sentence):
        sentence = sentence[verdict.end("said") :]
    denial, affirmation = says.denies.search(sentence), says.affirms.search(sentence)
    if denial:
        before, after = sentence[: denial.start()], sentence[denial.end() :]
        alone = not says.affirms.search(before) and not says.affirms.search(after)
        whole = not PART.search(sentence, denial.start())
        return Answer.NO if alone and whole and _meant(before) else None
    if affirmation and not NEGATIVE.search(sentence) and _meant(sentence[: affirmation.start()]):
        return Answer.YES
    return None


def _of_pronoun(sentence: str) -> Answer | None:
    match = PRONOUN.match(sentence)
    if match is None:
        return None
    return Answer.NO if match["no"] or match["none"] else Answer.YES
