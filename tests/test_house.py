"""The house: what the wheel holds, what the README promises, what the pure files import, what the guard refuses."""

from __future__ import annotations

import ast
import os
import re
import runpy
import shutil
import subprocess
import sys
import time
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from medground_bench import __version__
from medground_bench.core.types import Case, Frame, Response
from medground_bench.methods import Method
from medground_bench.submission.read import Submission, read_submission
from tests.kit.examples import example_references
from tests.kit.imports import arrows, arrows_up, circles, imported

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PURE = ("core", "submission")
WITHOUT_EFFECTS = {
    "__future__", "ast", "collections", "contextlib", "dataclasses", "difflib", "enum", "functools", "hashlib",
    "itertools", "json", "math", "re", "statistics", "typing", "unicodedata", "zlib", "numpy", "scipy",
}  # fmt: skip
PROJECT = PYPROJECT["project"]


def test_the_pure_rooms_are_those_of_the_guide():
    assert all(files_of(name) for name in PURE)
    guide = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    assert re.search(r"The pure rooms \(`([\w\s]+)`\)", guide).group(1).split() == list(PURE)


PACKAGES = ("medground_bench", "builder", "space_app", "metrics")
MOST_LINES_WITH_ANY = 30
"""With their imports; 234 before all packages were typed strictly."""


def test_all_packages_are_strictly_typed_and_any_is_rare():
    settings = PYPROJECT["tool"]["mypy"]
    assert settings["strict"] and [file.partition("/")[0] for file in settings["files"]] == list(PACKAGES)
    lines = {
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for package in PACKAGES
        for file in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if (isinstance(node, ast.Name) and node.id == "Any")
        or (isinstance(node, ast.ImportFrom) and "Any" in {alias.name for alias in node.names})
    }
    assert 0 < len(lines) <= MOST_LINES_WITH_ANY, lines


ROOMS = (
    ("core",),
    ("submission", "storage", "drawing"),
    ("pictures",),
    ("phantom", "lvlms"),
    ("benchmark", "anatomy"),
    ("fetching", "localizers", "training"),
    ("methods",),
    ("runs",),
    ("leaderboard",),
    ("ablation", "probes"),
    ("cards",),
    ("commands",),
)
"""Each room imports from those above it alone; `plugins`, which finds files by name, may be asked by all but core."""


def test_every_room_imports_only_from_rooms_above_it_and_none_goes_in_a_circle():
    floor = {room: height for height, rooms in enumerate(ROOMS) for room in rooms}
    between = arrows(ROOT / "medground_bench")
    assert not circles(between)
    assert {room for room, other in between if other == "plugins"} <= set(floor) - {
        "core",
        "submission",
        "storage",
    }
    assert {other for room, other in between if room == "plugins"} == {"core"}
    assert not arrows_up({arrow for arrow in between if "plugins" not in arrow}, floor)


PROGRAMS = re.compile(r"(builder|metrics|space_app)([./]|$)")


def test_the_library_names_the_programs_beside_it_nowhere_but_in_its_command_line():
    named = set()
    for file in (ROOT / "medground_bench").rglob("*.py"):
        nodes = ast.walk(ast.parse(file.read_text("utf-8")))
        texts = [str(node.value) for node in nodes if isinstance(node, ast.Constant)]
        if any(map(PROGRAMS.match, [*imported(file), *texts])):
            named.add(file.relative_to(ROOT / "medground_bench").as_posix())
    assert named == {"commands/programs.py", "commands/demo_stages.py"}


def test_no_public_class_has_the_name_of_another():
    homes: dict[str, list[str]] = {}
    for file in (file for package in PACKAGES for file in (ROOT / package).rglob("*.py")):
        for node in ast.parse(file.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes.setdefault(node.name, []).append(file.relative_to(ROOT).as_posix())
    assert homes
    assert not {name: files for name, files in homes.items() if len(files) > 1}


def test_the_tree_of_the_readme_names_every_room():
    named = re.findall(
        r"^\| `medground_bench/(\w+)/` \|", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE
    )
    on_disk = {path.parent.name for path in (ROOT / "medground_bench").glob("*/__init__.py")}
    assert sorted(named) == sorted(on_disk) == sorted(room for rooms in ROOMS for room in rooms)
    loose = {path.name for path in (ROOT / "medground_bench").glob("*.py")}
    assert loose == {"__init__.py", "plugins.py"}


def test_the_core_that_only_posix_can_run_says_so():
    assert any("import fcntl" in file.read_text("utf-8") for file in (ROOT / "medground_bench").rglob("*.py"))
    assert "Operating System :: POSIX" in PROJECT["classifiers"]
    assert "Linux or macOS" in (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize("package", ["medground_bench", "builder", "metrics", "space_app"])
def test_functions_have_40_lines_at_most_and_files_400(package):
    long = set()
    for file in (ROOT / package).rglob("*.py"):
        name, text = file.relative_to(ROOT).as_posix(), file.read_text("utf-8")
        assert len(text.splitlines()) <= 400, name
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno >= 40:
                long.add(f"{name}:{node.name}")
    assert not long


def test_files_of_tests_have_400_lines_at_most_and_none_imports_from_a_test():
    """Programs that a test gives to another process count too."""
    taken = re.compile(r"(?:from|import) +tests[\w.]*\.test_\w+|from +tests[\w.]* +import .*\btest_\w+")
    for file in (ROOT / "tests").rglob("*.py"):
        name, text = file.relative_to(ROOT), file.read_text("utf-8")
        assert len(text.splitlines()) <= 400, name
        assert not taken.search(text), name


@pytest.mark.parametrize("guide", ["README.md", "submissions/README.md"])
def test_the_example_line_of_the_guides_answers_a_case_that_the_checker_knows(guide):
    line = re.search(r"```json\n(\{.*\})\n```", (ROOT / guide).read_text("utf-8")).group(1)
    got = read_submission(line.encode(), example_references(), whole_tracks=False)
    assert isinstance(got, Submission), [str(problem) for problem in got.shown]


def files_of(name: str) -> list[Path]:
    """The file, or the files of the folder, of that name."""
    place = ROOT / "medground_bench" / name
    return sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]


def nodes_of(name: str) -> Iterator[ast.AST]:
    for file in files_of(name):
        yield from ast.walk(ast.parse(file.read_text("utf-8")))


@pytest.mark.parametrize("name", PURE)
def test_pure_files_import_neither_torch_nor_anything_with_effects(name):
    for module in {module for file in files_of(name) for module in imported(file)}:
        package, _, rest = module.partition(".")
        ours = package == "medground_bench" and rest.partition(".")[0] in PURE
        assert package in WITHOUT_EFFECTS or ours, module


@pytest.mark.parametrize("name", PURE)
def test_pure_files_open_nothing_and_print_nothing(name):
    called = {
        node.func.id
        for node in nodes_of(name)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not called & {"open", "print", "input", "eval", "exec", "__import__"}


def test_the_package_imports_in_well_under_a_second_without_torch_or_gradio():
    program = (
        "import sys, time; start = time.process_time(); import medground_bench, medground_bench.plugins as p;"
        "names = [m.name for m in p.available('methods')]; took = time.process_time() - start;"
        "heavy = {'torch', 'gradio', 'transformers', 'pandas', 'datasets'} & set(sys.modules);"
        "assert names and not heavy and took < 1, (names, heavy, took)"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, timeout=60)


def test_the_command_line_imports_nothing_heavy_before_a_command_runs():
    program = (
        "import sys, medground_bench.commands.main, builder.cli;"
        "heavy = {'numpy', 'torch', 'gradio', 'transformers', 'datasets', 'pyarrow', 'PIL'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, timeout=60)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    builder = pytest.importorskip("hatchling.builders.wheel").WheelBuilder(str(ROOT))
    (path,) = builder.build(directory=str(tmp_path_factory.mktemp("wheel")), versions=["standard"])
    with zipfile.ZipFile(path) as archive:
        yield {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}


def test_the_wheel_holds_the_package_with_its_data_and_nothing_else(wheel):
    packed = {name for name in wheel if ".dist-info/" not in name}
    folders = ("medground_bench", "builder", "space_app")
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *folders]
    listed = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    paths = map(Path, filter(None, listed.split("\0")))
    here = {path.as_posix() for path in paths if (ROOT / path).is_file() and path.name[0] != "."}
    if not here:
        pytest.skip("not a git checkout")
    assert packed == {
        name if name.startswith("medground_bench/") else f"medground_bench/programs/{name}" for name in here
    }
    assert "medground_bench/py.typed" in packed
    assert sum(len(content) for content in wheel.values()) < 30_000_000


def test_what_a_maintainer_leaves_beside_the_programs_is_not_packed(tmp_path):
    builder = pytest.importorskip("hatchling.builders.wheel").WheelBuilder
    for folder in ("builder", "space_app"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    for file in ("pyproject.toml", "README.md", "LICENSE", "medground_bench/__init__.py"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / file, tmp_path / file)
    (tmp_path / "space_app" / "results").mkdir(exist_ok=True)
    for stray in ("builder/.env", "space_app/results/board.json", "space_app/.cache"):
        (tmp_path / stray).write_text("secret")
    (path,) = builder(str(tmp_path)).build(directory=str(tmp_path / "dist"), versions=["standard"])
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    assert "medground_bench/programs/space_app/app.py" in names
    assert not [name for name in names if name.endswith((".env", "board.json", ".cache"))]


def test_the_wheel_declares_the_command_the_licence_and_the_version(wheel):
    entry = next(content for name, content in wheel.items() if name.endswith("entry_points.txt"))
    assert b"medground = medground_bench.commands.main:main" in entry
    metadata = next(content for name, content in wheel.items() if name.endswith("METADATA")).decode()
    assert f"Version: {__version__}" in metadata
    assert "License-Expression: Apache-2.0 AND CC-BY-3.0" in metadata
    licences = {name.split("licenses/")[1] for name in wheel if "licenses/" in name}
    assert licences == {"LICENSE", "THIRD_PARTY.md", "medground_bench/training/radiograph/ct/NOTICE.md"}


def test_torchvision_is_asked_for_nowhere():
    extras = PROJECT["optional-dependencies"].values()
    wanted = [*PROJECT["dependencies"], *(name for extra in extras for name in extra)]
    assert not [name for name in wanted if name.startswith("torchvision")]


def make_words():
    return set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), flags=re.MULTILINE))


def test_the_commands_of_the_readme_and_of_the_automatic_run_exist():
    readme = (ROOT / "README.md").read_text("utf-8")
    quick_start = re.search(r"```sh\n(.*?)```", readme, flags=re.DOTALL).group(1)
    assert re.findall(r"^make (\w+)", quick_start, flags=re.MULTILINE) == ["demo", "test"]
    assert make_words() == {
        "setup", "fmt", "check", "test", "test-newest", "test-oldest", "demo", "bench", "ct", "lock",
    }  # fmt: skip
    assert re.findall(r"^make (\w+)$", (ROOT / ".ci/run").read_text("utf-8"), re.MULTILINE) == [
        "check",
        "test",
    ]


def test_make_sets_up_once_and_knows_when_to_do_it_again(tmp_path):
    """The recipe is only printed: what it would do on a fresh machine, and after a set-up."""
    for name in ("pyproject.toml", "constraints.txt"):
        (tmp_path / name).write_text("")
    command = ["make", "-n", "-f", str(ROOT / "Makefile"), "demo", "PYTHON=python3", "VENV=venv"]

    def recipe():
        return subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout

    fresh = recipe()
    words = ("-m venv venv", "pip install --constraint constraints.txt", "venv/bin/medground demo")
    assert all(each in fresh for each in words)
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv/.ready").touch()
    assert "pip install" not in recipe()
    later = time.time() + 60
    for name in ("pyproject.toml", "constraints.txt"):
        os.utime(tmp_path / name, (later, later))
        assert "pip install" in recipe()
        os.utime(tmp_path / name, (0, 0))


def test_files_and_examples_named_in_the_readme_exist():
    readme = (ROOT / "README.md").read_text("utf-8")
    for folder in re.findall(r"^\| `([\w/]+)/` \|", readme, flags=re.MULTILINE):
        assert (ROOT / folder).is_dir(), folder
    for path in re.findall(r"[`(]((?:[\w.]+/)+[\w.]+\.(?:py|md|png|json))[`)]", readme):
        assert (ROOT / path).is_file(), path


def test_the_method_of_the_contributing_guide_is_a_method():
    guide = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    scope: dict = {}
    exec(re.search(r"```python\n(.*?)```", guide, flags=re.DOTALL).group(1), scope)  # noqa: S102
    method = scope["METHOD"]()
    assert isinstance(method, Method)
    case = Case("c", "mass", "?", Response("", (), ()), np.zeros((8, 8), np.uint8), Frame.native(8, 8))
    assert method.attribute(None, case, np.random.default_rng(0)).boxes[0].xyxy == (0, 0, 4, 8)


guard = runpy.run_path(str(ROOT / ".ci" / "credentialed_content.py"))
MIMIC = "/".join(["p1" + "0", "p1" + "0000032", "s5" + "0414267"])


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("scan.dcm", b"", "medical image"),
        ("scan", bytes(128) + b"DICM", "DICOM"),
        ("lung.png", b"\x89PNG" + bytes(50), "is a picture; these stand only in docs/"),
        ("scan.bin", b"BM" + bytes(60), "is a picture"),
        ("lung.webp", b"", "is a picture"),
        ("cases.parquet", b"", "is a data file"),
        ("cases", b"PAR1" + bytes(9), "is a data file"),
        ("maps.npz", b"", "is a data file"),
        ("map.npy", b"", "is a data file"),
        ("map", b"\x93NUMPY", "is a data file"),
        ("predictions.jsonl", b"{}", "is a data file"),
        ("predictions.jsonl.gz", b"\x1f\x8b", "is a data file"),
        ("all.zip", b"PK\3\4", "archive"),
        ("mimic-cxr-2.0.0-split.csv.gz", b"", "named like a table"),
        ("log.txt", f"read files/{MIMIC}/x.jpg".encode(), "MIMIC-CXR path"),
        ("note.md", b"-".join([b"02aa804e"] * 5), "MIMIC-CXR image id"),
        ("rows.csv", b"9" * 30 + b"_02-014-001.png", "PadChest"),
    ],
)
def test_the_guard_refuses_what_looks_credentialed(tmp_path, capsys, name, content, why):
    (tmp_path / name).write_bytes(content)
    assert guard["main"]([str(tmp_path / name)]) == 1
    said = capsys.readouterr().err
    assert name in said and why in said


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """An empty repository of the guard's, and how to put a file into it and ask about it."""
    monkeypatch.setitem(guard["complaint"].__globals__, "ROOT", tmp_path.resolve())

    def ask(place, content):
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return guard["complaint"](path)

    return ask


def test_a_picture_of_the_pool_passes_by_digest_there_and_nowhere_else(checkout):
    pool = guard["POOLS"][0]
    manifest = (ROOT / pool / "manifest.json").read_bytes()
    listed = (ROOT / pool / "phantom-7000000.png").read_bytes()
    assert checkout(f"{pool}/manifest.json", manifest) is None
    assert checkout(f"{pool}/phantom-7000000.png", listed) is None
    assert "is a picture" in checkout(f"{pool}/phantom-7000000.png", listed + b"more")
    assert "is a picture" in checkout("tests/phantom-7000000.png", listed)


def test_pictures_in_the_documents_are_small_and_example_files_stand_in_their_folder(checkout):
    assert checkout("docs/board.png", b"\x89PNG" + bytes(50)) is None
    assert "picture of 500,004 bytes" in checkout("docs/board.png", b"\x89PNG" + bytes(500_000))
    assert checkout("submissions/examples/passes.jsonl", b"{}") is None
    assert "MIMIC-CXR path" in checkout("submissions/examples/passes.jsonl", MIMIC.encode())
    assert "is a data file" in checkout("submissions/passes.jsonl", b"{}")


def test_the_guard_lets_the_repository_itself_pass():
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    assert guard["main"]([str(ROOT / name) for name in listed.stdout.split("\0") if name]) == 0
