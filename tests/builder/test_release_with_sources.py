"""A released file joined with copies of its sources: questions, answers, verdicts and cases with boxes."""

from __future__ import annotations

import json
from dataclasses import replace

import pandas as pd
import pytest
from typer.testing import CliRunner

from builder.build import decide_again, open_source
from builder.cli import app
from builder.ledger import Fault
from builder.release import BadRelease, OwnAnswers, import_release
from medground_bench.benchmark.folder import DatasetFolder
from medground_bench.benchmark.opening import open_benchmark
from medground_bench.benchmark.rows import ANSWERS, DIRECT, QUESTIONS, REASON, VERDICTS
from medground_bench.benchmark.statistics import Statistics
from medground_bench.core.errors import SourceMissing
from medground_bench.core.types import Mode, Track
from tests.kit.builds import bytes_of
from tests.kit.trees import TEST_TABLE, positives, write_trees

PHANTOMS = ("4000000", "4000001")
SOURCES = ("imagenome", "vindr_cxr", "padchest_gr")
LVLM = "gemma3_4b"


@pytest.fixture(scope="module")
def trees(tmp_path_factory):
    return write_trees(tmp_path_factory.mktemp("trees"), PHANTOMS)


@pytest.fixture
def folder(tmp_path):
    return DatasetFolder(tmp_path / "bench")


@pytest.fixture
def copies(trees):
    """Opens sources on their copies, which are smaller than the authors'."""
    return lambda *names: [open_source(name, trees.roots(name)) for name in names]


@pytest.fixture
def opened(copies, monkeypatch):
    """Opens them as if the authors had had these very files."""

    def opened(*names):
        sources = copies(*names)
        for source in sources:
            count = sum(source.asked("test").values())
            monkeypatch.setattr(type(source), "expected", lambda _self, _split, count=count: count)
        return sources

    return opened


@pytest.fixture
def released(tmp_path):
    """Writes a released file of these entries."""

    def released(*entries):
        file = tmp_path / "direct.json"
        file.write_text(json.dumps(entries))
        return file

    return released


def entry(source, index, *, finding=None, key="direct", **changes):
    """A retained case; with a finding, told in bare statements about it."""
    yes, no = ("Yes", "No.\n") if finding is None else (f"There is {finding}.", f"There is no {finding}.")
    texts = {"": yes, "_edited": no, "_edited_kept": yes, "_edited_kept_normal": yes}
    case = {"model": LVLM, "dataset": source, "index": index, "answer": "Yes"}
    return case | {f"prediction{edit}_{key}": text for edit, text in texts.items()} | changes


def in_the_authors_order(trees) -> list[tuple[str, str]]:
    """(image id, finding) of VinDr's copy, as pandas groups it."""
    rows = pd.read_csv(trees.vindr_cxr / TEST_TABLE)
    return list(rows[rows["class_name"] != "No finding"].groupby(["image_id", "class_name"]).groups)


def test_a_position_is_the_question_that_the_authors_have_there(trees, folder, opened, released):
    order = in_the_authors_order(trees)
    entries = [entry("vindr_cxr", index, finding=finding) for index, (_, finding) in enumerate(order)]
    verdicts = import_release(released(*entries), folder, opened("vindr_cxr"))
    assert [
        (row.image_id, row.finding) for row in sorted(verdicts, key=lambda row: row.release_index)
    ] == order
    assert {row.group for row in verdicts} == {"grounded"}
    assert {row.group for row in import_release(released(*entries), folder)} == {"incorrect"}, (
        "bare statements"
    )


@pytest.mark.parametrize("source", SOURCES)
def test_cases_have_the_boxes_of_the_source_and_no_picture_that_may_not_be_shown(
    source, trees, folder, opened, released
):
    [copy] = opened(source)
    known = {each.release_index: each.question for each in copy.questions("test", None)}
    import_release(released(*(entry(source, index) for index in known)), folder, [copy])
    cases = folder.read(DIRECT, "test")
    assert [case.question_id for case in cases] == sorted(each.question_id for each in known.values())
    twins = positives(PHANTOMS)
    for case in cases:
        twin = twins[trees.phantom_of[source, case.image_id], case.finding]
        assert len(case.boxes) == len(twin.boxes)
        for box, own in zip(sorted(case.boxes), sorted(each.xyxy for each in twin.boxes), strict=True):
            assert box == pytest.approx(own, abs=1)
        assert case.image is None
        assert known[case.release_index].question_id == case.question_id
    assert {row.image for row in folder.read(QUESTIONS, "test")} == {None}


def test_a_source_that_may_show_its_pictures_gives_them_to_its_cases(folder, opened, released):
    [copy] = opened("vindr_cxr")
    import_release(released(entry("vindr_cxr", 0)), folder, [replace(copy, may_show=True)])
    [case] = folder.read(DIRECT, "test")
    assert case.image is not None
    with pytest.raises(SourceMissing, match="no tokens, so no method can explain it; it can be scored"):
        case.case()


def test_responses_are_kept_word_for_word_and_what_is_not_known_is_null(folder, opened, released):
    import_release(released(entry("vindr_cxr", 1)), folder, opened("vindr_cxr"))
    answers = {row.picture: row for row in folder.read(ANSWERS, "test")}
    assert {picture: (row.response, row.said) for picture, row in answers.items()} == {
        "original": ("Yes", "yes"),
        "foreground": ("No.\n", "no"),
        "background": ("Yes", "yes"),
        "background_normal": ("Yes", "yes"),
    }
    [case], [verdict] = folder.read(DIRECT, "test"), folder.read(VERDICTS, "test")
    for row in (*answers.values(), case, verdict):
        assert row.lvlm_revision is None
    for row in (*answers.values(), case):
        assert row.response_token_ids is row.response_tokens is None
    assert verdict.editor is None and verdict.release_index == case.release_index == 1


def test_a_joined_release_can_be_opened_and_scored_and_changes_its_digest_with_its_cases(
    folder, opened, released
):
    digests = set()
    for entries in ([entry("vindr_cxr", 0)], [entry("vindr_cxr", 0), entry("vindr_cxr", 1)]):
        import_release(released(*entries), folder, opened("vindr_cxr"))
        benchmark = open_benchmark(folder.path)
        track = Track(LVLM, Mode.DIRECT)
        assert benchmark.tracks() == {track: len(entries)}
        assert len(benchmark.references(lvlm=LVLM, mode=Mode.DIRECT)) == len(entries)
        digests.add(benchmark.content_digest(track))
    assert len(digests) == 2


def test_verdicts_decided_again_leave_a_joined_release_as_it_is(folder, opened, released):
    order = [entry("vindr_cxr", index) for index in range(3)]
    order[1] |= {"prediction_edited_kept_direct": "No"}
    import_release(released(*order, entry("padchest_gr", 5)), folder, opened("vindr_cxr"))
    before = bytes_of(folder)
    assert decide_again(folder) == 0
    assert bytes_of(folder) == before
    assert [row.group for row in folder.read(VERDICTS, "test")].count("ungrounded") == 1
    assert len(folder.read(DIRECT, "test")) == 2


def test_several_sources_are_joined_at_once_and_an_import_replaces_the_earlier_one(folder, opened, released):
    direct = [entry(source, 0) for source in SOURCES]
    import_release(released(*direct), folder, opened("vindr_cxr", "padchest_gr"))
    assert sorted(row.source for row in folder.read(DIRECT, "test")) == ["padchest_gr", "vindr_cxr"]
    joined = {row.source: row.question_id is not None for row in folder.read(VERDICTS, "test")}
    assert joined == {"imagenome": False, "padchest_gr": True, "vindr_cxr": True}
    import_release(released(entry("vindr_cxr", 0, key="cot")), folder, opened("vindr_cxr"))
    assert len(folder.read(DIRECT, "test")) == 2 and len(folder.read(REASON, "test")) == 1
    import_release(released(*direct), folder)
    assert folder.read(DIRECT, "test") == [] and len(folder.read(VERDICTS, "test")) == 4
    assert {row.mode for row in folder.read(ANSWERS, "test")} == {"reason"}


def test_what_cannot_be_joined_is_told_and_has_a_verdict_without_a_question(trees, folder, opened, released):
    [copy] = opened("vindr_cxr")
    beyond = len(in_the_authors_order(trees))
    file = released(entry("vindr_cxr", 0), entry("vindr_cxr", beyond), entry("vindr_cxr", 1, answer="No"))
    rows = import_release(file, folder, [copy])
    assert {row.release_index: row.question_id is None for row in rows} == {0: False, beyond: True, 1: True}
    assert [case.release_index for case in folder.read(DIRECT, "test")] == [0]
    told = {each.fault: (each.file, each.row) for each in copy.ledger}
    assert told[Fault.NOT_IN_SOURCE] == ("direct.json", 2)
    assert told[Fault.OTHER_ANSWER] == ("direct.json", 3)


def test_a_copy_with_another_number_of_questions_than_the_authors_had_is_told_and_not_joined(
    monkeypatch, trees, folder, copies, released
):
    file, count = released(entry("vindr_cxr", 0)), len(in_the_authors_order(trees))
    for pictures, expected, said in (
        (3_000, 2_108, "are not those the authors had"),
        (3, count + 1, f"should hold {count + 1}, with {count} questions"),
        (3, count, None),
    ):
        monkeypatch.setattr("builder.sources.vindr_cxr.TEST_PICTURES", pictures)
        monkeypatch.setattr("builder.sources.vindr_cxr.EXPECTED", expected)
        [copy] = copies("vindr_cxr")
        [verdict] = import_release(file, folder, [copy])
        assert (verdict.question_id is None) == (said is not None)
        assert [each.fault for each in copy.ledger] == ([] if said is None else [Fault.OTHER_FILES])
        assert said is None or said in next(iter(copy.ledger)).words


def test_a_track_that_was_built_is_not_replaced(folder, opened, released):
    file = released(entry("vindr_cxr", 0))
    import_release(file, folder, opened("vindr_cxr"))
    built = [replace(row, lvlm_revision="r1") for row in folder.read(ANSWERS, "test")]
    folder.write(ANSWERS, "test", LVLM, built)
    with pytest.raises(OwnAnswers, match=r"gemma3_4b direct on vindr_cxr\. Give another --out"):
        import_release(file, folder, opened("vindr_cxr"))


def test_a_source_of_which_nothing_was_released_is_refused(folder, opened, released):
    with pytest.raises(BadRelease, match="no case of vindr_cxr, only of imagenome"):
        import_release(released(entry("imagenome", 0)), folder, opened("vindr_cxr"))


def test_retained_questions_alone_say_nothing_of_accuracy_and_of_shares(folder, opened, released):
    import_release(released(entry("vindr_cxr", 0)), folder, opened("vindr_cxr"))
    numbers = Statistics.of(folder, "test")
    assert numbers.accuracy == [] and numbers.whole() == []
    assert [(row.grounded, row.questions) for row in numbers.groups if row.finding == "all"] == [(1, None)]


def test_the_authors_file_keeps_every_verdict_when_it_is_joined_with_a_small_copy(
    medground_release, trees, folder, opened, tmp_path
):
    file = medground_release / "direct.json"
    alone = DatasetFolder(tmp_path / "alone")
    import_release(file, alone)
    rows = import_release(file, folder, opened(*SOURCES))

    def verdicts(rows):
        return sorted((row.lvlm, row.source, row.release_index, row.group) for row in rows)

    assert verdicts(rows) == verdicts(alone.read(VERDICTS, "test")) and len(rows) == 1880
    positions = {(row.source, row.release_index) for row in folder.read(QUESTIONS, "test")}
    there = [each for each in json.loads(file.read_text()) if (each["dataset"], each["index"]) in positions]
    assert len(folder.read(DIRECT, "test")) == len(there) > 0


def test_the_command_joins_tells_what_is_left_and_exits_with_1_unless_allowed(
    monkeypatch, trees, released, tmp_path
):
    order = in_the_authors_order(trees)
    monkeypatch.setattr("builder.sources.vindr_cxr.TEST_PICTURES", 3)
    monkeypatch.setattr("builder.sources.vindr_cxr.EXPECTED", len(order))
    words = ["import-release", str(tmp_path / "direct.json"), "--out", str(tmp_path / "bench")]
    joining = [*words, "--source", "vindr_cxr", "--root", str(trees.vindr_cxr)]
    released(entry("vindr_cxr", 0))
    done = CliRunner().invoke(app, joining)
    assert done.exit_code == 0, done.output
    assert "1 released verdicts, 1 joined with a question" in done.output
    released(entry("vindr_cxr", 0), entry("vindr_cxr", len(order)))
    done = CliRunner().invoke(app, joining)
    assert done.exit_code == 1 and "NOT_IN_SOURCE: 1" in done.output
    kept = tmp_path / "bench.store" / "ledger-vindr_cxr.jsonl"
    assert json.loads(kept.read_text())["row"] == 2
    assert (tmp_path / "bench.store" / "patients-vindr_cxr.json").is_file()
    assert CliRunner().invoke(app, [*joining, "--allow-missing"]).exit_code == 0
    done = CliRunner().invoke(app, [*words, "--root", str(trees.vindr_cxr)])
    assert done.exit_code == 2 and "none is named" in " ".join(done.output.split())
