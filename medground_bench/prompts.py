"""The question template, the modes' suffixes, the editor's prompts, and reading yes or no out of a response.

Source: paper, section B.2. Reading is ours, by rules (see `read_answer`): an answer is read, never guessed.
"""

from __future__ import annotations

import re
import unicodedata

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

ADVERBS = r"(?:\w+ly\s+|indeed\s+|some\s+|any\s+|clear\s+|strong\s+|also\s+)*"
SIGNS = (
    r"(?:evidence|signs?|indications?|features?|findings?)\s+"
    r"(?:of|for|that|consistent|suggestive|indicative|to)\b"
)
SEEN = r"(?:present|evident|seen|visible|visuali[sz]ed|identified|noted|observed|demonstrated|apparent|detected)\b"
DENIES = re.compile(
    r"\bthere\s+(?:is|are|was|were)\s+(?:clearly\s+|also\s+)?(?:no|not)\b"
    + NOT_A_VERDICT
    + r"|\bthere\s+(?:isn't|aren't)\b|^\W*no\b"
    + NOT_A_VERDICT
    + r"\s+\w+|\bno\s+(?:\w+\s+){0,3}"
    + SIGNS
    + r"|(?:\bnot|n't)\s+(?:\w+ly\s+)?(?:been\s+|be\s+)?"
    + SEEN
    + r"|\b(?:is|are)\s+absent\b|\bno\b"
    + NOT_A_VERDICT
    + r"[^.]{0,80}\b(?:is|are|was|were)\s+"
    + SEEN
    + r"|\b(?:do|does)(?:\s+not|n't)\s+(?:\w+ly\s+)?"
    r"(?:show|reveal|demonstrate|display|provide|have|contain|suggest|indicate|support)\b"
    r"|\b(?:shows?|reveals?|demonstrates?)\s+no\b|\bwithout\s+(?:\w+\s+){0,2}" + SIGNS
)
AFFIRMS = re.compile(
    r"\bthere\s+(?:is|are)\s+"
    + ADVERBS
    + SIGNS
    + r"|\b(?:is|are)\s+"
    + ADVERBS
    + SEEN
    + r"|\b(?:shows?|reveals?|demonstrates?)\s+"
    + ADVERBS
    + SIGNS
)
"""Rule 3: a plain statement that the finding is there, or that it is not."""

HEDGES = re.compile(
    r"\b(?:may|might|could|possibl[ey]|perhaps|maybe|likely|unlikely|probabl[ey]|uncertain|unclear|unsure|not\s+sure"
    r"|equivocal|appears?|seems?|but|however|although|though|except)\b"
)
REFUSES = re.compile(
    r"\bnot\s+(?:sure|certain|able)\b|\bunsure\b|\buncertain\b|\bimpossible\s+to\b|\bsorry\b"
    r"|\b(?:cannot|can\s+not|can't|unable\s+to|not\s+able\s+to)\s+(?:\w+ly\s+)?"
    r"(?:tell|determine|say|assess|provide|answer|diagnose|assist|help|interpret|analy[sz]e|give|confirm|make)\b"
)


def read_answer(response_text: str) -> Answer:
    """YES or NO where the response decides, else UNREADABLE. The first rule that speaks decides.

    0. Hidden chains, markdown and the repeated question are cut out; a hidden chain that was never closed leaves
       nothing to read.
    1. The last declared answer: "the answer is X", "Answer: X", "I would say X", a LaTeX box; not one that is
       conditional ("if so, the answer is yes"), denied, or a choice ("yes or no").
    2. A sentence that opens with the verdict, first or last of the response ("No. There is ...", "So, yes.").
       When the first says one thing and the last the other, there is no decision. A refusal in it voids it.
    3. A plain closing statement ("There is no evidence of X."), unless it hedges, was cut off, or an earlier
       sentence states the contrary and the last one does not conclude ("Therefore, ...").
    """
    text = _plain(response_text)
    if text is None:
        return Answer.UNREADABLE
    return _declared(text) or _opened(text) or _stated(text) or Answer.UNREADABLE


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


def _declared(text: str) -> Answer | None:
    matches = [*BOXED.finditer(text)] or [*DECLARED.finditer(text)]
    found = [match["said"] for match in matches if _meant(text[max(0, match.start() - 300) : match.start()])]
    return Answer(found[-1]) if found else None


def _meant(before: str) -> bool:
    """Whether a declared answer after this text is neither conditional nor denied."""
    sentence = re.split(r"[.!?]\s+|\n", before)[-1]
    return not CONDITION.search(sentence) and not DENIAL.search(CLAUSE_ENDS.split(sentence)[-1])


def _opened(text: str) -> Answer | None:
    sentences = _sentences(text)
    ends = {sentence for sentence in (*sentences[:1], *sentences[-1:]) if not REFUSES.search(sentence)}
    said = {match["said"] for end in ends if (match := BARE.match(end) or BARE_BEFORE_CLAUSE.match(end))}
    if len(said) > 1:
        return Answer.UNREADABLE
    return Answer(said.pop()) if said else None


def _stated(text: str) -> Answer | None:
    sentences = _sentences(text)
    if not sentences or REFUSES.search(text):
        return None
    last = sentences[-1]
    cut_off = len(sentences) > 1 and not last.endswith((".", "!"))
    stated = _statement(last)
    if stated is None or cut_off or HEDGES.search(last):
        return None
    concludes = re.match(r"\W*" + CONNECTIVE, last) is not None
    contrary = any(_statement(sentence) not in (None, stated) for sentence in sentences[:-1])
    return stated if concludes or not contrary else None


def _statement(sentence: str) -> Answer | None:
    if sentence.endswith("?"):
        return None
    if DENIES.search(sentence):
        return Answer.NO
    return Answer.YES if AFFIRMS.search(sentence) else None
