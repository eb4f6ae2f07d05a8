from __future__ import annotations

import json
import shutil
import time

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from builder.build import open_source, open_sources
from builder.cli import app
from builder.source_check import check, differences
from builder.sources import BadSource, imagenome
from medground_bench.storage.whole_files import sha256
from tests.kit.trees import (
    CHOSEN,
    DENIED,
    GOLD,
    TEST_TABLE,
    gold_row,
    grounded,
    table,
    twelve_bits,
    vindr_row,
    write_trees,
)

PHANTOMS = ("4000000", "4000001")


@pytest.fixture(scope="module")
def trees(tmp_path_factory):
    return write_trees(tmp_path_factory.mktemp("few"), PHANTOMS)


@pytest.fixture
def own(trees, tmp_path):
    """Copies that a test may change."""
    for path in (*trees.imagenome, trees.vindr_cxr, trees.padchest_gr):
        shutil.copytree(path, tmp_path / path.name)
    return tmp_path


def run(*words):
    result = CliRunner().invoke(app, ["sources", "check", *map(str, words)])
    return result.exit_code, " ".join(result.output.split()), result.output


def test_the_help_shows_an_example():
    assert "Example: python -m builder sources check" in run("--help")[1]


def by_name(*roots):
    return {found.source: found for found in check(roots)}


def test_nothing_at_hand_is_said_with_the_way_to_get_each_source(tmp_path):
    code, said, _ = run(tmp_path)
    assert code == 1
    for words in (
        "imagenome: not there",
        "vindr_cxr: not there",
        "padchest_gr: not there",
        "PhysioNet",
        "bimcv.cipf.es",
    ):
        assert words in said


def test_whole_copies_are_told_apart_in_one_call_with_their_questions(trees):
    roots = (trees.padchest_gr, trees.imagenome[1], trees.vindr_cxr, trees.imagenome[0])
    found = by_name(*roots)
    wanted = {"padchest_gr": {"test", "tune"}, "vindr_cxr": {"test"}}
    for name, splits in wanted.items():
        source = open_source(name, trees.roots(name))
        assert found[name].complete and found[name].questions.keys() == splits
        assert found[name].questions["test"] == sum(1 for _ in source.questions("test", None))
        assert not found[name].expected
    assert not found["imagenome"].complete  # its table has not the published checksum
    code, said, _ = run(trees.vindr_cxr, trees.padchest_gr)
    assert code == 0 and "vindr_cxr: complete" in said and "imagenome: not there" in said


def test_json_says_the_same(trees):
    code, _, output = run(trees.vindr_cxr, "--json")
    found = {each["source"]: each for each in json.loads(output)}
    assert code == 0 and found["vindr_cxr"]["complete"]
    assert {part["state"] for part in found["vindr_cxr"]["parts"]} == {"present"}
    assert found["imagenome"]["parts"][0]["state"] == "missing"


def test_a_source_of_which_a_part_is_missing_is_incomplete(trees):
    found = by_name(trees.imagenome[0])["imagenome"]
    assert found.begun and not found.complete and not found.questions
    assert [part.state.value for part in found.parts] == ["another version", "missing"]
    code, said, _ = run(trees.imagenome[0])
    assert code == 1 and "imagenome: incomplete" in said and "mimic-cxr-jpg/2.1.0" in said


def test_a_table_with_another_checksum_than_the_published_one_is_another_version(own, monkeypatch):
    roots = (own / "chest-imagenome", own / "mimic-cxr-jpg")
    monkeypatch.setattr(imagenome, "DIGEST", sha256((roots[0] / GOLD).read_bytes()))
    assert by_name(*roots)["imagenome"].complete
    (roots[0] / GOLD).write_bytes((roots[0] / GOLD).read_bytes() + b"\n")
    found = by_name(*roots)["imagenome"]
    assert not found.complete and found.questions
    assert found.parts[0].words == "its checksum is not the published one"


def test_the_checksums_that_come_with_a_copy_are_asked(own):
    root = own / "vindr-cxr"
    sums = root / "SHA256SUMS.txt"
    sums.write_text(f"{sha256((root / TEST_TABLE).read_bytes())} {TEST_TABLE}\n")
    assert by_name(root)["vindr_cxr"].parts[0].words == "checksum as published"
    sums.write_text(f"{'0' * 64}  {TEST_TABLE}\n")
    assert not by_name(root)["vindr_cxr"].complete


def test_a_damaged_table_is_a_problem_and_not_the_end(own):
    (own / "padchest-gr" / CHOSEN).write_text("[{")
    found = by_name(own / "padchest-gr", own / "vindr-cxr")
    assert not found["padchest_gr"].complete and "cut short" in found["padchest_gr"].problems[0]
    assert found["vindr_cxr"].complete


def test_faults_are_counted(own):
    (own / "vindr-cxr" / TEST_TABLE).open("a").write("nowhere,ILD,1,2,3,4\nnowhere,Edema,1,2,NaN,4\n")
    _, said, _ = run(own / "vindr-cxr")
    assert "ledger, MISSING_PICTURE: 2" in said and "ledger, BAD_BOX: 1" in said


def test_the_authors_file_with_other_numbers_is_told_finding_by_finding(own, monkeypatch):
    roots = (own / "chest-imagenome", own / "mimic-cxr-jpg")
    source = open_source("imagenome", roots)
    assert list(differences(source)) == []
    monkeypatch.setattr(imagenome, "ROWS", len((roots[0] / GOLD).read_text().splitlines()) - 1)
    asked = source.asked("test")
    first, *others = differences(open_source("imagenome", roots))
    assert first.startswith("test: the authors had 1,405 questions")
    assert [line.partition(":")[0] for line in others] == [f"test, {finding}" for finding in asked]
    monkeypatch.setattr(imagenome, "EXPECTED", sum(asked.values()))
    count = sum(asked.values())
    assert list(differences(open_source("imagenome", roots))) == [
        f"test: the authors had {count:,} questions, these files hold {count:,} and give {count - asked[DENIED]:,}",
        f"test, {DENIED}: the files hold {asked[DENIED]:,} and give 0",
    ]
    next(path for path in sorted(roots[1].rglob("*.jpg"))).unlink()
    lines = list(differences(open_source("imagenome", roots)))
    assert len(lines) > 1 and "give 0" in lines[-1]


def test_folders_are_told_apart_and_a_strange_one_is_refused(trees, tmp_path):
    every = (*trees.imagenome, trees.vindr_cxr, trees.padchest_gr)
    names = ["phantom", "imagenome", "vindr_cxr", "padchest_gr"]
    assert [source.name for source in open_sources(names, every)] == names
    with pytest.raises(BadSource, match="holds nothing of vindr_cxr"):
        open_source("vindr_cxr", (trees.vindr_cxr, trees.padchest_gr))
    with pytest.raises(BadSource, match="holds nothing of phantom"):
        open_source("phantom", (trees.vindr_cxr,))
    with pytest.raises(BadSource, match="is no folder"):
        open_source("vindr_cxr", (tmp_path / "none",))


def test_ten_thousand_files_are_checked_in_well_under_a_minute(tmp_path):
    """A third each, of tiny pictures; processor time, since others share this machine."""
    count, picture = 3_334, np.arange(1024, dtype=np.uint16).reshape(32, 32)
    jpg = tmp_path / "made.jpg"
    Image.fromarray((picture // 4).astype(np.uint8)).save(jpg)
    png, dicom = tmp_path / "made.png", twelve_bits((picture // 4).astype(np.uint8), inverted=True)
    Image.fromarray(picture).save(png)
    gold, vindr, records = [], [], []
    for folder in ("vindr/test", "padchest/PadChest_GR"):
        (tmp_path / folder).mkdir(parents=True)
    for number in range(count):
        who = 10_000_000 + number
        gold.append(
            gold_row(
                {"patient_id": who, "study_id": number, "image_id": f"{number}.dcm"}, "edema", 1, (1, 2, 9, 9)
            )
        )
        vindr.append(vindr_row(str(number), "ILD", (1, 2, 9, 9)))
        records.append(
            {"StudyID": "1", "ImageID": f"{number}.png", "findings": [grounded("mass", [[0, 0, 1, 1]], [])]}
        )
        place = tmp_path / "files" / "p10" / f"p{who}" / f"s{number}"
        place.mkdir(parents=True)
        (place / f"{number}.jpg").write_bytes(jpg.read_bytes())
        (tmp_path / "vindr" / "test" / f"{number}.dicom").write_bytes(dicom)
        (tmp_path / "padchest" / "PadChest_GR" / f"{number}.png").write_bytes(png.read_bytes())
    table(tmp_path / GOLD, gold, delimiter="\t")
    table(tmp_path / "vindr" / TEST_TABLE, vindr)
    (tmp_path / "padchest" / CHOSEN).write_text(json.dumps(records))
    began = time.process_time()
    found = by_name(tmp_path, tmp_path / "vindr", tmp_path / "padchest")
    assert time.process_time() - began < 30
    assert sum(found[name].questions["test"] for name in found) == 2 * count + 2_000
