"""`build` and `add-lvlm` on copies of real sources."""

from __future__ import annotations

import csv
import json

import pytest
from typer.testing import CliRunner

from builder.cli import app
from builder.patients import read_patients, write_patients
from builder.place import Place
from medground_bench.benchmark.folder import DatasetFolder
from medground_bench.benchmark.rows import QUESTIONS, VERDICTS
from medground_bench.core.errors import MedgroundError
from tests.kit.fakes import RuleLvlm
from tests.kit.trees import GOLD, TEST_TABLE, TreeEditor, write_trees

PHANTOMS = ("4000000", "4000001")


@pytest.fixture
def trees(tmp_path, monkeypatch):
    trees = write_trees(tmp_path, PHANTOMS)
    monkeypatch.setattr("builder.build.open_editor", lambda name: TreeEditor(trees))
    monkeypatch.setattr(
        "medground_bench.lvlms.open_lvlm", lambda location, **_choices: RuleLvlm(key=location)
    )
    return trees


@pytest.fixture
def run(tmp_path, trees):
    """Runs a command over a source's folders in this process; gives the result and the dataset folder."""

    def run(command, source, *more, lvlm="one", roots=None):
        words = [command, *(("--source", source) if command == "build" else ()), *more]
        for root in trees.roots(source) if roots is None else roots:
            words += ["--root", str(root)]
        out = tmp_path / "bench"
        words += ["--lvlm", lvlm, "--mode", "direct", "--out", str(out)]
        return CliRunner().invoke(app, words), DatasetFolder(out)

    return run


@pytest.mark.parametrize("source", ["imagenome", "vindr_cxr", "padchest_gr"])
def test_a_whole_copy_is_built_and_another_lvlm_added(run, source):
    told = ("--allow-missing",) if source == "imagenome" else ()  # its copy has findings that are denied
    done, folder = run("build", source, *told)
    assert done.exit_code == 0, done.output
    questions = folder.read(QUESTIONS, "test")
    assert [row.release_index for row in questions] != [None] * len(questions)
    assert {row.image for row in questions} == {None}
    assert {row.levels for row in questions} == {"windowed min-max" if source == "vindr_cxr" else "min-max"}
    done, _ = run("add-lvlm", source, lvlm="two")
    assert done.exit_code == 0, done.output
    verdicts = folder.read(VERDICTS, "test")
    assert {row.lvlm for row in verdicts} == {"one", "two"}
    assert {row.release_index for row in verdicts} == {row.release_index for row in questions}


def test_patients_are_kept_beside_the_finished_work_and_in_no_row(run, trees, tmp_path):
    _, folder = run("build", "imagenome")
    kept = tmp_path / "bench.store"
    patients = read_patients(Place(kept), "imagenome")
    assert patients.keys() == {row.question_id for row in folder.read(QUESTIONS, "test")}
    assert len(set(patients.values())) == 1
    (who,) = set(patients.values())
    for file in folder.path.rglob("*"):
        assert file.is_dir() or who.encode() not in file.read_bytes()
    assert (kept / "patients-imagenome.json").is_file()
    assert read_patients(Place(tmp_path), "imagenome") == {}
    write_patients(Place(tmp_path), "s", {"s/b/x": "2", "s/a/x": "1"})
    assert list(read_patients(Place(tmp_path), "s")) == ["s/a/x", "s/b/x"]


def test_entries_in_the_ledger_end_with_a_summary_and_code_1_unless_allowed(run, trees, tmp_path):
    with (trees.vindr_cxr / TEST_TABLE).open("a") as file:
        file.write("nowhere,ILD,1,2,3,4\n")
    done, folder = run("build", "vindr_cxr")
    assert done.exit_code == 1
    assert "MISSING_PICTURE: 1" in done.output and "1 in the ledger of vindr_cxr" in done.output
    assert folder.read(VERDICTS, "test")
    (line,) = (tmp_path / "bench.store" / "ledger-vindr_cxr.jsonl").read_text().splitlines()
    assert json.loads(line)["picture"].endswith("nowhere.dicom")
    done, _ = run("build", "vindr_cxr", "--allow-missing")
    assert done.exit_code == 0 and "MISSING_PICTURE: 1" in done.output


def test_a_picture_that_only_fails_when_it_is_read_goes_to_the_ledger(run, trees):
    path = sorted((trees.vindr_cxr / "test").glob("*.dicom"))[0]
    path.write_bytes(path.read_bytes()[:-200])
    done, folder = run("build", "vindr_cxr")
    assert done.exit_code == 1 and "UNREADABLE_PICTURE: 1" in done.output
    assert path.stem not in done.output
    assert path.stem not in {row.image_id for row in folder.read(QUESTIONS, "test")}


def test_a_picture_that_changed_since_its_question_was_written_is_refused(run, trees):
    run("build", "vindr_cxr")
    first, second = sorted((trees.vindr_cxr / "test").glob("*.dicom"))[:2]
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)
    done, _ = run("add-lvlm", "vindr_cxr", lvlm="two")
    assert isinstance(done.exception, MedgroundError)


def test_a_gold_table_without_its_first_line_is_refused_and_nothing_of_it_told(run, trees):
    path = trees.imagenome[0] / GOLD
    header, _, rows = path.read_text("utf-8").partition("\n")
    path.write_text(rows, "utf-8")
    cells = dict(zip(header.split("\t"), next(csv.reader(rows.splitlines(), delimiter="\t")), strict=True))
    done, _ = run("build", "imagenome")
    said = done.output + str(done.exception)
    assert isinstance(done.exception, MedgroundError) and "patient_id" in said
    for more in ((), ("--json",)):
        words = [*map(str, trees.imagenome), *more]
        checked = CliRunner().invoke(app, ["sources", "check", *words])
        assert checked.exit_code == 1 and "patient_id" in checked.output
        said += checked.output
    for column in ("patient_id", "study_id", "image_id", "row_id", "sentence", "coord_original"):
        assert cells[column].removesuffix(".dcm") not in said
    assert "made up" not in said and "naïve" not in said


@pytest.mark.parametrize(
    ("source", "roots", "said"),
    [
        ("imagenome", [], "chest-imagenome"),
        ("vindr_cxr", [], "PhysioNet"),
        ("padchest_gr", [], "bimcv.cipf.es"),
    ],
)
def test_without_its_folders_a_source_says_how_one_gets_it(run, source, roots, said):
    done, _ = run("build", source, roots=roots)
    assert isinstance(done.exception, MedgroundError) and said in str(done.exception)


def test_a_cell_of_code_is_never_run(run, trees, tmp_path):
    mark = tmp_path / "mark"
    path = trees.imagenome[0] / GOLD
    lines = path.read_text("utf-8").splitlines(keepends=True)
    coordinates = lines[1].split("\t")[-2]
    path.write_text(
        lines[0] + "".join(lines).replace(coordinates, f"[__import__('pathlib').Path('{mark}').touch()]")
    )
    run("build", "imagenome", "--allow-missing")
    assert not mark.exists()
