"""What the page of submissions sends and shows: a form as metadata, a reply or a receipt as a template's values."""

from __future__ import annotations

import json
import re
from collections.abc import Container, Mapping
from typing import TypeAlias
from urllib.parse import urlencode

from medground_bench.core.errors import MedgroundError
from medground_bench.leaderboard.accepting import Stage
from medground_bench.leaderboard.records import Receipt, receipt_address
from medground_bench.leaderboard.register import SubmissionStatus
from medground_bench.leaderboard.replies import LATER, SAID, Reply
from medground_bench.runs.run_file import run_of
from medground_bench.submission.metadata import MOST_ENTRIES, Metadata, read_metadata
from medground_bench.submission.problems import Refused
from medground_bench.submission.strict_json import text_lines

Shown: TypeAlias = dict[str, object]
"""A value of the template; gradio reads the annotations of the page's functions, and knows no other word for it."""

PAIRED = ("lvlm_revisions", "versions")
"""Fields of which a line of the form says one entry, `name=value`."""

LONGEST = 2000
"""Characters of a line in which an LVLM is looked for."""

PROBLEM = re.compile(r"(?P<text>.*) \[(?P<code>[A-Z0-9_]+)\]", re.DOTALL)
LVLM = re.compile(r'@([^"\s]{1,150}):\w+"')
FACTS = {
    "method": "Row",
    "tracks": "Answers",
    "received_at": "Received",
    "dataset": "Benchmark",
    "dataset_revision": "Revision",
    "protocol": "Protocol",
    "file_sha256": "SHA-256 of the file",
    "entry": "Entry of the log",
    "id": "Id",
}
"""What of a receipt is shown, and how it is called."""


def lvlm_lines(predictions: bytes, written: str) -> str:
    """A line for each LVLM that a file seems to answer for, with what was written of it.

    A file that cannot be read changes nothing.
    """
    try:
        found = {lvlm for _, line in text_lines(predictions) for lvlm in LVLM.findall(line[:LONGEST])}
    except Refused:
        return written
    known = dict(_pairs(written))
    return "\n".join(f"{lvlm}={known.get(lvlm, '')}" for lvlm in sorted(found)[:MOST_ENTRIES])


def run_fields(record: bytes, predictions: bytes) -> dict[str, str]:
    """Field -> what a run file says of it; MedgroundError where it is none of these predictions."""
    run = run_of(record, predictions)
    if run is None:
        raise MedgroundError(
            "This is no .run.json of the prediction file that is chosen. One that was changed since has none: fill in "
            "the fields by hand."
        )
    return {
        name: "\n".join(f"{key}={each}" for key, each in value.items())
        if isinstance(value, Mapping)
        else str(value)
        for name, value in run.said.items()
    }


def metadata_text(form: Mapping[str, str | None]) -> str:
    """What a form says, as the JSON object that the desk reads; an empty field is left out.

    An entry that stands twice stays twice, for the one reader of such objects to refuse.
    """
    given = {name: text.strip() for name, text in form.items() if text and text.strip()}
    texts = [f"{json.dumps(name)}: {_value_text(name, text)}" for name, text in given.items()]
    return f"{{{', '.join(texts)}}}"


def shown_stage(stage: Stage) -> Shown:
    """How far a submission is."""
    stages = list(Stage)
    return {
        "stage": f"{stage.value[0].upper()}{stage.value[1:]} ...",
        "done": stages.index(stage),
        "of": len(stages),
    }


def shown_reply(reply: Reply, metadata: str) -> Shown:
    """What was found, or the receipt; `metadata` is the text that was sent."""
    if reply.receipt:
        said = read_metadata(metadata)
        told = said if isinstance(said, Metadata) else None
        return shown_receipt(reply.receipt, told, reply.said, navigate=True)
    problems = [_problem(each) for each in reply.problems]
    return {"said": reply.said, "kind": reply.status, "problems": problems, "more": reply.more}


def words_of(receipt: Receipt, at_work: Container[str]) -> str:
    """The sentence on where a submission stands; `at_work` are the ids of those that are being scored."""
    status = SubmissionStatus(receipt.status)
    waits = status is SubmissionStatus.RECEIVED and receipt.id not in at_work
    return LATER if waits else SAID[status]


def shown_receipt(receipt: Receipt, said: Metadata | None, words: str, *, navigate: bool) -> Shown:
    """Where a submission stands, and what was said of it where that is known.

    words     the sentence on where it stands
    navigate  whether it is a step of the visitor's history
    """
    given = receipt.as_json()
    facts = {name: str(given[key]) for key, name in FACTS.items()} | (_said(said) if said else {})
    status = SubmissionStatus(receipt.status)
    return {
        "said": words,
        "kind": receipt.status,
        "receipt": given,
        "facts": [{"name": name, "value": value} for name, value in facts.items()],
        "board": _choices(receipt) if status is SubmissionStatus.SCORED else [],
        "address": receipt_address(receipt.id),
        "navigate": navigate,
        "stands": status.stands,
    }


def _choices(receipt: Receipt) -> list[Shown]:
    """Where on the board its row stands: each track by itself, which not every row of all LVLMs answers."""
    tracks = (track.rpartition(" ") for track in receipt.tracks.split(", "))
    return [
        {
            "address": urlencode({"tab": "board", "lvlm": lvlm, "mode": mode}),
            "name": f"LVLM {lvlm}, mode {mode}",
        }
        for lvlm, _, mode in tracks
    ]


def shown_error(error: MedgroundError) -> Shown:
    """What was not done, and why."""
    return {"said": str(error), "kind": "error"}


def _said(said: Metadata) -> dict[str, str]:
    """What a submitter said that is in no column of the board."""
    weights, versions = (
        ", ".join(f"{name}={each}" for name, each in sorted(pairs.items()))
        for pairs in (said.lvlm_revisions, said.versions)
    )
    words = {"LVLM and weights": weights, "Packages": versions, "About": said.about or ""}
    return {name: text for name, text in words.items() if text}


def _value_text(name: str, text: str) -> str:
    if name in PAIRED:
        entries = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in _pairs(text)]
        return f"{{{', '.join(entries)}}}"
    is_number = name == "seed" and re.fullmatch(r"-?(0|[1-9][0-9]*)", text)
    return text if is_number else json.dumps(text)


def _pairs(text: str) -> list[tuple[str, str]]:
    """Name and value of every line."""
    parts = [line.partition("=") for line in text.splitlines() if line.strip()]
    return [(name.strip(), value.strip()) for name, _, value in parts]


def _problem(told: str) -> Shown:
    parts = PROBLEM.fullmatch(told)
    return dict(parts.groupdict()) if parts else {"text": told, "code": ""}
