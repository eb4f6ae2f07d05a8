"""What is counted, looked up or listed over a whole benchmark: a few columns, so that no picture is read."""

from __future__ import annotations

from dataclasses import dataclass

from medground_bench.core.unions import Corners


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceColumns:
    """Of every row: whose picture it is about.

    >>> SourceColumns(source="vindr_cxr").source
    'vindr_cxr'
    """

    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedColumns:
    """Of `QuestionRow`: what is asked, of which source.

    >>> AskedColumns(source="vindr_cxr", finding="mass", answer="yes").answer
    'yes'
    """

    source: str
    finding: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterColumns:
    """Of `VerdictRow`: what the causal filter said, of which weights, with whose edits.

    >>> FilterColumns(lvlm="gemma3_4b", lvlm_revision="1f2e", mode="direct", source="vindr_cxr", finding="mass",
    ...     group="grounded", reason=None, editor="radedit@1").reason is None
    True
    """

    lvlm: str
    lvlm_revision: str | None
    mode: str
    source: str
    finding: str | None
    group: str
    reason: str | None
    editor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingColumns:
    """Of `AnswerRow`: how an answer was read.

    >>> ReadingColumns(lvlm="gemma3_4b", mode="direct", picture="original", said="no").said
    'no'
    """

    lvlm: str
    mode: str
    picture: str
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureColumns:
    """Of `QuestionRow` or `CaseRow`: which picture it is about, by all that says so.

    >>> PictureColumns(source="vindr_cxr", image_id="0f3a", image_sha256="1f2e", release_index=7).release_index
    7
    """

    source: str
    image_id: str
    image_sha256: str
    release_index: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownColumns:
    """Of `CaseRow`: what a page shows of a case beside its picture.

    >>> from dataclasses import fields
    >>> "image" in {each.name for each in fields(ShownColumns)}
    False
    """

    case_id: str
    source: str
    image_id: str
    lvlm: str
    mode: str
    finding: str
    prompt: str
    response: str
    boxes: tuple[Corners, ...] | None
    width: int | None
    height: int | None
    image_sha256: str
