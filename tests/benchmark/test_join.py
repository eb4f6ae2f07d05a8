"""`join`: a published dataset with the boxes and pictures of one's own copies, against the build before publishing."""

from __future__ import annotations

import copy as copying
import gc
import json
import shutil
import stat
import warnings
from collections.abc import Mapping
from multiprocessing.reduction import ForkingPickler

import numpy as np
import pytest
from datasets import (
    Dataset,
    DatasetDict,
    IterableDataset,
    IterableDatasetDict,
    concatenate_datasets,
    load_dataset,
)
from PIL import Image

from builder.publish.levels import Level
from builder.sources.vindr_cxr import VindrCxr
from medground_bench import join
from medground_bench.benchmark.join_report import JoinOutcome
from medground_bench.benchmark.picture_index import NAME
from medground_bench.benchmark.rows import CASES, QUESTIONS
from medground_bench.core.errors import MedgroundError, SourceMissing
from medground_bench.core.types import Mode
from medground_bench.pictures import picture_digest
from tests.kit.builds import build
from tests.kit.source_builds import released_folder
from tests.kit.trees import CHOSEN


@pytest.fixture
def decoded(monkeypatch):
    """The image ids of the pictures of VinDr-CXR that are decoded, as it happens."""
    ids, read = [], VindrCxr.picture
    monkeypatch.setattr(
        VindrCxr, "picture", lambda self, question: ids.append(question.image_id) or read(self, question)
    )
    return ids


def truth_of(built, table) -> dict[tuple, tuple]:
    """By the keys of a row that are not secret, what the build knew before publishing."""
    rows = built.read(table, "test")
    return {
        (row.source, row.finding, row.image_sha256): (row.boxes, row.width, row.height, row.image_sha256)
        for row in rows
    }


def told(row: Mapping) -> tuple:
    boxes = None if row["boxes"] is None else tuple(map(tuple, row["boxes"]))
    digest = None if row["image"] is None else picture_digest(np.asarray(row["image"]))
    return boxes, row["width"], row["height"], digest


def all_true(rows, truth) -> int:
    """How many rows say what the build knew; each must."""
    count = 0
    for row in rows:
        assert told(row) == truth[row["source"], row["finding"], row["image_sha256"]]
        count += 1
    return count


def test_a_published_row_has_the_boxes_sizes_and_pictures_of_the_copies(cases, sources_built, roots):
    assert {told(row) for row in cases} == {(None, None, None, None)}
    joined = join(cases, roots)
    assert all_true(joined.dataset, truth_of(sources_built, CASES[Mode.DIRECT])) == len(cases) > 3
    assert isinstance(joined.dataset[0]["image"], Image.Image) and joined.dataset[0]["image"].mode == "L"
    for name in ("case_id", "question_id", "image_id", "response"):
        assert list(joined.dataset[name]) == list(cases[name]), "ids stay the published ones"
    assert joined.report.failed == 0
    assert {source for source, _outcome in joined.report.counts()} == set(cases["source"])


def test_datasets_keep_their_kind_and_streams_stay_streams(published, sources_built, roots):
    truth = truth_of(sources_built, QUESTIONS)
    for streaming, of_all, of_one in (
        (False, DatasetDict, Dataset),
        (True, IterableDatasetDict, IterableDataset),
    ):
        loaded = load_dataset(str(published), "questions", streaming=streaming)
        joined = join(loaded, roots).dataset
        assert type(joined) is of_all and type(joined["test"]) is of_one
        assert joined["test"].features == loaded["test"].features
        assert all_true(joined["test"], truth) == len(sources_built.read(QUESTIONS, "test"))
        assert all_true(join(loaded["test"], roots).dataset, truth) == len(
            sources_built.read(QUESTIONS, "test")
        )


def test_selections_orders_columns_and_batches_of_a_joined_dataset_stay_joined(cases, sources_built, roots):
    truth, joined = truth_of(sources_built, CASES[Mode.DIRECT]), join(cases, roots).dataset
    assert all_true(joined.shuffle(seed=1).select(range(3)), truth) == 3
    assert all_true(join(cases.shuffle(seed=2), roots).dataset, truth) == len(cases)
    assert joined[:2]["boxes"] == [joined[0]["boxes"], joined[1]["boxes"]]
    assert [len(boxes) for boxes in joined["boxes"]] == [len(row["boxes"]) for row in joined]
    assert len(joined.filter(lambda row: row["width"] is not None, keep_in_memory=True)) == len(cases)
    assert all_true(concatenate_datasets([join(cases, roots).dataset]), truth) == len(cases)
    with pytest.raises(MedgroundError, match="rows without the column source and finding"):
        joined.select_columns(["boxes", "image_sha256"])[0]
    assert told(copying.deepcopy(joined)[0]) == told(joined[0])


def test_no_picture_is_decoded_before_a_row_is_read_and_one_once_for_the_rows_that_share_it(
    cases, roots, decoded
):
    own = cases.filter(lambda row: row["source"] == "vindr_cxr")
    joined = join(own, roots)
    stream = join(own.to_iterable_dataset(), roots)
    assert decoded == []
    assert "found; its picture is checked when the row is read" in str(joined.report)
    assert stream.report.counts() == {}
    _ = joined.dataset[0]
    assert len(decoded) == 1
    _ = joined.dataset[0], joined.dataset[0]
    assert len(decoded) == 1
    assert len(list(joined.dataset)) == len(own)
    assert len(decoded) <= 2 * len(set(own["image_id"])), "rows of a picture stand together"
    next(iter(stream.dataset))
    assert sum(stream.report.counts().values()) == 1
    assert joined.report.counts() != stream.report.counts()


def test_without_the_column_image_a_picture_is_decoded_for_its_digest_alone_and_that_once_for_all(
    cases, roots, decoded
):
    own = cases.filter(lambda row: row["source"] == "vindr_cxr").remove_columns("image")
    joined = join(own, roots)
    assert decoded == []
    assert all(joined.dataset["boxes"]) and "image" not in joined.dataset[0]
    assert sorted(decoded) == sorted(set(decoded)) and decoded
    del joined
    gc.collect()
    again = join(own, roots)
    assert dict(again.report.counts()) == {("vindr_cxr", JoinOutcome.JOINED): len(own)}
    assert all(again.dataset["boxes"])
    assert len(decoded) == len(set(decoded)), "each once in all"


def test_digests_are_kept_beside_the_copy_for_this_user_alone_and_name_no_picture(cases, roots, decoded):
    own = cases.filter(lambda row: row["source"] == "padchest_gr")
    (roots["padchest_gr"] / CHOSEN).unlink()  # no position is known, so pictures are found by their digests
    first = join(own, roots, strict=True)
    assert len(list(first.dataset)) == len(own)
    index = roots["padchest_gr"] / NAME
    assert stat.S_IMODE(index.stat().st_mode) == 0o600
    content = index.read_text()
    assert set(own["image_sha256"]) <= set(json.loads(content).values())
    for picture in (roots["padchest_gr"] / "PadChest_GR").iterdir():
        assert picture.stem not in content


def test_a_row_whose_position_is_not_known_is_found_by_finding_and_picture_and_the_second_time_at_once(
    published, roots, sources_built, monkeypatch
):
    (roots["padchest_gr"] / CHOSEN).unlink()
    questions = load_dataset(str(published), "questions", split="test")
    own = questions.filter(lambda row: row["source"] == "padchest_gr")
    told_of = []

    class Told:
        def __init__(self, label, total, unit):
            told_of.append((label, total, unit))

        def __enter__(self):
            return lambda done: None

        def __exit__(self, *_error):
            return None

    joined = join(own, roots, strict=True, progress=Told)
    assert all_true(joined.dataset, truth_of(sources_built, QUESTIONS)) == len(own)
    assert told_of == [("digest pictures of padchest_gr", len(own), "questions")]
    monkeypatch.setattr(
        "builder.sources.padchest_gr.PadChestGr.picture", lambda *_: pytest.fail("decoded again")
    )
    again = join(own.remove_columns("image"), roots, strict=True)
    assert all(again.dataset["boxes"])


def same_picture(image: Image.Image, file) -> bool:
    """Whether a joined picture is that of a 16-bit PNG, but for its greys' range."""
    stored = np.asarray(Image.open(file)).astype(float)
    stored = (stored - stored.min()) / (stored.max() - stored.min()) * 255
    return image.size == stored.shape[::-1] and np.abs(np.asarray(image) - stored).max() <= 1


def picture_of(roots, source, folder) -> list:
    return sorted((roots[source] / folder).iterdir())


def test_a_picture_that_differs_is_told_and_its_rows_stay_null_also_when_it_is_replaced_later(
    cases, sources_built, roots
):
    first, *_rest = picture_of(roots, "padchest_gr", "PadChest_GR")
    joined = join(cases, roots)
    before = {row["case_id"]: told(row) for row in joined.dataset}
    darker = np.asarray(Image.open(first)).copy()
    darker[0, 0] += 1400
    [of_first, *_rest] = [row for row in joined.dataset if same_picture(row["image"], first)]
    place = list(cases["case_id"]).index(of_first["case_id"])
    assert told(joined.dataset[place])[0], "read last, and still at hand"
    Image.fromarray(darker).save(first)
    assert told(joined.dataset[place]) == (None, None, None, None)
    lost = set()
    for rows in (
        joined.dataset,
        join(cases, roots).dataset,
        join(cases.to_iterable_dataset(), roots).dataset,
    ):
        after = {row["case_id"]: told(row) for row in rows}
        lost |= {case for case in before if after[case] != before[case]}
        assert {after[case] for case in lost} == {(None, None, None, None)}
    assert lost and len({case.split("/")[1] for case in lost}) == 1
    assert "has another digest" in str(joined.report)
    del rows
    gc.collect()
    with pytest.warns(UserWarning, match=rf"{len(lost)} of {len(cases)} rows cannot be joined"):
        known = join(cases, roots)
    table = str(known.report)
    assert "padchest_gr  the picture in the copy has another digest" in table.replace("   ", "  ")
    assert sorted(lost)[0] in table
    with pytest.raises(SourceMissing, match="has another digest"):
        join(cases, roots, strict=True)


def test_what_a_strict_join_finds_out_when_a_row_is_read_is_an_error_there(cases, roots):
    own = cases.filter(lambda row: row["source"] == "vindr_cxr")
    for picture in picture_of(roots, "vindr_cxr", "test"):
        content = picture.read_bytes()
        picture.write_bytes(content[:-40] + bytes(40))
    joined = join(own, roots, strict=True)
    with pytest.raises(
        SourceMissing, match=rf"{own[0]['case_id']}: its picture in the copy cannot be read|digest"
    ):
        _ = joined.dataset[0]
    with pytest.raises(SourceMissing):
        list(join(own.to_iterable_dataset(), roots, strict=True).dataset)


def test_what_cannot_be_joined_stands_in_one_table_by_source_and_reason(cases, roots):
    for picture in picture_of(roots, "vindr_cxr", "test"):
        picture.unlink()
    shutil.copy(picture_of(roots, "padchest_gr", "PadChest_GR")[0], roots["vindr_cxr"] / "test" / "a.dicom")
    given = {name: roots[name] for name in ("vindr_cxr", "padchest_gr")}
    with pytest.warns(UserWarning, match="rows cannot be joined with your copies"):
        joined = join(cases, given)
    lines = str(joined.report).splitlines()
    [imagenome] = [line for line in lines if "no copy of this source was given" in line]
    [vindr] = [line for line in lines if "the copy has no such question" in line]
    assert " imagenome " in imagenome and " vindr_cxr " in vindr
    assert any(line.startswith("vindr_cxr: MISSING_PICTURE ") for line in lines)
    [example, *_] = cases.filter(lambda row: row["source"] == "vindr_cxr")["case_id"]
    assert example in vindr
    assert all((row["boxes"] is None) == (row["source"] != "padchest_gr") for row in joined.dataset)
    assert len(joined.dataset) == len(cases), "nothing is dropped"


def test_rows_that_lack_nothing_pass_unchanged_and_need_no_copy(tmp_path, roots):
    folder = build(tmp_path / "phantoms", limit=2).path
    rows = load_dataset(str(folder), "questions", split="test")
    for given in ({}, roots):
        joined = join(rows, given)
        assert joined.dataset[:] == rows[:]
        assert str(joined.report).count("lacks nothing") == 1
        assert list(join(rows.to_iterable_dataset(), given).dataset) == list(rows)


def test_published_boxes_stay_and_only_pictures_are_added(sources_built, roots, tmp_path):
    folder = released_folder(sources_built, Level.BOXES, tmp_path / "boxes")
    cases = load_dataset(str(folder.path), "direct", split="test")
    truth = truth_of(sources_built, CASES[Mode.DIRECT])
    assert all_true(join(cases, roots).dataset, truth) == len(cases)
    with pytest.warns(UserWarning, match="cannot be joined"):
        alone = join(cases, {}).dataset
    assert all(row["boxes"] and row["image"] is None for row in alone)


def test_a_released_verdict_without_a_digest_is_joined_by_position_from_the_authors_files_alone(
    published, roots, monkeypatch, sources_built
):
    verdicts = load_dataset(str(published), "verdicts", split="test")
    own = verdicts.filter(lambda row: row["source"] == "vindr_cxr")
    with pytest.warns(UserWarning, match="cannot be joined"):
        refused = join(own, roots)
    assert "the copy is not the authors' files" in str(refused.report)
    assert sum(refused.report.counts().values()) == len(own)
    count = len({row["release_index"] for row in own})
    monkeypatch.setattr(VindrCxr, "expected", lambda _self, _split: count)
    unnamed = own.map(lambda row: {"finding": None, "question_id": None}, keep_in_memory=True)
    by_index = {
        row.release_index: row for row in sources_built.read(QUESTIONS, "test") if row.source == "vindr_cxr"
    }
    stream = unnamed.to_iterable_dataset()
    for rows in (own, unnamed, stream, stream.map(lambda row: row)):
        for row in join(rows, roots).dataset:
            known = by_index[row["release_index"]]
            assert (row["finding"], told(row)) == (
                known.finding,
                (known.boxes, known.width, known.height, known.image_sha256),
            )


def test_rows_of_answers_say_that_they_cannot_be_joined(published, roots):
    answers = load_dataset(str(published), "answers", split="test")
    with pytest.raises(
        MedgroundError, match="without the column release_index or image_sha256 cannot be joined"
    ):
        join(answers, roots)
    with pytest.raises(MedgroundError, match="a list cannot be joined"):
        join([1, 2], roots)


def load_from_cache(dataset: Dataset) -> list[dict]:
    """The rows as they stand in the files of the cache."""
    files = [each["filename"] for each in dataset.cache_files]
    assert files
    return [row for file in files for row in Dataset.from_file(file)]


def test_nothing_of_a_copy_is_written_into_the_cache_of_datasets(cases, roots, tmp_path):
    joined = join(cases, roots).dataset
    known = [row["boxes"] for row in joined]
    counted = joined.map(lambda row: {"count": len(row["boxes"])})
    assert [row["count"] for row in counted] == [len(boxes) for boxes in known]
    list(join(cases.to_iterable_dataset(), roots).dataset)
    written = load_from_cache(counted)
    assert {(row["boxes"], row["width"], row["image"]) for row in written} == {(None, None, None)}
    assert not list((tmp_path / "cache").rglob("*")), "digests lie beside the copies"


def test_a_joined_dataset_is_sent_to_another_process_which_opens_the_copies_itself(cases, roots):
    joined = ForkingPickler.loads(ForkingPickler.dumps(join(cases, roots).dataset))
    assert told(joined[0])[0]


def test_a_dataset_without_a_row_is_joined_as_well(cases, roots):
    for rows in (cases.select([]), cases.select([]).select_columns(["source", "finding", "image_sha256"])):
        joined = join(rows, roots)
        assert list(joined.dataset) == [] and joined.report.counts() == {}


def test_no_warning_when_all_is_well(cases, roots):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        join(cases, roots)
