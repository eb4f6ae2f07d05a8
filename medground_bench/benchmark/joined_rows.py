"""Rows of a benchmark folder with what they lack, boxes and sizes, filled in from a user's own copies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace

from medground_bench.benchmark.copies import Copies, Wanted
from medground_bench.benchmark.join_report import JoinReport
from medground_bench.benchmark.parquet import Columns
from medground_bench.benchmark.rows import CaseRow, KeyColumns, QuestionRow
from medground_bench.core.types import Question

LACKED = ("boxes", "width", "height")
"""Columns that a published row may lack; its picture is not among them, which is read when it is needed."""


def wanted_by(row: KeyColumns | QuestionRow | CaseRow, name: str | None = None) -> Wanted:
    """What a row says of its question, called by its case id where one is given.

    >>> row = KeyColumns(question_id="vindr_cxr/pic-1f2e/mass", source="vindr_cxr", finding="mass", release_index=7,
    ...     image_sha256="1f2e")
    >>> wanted_by(row).name
    'vindr_cxr/pic-1f2e/mass'
    """
    return Wanted(name or row.question_id, row.source, row.finding, row.release_index, row.image_sha256)


def joined_rows(rows: Sequence[Columns], keys: Sequence[KeyColumns], copies: Copies) -> list[Columns]:
    """The rows with what they lack; every picture that is needed for it is checked first.

    keys    of the rows, in their order
    raises  SourceMissing, with a table, unless every row that lacks something is joined

    >>> joined_rows([], [], Copies({}))
    []
    """
    names = [getattr(row, "case_id", key.question_id) for row, key in zip(rows, keys, strict=True)]
    wanted = [wanted_by(key, name) for key, name in zip(keys, names, strict=True)]
    lacked = [_lacked(row) for row in rows]
    copies.check(each for each, names in zip(wanted, lacked, strict=True) if names)
    report, joined = JoinReport(copies.notes), []
    for row, each, columns in zip(rows, wanted, lacked, strict=True):
        found = copies.find(each, read=True) if columns else None
        if found is None or found.question is None:
            joined.append(row)
        else:
            known = told_of(found.question)
            joined.append(replace(row, **{column: known[column] for column in columns}))  # type: ignore[arg-type]
        if found is not None:
            report.note(each.name, each.source, found.outcome)
    report.demand_all()
    return joined


def told_of(question: Question) -> dict[str, object]:
    """Column -> what a question says in it.

    >>> from medground_bench.core.types import Answer, Box, Frame
    >>> native = Frame.native(width=2544, height=3056)
    >>> told_of(Question("vindr_cxr", "0f3a", "mass", Answer.YES, native, (Box(1, 2, 3, 4, native),)))["boxes"]
    ((1, 2, 3, 4),)
    """
    boxes = tuple(box.xyxy for box in question.boxes)
    return {"boxes": boxes, "width": question.native.width, "height": question.native.height}


def _lacked(row: Columns) -> list[str]:
    names = {field.name for field in fields(row)}
    return [name for name in LACKED if name in names and getattr(row, name) is None]
