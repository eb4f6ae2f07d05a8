"""PhysioNet on this machine with synthetic copies of its data sets, and benchmarks of them as they are published."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from builder.build import open_source
from builder.publish.columns import Level
from builder.publish.released_rows import released
from builder.sources import imagenome
from medground_bench.benchmark.folder import DatasetFolder
from medground_bench.benchmark.rows import DIRECT, QUESTIONS, CaseRow, QuestionRow
from medground_bench.core.case_ids import case_id, question_id
from medground_bench.fetching import download, pace, remote
from medground_bench.pictures import picture_digest
from medground_bench.storage.whole_files import sha256
from tests.kit.physionet import PhysioNet, served
from tests.kit.publishing import KEY, TRACK
from tests.kit.trees import GOLD, Trees, full_range, write_trees

PHANTOMS = 6
NAME, PASSWORD = "marie", "correct horse: battery, stäple"
PROJECTS = {"gold": "chest-imagenome/1.0.0", "mimic": "mimic-cxr-jpg/2.1.0", "vindr": "vindr-cxr/1.0.0"}


@pytest.fixture(scope="session")
def trees(tmp_path_factory) -> Trees:
    return write_trees(tmp_path_factory.mktemp("trees"), full_range(PHANTOMS))


@pytest.fixture
def site(trees, monkeypatch) -> Iterator[PhysioNet]:
    """PhysioNet, whose gold table passes for the true one; nothing waits long."""
    gold, mimic = trees.imagenome
    folders = dict(zip(PROJECTS.values(), (gold, mimic, trees.vindr_cxr), strict=True))
    monkeypatch.setattr(imagenome, "DIGEST", sha256((gold / GOLD).read_bytes()))
    monkeypatch.setattr(download, "FIRST_WAIT_S", 0.01)
    monkeypatch.setattr(pace, "REQUESTS_A_SECOND", 1000.0)
    with served(PhysioNet(folders, {NAME: PASSWORD})) as site:
        monkeypatch.setattr(remote, "PHYSIONET", site.address)
        yield site
    for folder in folders.values():
        (folder / remote.SUMS).unlink(missing_ok=True)


@dataclass(frozen=True)
class Asked:
    """A synthetic benchmark of a source: its rows as a build makes them, and its folder as it is published."""

    source: str
    collection: str
    folder: Path
    cases: list[CaseRow]


def benchmark_of(
    trees: Trees, source: str, folder: Path, *, level: Level | None = None, indices: bool = True
) -> Asked:
    """Cases about the questions of every other picture, and all questions: of an own build, or published at a level.

    indices  whether they have positions in the authors' order
    """
    opened = open_source(source, trees.roots(source))
    questions, cases = [], []
    known = list(opened.questions("test", None))
    chosen = sorted({each.question.image_id for each in known})[::2]
    for each in known:
        question = each.question
        name = question_id(source, question.image_id, question.finding)
        shared = {
            "question_id": name, "source": source, "image_id": question.image_id, "finding": question.finding,
            "question": "?", "answer": "yes", "boxes": tuple(box.xyxy for box in question.boxes),
            "width": question.native.width, "height": question.native.height, "image": None,
            "image_sha256": picture_digest(opened.picture(question)),
            "release_index": each.release_index if indices else None,
        }  # fmt: skip
        questions.append(QuestionRow(**shared, levels=opened.levels, marker=None))
        if question.image_id in chosen:
            cases.append(
                CaseRow(
                    **shared, case_id=case_id(name, TRACK), lvlm=TRACK.lvlm, lvlm_revision="1", mode=TRACK.mode,
                    prompt="?", response="Yes.", response_token_ids=(1,), response_tokens=("Yes.",),
                )
            )  # fmt: skip
    written = DatasetFolder(folder)
    written.write(QUESTIONS, "test", source, released(questions, level, KEY) if level else questions)
    written.write(DIRECT, "test", TRACK.lvlm, released(cases, level, KEY) if level else cases)
    return Asked(source, {"imagenome": "mimic_cxr_jpg"}.get(source, source), folder, cases)


@pytest.fixture(scope="session")
def mimic(trees, tmp_path_factory) -> Asked:
    """Of Chest ImaGenome, with opaque ids."""
    return benchmark_of(
        trees, "imagenome", tmp_path_factory.mktemp("mimic") / "medground-bench", level=Level.KEYS
    )


@pytest.fixture(scope="session")
def vindr(trees, tmp_path_factory) -> Asked:
    """Of VinDr-CXR, with opaque ids."""
    return benchmark_of(
        trees, "vindr_cxr", tmp_path_factory.mktemp("vindr") / "medground-bench", level=Level.KEYS
    )


@pytest.fixture
def fetch(medground, monkeypatch, tmp_path):
    """Run the command as a user does whose password comes on standard input; returns (exit code, stdout, stderr)."""

    def fetch(asked, *words, password=PASSWORD, to="copy", user=NAME, dataset=None, source=None):
        monkeypatch.setattr(sys, "stdin", io.StringIO(f"{password}\n"))
        return medground(
            "fetch", "--for", dataset or asked.folder, "--source", source or asked.collection, "--user", user,
            "--password-stdin", "--to", tmp_path / to, *words,
        )  # fmt: skip

    return fetch


@pytest.fixture(params=["mimic", "vindr"])
def asked(request) -> Asked:
    """The benchmark of each source in turn."""
    return request.getfixturevalue(request.param)


def pictures(folder: Path) -> set[str]:
    """The picture files in a folder, by their paths below it."""
    files = [file for file in folder.rglob("*") if file.suffix in (".jpg", ".dicom")]
    return {file.relative_to(folder).as_posix() for file in files}


def error_of(answer: tuple[int, str, str]) -> str:
    """The one paragraph of a command that ends with exit code 1."""
    code, _out, err = answer
    assert code == 1 and err.count("error: ") == 1 and "Traceback" not in err, err
    return err[err.index("error: ") :]
