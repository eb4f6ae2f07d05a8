"""A user's own copies: what their folders are called, what they lack, and how the guide puts it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from medground_bench import join
from medground_bench.benchmark.copies import told_apart
from medground_bench.benchmark.join_report import JoinOutcome
from medground_bench.core.errors import SourceMissing, UnknownName
from tests.kit.trees import CHOSEN

ROOT = Path(__file__).parents[2]


def test_one_folder_or_several_a_source_or_its_parts_and_an_unknown_name_lists_the_near_ones(cases, roots):
    own = cases.filter(lambda row: row["source"] == "imagenome")
    for given in (
        {"imagenome": [roots["chest_imagenome"], str(roots["mimic_cxr_jpg"])]},
        {"imagenome": roots["chest_imagenome"], "mimic_cxr_jpg": roots["mimic_cxr_jpg"]},
    ):
        assert join(own, given, strict=True).dataset[0]["boxes"]
    with pytest.raises(UnknownName, match=r"no source is called 'mimic_cxr'\. Did you mean mimic_cxr_jpg"):
        join(own, {"mimic_cxr": roots["mimic_cxr_jpg"]})
    with pytest.raises(UnknownName):
        join(own, {"phantom": roots["mimic_cxr_jpg"]})


def test_a_folder_that_does_not_hold_the_source_says_what_it_lacks_and_how_one_gets_it(
    cases, roots, tmp_path
):
    with pytest.raises(SourceMissing) as said:
        join(cases, {"mimic_cxr_jpg": roots["mimic_cxr_jpg"]})
    assert "imagenome: " in str(said.value) and "lacks Chest ImaGenome: gold_dataset/" in str(said.value)
    assert "https://physionet.org/content/chest-imagenome" in str(said.value) and "\n" not in str(said.value)
    with pytest.raises(SourceMissing, match=r"lacks annotations/annotations_test\.csv and test/"):
        join(cases, {"vindr_cxr": tmp_path / "none"})


def test_the_example_of_the_guide_runs_and_its_table_has_every_reason(
    published, roots, tmp_path, monkeypatch, capsys
):
    guide = (ROOT / "docs" / "joining_your_own_copies.md").read_text("utf-8")
    monkeypatch.chdir(tmp_path)
    shutil.copytree(published, tmp_path / "org" / "medground-bench")
    for name in ("chest-imagenome", "mimic-cxr-jpg", "vindr-cxr"):
        (tmp_path / name).symlink_to(roots[name.replace("-", "_")])
    (tmp_path / "PadChest-GR").symlink_to(roots["padchest_gr"])
    exec(re.search(r"```python\n(.*?)```", guide, re.DOTALL).group(1), {})  # noqa: S102
    assert "found; its picture is checked when the row is read" in capsys.readouterr().out
    told = [
        line.split("|")[1].strip().removesuffix(" ...")
        for line in guide.splitlines()
        if line.startswith("| ")
    ]
    outcomes = [outcome for outcome in JoinOutcome if any(outcome.startswith(words) for words in told[1:])]
    assert len(outcomes) == len(told) - 1
    seldom = {JoinOutcome.JOINED, JoinOutcome.WHOLE, JoinOutcome.NO_KEY, JoinOutcome.SEVERAL}
    assert set(outcomes) == set(JoinOutcome) - seldom


def test_a_folder_may_begin_with_the_home_of_the_user(cases, roots, monkeypatch):
    monkeypatch.setenv("HOME", str(roots["vindr_cxr"].parent))
    own = cases.filter(lambda row: row["source"] == "vindr_cxr")
    assert join(own, {"vindr_cxr": "~/vindr_cxr"}, strict=True).dataset[0]["boxes"]


def test_folders_are_told_apart_by_what_is_in_them(roots, tmp_path):
    imagenome = [roots["chest_imagenome"], roots["mimic_cxr_jpg"]]
    rest = {name: [roots[name]] for name in ("vindr_cxr", "padchest_gr")}
    assert told_apart([*roots.values()]) == {"imagenome": imagenome} | rest
    (roots["padchest_gr"] / CHOSEN).unlink()
    assert told_apart([roots["padchest_gr"]]) == {"padchest_gr": [roots["padchest_gr"]]}
    with pytest.raises(SourceMissing, match="holds nothing of any source"):
        told_apart([*rest["vindr_cxr"], tmp_path])
