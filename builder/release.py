"""The authors' released split as verdict rows.

The released JSON names a case by LVLM, source and its position in the authors' own question list. That position is kept
as `release_index`; which question it is can only be told from a credentialed copy of the source, so the columns
`question_id`, `image_id` and `finding` stay null, and the responses are read without knowing the finding: a bare
statement ("There is no mass.") is then unreadable.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from builder.assemble import answer_columns
from medground_bench.benchmark.folder import DatasetFolder
from medground_bench.benchmark.rows import VERDICTS, VerdictRow
from medground_bench.core.answers import read_answer
from medground_bench.core.causal_filter import decide
from medground_bench.core.errors import MedgroundError, SourceMissing
from medground_bench.core.types import Answer, Answers, Mode, Track

KEYS = {Mode.DIRECT: "direct", Mode.REASON: "cot"}
"""Mode -> how the authors' files call it, as in `prediction_edited_kept_direct`."""

COLUMNS = {
    "original": "prediction_{mode}",
    "foreground": "prediction_edited_{mode}",
    "background": "prediction_edited_kept_{mode}",
    "background_normal": "prediction_edited_kept_normal_{mode}",
}
SOURCES = ("imagenome", "vindr_cxr", "padchest_gr")


class BadRelease(MedgroundError):
    """A file that is not the authors' released JSON."""


def read_release(file: Path) -> list[VerdictRow]:
    """The rows of a released JSON file, verdicts decided by our own reader and filter."""
    if not file.is_file():
        raise SourceMissing(f"{file} is not there. Give the authors' released direct.json or reasoning.json.")
    try:
        entries = json.loads(file.read_bytes())
    except ValueError as error:
        raise BadRelease(f"{file} is not JSON: {error}. Give the authors' released file as it is.") from error
    if not isinstance(entries, list) or not entries:
        raise BadRelease(f"{file} holds no list of cases. Give the authors' released file as it is.")
    rows = [_row(entry, f"{file}, entry {number}") for number, entry in enumerate(entries)]
    _refuse_repeats(rows, file)
    return rows


def import_release(file: Path, folder: DatasetFolder) -> list[VerdictRow]:
    """Put the released verdicts into a folder as the split `test`; rows of an earlier import are replaced."""
    rows = read_release(file)
    folder.clear_leftovers()
    modes = {row.mode for row in rows}
    for lvlm in sorted({row.lvlm for row in rows}):
        before = folder.read(VERDICTS, "test", lvlm)
        others = [row for row in before if row.question_id is not None or row.mode not in modes]
        folder.write(VERDICTS, "test", lvlm, others + [row for row in rows if row.lvlm == lvlm])
    folder.write_card()
    return rows


def _row(entry: object, where: str) -> VerdictRow:
    if not isinstance(entry, dict):
        raise BadRelease(f"{where}: is no object. Give the authors' released file as it is.")
    mode = next((mode for mode, key in KEYS.items() if COLUMNS["original"].format(mode=key) in entry), None)
    if mode is None:
        raise BadRelease(f"{where}: has neither prediction_direct nor prediction_cot.")
    text = _texts(entry, where)
    index = entry.get("index")
    if type(index) is not int or index < 0:
        raise BadRelease(f"{where}: index is {index!r}, not a position.")
    if text("dataset") not in SOURCES:
        raise BadRelease(f"{where}: dataset is {text('dataset')!r}, not one of {', '.join(SOURCES)}.")
    answers = {name: read_answer(text(key.format(mode=KEYS[mode])), None) for name, key in COLUMNS.items()}
    expected = read_answer(text("answer"), None)
    if expected is Answer.UNREADABLE:
        raise BadRelease(f"{where}: answer is {entry['answer']!r}, not yes or no.")
    four = Answers(expected, **answers)
    return VerdictRow(
        question_id=None,
        source=text("dataset"),
        image_id=None,
        finding=None,
        lvlm=text("model"),
        lvlm_revision=None,
        mode=mode.value,
        **answer_columns(four, decide(four)),
        release_index=index,
    )


def _texts(entry: Mapping[str, object], where: str) -> Callable[[str], str]:
    def text(key: str) -> str:
        value = entry.get(key)
        if not isinstance(value, str):
            raise BadRelease(f"{where}: {key} is {value!r}, not text.")
        return value

    return text


def _refuse_repeats(rows: list[VerdictRow], file: Path) -> None:
    seen: set[tuple[Track, str, int | None]] = set()
    for row in rows:
        key = (row.track, row.source, row.release_index)
        if key in seen:
            raise BadRelease(f"{file}: {row.lvlm}, {row.source}, index {row.release_index} is there twice.")
        seen.add(key)
