"""The library's own errors: each message says what happened, where, and what to do."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

SHOWN = 50
"""Problems of a file that are told in full; all are counted."""


class MedgroundError(Exception):
    """Any error a user can cause and mend; the command line prints it as one paragraph, exit code 1."""


class CaseFailed(MedgroundError):
    """What a case may suffer: a method fails on it, or its picture or frame is bad; it counts as the protocol says.

    Every other error has nothing to do with the case at hand, would be the same on the next one, and ends the run.
    """


class FrameMismatch(CaseFailed):
    """Two boxes, or a box and a map, live in different frames."""


class BadPicture(CaseFailed):
    """A file that cannot be read as a radiograph."""


class BadSubmission(MedgroundError):
    """A prediction file with problems; `submission.Problem` lists them."""


class SourceMissing(MedgroundError):
    """A benchmark, source or model folder that is not where it was said to be."""


class FolderTaken(MedgroundError):
    """A folder that holds the results of something else, which would be lost."""


class UnknownName(MedgroundError):
    """A name that no file and no entry point carries."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        near = get_close_matches(name, names, n=3, cutoff=0.5)
        hint = f"Known: {', '.join(names)}." if names else "There is none yet."
        if near:
            hint = f"Did you mean {' or '.join(near)}?"
        super().__init__(f"no {kind} is called {name!r}. {hint}")


class Unsupported(MedgroundError):
    """A method needs what an LVLM does not give (for example gradients from a served model)."""


class MethodFailed(CaseFailed):
    """A method produced something that is not evidence, for example NaN in its map."""


class BadAtlas(MedgroundError):
    """A reference pool that is incomplete, damaged or changed since its manifest was written."""


class BadVocabulary(MedgroundError):
    """A concept vocabulary that cannot be used; the message lists its problems."""


def one_line(said: object) -> str:
    """An error, or other words, as it stands in a record: its line breaks and runs of spaces are single spaces."""
    return " ".join(str(said).split())


def told(problems: Sequence[str]) -> str:
    """How many problems there are, and the first ones in full: `3 problem(s): ...; ...; ...`."""
    more = f"; and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
    return f"{len(problems)} problem(s): {'; '.join(problems[:SHOWN])}{more}"
