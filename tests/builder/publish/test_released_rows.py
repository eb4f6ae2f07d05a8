"""What becomes of rows by level, and that the policy lets it pass: small builds of every source, end to end."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import fields, replace

import pytest

from builder.publish.columns import CREDENTIALED, WITHHELD
from builder.publish.folder_files import files_of
from builder.publish.levels import Level
from builder.publish.policy import demand_unchanged, inspect, statement
from builder.publish.released_rows import BadKey, opaque, released
from medground_bench.benchmark.rows import ANSWERS, CASES, QUESTIONS, TABLES, VERDICTS, TruthColumns
from medground_bench.core.case_ids import case_parts
from medground_bench.core.errors import SourceMissing
from medground_bench.core.types import Mode
from tests.kit.builds import build
from tests.kit.publishing import KEY, SHARES, image_id, leaks, raw_rows
from tests.kit.source_builds import released_folder


@pytest.fixture
def built(sources_built):
    """A build of all three sources' copies by one LVLM, in both modes."""
    return sources_built


@pytest.mark.parametrize("level", [Level.KEYS, Level.BOXES])
def test_a_build_of_the_three_sources_passes_when_it_is_made_for_a_level_and_not_before(
    built, level, tmp_path
):
    assert {"IMAGE_ID"} <= {each.rule for each in inspect(files_of(built.path), level, SHARES).refusals}
    folder = released_folder(built, level, tmp_path / "out")
    inspection = inspect(files_of(folder.path), level, SHARES)
    assert not inspection.refusals, [str(each) for each in inspection.refusals]
    assert inspection.sources == tuple(sorted(CREDENTIALED))
    ids = {row.image_id for row in built.read(QUESTIONS, "test")}
    assert len(ids) == 6
    for file in files_of(folder.path):
        assert not any(each.encode() in file.content for each in ids), file.name
    demand_unchanged(files_of(folder.path), statement(inspection))


def test_every_row_stays_and_says_the_same_but_for_ids_boxes_and_sizes(built, tmp_path):
    folder = released_folder(built, Level.KEYS, tmp_path / "out")
    for table in TABLES:
        before, after = built.read(table, "test"), folder.read(table, "test")
        kept = {field.name for field in fields(table.row)} - {"question_id", "image_id", "case_id"}
        kept -= {"boxes", "width", "height"}
        assert len(before) == len(after)

        def said(rows, kept=kept):
            return sorted(str([getattr(row, name) for name in sorted(kept)]) for row in rows)

        assert said(before) == said(after)
    questions = folder.read(QUESTIONS, "test")
    assert {(row.boxes, row.width, row.height) for row in questions} == {(None, None, None)}
    with_boxes = released_folder(built, Level.BOXES, tmp_path / "boxes").read(QUESTIONS, "test")
    assert {row.image_id for row in with_boxes} == {row.image_id for row in questions}
    assert all(row.boxes and row.width and row.height and row.image is None for row in with_boxes)


def test_ids_stay_joined_across_tables_and_pictures(built, tmp_path):
    folder = released_folder(built, Level.KEYS, tmp_path / "out")
    questions = {row.question_id: row for row in folder.read(QUESTIONS, "test")}
    assert len(questions) == len(built.read(QUESTIONS, "test"))
    assert len({row.image_id for row in questions.values()}) == 6
    cases = folder.read(CASES[Mode.DIRECT], "test")
    assert cases
    for row in (*folder.read(VERDICTS, "test"), *folder.read(ANSWERS, "test"), *cases):
        assert questions[row.question_id].image_id == row.image_id
    for row in cases:
        parts = case_parts(row.case_id)
        assert (parts.source, parts.image_id, parts.lvlm) == (row.source, row.image_id, "one")


def test_a_phantom_build_passes_in_full_with_its_pictures(tmp_path):
    built = build(tmp_path / "bench", modes=(Mode.DIRECT, Mode.REASON), limit=3)
    folder = released_folder(built, Level.FULL, tmp_path / "out")
    inspection = inspect(files_of(folder.path), Level.FULL)
    assert not inspection.refusals and inspection.sources == ("phantom",)
    assert folder.read(QUESTIONS, "test") == built.read(QUESTIONS, "test")
    assert all(row.image for row in folder.read(QUESTIONS, "test"))


def test_in_full_the_credentialed_sources_are_left_out():
    for source in CREDENTIALED:
        assert not any(released(rows, Level.FULL, KEY) for rows in raw_rows(source).values())


def test_an_opaque_id_is_a_keyed_hash_and_needs_a_long_key():
    digest = hmac.new(KEY, b"vindr_cxr/one", hashlib.sha256).hexdigest()
    assert opaque("vindr_cxr", "one", KEY) == f"pic-{digest[:24]}"
    names = {opaque(source, "one", key) for source in CREDENTIALED for key in (KEY, bytes(32))}
    assert len(names) == 6
    with pytest.raises(BadKey, match="has 8 bytes; it needs 32"):
        opaque("vindr_cxr", "one", b"password")


@pytest.mark.parametrize("table", ["answers", "direct"])
@pytest.mark.parametrize("source", CREDENTIALED)
def test_a_response_that_may_not_be_told_is_withheld_and_what_was_read_from_it_stays(source, table):
    for rule, value in leaks(source).values():
        (row,) = released(raw_rows(source, response=f"Yes, see {value} now.")[table], Level.KEYS, KEY)
        assert (row.response, row.response_tokens, row.response_token_ids) == (WITHHELD, None, None), rule
        assert row.answer == "yes"
    (plain,) = raw_rows(source)[table]
    cut = tuple(image_id(source)[at : at + 3] for at in range(0, 60, 3))
    hidden = replace(plain, response_tokens=cut, response_token_ids=tuple(range(len(cut))))
    (row,) = released([hidden], Level.KEYS, KEY)
    assert row.response == WITHHELD
    (row,) = released([plain], Level.KEYS, KEY)
    assert row.response == plain.response


def test_a_case_without_boxes_or_size_says_what_is_missing():
    (row,) = released(raw_rows("vindr_cxr")["direct"], Level.KEYS, KEY)
    with pytest.raises(SourceMissing, match="size of the pictures of vindr_cxr"):
        row.case()
    truth = TruthColumns(**{field.name: getattr(row, field.name) for field in fields(TruthColumns)})
    with pytest.raises(SourceMissing, match="expert boxes of vindr_cxr"):
        truth.reference()
