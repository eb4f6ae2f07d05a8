"""What a build of a credentialed source prints when it fails names no patient, study, picture, question or file."""

from __future__ import annotations

import json
import logging
import re
import shutil

import pytest

from builder.patients import read_patients
from builder.place import Place
from medground_bench.benchmark.folder import DatasetFolder
from medground_bench.benchmark.rows import QUESTIONS
from tests.kit.fakes import RuleLvlm
from tests.kit.trees import TreeEditor, write_trees

SOURCES = ("imagenome", "vindr_cxr", "padchest_gr")
PHANTOMS = ("4000000", "4000001", "4000002")
IDS_OF_MIMIC = re.compile(r"[ps]\d{8}")


@pytest.fixture(params=SOURCES)
def source(request):
    return request.param


@pytest.fixture
def trees(tmp_path, monkeypatch):
    trees = write_trees(tmp_path / "copies", PHANTOMS)
    monkeypatch.setattr("builder.build.open_editor", lambda name: TreeEditor(trees))
    monkeypatch.setattr(
        "medground_bench.lvlms.open_lvlm", lambda location, **_choices: RuleLvlm(key=location)
    )
    return trees


@pytest.fixture
def printed(run, trees, source, tmp_path, caplog):
    """Runs a command over the source's folders; gives its exit code and all that it printed and logged."""
    caplog.set_level(logging.INFO)

    def printed(*words):
        roots = [word for root in trees.roots(source) for word in ("--root", root)]
        code, out, err = run(*words, *roots, "--mode", "direct", "--out", tmp_path / "bench")
        return code, out + err + caplog.text

    assert printed("build", "--source", source, "--lvlm", "one", "--allow-missing")[0] == 0
    return printed


@pytest.fixture
def named(trees, source, tmp_path, printed):
    """Which ids and folders of the source some words name."""
    rows = DatasetFolder(tmp_path / "bench").read(QUESTIONS, "test")
    ids = {part for row in rows for part in (row.image_id, row.question_id)}
    ids |= set(read_patients(Place(tmp_path / "bench.store"), source).values())
    ids |= {str(root) for root in trees.roots(source)}
    ids |= {file.stem for file in pictures_of(trees, source)}
    assert len(ids) > len(PHANTOMS)
    return lambda words: [each for each in ids if each in words] + IDS_OF_MIMIC.findall(words)


def pictures_of(trees, source):
    found = [file for root in trees.roots(source) for file in root.rglob("*")]
    return sorted(file for file in found if file.suffix in (".jpg", ".png", ".dicom"))


def entries(tmp_path):
    files = (tmp_path / "bench.store" / "quarantine").iterdir()
    return [json.loads(file.read_text("utf-8")) for file in files]


def test_a_picture_damaged_after_its_questions_were_written(printed, named, trees, source, tmp_path):
    damaged = pictures_of(trees, source)[0]
    damaged.write_bytes(damaged.read_bytes()[:-2000])
    code, words = printed("add-lvlm", "--lvlm", "two")
    assert code == 1 and f"question {source} (original): BadPicture" in words
    assert not named(words)
    for entry in entries(tmp_path):
        assert entry["key"][:12] in words
        assert named(entry["error"]) and named(entry["of"]), "the store has what is needed to mend it"


def test_a_copy_of_which_no_picture_can_be_read(printed, named, trees, source, monkeypatch):
    monkeypatch.setattr("builder.talks.MOST_IN_A_ROW", 5)
    for file in pictures_of(trees, source):
        file.write_bytes(b"\xff\xd8\xff\xe0 no more")
    code, words = printed("add-lvlm", "--lvlm", "two")
    assert code == 1 and "5 units in a row" in words and "BadPicture" in words
    assert not named(words)


def test_pictures_that_were_exchanged(printed, named, trees, source):
    first, second = pictures_of(trees, source)[:2]
    contents = first.read_bytes(), second.read_bytes()
    second.write_bytes(contents[0])
    first.write_bytes(contents[1])
    code, words = printed("add-lvlm", "--lvlm", "two")
    assert code == 1 and ("no longer those the questions were written for" in words or "BadPicture" in words)
    assert not named(words)


def test_an_editor_whose_error_names_its_question(printed, named, trees, tmp_path, monkeypatch):
    class Talkative(TreeEditor):
        def edit(self, question, picture, edit):
            raise ValueError(f"cannot edit\n{question.question_id}\n")

    monkeypatch.setattr("builder.build.open_editor", lambda name: Talkative(trees))
    shutil.rmtree(tmp_path / "bench.store" / "edits")
    code, words = printed("add-lvlm", "--lvlm", "two")
    assert code == 1 and "edit tree (foreground): ValueError" in words
    assert not named(words)


def test_an_lvlm_whose_error_repeats_its_prompt(printed, named, monkeypatch):
    class Talkative(RuleLvlm):
        def generate(self, pictures, prompts, *, max_new_tokens=512):
            raise RuntimeError(f"{prompts}: of {'p' + '1' * 8}")

    monkeypatch.setattr("medground_bench.lvlms.open_lvlm", lambda location, **_choices: Talkative(key="two"))
    code, words = printed("add-lvlm", "--lvlm", "two")
    assert code == 1 and "LVLM two (original): RuntimeError" in words
    assert not named(words)
