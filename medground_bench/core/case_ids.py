"""Case ids, made and taken apart here alone: `<source>/<image_id>/<finding-slug>@<lvlm>:<mode>`.

An image id may hold slashes, as paths of a source do; an LVLM's key may hold slashes, an @ and colons
(`org/name@commit`). The part before the @ is the question id, which all LVLMs and modes share.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from medground_bench.core.types import Track

PATTERN = re.compile(
    r"(?P<source>[^/@]+)/(?P<image_id>.+?)/(?P<slug>[a-z0-9-]*)@(?P<lvlm>.+):(?P<mode>\w+)", re.S
)
LONGEST = 1000
"""Characters; a longer text is no case id, and none is looked for in it."""


@dataclass(frozen=True, slots=True)
class CaseParts:
    """What a case id says; `slug` is the finding's, see `finding_slug`.

    >>> CaseParts("vindr_cxr", "0f3a", slug="nodule", lvlm="medgemma_4b", mode="direct").picture
    'vindr_cxr/0f3a'
    """

    source: str
    image_id: str
    slug: str
    lvlm: str
    mode: str

    @property
    def picture(self) -> str:
        """`<source>/<image_id>`, which all questions about one picture share."""
        return f"{self.source}/{self.image_id}"


def finding_slug(finding: str) -> str:
    """Lower case, every run of other characters than a-z and 0-9 becomes one hyphen.

    >>> finding_slug("Nodule/Mass (right)")
    'nodule-mass-right'
    """
    words = "".join(c if c.isascii() and c.isalnum() else " " for c in finding.lower()).split()
    return "-".join(words)


def question_id(source: str, image_id: str, finding: str) -> str:
    """`<source>/<image_id>/<finding-slug>`: identity by content, never by position.

    ValueError for a source or an image id that could not be told from the rest of a case id.

    >>> question_id("vindr_cxr", "0f3a", "Pleural effusion")
    'vindr_cxr/0f3a/pleural-effusion'
    """
    identity = f"{source}/{image_id}/{finding_slug(finding)}"
    parts = case_parts(f"{identity}@lvlm:mode")
    if parts is None or (parts.source, parts.image_id, parts.lvlm) != (source, image_id, "lvlm"):
        raise ValueError(f"no case id can be made of the source {source!r} and the image id {image_id!r}")
    return identity


def case_id(question_id: str, track: Track) -> str:
    """`<question_id>@<lvlm>:<mode>`.

    >>> from medground_bench.core.types import Mode, Track
    >>> case_id("vindr_cxr/0f3a/nodule", Track("medgemma_4b", Mode.DIRECT))
    'vindr_cxr/0f3a/nodule@medgemma_4b:direct'
    """
    return f"{question_id}@{track.lvlm}:{track.mode}"


def case_parts(case_id: str) -> CaseParts | None:
    """What a case id says; None for a text that is none.

    >>> parts = case_parts("mimic/files/p10/scan/edema@org/name@1f2e:reason")
    >>> parts.image_id, parts.slug, parts.lvlm
    ('files/p10/scan', 'edema', 'org/name@1f2e')
    >>> case_parts("edema") is None
    True
    """
    match = PATTERN.fullmatch(case_id) if len(case_id) <= LONGEST else None
    return CaseParts(**match.groupdict()) if match else None


def source_of(case_id: str) -> str:
    """The source in a case id; ValueError for a text that is none.

    >>> source_of("vindr_cxr/0f3a/nodule@medgemma_4b:direct")
    'vindr_cxr'
    """
    return _parts(case_id).source


def question_of(case_id: str) -> str:
    """The question id in a case id; ValueError for a text that is none.

    >>> question_of("vindr_cxr/0f3a/nodule@org/name@1f2e:direct")
    'vindr_cxr/0f3a/nodule'
    """
    parts = _parts(case_id)
    return f"{parts.picture}/{parts.slug}"


def _parts(case_id: str) -> CaseParts:
    parts = case_parts(case_id)
    if parts is None:
        raise ValueError(f"{case_id!r} is no case id")
    return parts
