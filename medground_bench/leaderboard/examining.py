"""An upload read, and scored, by a process of its own: what it cannot do to us, and what happens when it dies."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from medground_bench.core.errors import MedgroundError
from medground_bench.leaderboard.near_copies import answer_independent
from medground_bench.leaderboard.published import scores_content
from medground_bench.leaderboard.records import Json, SubmissionRecord
from medground_bench.leaderboard.truth import Truth

PROGRAM = ("-m", "medground_bench.leaderboard.scoring_process")
ANSWER_INDEPENDENT = "answer-independent"
TRIES = 2
"""A process that is killed is started once more."""

WAITS_S = 0.5
"""An answer comes a whole number of these after it was asked for: how long scoring took tells nothing of the truth."""

ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
}
"""All that the process sees of ours, beside where modules are: no token, no home."""


class ScorerDied(MedgroundError):
    """Scoring ended without a result; the fault is ours, never the file's score."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Of a scoring process: address space, and seconds of processor and of the clock."""

    memory_bytes: int = 2 * 2**30
    seconds: int = 120


USUAL = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What is wrong with an upload: the first problems and all counts. Or, without any, what is in it.

    lines   of the file, by case id, as JSON
    scores  one line a case, see `scoring_process.score_line`
    """

    problems: tuple[str, ...] = ()
    counts: Mapping[str, int]
    tracks: tuple[str, ...] = ()
    lvlms: tuple[str, ...] = ()
    remark: str | None = None
    lines: tuple[Json, ...] = ()
    scores: tuple[Sequence[object], ...] = ()

    @property
    def more(self) -> int:
        """Problems that are counted and not shown."""
        return sum(self.counts.values()) - len(self.problems)


def examined(upload: bytes, truth: Truth, *, scored: bool, limits: Limits = USUAL) -> Examined:
    """What a process of its own finds in an upload; ScorerDied where it ends without an answer, twice."""
    asked = json.dumps({"upload": base64.b64encode(upload).decode("ascii"), "scored": scored})
    question = f'{asked[:-1]}, "references": {truth.told}}}'.encode("ascii")
    for _ in range(TRIES):
        answer = _answer(question, limits)
        if answer is not None:
            return _examined(json.loads(answer))
    raise ScorerDied(
        "scoring ended without a result. The fault is ours; it does not count. Please report it."
    )


def _answer(question: bytes, limits: Limits) -> bytes | None:
    """What the process says; None where it is killed, or ends by itself before it is done."""
    start, bounds = time.monotonic(), (str(limits.memory_bytes), str(limits.seconds))
    environment = ENVIRONMENT | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(  # noqa: S603  our own program, with two numbers
        [sys.executable, *PROGRAM, *bounds],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
    ) as process:
        try:
            answer, _ = process.communicate(question, timeout=limits.seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            return None
    time.sleep((start - time.monotonic()) % WAITS_S)
    return answer if process.returncode == 0 else None


def _examined(said: Json) -> Examined:
    if "problems" in said:
        return Examined(problems=tuple(said["problems"]), counts=said["counts"])
    return Examined(
        counts={},
        tracks=tuple(said["tracks"]),
        lvlms=tuple(said["lvlms"]),
        remark=said["remark"],
        lines=tuple(said["lines"]),
        scores=tuple(said["scores"]),
    )


def kept_scores(record: SubmissionRecord, found: Examined, truth: Truth) -> bytes:
    """The file of a submission's scores, with what is noted beside its row."""
    flags = [ANSWER_INDEPENDENT] if answer_independent(record.boxes, truth.frames) else []
    return scores_content(record.id, found.scores, flags)
