"""What `stats --to` writes: the same numbers as the tables it prints, for programs, for pages and for the eye."""

from __future__ import annotations

import csv
import json
from collections import Counter

import pytest
from rich.table import Table

from builder.counters import by_track, read_records
from builder.place import Place
from builder.release import import_release
from builder.stats_files import as_markdown, groups_figure, write_stats
from medground_bench.benchmark.folder import DatasetFolder
from medground_bench.benchmark.rows import QUESTIONS, VERDICTS
from medground_bench.benchmark.statistics import GroupRow, Statistics
from tests.kit.builds import bytes_of

SPLITS = ("test", "tune")


@pytest.fixture(scope="module")
def written(built, tmp_path_factory):
    out = tmp_path_factory.mktemp("stats")
    records = read_records(Place(built.path.with_name(f"{built.path.name}.store")) / "builds")
    write_stats(out, [Statistics.of(built, split) for split in SPLITS], by_track(records))
    return out


def rows(file):
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_every_table_is_there_as_csv_and_markdown_and_a_figure_a_split(written):
    stems = ("figure6-groups", "table3", "table4", "work")
    tables = {f"{stem}.{end}" for stem in stems for end in ("csv", "md")}
    assert {file.name for file in written.iterdir()} == tables | {"groups-test.png", "groups-tune.png"}


def test_table_3_has_shares_of_the_positive_questions(written, built):
    positive = sum(row.answer == "yes" for row in built.read(QUESTIONS, "test"))
    verdicts = [row for row in built.read(VERDICTS, "test") if row.mode == "direct"]
    (pooled,) = (
        row
        for row in rows(written / "table3.csv")
        if (row["split"], row["mode"], row["finding"]) == ("test", "direct", "all")
    )
    assert int(pooled["questions"]) == positive
    for group in ("incorrect", "ungrounded", "grounded"):
        count = sum(row.group == group for row in verdicts)
        assert int(pooled[group]) == count
        assert float(pooled[f"{group}_share"]) == pytest.approx(count / positive, abs=1e-6)
    shares = [
        f"{100 * float(pooled[f'{name}_share']):.1f}" for name in ("incorrect", "ungrounded", "grounded")
    ]
    line = f"| phantom | rule_lvlm | direct | {positive} | {' | '.join(shares)} |"
    assert line in (written / "table3.md").read_text().splitlines()


def test_table_4_and_the_groups_of_figure_6_count_the_verdicts(written, built):
    for split in SPLITS:
        counted = Counter((row.mode, row.group) for row in built.read(VERDICTS, split))
        retained = {
            row["mode"]: int(row["retained"]) for row in rows(written / "table4.csv") if row["split"] == split
        }
        assert retained == {mode: counted[mode, "grounded"] for mode in ("direct", "reason")}
        for row in rows(written / "figure6-groups.csv"):
            if row["split"] == split:
                assert int(row["questions"]) == counted[row["mode"], row["group"]]


def test_the_work_says_which_editor_it_was_and_how_often_it_was_asked(written):
    direct, reason = rows(written / "work.csv")
    assert (direct["mode"], reason["mode"]) == ("direct", "reason")
    assert direct["editor"].startswith("phantom_exact@")
    assert int(direct["edits_made"]) > 0 and int(direct["calls"]) < int(direct["naive_calls"])
    assert "| phantom | rule_lvlm | direct |" in (written / "work.md").read_text()


def group_row(lvlm, mode, source, counts, questions=10, finding="all"):
    return GroupRow(lvlm, mode, source, finding, questions, *counts, *counts[:2], 0, 0)


def test_the_figure_has_a_section_a_source_a_row_an_lvlm_and_a_panel_a_mode():
    groups = [
        group_row("b", "direct", "vindr_cxr", (5, 3, 2)),
        group_row("a", "reason", "vindr_cxr", (1, 1, 8)),
        group_row("a", "direct", "imagenome", (0, 0, 5)),
        group_row("a", "direct", "imagenome", (0, 0, 5), finding="mass"),
        group_row("a", "direct", "padchest_gr", (0, 0, 5), questions=None),
    ]
    figure = groups_figure(Statistics("test", [], [], [], groups, []))
    assert figure.panels == ["positive questions, %, direct", "positive questions, %, reason"]
    assert figure.sections == {
        "imagenome": {"a": [(0.0, 0.0, 0.5), None]},
        "vindr_cxr": {"a": [None, (0.1, 0.1, 0.8)], "b": [(0.5, 0.3, 0.2), None]},
    }


def test_groups_of_figure_6_are_pooled_over_sources():
    groups = [group_row("a", "direct", source, (5, 3, 2)) for source in ("vindr_cxr", "imagenome")]
    assert Statistics("test", [], [], [], groups, []).pooled() == {("a", "direct"): (10, 6, 4)}


def test_a_release_has_retained_cases_and_no_figure_and_an_old_one_is_removed(medground_release, tmp_path):
    folder, out = DatasetFolder(tmp_path / "bench"), tmp_path / "stats"
    import_release(medground_release / "direct.json", folder)
    out.mkdir()
    (out / "groups-test.png").write_bytes(b"of an earlier call")
    write_stats(out, [Statistics.of(folder, "test")], [])
    assert not (out / "groups-test.png").exists()
    assert sum(int(row["retained"]) for row in rows(out / "table4.csv")) == 1880
    assert {row["questions"] for row in rows(out / "table3.csv")} == {""}
    assert "| total |" in (out / "table4.md").read_text() and (out / "table3.md").read_text() == "No rows.\n"


def test_a_bar_in_a_name_does_not_break_a_table_of_markdown():
    table = Table(title="title")
    table.add_column("name")
    table.add_column("count", justify="right")
    table.add_row("a|b", "3")
    assert as_markdown(table).splitlines() == [
        "**title**",
        "",
        "| name | count |",
        "| --- | ---: |",
        r"| a\|b | 3 |",
    ]


def test_the_command_writes_the_same_bytes_again_and_prints_the_json_it_always_did(run, built, tmp_path):
    code, said, _ = run("stats", "--out", built.path, "--to", tmp_path / "a")
    assert code == 0 and "groups-test.png" in said
    code, with_files, _ = run("stats", "--out", built.path, "--to", tmp_path / "b", "--json")
    assert json.loads(with_files) == json.loads(run("stats", "--out", built.path, "--json")[1])
    assert bytes_of(DatasetFolder(tmp_path / "a")) == bytes_of(DatasetFolder(tmp_path / "b"))
