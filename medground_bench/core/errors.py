"""The library's own errors: each message says what happened, where, and what to do."""

from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from typing import TypeVar

SHOWN = 50
"""Problems of a file that are told in full; all are counted."""


class MedgroundError(Exception):
    """Any error a user can cause and mend; the command line prints it as one paragraph, exit code 1.

    >>> issubclass(SourceMissing, MedgroundError)
    True
    """


class CaseFailed(MedgroundError):
    """What a case may suffer: a method fails on it, or its picture or frame is bad; it counts as the protocol says.

    Every other error has nothing to do with the case at hand, would be the same on the next one, and ends the run.

    >>> issubclass(MethodFailed, CaseFailed), issubclass(SourceMissing, CaseFailed)
    (True, False)
    """


Made = TypeVar("Made")


def attempted(make: Callable[[], Made]) -> Made | CaseFailed:
    """What was made of a case, or what it suffered; any other error goes on and ends the run.

    >>> attempted(lambda: 1 + 1)
    2
    """
    try:
        return make()
    except CaseFailed as error:
        return error


class FrameMismatch(CaseFailed):
    """Two boxes, or a box and a map, live in different frames.

    >>> from medground_bench.core.types import Box, Frame, same_frame
    >>> same_frame([Box(0, 0, 9, 9, Frame.native(90, 80)), Box(0, 0, 9, 9, Frame("study", 64, 64))])
    Traceback (most recent call last):
    medground_bench.core.errors.FrameMismatch: boxes live in 2 frames: ...
    """


class BadPicture(CaseFailed):
    """A file that cannot be read as a radiograph.

    >>> raise BadPicture("scan.png: the file is empty. Copy it again.")
    Traceback (most recent call last):
    medground_bench.core.errors.BadPicture: scan.png: the file is empty. Copy it again.
    """


class BadSubmission(MedgroundError):
    """A prediction file with problems; `submission.Problem` lists them.

    >>> raise BadSubmission("mine.jsonl has 2 problems (BOX_OUTSIDE 2): ...")
    Traceback (most recent call last):
    medground_bench.core.errors.BadSubmission: mine.jsonl has 2 problems (BOX_OUTSIDE 2): ...
    """


class SourceMissing(MedgroundError):
    """A benchmark, source or model folder that is not where it was said to be.

    >>> raise SourceMissing("medground-bench: there is no such folder. Check the path.")
    Traceback (most recent call last):
    medground_bench.core.errors.SourceMissing: medground-bench: there is no such folder. Check the path.
    """


class FolderTaken(MedgroundError):
    """A folder that holds the results of something else, which would be lost.

    >>> raise FolderTaken("out holds the results of a.png. Give another folder, or remove this one.")
    Traceback (most recent call last):
    medground_bench.core.errors.FolderTaken: out holds the results of a.png. Give another folder, or remove this one.
    """


class UnknownName(MedgroundError):
    """A name that no file and no entry point carries.

    >>> raise UnknownName("method", "oclusion", ["occlusion", "rise"])
    Traceback (most recent call last):
    medground_bench.core.errors.UnknownName: no method is called 'oclusion'. Did you mean occlusion?
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        near = get_close_matches(name, names, n=3, cutoff=0.5)
        hint = f"Known: {', '.join(names)}." if names else "There is none yet."
        if near:
            hint = f"Did you mean {' or '.join(near)}?"
        super().__init__(f"no {kind} is called {name!r}. {hint}")


class Unsupported(MedgroundError):
    """A method needs what an LVLM does not give (for example gradients from a served model).

    >>> raise Unsupported("method gradcam needs gradients, which my_lvlm does not give.")
    Traceback (most recent call last):
    medground_bench.core.errors.Unsupported: method gradcam needs gradients, which my_lvlm does not give.
    """


class MethodFailed(CaseFailed):
    """A method produced something that is not evidence, for example NaN in its map.

    >>> raise MethodFailed("9 of 256 values of the saliency map are NaN or infinite.")
    Traceback (most recent call last):
    medground_bench.core.errors.MethodFailed: 9 of 256 values of the saliency map are NaN or infinite.
    """


class BadAtlas(MedgroundError):
    """A reference pool that is incomplete, damaged or changed since its manifest was written.

    >>> raise BadAtlas("reference pool mine: 1 problem(s): a.png is missing. Copy the pool again.")
    Traceback (most recent call last):
    medground_bench.core.errors.BadAtlas: reference pool mine: 1 problem(s): a.png is missing. Copy the pool again.
    """


class BadVocabulary(MedgroundError):
    """A concept vocabulary that cannot be used; the message lists its problems.

    >>> raise BadVocabulary("vocabulary mine: 1 problem(s): it has no concepts. Name at least one.")
    Traceback (most recent call last):
    medground_bench.core.errors.BadVocabulary: vocabulary mine: 1 problem(s): it has no concepts. Name at least one.
    """


def one_line(said: object) -> str:
    """An error, or other words, as it stands in a record: its line breaks and runs of spaces are single spaces.

    >>> one_line(ValueError("box 2 is empty:    x1 is x0"))
    'box 2 is empty: x1 is x0'
    """
    return " ".join(str(said).split())


def told(problems: Sequence[str]) -> str:
    """How many problems there are, and the first ones in full: `3 problem(s): ...; ...; ...`.

    >>> told(["a.png is empty", "b.png is missing"])
    '2 problem(s): a.png is empty; b.png is missing'
    """
    more = f"; and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
    return f"{len(problems)} problem(s): {'; '.join(problems[:SHOWN])}{more}"
