"""Ways to make counterfactual pictures, one editor a file; the file name is the public name and `EDITOR` its class.

An edit does not depend on the LVLM: it is made once and shared by all LVLMs and modes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, runtime_checkable

from medground_bench.core import edit_regions
from medground_bench.core.causal_filter import Edit
from medground_bench.core.prompts import NO_ABNORMALITY, no_finding
from medground_bench.core.types import Picture, Question
from medground_bench.pictures import picture_digest
from medground_bench.storage.whole_files import fingerprint, sha256


class Editor(Protocol):
    """The contract of every file in this folder.

    name     the public name
    version  changes whenever the editor would make other pictures: code, weights, settings, seed
    """

    name: str
    version: str

    def edit(self, question: Question, picture: Picture, edit: Edit) -> Picture:
        """The edited native picture.

        A foreground edit leaves every pixel outside the question's boxes as it is, a background edit every pixel
        inside them. Same inputs, same bytes.
        """
        ...


@runtime_checkable
class OfSources(Protocol):
    """An editor that knows the pictures of some sources alone; any other edits those of all.

    edits  the names of these sources
    """

    edits: frozenset[str]


def editor_code(*files: str) -> str:
    """Of an editor's own files and of what all share: a part of its version, so that no kept edit outlives a change."""
    shared = (__file__, edit_regions.__file__)
    return fingerprint(files=[sha256(Path(each).read_bytes()) for each in (*files, *shared)])


def edit_seed(question: Question, picture: Picture, edit: Edit) -> int:
    """Where the randomness of an edit begins: its content alone, so neither the order of edits nor a repeat matters."""
    content = fingerprint(question=question.question_id, picture=picture_digest(picture), edit=edit.value)
    return int(content[:16], 16)


def edit_prompt(finding: str, edit: Edit) -> str:
    """The text an edit is made to: "No [finding]", or "No abnormality". Source: paper, section B.2."""
    return NO_ABNORMALITY if edit is Edit.BACKGROUND_NORMAL else no_finding(finding)
