"""The names that the package offers, and the tour of the README that uses them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import medground_bench
from tests.kit.builds import build

ROOT = Path(__file__).parents[1]


def test_every_public_name_is_there_and_documented():
    for name in medground_bench.__all__:
        assert getattr(medground_bench, name).__doc__, name
    assert set(medground_bench.__all__) <= set(dir(medground_bench))


def test_the_table_of_homes_and_the_list_of_names_are_the_same():
    homes = [name for names in medground_bench._HOMES.values() for name in names]
    assert sorted(homes) == sorted(medground_bench.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'explian'"):
        _ = medground_bench.explian


def test_importing_the_package_imports_nothing_heavy():
    program = (
        "import sys, medground_bench; print(len({'numpy', 'torch', 'pyarrow', 'PIL'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "0"


def test_the_tour_of_the_readme_runs(tmp_path, monkeypatch, capsys):
    """On a build of one picture by the embedded LVLM itself."""
    lvlm = medground_bench.open_lvlm("phantom_gemma3")
    build(tmp_path / "medground-bench", lvlm=lvlm, limit=3, modes=(medground_bench.Mode.DIRECT,))
    monkeypatch.chdir(tmp_path)
    tour = re.search(
        r"```python\n(import numpy.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL
    ).group(1)
    exec(tour, {})  # noqa: S102
    assert re.fullmatch(r"[a-z ]+ Yes.* \[\(.*\)\]\n", capsys.readouterr().out)
