"""A row of every table, made by hand, with what is easily lost on the way to the disk: None, no boxes, odd texts."""

from __future__ import annotations

import numpy as np

from medground_bench.benchmark.rows import AnswerRow, CaseRow, QuestionRow, VerdictRow
from medground_bench.pictures import picture_digest, stored_png

NATIVE = np.arange(48, dtype=np.uint8).reshape(6, 8)
"""The native picture of every row, 8 x 6 px."""

ASKED = {"source": "vindr_cxr", "image_id": "p10/scan é@2x", "finding": "Nodule/Mass", "answer": "yes"}
TRACK = {"lvlm": "org/name@1f2e", "lvlm_revision": "1f2e", "mode": "reason"}
SAID = {
    "response": "Oui.\n\n是 🫁\0",
    "response_token_ids": (0, 262_143),
    "response_tokens": ("", "\ufffd"),
}
SHOWN = {
    "question": "Is there a nodule/mass?",
    "boxes": ((0.0, 1.5, 8.0, 6.0), (1 / 3, 0.0, 2.0, 1e-3)),
    "width": 8,
    "height": 6,
    "image": stored_png.encode(NATIVE),
    "image_sha256": picture_digest(NATIVE),
}
QUESTION_ID = "vindr_cxr/p10/scan é@2x/nodule-mass"

QUESTION = QuestionRow(question_id=QUESTION_ID, **ASKED, **SHOWN, levels="min-max", marker=None)
ANSWER = AnswerRow(
    question_id=QUESTION_ID,
    **ASKED,
    **TRACK,
    **SAID,
    picture="foreground",
    said="unreadable",
    editor="radedit@é 1",
)
VERDICT = VerdictRow(
    question_id=QUESTION_ID,
    **ASKED,
    **TRACK,
    original="yes",
    foreground="no",
    background="yes",
    background_normal=None,
    group="ungrounded",
    reason="UNREADABLE_ANSWER",
    editor="radedit@é 1",
    marker=False,
    known_cause="finding",
)
CASE = CaseRow(
    case_id=f"{QUESTION_ID}@org/name@1f2e:reason",
    question_id=QUESTION_ID,
    **ASKED,
    **TRACK,
    **SHOWN,
    **SAID,
    prompt="Is there a nodule/mass? Think.",
    release_index=None,
)
