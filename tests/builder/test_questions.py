"""The questions of a source: every picture is read once, nothing is replaced by less, and what is missing is told."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from builder.assemble import question_row
from builder.build import decide_again, open_source, write_questions
from builder.place import Place
from builder.questions import AHEAD, OtherQuestions
from builder.sources.phantom import Phantom
from builder.sources.vindr_cxr import VindrCxr
from medground_bench.benchmark.folder import DatasetFolder
from medground_bench.benchmark.rows import ANSWERS, QUESTIONS
from medground_bench.core.errors import SourceMissing
from medground_bench.core.types import Mode, Track
from medground_bench.pictures import Levels, picture_digest, stored_png
from tests.kit.builds import build, bytes_of
from tests.kit.fakes import RuleLvlm
from tests.kit.trees import TreeEditor, Trees, write_vindr

RULE = Track("rule_lvlm", Mode.DIRECT)
PHANTOMS = ("4000000", "4000001", "4000002")


@dataclass(frozen=True)
class Away(Phantom):
    """Phantoms of which some, or all of these splits, cannot be reached."""

    gone: tuple[str, ...] = ()

    def questions(self, split, limit):
        known = Phantom.questions(self, split, limit)
        return (each for each in known if not {split, each.question.image_id} & set(self.gone))


@pytest.fixture
def trees(tmp_path, monkeypatch):
    trees = Trees((Path(), Path()), tmp_path / "vindr-cxr", Path())
    write_vindr(trees, PHANTOMS)
    monkeypatch.setattr("builder.build.open_editor", lambda name: TreeEditor(trees))
    monkeypatch.setattr(
        "medground_bench.lvlms.open_lvlm", lambda location, **_choices: RuleLvlm(key=location)
    )
    return trees


@pytest.fixture
def read(monkeypatch):
    """The ids of pictures that were decoded."""
    really, ids = VindrCxr.picture, []

    def picture(self, question):
        ids.append(question.image_id)
        return really(self, question)

    monkeypatch.setattr(VindrCxr, "picture", picture)
    return ids


def written(trees, out, store=None, **changes):
    """The bytes of the folder in which VinDr's questions are written."""
    source = replace(open_source("vindr_cxr", [trees.vindr_cxr]), **changes)
    write_questions(DatasetFolder(out), source, None, [], place=None if store is None else Place(store))
    return bytes_of(DatasetFolder(out))


@pytest.mark.parametrize("again", [[], [RULE]])
def test_a_source_whose_pictures_cannot_be_reached_leaves_the_folder_as_it_is(tmp_path, again):
    folder = build(tmp_path / "m", limit=2)
    before, number = bytes_of(folder), len(folder.read(QUESTIONS, "test"))
    with pytest.raises(SourceMissing, match=rf"no question of the split test, of which .* has {number};"):
        write_questions(folder, Away(gone=("test", "tune")), 2, again)
    assert bytes_of(folder) == before and decide_again(folder) == 0


def test_every_split_is_checked_before_one_is_written(tmp_path):
    folder = build(tmp_path / "m", limit=2)
    before = bytes_of(folder)
    with pytest.raises(SourceMissing, match="no question of the split tune"):
        write_questions(folder, Away(gone=("tune",)), 3, [RULE])
    assert bytes_of(folder) == before


def test_a_source_that_gives_nothing_writes_nothing(tmp_path):
    folder = DatasetFolder(tmp_path / "m")
    with pytest.raises(SourceMissing, match="gives no question at all"):
        write_questions(folder, Away(gone=("test", "tune")), 2, [])
    assert not folder.path.exists()


def test_how_many_questions_are_missing_new_and_different_is_said(tmp_path):
    folder = build(tmp_path / "m", limit=2)
    rows = folder.read(QUESTIONS, "test")
    first = [row for row in rows if row.image_id == rows[0].image_id]
    with pytest.raises(
        OtherQuestions, match=f"Of its {len(rows)} .* {len(first)} are missing now and 0 differ; 0"
    ):
        write_questions(folder, Away(gone=(rows[0].image_id,)), 2, [])
    with pytest.raises(OtherQuestions, match=r"0 are missing now and 0 differ; [1-9]\d* are new"):
        write_questions(folder, Phantom(), 3, [])
    with pytest.raises(OtherQuestions, match=f"0 are missing now and {len(rows)} differ; 0 are new"):
        write_questions(folder, replace(Phantom(), levels=Levels.ROBUST), 2, [])


def test_answers_without_their_questions_are_told_and_nothing_is_decided(tmp_path):
    folder = build(tmp_path / "m", limit=2)
    before, rows = bytes_of(folder), folder.read(QUESTIONS, "test")
    folder.write(QUESTIONS, "test", "phantom", rows[1:])
    assert rows[0].question_id in {row.question_id for row in folder.read(ANSWERS, "test")}
    with pytest.raises(OtherQuestions, match="questions that it no longer has"):
        decide_again(folder)
    folder.write(QUESTIONS, "test", "phantom", rows)
    assert bytes_of(folder) == before


def test_a_picture_that_is_gone_is_told_before_the_refusal_that_it_causes(run, trees, tmp_path):
    copy = ("--source", "vindr_cxr", "--root", trees.vindr_cxr, "--out", tmp_path / "m")
    code, _, err = run("build", "--lvlm", "one", "--mode", "direct", *copy)
    assert code == 0, err
    assert "vindr_cxr: 3 of 3 pictures (100%)" in err
    sorted((trees.vindr_cxr / "test").glob("*.dicom"))[0].unlink()
    code, _, err = run("build", "--lvlm", "two", "--mode", "direct", *copy)
    told, refusal = err.split("error: ")
    assert code == 1 and "MISSING_PICTURE" in told and "in the ledger of vindr_cxr" in told
    assert "one direct" in refusal and "are missing now" in refusal and "--limit" not in refusal
    lines = (tmp_path / "m.store" / "ledger-vindr_cxr.jsonl").read_text().splitlines()
    assert {json.loads(line)["fault"] for line in lines} == {"MISSING_PICTURE"}


def test_the_import_of_a_release_tells_it_too_and_names_no_option_that_it_has_not(run, trees, tmp_path):
    out = tmp_path / "m"
    copy = ("--source", "vindr_cxr", "--root", trees.vindr_cxr, "--out", out)
    assert run("build", "--lvlm", "one", "--mode", "direct", *copy)[0] == 0
    sorted((trees.vindr_cxr / "test").glob("*.dicom"))[0].unlink()
    case = {"model": "gemma3_4b", "dataset": "vindr_cxr", "index": 0, "answer": "Yes"}
    edits = ("", "_edited", "_edited_kept", "_edited_kept_normal")
    case |= {f"prediction{edit}_direct": "Yes" for edit in edits}
    (tmp_path / "direct.json").write_text(json.dumps([case]))
    code, _, err = run("import-release", tmp_path / "direct.json", *copy)
    told, refusal = err.split("error: ")
    assert code == 1 and "MISSING_PICTURE" in told and "are missing now" in refusal
    assert "--limit" not in refusal and "--lvlm" not in refusal


@pytest.mark.parametrize("name", ["phantom", "vindr_cxr"])
def test_the_rows_are_those_of_one_picture_after_the_other(trees, tmp_path, name):
    source = open_source(name, trees.roots(name))
    folder = DatasetFolder(tmp_path / "m")
    write_questions(folder, source, 5, [], place=Place(tmp_path / "store"))
    expected = []
    for known in source.questions("test", 5):
        picture = source.picture(known.question)
        image = stored_png.encode(picture) if source.may_show else None
        expected.append(question_row(known, image, picture_digest(picture), source.levels))
    assert folder.read(QUESTIONS, "test") == sorted(expected, key=QUESTIONS.key)
    assert (tmp_path / "store" / "pictures").exists() == (not source.may_show)


def test_a_second_time_no_picture_is_decoded_and_the_bytes_are_the_same(trees, tmp_path, read):
    first = written(trees, tmp_path / "a", tmp_path / "store")
    assert len(read) == len(set(read)) == len(PHANTOMS)
    assert written(trees, tmp_path / "b", tmp_path / "store") == first
    assert len(read) == len(PHANTOMS)
    assert written(trees, tmp_path / "c") == first
    assert len(read) == 2 * len(PHANTOMS), "without a store nothing is known"


def test_a_file_that_was_replaced_is_decoded_although_its_size_and_time_are_the_same(trees, tmp_path, read):
    first = written(trees, tmp_path / "a", tmp_path / "store")
    one, other, _ = sorted((trees.vindr_cxr / "test").glob("*.dicom"))
    for file, content in ((one, one.read_bytes()), (other, other.read_bytes()[:-2] + b"\0\0")):
        state = file.stat()
        file.write_bytes(content)
        os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))
        assert (file.stat().st_size, file.stat().st_mtime_ns) == (state.st_size, state.st_mtime_ns)
    read.clear()
    written(trees, tmp_path / "b", tmp_path / "store")
    assert sorted(read) == [one.stem, other.stem]
    assert written(trees, tmp_path / "c", tmp_path / "fresh") == written(
        trees, tmp_path / "b", tmp_path / "store"
    )
    assert bytes_of(DatasetFolder(tmp_path / "a")) == first


def test_another_rule_for_greys_or_another_code_makes_them_anew(trees, tmp_path, read, monkeypatch):
    written(trees, tmp_path / "a", tmp_path / "store")
    other = written(trees, tmp_path / "b", tmp_path / "store", levels=Levels.ROBUST)
    assert len(read) == 2 * len(PHANTOMS)
    assert other == written(trees, tmp_path / "c", levels=Levels.ROBUST)
    read.clear()
    monkeypatch.setattr("builder.questions._code", lambda: "of tomorrow")
    written(trees, tmp_path / "d", tmp_path / "store")
    assert len(read) == len(PHANTOMS)


def test_what_was_decoded_before_a_stop_is_known_afterwards(trees, tmp_path, read, monkeypatch):
    source = open_source("vindr_cxr", [trees.vindr_cxr])
    last = list(source.questions("test", None))[-1].question.image_id
    counted = VindrCxr.picture

    def stopped(self, question):
        if question.image_id == last:
            raise KeyboardInterrupt
        return counted(self, question)

    with monkeypatch.context() as patch:
        patch.setattr(VindrCxr, "picture", stopped)
        with pytest.raises(KeyboardInterrupt):
            written(trees, tmp_path / "a", tmp_path / "store")
    assert len(read) == len(PHANTOMS) - 1
    assert written(trees, tmp_path / "a", tmp_path / "store") == written(trees, tmp_path / "b")
    assert read[len(PHANTOMS) - 1] == last and len(read) == 2 * len(PHANTOMS)


def test_a_picture_that_cannot_be_read_is_tried_and_told_every_time(trees, tmp_path, read):
    path = sorted((trees.vindr_cxr / "test").glob("*.dicom"))[0]
    path.write_bytes(path.read_bytes()[:-200])
    for number in (1, 2):
        source = open_source("vindr_cxr", [trees.vindr_cxr])
        write_questions(DatasetFolder(tmp_path / "a"), source, None, [], place=Place(tmp_path / "store"))
        assert read.count(path.stem) == number and len(read) == len(PHANTOMS) + number - 1
        assert [entry.fault for entry in source.ledger] == ["UNREADABLE_PICTURE"]


def test_pictures_are_read_ahead_by_several_threads_and_no_further_than_said(tmp_path, monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    together, ahead, done, most = threading.Barrier(2), [], [], []

    class Slow(Phantom):
        def picture(self, question):
            if len(ahead) < 2:
                ahead.append(question.image_id)
                together.wait(timeout=30)
            else:
                ahead.append(question.image_id)
            return Phantom.picture(self, question)

    class Told:
        def __call__(self, label, total, unit):
            assert (label, unit) == ("phantom", "pictures") and total == 48 + 12
            return self

        def __enter__(self):
            def advance(number):
                done.append(number)
                most.append(len(ahead) - len(done))

            return advance

        def __exit__(self, *_):
            pass

    write_questions(DatasetFolder(tmp_path / "m"), Slow(), 48, [], progress=Told())
    assert sum(done) == len(set(ahead)) == 60
    assert max(most) <= AHEAD
