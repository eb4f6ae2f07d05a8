"""The paper's reported rows agree with each other, and what the folder tells submitters is what the checker does."""

import csv
import json
from pathlib import Path

import pytest

from medground_bench import submission

FOLDER = Path(__file__).parents[2] / "submissions"
QUESTIONS = {"imagenome": 1405, "vindr_cxr": 2108, "padchest_gr": 2657}
RETAINED = {"direct": 1880, "reason": 2060}


def reported(table):
    with (FOLDER / "reported" / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def retained():
    return {(row["mode"], row["source"], row["lvlm"]): int(row["retained"]) for row in reported("table4")}


@pytest.mark.parametrize("mode", RETAINED)
def test_table_4_adds_up_to_the_cases_of_the_paper(mode):
    assert sum(count for (of, _, _), count in retained().items() if of == mode) == RETAINED[mode]


def test_table_3_shares_add_up_to_one():
    shares = {}
    for row in reported("table3"):
        key = row["mode"], row["source"], row["lvlm"]
        shares[key] = shares.get(key, 0) + float(row["share"])
    assert len(shares) == 36
    assert all(share == pytest.approx(1, abs=2e-4) for share in shares.values())


def test_table_3_grounded_shares_are_table_4_over_the_questions():
    counts = retained()
    for row in reported("table3"):
        if row["group"] == "grounded":
            key = row["mode"], row["source"], row["lvlm"]
            assert float(row["share"]) == pytest.approx(counts[key] / QUESTIONS[row["source"]], abs=1e-3)


def test_table_1_pools_the_cases_of_all_lvlms_as_table_5_weighted_by_table_4_does():
    counts = retained()
    pooled = {row["source"]: row for row in reported("table1") if row["method"] == "medfocus"}
    for source, row in pooled.items():
        rows = [r for r in reported("table5") if (r["source"], r["mode"]) == (source, "direct")]
        weights = [counts["direct", source, r["lvlm"]] for r in rows]
        mean = sum(w * float(r["iou"]) for w, r in zip(weights, rows, strict=True)) / sum(weights)
        assert mean == pytest.approx(float(row["iou"]), abs=0.004)


def test_every_method_with_a_reported_time_has_reported_scores():
    assert {row["method"] for row in reported("table6")} == {row["method"] for row in reported("table1")}


def test_the_schema_names_the_keys_and_the_limit_of_the_checker():
    schema = json.loads((FOLDER / "schema.json").read_text("utf-8"))
    assert set(schema["properties"]) == submission.KEYS
    assert schema["properties"]["boxes"]["maxItems"] == submission.MAX_BOXES
