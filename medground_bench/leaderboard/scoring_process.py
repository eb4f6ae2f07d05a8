"""The process that reads and scores an upload: one JSON object in, one out, within bounds of memory and time.

Its bytes come from anybody. It gets no token, writes no file, and is told the cases by whoever starts it; it
scores only where it is asked to. Run as `python -m medground_bench.leaderboard.scoring_process`; see `examining`.
"""

from __future__ import annotations

import base64
import json
import resource
import sys
from collections.abc import Iterable
from dataclasses import asdict

from medground_bench.core.scoring import CaseScore, score_cases
from medground_bench.core.types import Box, Frame, Mode, Reference
from medground_bench.leaderboard.case_numbers import numbers_of
from medground_bench.leaderboard.records import Json
from medground_bench.submission.read import Problems, Submission, read_submission


def references_as_json(references: Iterable[Reference]) -> list[dict[str, object]]:
    """What the process is told of the cases."""
    return [
        asdict(each) | {"native": None, "size": [each.native.width, each.native.height]}
        | {"boxes": [list(box.xyxy) for box in each.boxes]}
        for each in references
    ]  # fmt: skip


def references_of(given: Iterable[Json]) -> list[Reference]:
    """What `references_as_json` made."""
    made = []
    for each in given:
        native = Frame.native(*each["size"])
        rest = {name: each[name] for name in ("case_id", "source", "image_id", "lvlm", "finding")}
        boxes = tuple(Box(x0, y0, x1, y1, native) for x0, y0, x1, y1 in each["boxes"])
        made.append(Reference(**rest, mode=Mode(each["mode"]), native=native, boxes=boxes))
    return made


def examine(asked: Json) -> dict[str, object]:
    """What is wrong with an upload, or its tracks, its lines and, if they are asked for, its scores."""
    references = references_of(asked["references"])
    found = read_submission(base64.b64decode(asked["upload"]), references)
    if isinstance(found, Problems):
        return {
            "problems": [str(problem) for problem in found.shown],
            "counts": {code.value: count for code, count in found.counts.items()},
        }
    predictions = sorted(found.predictions, key=lambda each: each.case_id)
    scores = _scores(references, found) if asked["scored"] else []
    return {
        "tracks": [str(track) for track in found.tracks],
        "lvlms": sorted({track.lvlm for track in found.tracks}),
        "remark": found.remark,
        "lines": [each.as_json() for each in predictions],
        "scores": scores,
    }


def _scores(references: Iterable[Reference], submission: Submission) -> list[list[object]]:
    """Of every case of the tracks, in the order of case ids; numbers go through JSON without a change."""
    touched = [each for each in references if each.track in submission.tracks]
    took = {each.case_id: each.seconds for each in submission.predictions}
    scores = score_cases(touched, submission.predictions)
    return [score_line(score, took.get(score.case_id)) for score in scores]


def score_line(score: CaseScore, seconds: float | None) -> list[object]:
    """What is kept of a case's score: its id and its `NUMBERS`; the seconds are those that the file says."""
    return [score.case_id, *numbers_of(score, seconds)]


def _bind(memory_bytes: int, seconds: int) -> None:
    """From here on: so much memory, so much time, no file, no core dump."""
    limits = {resource.RLIMIT_CPU: seconds, resource.RLIMIT_FSIZE: 0, resource.RLIMIT_CORE: 0}
    if sys.platform != "darwin":  # which has no such limit
        limits[resource.RLIMIT_AS] = memory_bytes
    for what, most in limits.items():
        resource.setrlimit(what, (most, most))


def main() -> None:
    """Answer the one question on standard input."""
    _bind(int(sys.argv[1]), int(sys.argv[2]))
    sys.stdout.write(json.dumps(examine(json.load(sys.stdin)), allow_nan=False))


if __name__ == "__main__":
    main()
