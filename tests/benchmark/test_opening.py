from __future__ import annotations

import io
import shutil
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from builder.assemble import source_question
from builder.build import write_questions
from builder.sources.phantom import Phantom
from medground_bench.benchmark.folder import DatasetFolder
from medground_bench.benchmark.opening import open_benchmark
from medground_bench.benchmark.rows import DIRECT, QUESTIONS, REASON, VERDICTS
from medground_bench.core.errors import SourceMissing, UnknownName
from medground_bench.core.prompts import prompt
from medground_bench.core.types import Mode, Track
from medground_bench.pictures import picture_digest, to_study


def test_tracks_are_every_lvlm_and_mode_with_the_number_of_cases(benchmark, built):
    cases = {
        mode: len(built.read(table, "test")) for mode, table in ((Mode.DIRECT, DIRECT), (Mode.REASON, REASON))
    }
    assert benchmark.tracks() == {Track("rule_lvlm", mode): cases[mode] for mode in Mode}
    assert list(benchmark.tracks()) == sorted(benchmark.tracks())


def test_a_track_without_a_case_is_there_and_empty(built, tmp_path):
    folder = DatasetFolder(tmp_path / "b")
    shutil.copytree(built.path, folder.path)
    folder.write(DIRECT, "test", "rule_lvlm", [])
    benchmark = open_benchmark(folder.path)
    assert benchmark.tracks()[Track("rule_lvlm", Mode.DIRECT)] == 0
    assert list(benchmark.cases(lvlm="rule_lvlm", mode=Mode.DIRECT)) == []


def test_references_are_the_grounded_questions_in_native_pixels(benchmark, built):
    references = benchmark.references(lvlm="rule_lvlm", mode=Mode.DIRECT, source="phantom")
    rows = built.read(DIRECT, "test")
    assert [reference.case_id for reference in references] == [row.case_id for row in rows]
    for reference, row in zip(references, rows, strict=True):
        assert tuple(box.xyxy for box in reference.boxes) == row.boxes
        assert {box.frame for box in reference.boxes} == {reference.native}
        assert (reference.native.name, reference.native.width) == ("native", row.width)
    assert len(benchmark.references()) == 2 * len(rows)
    assert benchmark.references(source="vindr_cxr") == ()


def test_a_case_is_the_study_picture_the_prompt_and_the_response_word_for_word(benchmark, built):
    rows = {row.case_id: row for row in built.read(REASON, "test")}
    questions = {row.question_id: source_question(row).question for row in built.read(QUESTIONS, "test")}
    cases = list(benchmark.cases(mode=Mode.REASON))
    assert [case.case_id for case in cases] == sorted(rows)
    for case in cases:
        row = rows[case.case_id]
        native = Phantom().picture(questions[row.question_id])
        assert np.array_equal(case.picture, to_study(native).picture)
        assert case.prompt == prompt(case.finding, Mode.REASON)
        assert case.response.text == row.response
        assert case.response.token_ids == row.response_token_ids


def test_the_content_digest_follows_the_cases(built, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(built.path, copy)
    digest = open_benchmark(copy).content_digest(Track("rule_lvlm", Mode.DIRECT))
    assert digest == open_benchmark(built.path).content_digest(Track("rule_lvlm", Mode.DIRECT))
    folder = DatasetFolder(copy)
    folder.write(DIRECT, "test", "rule_lvlm", folder.read(DIRECT, "test")[1:])
    assert digest != open_benchmark(copy).content_digest(Track("rule_lvlm", Mode.DIRECT))


def test_what_is_not_there_is_said(benchmark, tmp_path, monkeypatch):
    with pytest.raises(SourceMissing, match="no such folder"):
        open_benchmark(tmp_path / "none")
    (tmp_path / "README.md").write_text("# My project\n")
    monkeypatch.chdir(tmp_path)
    for place in (tmp_path, "."):
        with pytest.raises(SourceMissing, match=rf"{tmp_path} is no benchmark: .*questions and verdicts"):
            open_benchmark(place)
    with pytest.raises(SourceMissing, match="a branch or a tag would name other files tomorrow"):
        open_benchmark("org/medground-bench@main")
    with pytest.raises(UnknownName, match="Did you mean rule_lvlm"):
        benchmark.references(lvlm="rule_lvm")
    with pytest.raises(UnknownName, match="Did you mean test"):
        benchmark.references(split="tests")


def test_a_case_without_picture_or_with_a_damaged_one_is_named(built, tmp_path):
    file = built.file(DIRECT, "test", "rule_lvlm")
    table = pq.read_table(file)
    for cells, message in ((None, "may not be shared"), ({"bytes": b"x", "path": None}, "damaged")):
        copy = tmp_path / message.replace(" ", "_")
        shutil.copytree(built.path, copy)
        column = table.schema.get_field_index("image")
        pictures = [cells] * table.num_rows
        changed = table.set_column(
            column, table.schema.field("image"), pa.array(pictures, table.schema.field("image").type)
        )
        pq.write_table(changed, copy / file.relative_to(built.path))
        with pytest.raises(SourceMissing, match=message):
            next(open_benchmark(copy).cases(mode=Mode.DIRECT))
        assert open_benchmark(copy).references(mode=Mode.DIRECT)


def test_a_folder_of_released_verdicts_opens_with_tracks_and_no_cases(tmp_path, built):
    folder = DatasetFolder(tmp_path / "released")
    folder.write(VERDICTS, "test", "rule_lvlm", built.read(VERDICTS, "test"))
    folder.write_card()
    benchmark = open_benchmark(folder.path)
    assert set(benchmark.tracks().values()) == {0}
    assert benchmark.references() == ()


def test_the_name_of_the_folder_is_said_also_when_it_is_the_current_one(built, monkeypatch):
    monkeypatch.chdir(built.path)
    with pytest.raises(UnknownName, match="no LVLM of medground-bench is called 'rule_lvm'"):
        open_benchmark(".").references(lvlm="rule_lvm")


def test_a_benchmark_whose_questions_nobody_was_asked_says_how_to_ask(tmp_path):
    folder = DatasetFolder(tmp_path / "questions-only")
    write_questions(folder, Phantom(), 1, [])
    benchmark = open_benchmark(folder.path)
    assert (benchmark.tracks(), benchmark.references()) == ({}, ())
    with pytest.raises(
        SourceMissing, match=r"no answers yet .* Add phantom_gemma3 with the builder's command add-lvlm"
    ):
        benchmark.references(lvlm="phantom_gemma3", mode=Mode.REASON)


@pytest.mark.parametrize("damage", ["cut", "zeros", "text", "empty", "older"])
@pytest.mark.parametrize("table", [DIRECT, VERDICTS], ids=lambda table: table.name)
def test_a_damaged_file_is_named_and_is_not_our_fault(built, tmp_path, table, damage):
    copy = DatasetFolder(tmp_path / "copy")
    shutil.copytree(built.path, copy.path)
    file = copy.file(table, "test", "rule_lvlm")
    content = file.read_bytes()
    broken = {
        "cut": content[:-20],
        "zeros": content[:4] + bytes(len(content) - 100) + content[-96:],
        "text": b"no parquet at all",
        "empty": b"",
    }
    if damage == "older":
        pq.write_table(pq.read_table(file).drop_columns(["lvlm", "mode"]), file)
    else:
        file.write_bytes(broken[damage])
    said = rf"{file} is damaged or of another version .* again\."
    with pytest.raises(SourceMissing, match=said):
        list(open_benchmark(copy.path).cases(mode=Mode.DIRECT))
    with pytest.raises(SourceMissing, match=said):
        copy.read(table, "test")


def test_the_identity_of_a_picture_is_its_size_and_grey_values_and_not_its_png(built, tmp_path):
    copy = DatasetFolder(tmp_path / "copy")
    shutil.copytree(built.path, copy.path)

    def encoded_anew(row, darker=0):
        picture = np.array(Image.open(io.BytesIO(row.image)))
        assert row.image_sha256 == picture_digest(picture) != picture_digest(picture.T)
        buffer = io.BytesIO()
        Image.fromarray(picture - np.minimum(picture, darker)).save(buffer, "PNG", compress_level=0)
        return replace(row, image=buffer.getvalue())

    rows = built.read(DIRECT, "test")
    copy.write(DIRECT, "test", "rule_lvlm", [encoded_anew(row) for row in rows])
    kept = list(open_benchmark(copy.path).cases(mode=Mode.DIRECT))
    for one, other in zip(kept, open_benchmark(built.path).cases(mode=Mode.DIRECT), strict=True):
        assert np.array_equal(one.picture, other.picture)
    digests = {
        open_benchmark(each.path).content_digest(Track("rule_lvlm", Mode.DIRECT)) for each in (copy, built)
    }
    assert len(digests) == 1
    copy.write(DIRECT, "test", "rule_lvlm", [encoded_anew(row, darker=1) for row in rows])
    with pytest.raises(SourceMissing, match="damaged"):
        next(open_benchmark(copy.path).cases(mode=Mode.DIRECT))
