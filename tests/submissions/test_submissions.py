"""The paper's reported rows agree with each other, and what the folder tells submitters is what the checker does."""

import csv
import json
import re
from pathlib import Path

import pytest

from medground_bench.commands.check import check
from medground_bench.core.case_ids import case_id
from medground_bench.core.errors import BadSubmission
from medground_bench.core.types import Answer, Mode, Question
from medground_bench.phantom import seeds
from medground_bench.submission import read as submission
from medground_bench.submission.metadata import READERS, Metadata, read_metadata
from medground_bench.submission.problems import Code
from tests.kit.examples import EXAMPLES, example_references
from tests.kit.submission_guide import generated, messages_of, wrong_examples

FOLDER = Path(__file__).parents[2] / "submissions"
QUESTIONS = {"imagenome": 1405, "vindr_cxr": 2108, "padchest_gr": 2657}
RETAINED = {"direct": 1880, "reason": 2060}


def reported(table):
    with (FOLDER / "reported" / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def retained():
    return {(row["mode"], row["source"], row["lvlm"]): int(row["retained"]) for row in reported("table4")}


def test_the_questions_are_those_of_the_papers_text():
    counts = {(row["source"], row["split"]): int(row["questions"]) for row in reported("questions")}
    assert counts == {(source, "test"): count for source, count in QUESTIONS.items()} | {
        ("padchest_gr", "tune"): 144
    }


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


SCHEMA = json.loads((FOLDER / "schema.json").read_text("utf-8"))


def test_the_schema_names_the_keys_and_the_limits_of_the_checker():
    properties = SCHEMA["properties"]
    assert set(properties) == submission.KEYS
    assert properties["boxes"]["maxItems"] == submission.MAX_BOXES
    assert properties["boxes"]["items"]["items"]["minimum"] == -submission.SLACK_PX
    concept, seconds, tokens = (properties[key] for key in ("concept", "seconds", "tokens"))
    assert (concept["minLength"], concept["maxLength"]) == (1, submission.MAX_CONCEPT_CHARACTERS)
    assert (seconds["minimum"], seconds["maximum"]) == (0, submission.MAX_SECONDS)
    assert (tokens["maxItems"], tokens["items"]["minimum"]) == (submission.MAX_TOKENS, 0)


@pytest.mark.parametrize(
    ("key", "passes", "refused"),
    [
        ("concept", ["x", "x" * 100], ["", "x" * 101]),
        ("seconds", [0, 1_000_000], [-1, 1_000_001]),
        ("tokens", [[], [0.0] * 4096], [[0.0] * 4097, [-0.1]]),
        ("boxes", [[], [[0, 0, 9, 9]] * 10, [[-0.01, 0, 9, 9]]], [[[0, 0, 9, 9]] * 11, [[-0.02, 0, 9, 9]]]),
    ],
)  # fmt: skip
def test_the_limits_of_the_schema_are_where_the_checker_begins_to_refuse(key, passes, refused):
    references = example_references()
    for value, good in [*((value, True) for value in passes), *((value, False) for value in refused)]:
        line = {"case_id": references[0].case_id, "boxes": [], key: value}
        got = submission.read_submission(json.dumps(line).encode(), references, whole_tracks=False)
        assert isinstance(got, submission.Submission) is good, (key, value)
        assert fits(SCHEMA["properties"][key], value) is good, (key, value)


def fits(schema, value):
    """The few words of JSON Schema that ours uses, read by a few lines of our own."""
    size = len(value) if isinstance(value, str | list) else 0
    within = schema.get("minLength", 0) <= size <= schema.get("maxLength", size) and schema.get(
        "minItems", 0
    ) <= size <= schema.get("maxItems", size)
    if isinstance(value, list):
        return within and all(fits(schema["items"], item) for item in value)
    if isinstance(value, int | float):
        return schema.get("minimum", value) <= value <= schema.get("maximum", value)
    return within


def test_the_references_of_the_examples_have_the_form_of_a_real_benchmark():
    for each in example_references():
        question = Question(each.source, each.image_id, each.finding, Answer.YES, each.native, each.boxes)
        assert each.case_id == case_id(question.question_id, each.track)
        assert int(each.image_id) in seeds.TEST


def test_the_good_example_passes_and_is_a_whole_track():
    got = submission.read_submission((EXAMPLES / "passes.jsonl").read_bytes(), example_references())
    assert isinstance(got, submission.Submission)
    assert [(track.lvlm, track.mode) for track in got.tracks] == [("phantom_gemma3", Mode.DIRECT)]
    assert got.missing == ()


@pytest.mark.parametrize("path", generated(), ids=lambda path: path.name)
def test_the_schemas_and_the_messages_of_the_wrong_examples_are_the_checkers_own(path):
    """Written again by `python -m tests.kit.submission_guide`."""
    assert path.read_text("utf-8") == generated()[path]


def test_there_are_twenty_wrong_examples_each_with_a_problem_and_all_together_with_most_codes():
    told = {file.name: messages_of(file) for file in wrong_examples()}
    codes = {re.search(r"\[(\w+)\]$", message).group(1) for messages in told.values() for message in messages}
    assert len(told) == 20 and all(told.values())
    assert len(codes) >= 20


def test_the_good_example_of_what_is_said_passes_and_names_the_lvlm_of_the_good_file():
    said = read_metadata((EXAMPLES / "passes.json").read_text("utf-8"))
    assert isinstance(said, Metadata) and set(said.lvlm_revisions) == {"phantom_gemma3"}
    assert read_metadata(json.dumps(said.as_json())) == said


def test_the_guide_names_every_field_that_can_be_said():
    guide = (FOLDER / "README.md").read_text("utf-8")
    rows = re.findall(r"^\| (`.*?) \|", guide, flags=re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert named >= set(READERS)


def test_the_guide_tells_every_code_of_a_foreign_frame():
    guide = (FOLDER / "README.md").read_text("utf-8")
    assert set(re.findall(r"^\| `(LOOKS_\w+)` \|", guide, flags=re.MULTILINE)) == {
        code for code in Code if code.startswith("LOOKS_")
    }


def said_in_the_guide():
    guide = (FOLDER / "README.md").read_text("utf-8")
    return re.search(r"```text\n(.*?)```", guide, flags=re.DOTALL).group(1).splitlines()


def test_the_checker_says_of_the_faulty_example_what_the_guide_shows():
    got = submission.read_submission((EXAMPLES / "faulty.jsonl").read_bytes(), example_references())
    assert [str(problem) for problem in got.shown] == said_in_the_guide()
    assert got.total == len(said_in_the_guide())


def test_the_command_check_says_the_same_of_the_examples(tmp_path, monkeypatch, capsys):
    class Opened:
        def references(self):
            return example_references()

    monkeypatch.setattr("medground_bench.commands.check.open_joined", lambda _location, _root: Opened())
    check(EXAMPLES / "passes.jsonl", "medground-bench")
    assert "no problem" in capsys.readouterr().out
    with pytest.raises(BadSubmission) as refused:
        check(EXAMPLES / "faulty.jsonl", "medground-bench")
    for line in said_in_the_guide():
        assert line in str(refused.value)
