"""One picture, one question: ask an LVLM and run attribution methods on its answer.

What `medground attribute` and the Space's "Try it" share.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from PIL import Image

from medground_bench import plugins
from medground_bench.anatomy.plausible import doubts
from medground_bench.anatomy.view import view_notes
from medground_bench.anatomy.vocabulary_file import read_vocabulary
from medground_bench.core.answers import read_answer
from medground_bench.core.case_ids import case_id, question_id
from medground_bench.core.errors import (
    BadPicture,
    CaseFailed,
    UnknownName,
    Unsupported,
    attempted,
    one_line,
)
from medground_bench.core.prompts import SUFFIXES, prompt
from medground_bench.core.randomness import case_rng
from medground_bench.core.types import Answer, Case, Frame, Mode, Picture, Track
from medground_bench.core.word_drops import WordDrop, word_drops
from medground_bench.drawing.drop_charts import draw_concept_drops, draw_word_drops
from medground_bench.drawing.overlays import draw_boxes, draw_saliency
from medground_bench.localizers import demand_anatomy, localize_case
from medground_bench.lvlms import Lvlm, embedded
from medground_bench.methods import Explained, Method, explain, open_method
from medground_bench.methods.medfocus import MedFocus
from medground_bench.phantom.findings import FINDINGS
from medground_bench.pictures import HowRead, Study, radiograph_of, to_study
from medground_bench.storage.whole_files import Plain

PHANTOM_NOTE = (
    "{lvlm} learned from procedural pictures only. Its answers about real X-rays, and every attribution of them, "
    "mean nothing; on a picture of your own they only show that the program works."
)

LEARNED_NOTE = (
    "{lvlm} is a tiny model that was trained with labels of where findings lie, as no LVLM of the paper was: finding "
    "what its answers rest on may be easier than for those."
)
"""Of the embedded LVLMs, on any picture."""


MOST_ABOUT = 300
"""Characters of a finding or a question: it is in every pass through the model, and in the case's id."""


@dataclass(frozen=True, slots=True)
class Query:
    """What is put before an LVLM: a finding, asked for in the benchmark's words, or a question in the user's own.

    Of up to `MOST_ABOUT` characters; Unsupported for more.
    """

    mode: Mode
    finding: str | None = None
    question: str | None = None

    def __post_init__(self) -> None:
        if (self.finding is None) == (self.question is None):
            raise ValueError("ask for a finding or ask a question, one of the two")
        if len(self.about) > MOST_ABOUT:
            raise Unsupported(
                f"a finding or a question has up to {MOST_ABOUT} characters; this one has {len(self.about):,}. Ask it "
                "in fewer words."
            )

    @property
    def about(self) -> str:
        """The finding, or the question itself."""
        return self.finding or self.question or ""

    def prompt(self) -> str:
        """The whole text, with the mode's suffix."""
        return f"{self.question}\n{SUFFIXES[self.mode]}" if self.question else prompt(self.about, self.mode)


@dataclass(frozen=True, slots=True, eq=False)
class Film:
    """A native picture that shows more than a blank film, how its file was read, and its study frame."""

    picture: Picture
    how: HowRead
    study: Study


@dataclass(frozen=True, slots=True, eq=False)
class AnsweredCase:
    """The case that an LVLM's response to a picture makes, what it says, and the native picture."""

    native: Picture
    case: Case
    answer: Answer


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """What one method, with its settings, made of a case, and how long it took.

    doubts  what cannot be right about the concepts it tried, see `anatomy.plausible`
    """

    method: str
    settings: Method
    explained: Explained
    seconds: float
    doubts: tuple[str, ...] = ()

    @property
    def words(self) -> list[WordDrop]:
        """The response's words with what each lost; none for a method, or a fallback, without drops of tokens."""
        return word_drops(self.explained.attribution.token_drops)

    @property
    def no_box_because(self) -> str | None:
        """Why there is no box, in a few words; None when there is one."""
        evidence = self.explained.attribution
        if self.explained.boxes:
            return None
        if evidence.boxes:
            return "every box lies in the padding around the picture"
        if evidence.boxes is None:
            return "the map holds no evidence"
        return evidence.concept or "the method chose none"

    def as_json(self) -> dict[str, Plain]:
        """Plain values: native boxes, concept, drops in nats, and pieces of text that were not read as boxes."""
        evidence = self.explained.attribution
        return {
            "method": self.method,
            "boxes": [list(box.xyxy) for box in self.explained.boxes],
            "concept": evidence.concept,
            "concept_drops": dict(evidence.concept_drops),
            "token_drops": [{"token": each.token, "drop": each.drop} for each in evidence.token_drops],
            "word_drops": [{"word": each.text.strip(), "drop": each.drop} for each in self.words],
            "missing_concepts": list(evidence.missing_concepts),
            "refused": list(evidence.refused),
            "doubts": list(self.doubts),
            "seconds": round(self.seconds, 3),
        }

    def overlay(self, native: Picture) -> Image.Image:
        """The picture with the method's map and boxes on it."""
        evidence = self.explained.attribution
        boxes = {evidence.concept or "": self.explained.boxes}
        if evidence.saliency is None:
            return draw_boxes(native, boxes)
        return draw_saliency(native, evidence.saliency, boxes)

    def concept_chart(self) -> Image.Image | None:
        """Bars of Delta for concepts and groups; None for a method that tries none."""
        evidence = self.explained.attribution
        if not evidence.concept_drops:
            return None
        if not isinstance(self.settings, MedFocus):
            return draw_concept_drops(evidence.concept_drops, chosen=evidence.concept)
        return draw_concept_drops(
            evidence.concept_drops,
            chosen=evidence.concept,
            groups={group.name for group in self.settings.concepts.groups},
            least=self.settings.least_drop,
        )

    def word_chart(self) -> Image.Image | None:
        """The response with its words shaded by what they lost; None where no loss was measured."""
        words = self.words
        return (
            draw_word_drops(words, region=self.explained.attribution.concept or "region") if words else None
        )


def read_film(path: str | Path, *, called: str | None = None) -> Film:
    """The film in a file; BadPicture for anything else.

    called  what an error calls the file, its path if not given

    One that is mirrored, inverted, lateral or no chest is a film too, and its notes say what it is.
    """
    radiograph = radiograph_of(path, called=called)
    study = to_study(radiograph.picture)
    try:
        demand_anatomy(study.picture)
    except BadPicture as problem:
        told = "".join(f" Note that {note}." for note in radiograph.how.notes)
        raise BadPicture(f"{path if called is None else called}: {problem}{told}") from None
    return Film(radiograph.picture, radiograph.how.noting(*view_notes(study.picture)), study)


def check_finding(finding: str, lvlm: str) -> None:
    """UnknownName for a finding the embedded LVLMs never saw; other LVLMs may be asked about anything."""
    if embedded(lvlm) and finding not in FINDINGS:
        raise UnknownName("finding of the phantom", finding, FINDINGS)


def ask(lvlm: Lvlm, film: Film, query: Query, *, name: str) -> AnsweredCase:
    """Put a film before an LVLM, in the study frame like every picture of the benchmark.

    name  identifies the picture within the case id
    """
    if query.finding is not None:
        check_finding(query.finding, lvlm.key)
    study = film.study.picture
    [response] = lvlm.generate([study], [query.prompt()])
    identity = case_id(question_id("own", name, query.about), Track(lvlm.key, query.mode))
    case = Case(identity, query.about, query.prompt(), response, study, Frame.native_of(film.picture))
    return AnsweredCase(film.picture, case, read_answer(response.text, query.finding))


def check_vocabulary(vocabulary: str, methods: Iterable[str]) -> None:
    """BadVocabulary or UnknownName for one that cannot be read, Unsupported when none of the methods takes one."""
    read_vocabulary(vocabulary)
    if not any(issubclass(plugins.load("methods", method), MedFocus) for method in methods):
        raise Unsupported(
            "none of the chosen methods tries concepts, so none takes a vocabulary. Add medfocus."
        )


def explain_by_each(
    methods: Mapping[str, Method | None], lvlm: Lvlm, case: Case, *, vocabulary: str | None = None
) -> tuple[list[Explanation], dict[str, str]]:
    """What every method makes of a case, see `explain_by`, and why some fail on it: name -> reason.

    methods  name -> its settings, None for its defaults

    An error that says nothing about the case is raised.
    """
    explanations, failures = [], {}
    for name, settings in methods.items():
        make = partial(explain_by, name, lvlm, case, vocabulary=vocabulary, settings=settings)
        explanation = attempted(make)
        if isinstance(explanation, CaseFailed):
            failures[name] = one_line(explanation)
        else:
            explanations.append(explanation)
    return explanations, failures


def explain_by(
    method: str, lvlm: Lvlm, case: Case, *, vocabulary: str | None = None, settings: Method | None = None
) -> Explanation:
    """Run the method of that name on a case, with the randomness it would have in a prediction file.

    vocabulary  concepts for a method that tries concepts, see `anatomy.vocabulary`; others go without
    settings    the method as `medground tune` chose it; its defaults if not given
    """
    opened = open_method(method, lvlm) if settings is None else settings
    if vocabulary is not None and isinstance(opened, MedFocus):
        opened = replace(opened, vocabulary=vocabulary)
    start = time.perf_counter()
    explained = explain(opened, lvlm, case, case_rng(0, case.case_id))
    seconds = time.perf_counter() - start
    tried = doubts(localize_case(opened.localizer, case)) if isinstance(opened, MedFocus) else ()
    return Explanation(method, opened, explained, seconds, tried)
