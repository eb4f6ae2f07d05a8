from __future__ import annotations

import json
from pathlib import Path

from builder.ledger import SHOWN, Entry, Fault, Ledger
from builder.place import Place


def entries(count, fault=Fault.BAD_BOX):
    return [Entry("table.csv", row, fault, "no box", f"p1/{row}.jpg") for row in range(1, count + 1)]


def test_a_summary_counts_every_fault_and_shows_the_first_entries_of_each():
    ledger = Ledger()
    for entry in (*entries(SHOWN + 2), *entries(1, Fault.MISSING_PICTURE)):
        ledger.note(entry)
    lines = ledger.lines()
    assert lines[0] == "MISSING_PICTURE: 1"
    assert f"BAD_BOX: {SHOWN + 2}" in lines and "  and 2 more" in lines
    assert "  BAD_BOX table.csv, row 1: no box" in lines


def test_a_summary_names_no_picture_and_the_file_does(tmp_path):
    ledger = Ledger()
    ledger.note(Entry("table.csv", None, Fault.MISSING_PICTURE, "not in the copy", "p1/secret.jpg"))
    assert "secret" not in " ".join(ledger.lines())
    (line,) = Path(ledger.write(Place(tmp_path), "s")).read_text().splitlines()
    assert json.loads(line) == {
        "file": "table.csv",
        "row": None,
        "fault": "MISSING_PICTURE",
        "words": "not in the copy",
        "picture": "p1/secret.jpg",
    }


def test_the_same_entry_met_again_is_one_and_an_empty_ledger_is_false(tmp_path):
    ledger = Ledger()
    assert not ledger and ledger.lines() == []
    assert Path(ledger.write(Place(tmp_path), "s")).read_bytes() == b""
    for _ in range(2):
        for entry in entries(3):
            ledger.note(entry)
    assert len(ledger) == 3 and ledger.counts() == {Fault.BAD_BOX: 3}
