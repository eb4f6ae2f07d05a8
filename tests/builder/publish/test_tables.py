"""What hides in a parquet file beside its rows, and values that a column, a level or a source may not have."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from builder.publish.columns import CREDENTIALED
from builder.publish.levels import Level
from medground_bench.benchmark.parquet import decoded, encoded
from medground_bench.benchmark.rows import VerdictRow
from medground_bench.pictures import picture_digest, stored_png
from tests.kit.publishing import (
    clean_files,
    image_id,
    inspected,
    opaque_id,
    phantom_picture,
    place,
    planted,
    rules,
    written,
)

CANARY = f"p1{'3' * 7}"


def same(rows: pa.Table) -> pa.Table:
    return rows


def with_metadata(key: str, value: str):
    return lambda rows: rows.replace_schema_metadata({**rows.schema.metadata, key: value})


def with_column_metadata(rows: pa.Table) -> pa.Table:
    field = rows.schema.field("response").with_metadata({"note": CANARY})
    return rows.set_column(rows.column_names.index("response"), field, rows["response"])


@pytest.mark.parametrize("source", CREDENTIALED)
@pytest.mark.parametrize(
    ("rule", "change", "settings"),
    [
        ("STATISTICS", same, {}),
        ("STATISTICS", same, {"write_page_index": True}),
        ("METADATA", with_metadata("note", CANARY), {"write_statistics": False}),
        ("METADATA", with_metadata("pandas", f'{{"index": "{CANARY}"}}'), {"write_statistics": False}),
        ("METADATA", with_column_metadata, {"write_statistics": False}),
        ("METADATA", lambda rows: rows.replace_schema_metadata(None), {"write_statistics": False}),
        ("UNEXPECTED_COLUMN", lambda rows: rows.append_column("patient_id", [[CANARY]]), {}),
        ("UNEXPECTED_COLUMN", lambda rows: rows.append_column(CANARY, [[1]]), {}),
        ("COLUMNS", lambda rows: rows.drop_columns(["editor"]), {}),
        ("COLUMNS", lambda rows: rows.select(rows.column_names[::-1]), {}),
        ("COLUMNS", lambda rows: rows.set_column(5, "lvlm", [[1]]), {}),
        ("NOT_CANONICAL", same, {"write_statistics": False, "compression": "snappy"}),
    ],
)
def test_what_stands_beside_the_rows_is_refused(source, rule, change, settings):
    inspection = inspected(written("answers", source, change, **settings))
    assert rule in rules(inspection, place("answers", source)), [str(each) for each in inspection.refusals]
    assert CANARY not in str([str(each) for each in inspection.refusals])


@pytest.mark.parametrize("table", ["answers", "direct", "questions", "verdicts"])
def test_rows_that_were_dropped_may_not_stay_in_a_dictionary(table):
    """A filter over coded columns keeps the values of the rows that are gone, and so does the file."""

    def without_second_row(rows: pa.Table) -> pa.Table:
        gone = pa.table([pa.array([value]) for value in ["gone"]], names=["source"])
        coded = pa.chunked_array([pa.concat_arrays([rows["source"].chunk(0), gone["source"].chunk(0)])])
        kept = coded.dictionary_encode().slice(0, 1)
        return rows.set_column(rows.column_names.index("source"), "source", kept)

    source = "vindr_cxr"
    files = written(table, source, without_second_row, write_statistics=False, store_schema=False)
    assert b"gone" in files[place(table, source)] or table != "answers"
    assert not rules(inspected(files), place(table, source)).isdisjoint({"NOT_CANONICAL", "METADATA"})


@pytest.mark.parametrize("where", ["behind", "before the end", "cut"])
def test_bytes_that_belong_to_no_row_are_refused(where):
    files = clean_files("imagenome")
    name = place("answers", "imagenome")
    content = files[name]
    changed = {
        "behind": content + CANARY.encode(),
        "before the end": content[:4] + CANARY.encode() + content[4:],
        "cut": content[:-9],
    }[where]
    assert not rules(inspected({name: changed}), name).isdisjoint({"NOT_CANONICAL", "DAMAGED_TABLE"})


def test_a_table_with_a_changed_bit_is_refused_unless_it_shows_in_a_row(tmp_path):
    """A bit of an opaque id gives another opaque id, which is a file of other rows."""
    name = place("verdicts", "imagenome")
    content = clean_files("imagenome")[name]
    rng, refused = np.random.default_rng(0), 0
    for at in rng.integers(0, len(content), 150):
        changed = bytearray(content)
        changed[at] ^= 1 << int(rng.integers(8))
        if inspected({name: bytes(changed)}).refusals:
            refused += 1
            continue
        file = tmp_path / "changed.parquet"
        file.write_bytes(changed)
        rows = decoded(file, VerdictRow)
        assert rows != decoded_clean(tmp_path, content) and encoded(VerdictRow, rows) == changed
    assert refused > 100


def decoded_clean(folder, content: bytes) -> list[VerdictRow]:
    (folder / "clean.parquet").write_bytes(content)
    return decoded(folder / "clean.parquet", VerdictRow)


@pytest.mark.parametrize("source", CREDENTIALED)
@pytest.mark.parametrize(
    ("table", "level", "changed", "rule", "column"),
    [
        ("questions", Level.KEYS, {"boxes": ((1.0, 2.0, 3.0, 4.0),)}, "LEVEL", "boxes"),
        ("direct", Level.KEYS, {"boxes": ((1.0, 2.0, 3.0, 4.0),)}, "LEVEL", "boxes"),
        ("questions", Level.KEYS, {"width": 90}, "LEVEL", "width"),
        ("direct", Level.KEYS, {"height": 90}, "LEVEL", "height"),
        ("direct", Level.KEYS, {"image": b"\x89PNG"}, "LEVEL", "image"),
        ("direct", Level.BOXES, {"image": b"\x89PNG"}, "LEVEL", "image"),
        ("questions", Level.BOXES, {"marker": True}, "FREE_ONLY", "marker"),
        ("verdicts", Level.KEYS, {"known_cause": "finding"}, "FREE_ONLY", "known_cause"),
        ("verdicts", Level.KEYS, {"known_cause": "edema"}, "SHAPE", "known_cause"),
        ("verdicts", Level.KEYS, {"group": "in hospital"}, "SHAPE", "group"),
        ("verdicts", Level.KEYS, {"reason": "a note"}, "SHAPE", "reason"),
        ("verdicts", Level.KEYS, {"release_index": 10_000_032}, "RANGE", "release_index"),
        ("verdicts", Level.KEYS, {"source": "mimic"}, "SHAPE", "source"),
        ("questions", Level.KEYS, {"levels": "a note"}, "SHAPE", "levels"),
        ("questions", Level.KEYS, {"image_sha256": "a note"}, "SHAPE", "image_sha256"),
        ("questions", Level.KEYS, {"question": "Is he well?"}, "DERIVED", "question"),
        ("direct", Level.KEYS, {"prompt": "Is he well?"}, "DERIVED", "prompt"),
        ("direct", Level.KEYS, {"case_id": "a note"}, "DERIVED", "case_id"),
        ("direct", Level.KEYS, {"question_id": "a note"}, "DERIVED", "question_id"),
        ("answers", Level.KEYS, {"said": "perhaps"}, "SHAPE", "said"),
        ("answers", Level.KEYS, {"picture": "lateral"}, "SHAPE", "picture"),
        ("answers", Level.KEYS, {"editor": "Dr. Who"}, "SHAPE", "editor"),
        ("answers", Level.KEYS, {"finding": "There is no change."}, "SHAPE", "finding"),
        ("answers", Level.KEYS, {"finding": "long " * 30}, "SHAPE", "finding"),
        ("answers", Level.KEYS, {"response_tokens": None}, "DERIVED", "response_token_ids"),
        ("answers", Level.KEYS, {"response_tokens": ("Yes",)}, "DERIVED", "response_token_ids"),
        ("answers", Level.KEYS, {"response_token_ids": (1 << 40,) * 10}, "RANGE", "response_token_ids"),
        ("direct", Level.BOXES, {"boxes": ((float("nan"), 0.0, 1.0, 1.0),)}, "RANGE", "boxes"),
        ("direct", Level.BOXES, {"boxes": ((5.0, 0.0, 1.0, 1.0),)}, "RANGE", "boxes"),
        ("direct", Level.BOXES, {"boxes": ((0.0, 0.0, 1e6, 1.0),)}, "RANGE", "boxes"),
        ("direct", Level.BOXES, {"width": 10_000_032}, "RANGE", "width"),
    ],
)
def test_a_column_holds_what_its_level_and_its_shape_allow(source, table, level, changed, rule, column):
    inspection = inspected(planted(table, source, level, **changed), level)
    assert (rule, column) in {(each.rule, each.column) for each in inspection.refusals}


@pytest.mark.parametrize("source", CREDENTIALED)
def test_no_credentialed_source_is_published_in_full(source):
    inspection = inspected(planted("verdicts", source), Level.FULL)
    assert {(each.rule, each.column) for each in inspection.refusals} == {("SOURCE_LEVEL", "source")}


@pytest.mark.parametrize("level", [Level.KEYS, Level.BOXES])
@pytest.mark.parametrize("source", CREDENTIALED)
def test_only_the_opaque_id_names_a_picture_of_a_credentialed_source(source, level):
    raw = image_id(source)
    inspection = inspected(
        planted("answers", source, level, image_id=raw, question_id=f"{source}/{raw}/x"), level
    )
    assert "IMAGE_ID" in rules(inspection) and raw not in str([str(each) for each in inspection.refusals])
    assert not inspected(planted("answers", source, level, image_id=opaque_id(source)), level).refusals


def _noted(picture: np.ndarray) -> bytes:
    buffer, note = io.BytesIO(), PngInfo()
    note.add_text("Patient", CANARY)
    Image.fromarray(picture).save(buffer, format="PNG", pnginfo=note)
    return buffer.getvalue()


EDITED = phantom_picture().copy()
EDITED[0, 0] ^= 1


@pytest.mark.parametrize(
    "changed",
    [
        {"image": stored_png.encode(EDITED), "image_sha256": picture_digest(EDITED)},
        {"image": stored_png.encode(EDITED)},
        {"image_sha256": picture_digest(EDITED)},
        {"image": _noted(phantom_picture())},
        {"image": stored_png.encode(phantom_picture()) + CANARY.encode()},
        {"image": b"\x89PNG"},
        {"image_id": "4000001", "question_id": "phantom/4000001/pleural-effusion"},
    ],
    ids=[
        "edited",
        "another than the digest",
        "another digest",
        "a note",
        "bytes behind",
        "damaged",
        "another's",
    ],
)
def test_only_the_picture_that_a_phantom_gives_when_it_is_drawn_again_is_published(changed):
    assert not inspected(clean_files("phantom", Level.FULL), Level.FULL).refusals
    inspection = inspected(planted("questions", "phantom", Level.FULL, **changed), Level.FULL)
    assert "PHANTOM_PICTURE" in rules(inspection, place("questions", "phantom"))


def test_where_a_picture_came_from_is_not_told():
    def with_path(rows: pa.Table) -> pa.Table:
        cells = [{**cell, "path": CANARY} for cell in rows["image"].to_pylist()]
        at = rows.column_names.index("image")
        return rows.set_column(
            at, rows.schema.field("image"), pa.array(cells, rows.schema.field("image").type)
        )

    name = place("questions", "phantom")
    files = clean_files("phantom", Level.FULL)
    rows, buffer = pq.read_table(pa.BufferReader(files[name])), io.BytesIO()
    pq.write_table(with_path(rows), buffer, write_statistics=False)
    inspection = inspected({name: buffer.getvalue()}, Level.FULL)
    assert "PICTURE_PATH" in rules(inspection, name) and CANARY not in str(
        [str(each) for each in inspection.refusals]
    )


def test_the_first_of_many_rows_is_named_and_all_are_counted():
    def three_times(rows: pa.Table) -> pa.Table:
        said = pa.array(["Yes.", f"See {CANARY}", f"See {CANARY}"])
        thrice = pa.concat_tables([rows] * 3).combine_chunks()
        return thrice.set_column(thrice.column_names.index("response"), rows.schema.field("response"), said)

    inspection = inspected(written("answers", "imagenome", three_times, write_statistics=False))
    (refusal,) = [each for each in inspection.refusals if each.rule == "MIMIC_NUMBER"]
    assert (refusal.column, refusal.row, refusal.rows) == ("response", 2, 2)
    assert "column response, row 2 and 1 more: MIMIC_NUMBER" in str(refusal)
