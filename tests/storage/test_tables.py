from __future__ import annotations

import csv
import io

from medground_bench.storage.tables import as_csv


def test_a_table_comes_back_with_what_spreadsheets_stumble_over():
    rows = [{"name": 'a "b", c\nd', "share": 1 / 3, "count": 2}, {"name": "ä|=1", "share": None}]
    content = as_csv(["name", "share", "count"], rows)
    back = list(csv.DictReader(io.StringIO(content.decode(), newline="")))
    assert back == [
        {"name": 'a "b", c\nd', "share": "0.333333", "count": "2"},
        {"name": "ä|=1", "share": "", "count": ""},
    ]


def test_a_table_without_rows_has_its_header():
    assert as_csv(["a", "b"], []) == b"a,b\n"
