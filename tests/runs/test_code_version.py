"""What is made again when code changes: the digests follow every file, plug-in, library and picture pool."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

import pytest

import medground_bench
from medground_bench import plugins
from medground_bench.phantom.digest import DRAWING
from medground_bench.runs import code_version
from medground_bench.runs.code_version import OF_METHODS, library_versions, lvlm_code, method_code

PACKAGE = Path(medground_bench.__file__).parent
WITHOUT_INFLUENCE = {
    "storage/whole_files.py",
    "core/errors.py",
    "core/case_ids.py",
    "storage/hub.py",
    "storage/waiting.py",
    "plugins.py",
    "phantom/digest.py",
    "phantom/seeds.py",
}
"""Imported, but no box depends on them: hashes, messages, names, downloads at a commit, waits, shipped seeds."""

DRAWN_BY = {f"phantom/{name}.py" for name in DRAWING}
"""In the digest by way of the renderer's own."""


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """The same sources in a folder that a test may change; nothing is remembered."""
    shutil.copytree(
        PACKAGE,
        tmp_path / "copy",
        ignore=shutil.ignore_patterns("phantom_gemma3", "phantom_qwen2_5_vl", "__pycache__"),
    )
    monkeypatch.setattr(code_version, "__file__", str(tmp_path / "copy" / "runs" / "code_version.py"))
    return tmp_path / "copy"


def digests() -> tuple[str, str]:
    lvlm_code.cache_clear()
    method_code.cache_clear()
    return lvlm_code(), method_code()


@pytest.fixture(autouse=True)
def forget():
    yield
    lvlm_code.cache_clear()
    method_code.cache_clear()


def test_another_folder_with_the_same_sources_has_the_same_digests(copied, monkeypatch):
    there = digests()
    monkeypatch.undo()
    assert digests() == there


@pytest.mark.parametrize(
    ("changed", "of_lvlms", "of_methods"),
    [
        ("methods/medfocus.py", False, True),
        ("localizers/uot.py", False, True),
        ("anatomy/transport.py", False, True),
        ("anatomy/phantom_pool/manifest.json", False, True),
        ("anatomy/vocabularies/lung_zones.yaml", False, True),
        ("core/geometry.py", False, True),
        ("pictures/greys.py", False, True),
        ("lvlms/engine/local.py", True, True),
        ("lvlms/new_family.py", True, True),
        ("commands/main.py", False, False),
        ("phantom/seeds.py", False, False),
    ],
)
def test_a_changed_file_changes_the_digest_of_what_depends_on_it(copied, changed, of_lvlms, of_methods):
    before = digests()
    with (copied / changed).open("a") as file:
        file.write("\n# changed\n")
    assert tuple(one != other for one, other in zip(before, digests(), strict=True)) == (of_lvlms, of_methods)


def test_another_reference_pool_changes_the_digest_of_methods(tmp_path, monkeypatch):
    before = digests()
    (tmp_path / "manifest.json").write_text("{}")
    monkeypatch.setenv("MEDGROUND_ATLAS", str(tmp_path))
    assert [one == other for one, other in zip(before, digests(), strict=True)] == [True, False]


def test_another_version_of_a_library_changes_both(monkeypatch):
    before = digests()
    assert all(library_versions().values())
    monkeypatch.setattr(code_version, "version", lambda name: "0.1")
    assert not set(before) & set(digests())


def test_a_library_that_is_not_installed_has_no_version(monkeypatch):
    monkeypatch.setattr(code_version, "LIBRARIES", ("no-such-library-here",))
    assert library_versions() == {"no-such-library-here": None}


def test_a_plug_in_of_another_package_is_part_of_it(tmp_path, monkeypatch):
    before = digests()
    file = tmp_path / "half.py"
    file.write_text('"""Half."""\n')
    own = plugins.available
    half = plugins.Plugin("half", "", "clinic.half:METHOD")
    monkeypatch.setattr(plugins, "available", lambda kind: own(kind) + ([half] if kind == "methods" else []))
    monkeypatch.setattr(plugins, "source", lambda kind, name: file)
    with_half = digests()
    file.write_text('"""Half, mended."""\n')
    assert with_half[0] == before[0]
    assert len({before[1], with_half[1], digests()[1]}) == 3


def imported_by(file: Path) -> set[Path]:
    """The files of this package that a file imports anywhere."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("medground_bench"):
            base = PACKAGE.parent / Path(*node.module.split("."))
            for place in (base, *(base / alias.name for alias in node.names)):
                found |= {
                    path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file()
                }
    return found


def test_all_that_methods_localizers_and_lvlms_import_is_in_the_digest():
    places = [PACKAGE / part for part in OF_METHODS]
    inside = {file for place in places for file in ([place] if place.is_file() else place.rglob("*.py"))}
    outside = {str(path.relative_to(PACKAGE)) for file in inside for path in imported_by(file)} - {
        str(file.relative_to(PACKAGE)) for file in inside
    }
    assert {name for name in outside if not name.endswith("__init__.py")} <= WITHOUT_INFLUENCE | DRAWN_BY
