"""`medground board`: the table in the terminal, as a file, and wrong words."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from medground_bench.commands.main import app
from medground_bench.leaderboard.board import build_board
from medground_bench.leaderboard.columns import COLUMNS
from medground_bench.leaderboard.exports import EXPORTS
from medground_bench.leaderboard.opening import open_board
from medground_bench.leaderboard.query import BoardQuery
from medground_bench.leaderboard.views import WITHHELD
from medground_bench.phantom.limits import TAUGHT_WHERE
from tests.kit.board_runs import LEFT_HALF, reference, run
from tests.kit.desks import truth
from tests.kit.joint_boards import CODE, our_board, sent_to
from tests.kit.made_boards import made_board


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    results = tmp_path_factory.mktemp("results")
    made_board().save(results)
    return results


def asked(*words, columns=400):
    return CliRunner().invoke(app, ["board", *map(str, words)], env={"COLUMNS": str(columns)})


def test_the_terminal_shows_every_number_of_the_table(folder):
    done = asked(folder, "--only", "mode=direct", "--only", "size=small")
    assert done.exit_code == 0
    table = made_board().table(BoardQuery(mode="direct", size="small"))
    assert table.caption in done.output and TAUGHT_WHERE in done.output
    lines = done.output.splitlines()
    for row in table.rows:
        [line] = [line for line in lines if line.strip().startswith(row.shown)]
        texts = [row.text(column) for column in table.columns]
        assert all(text in line for text in (*texts, row.interval(table.columns[0])))
        assert str(row.rank or "-") in line


@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        (80, {"IoU", "F1", "Precision", "Recall", "Failed"}),
        (120, {"IoU", "F1", "Precision", "Recall", "Coverage", "Failed", "No box", "Whole image", "Area", "Boxes"}),
        (400, {column.name for column in COLUMNS}),
    ],
)  # fmt: skip
def test_a_narrow_terminal_shows_the_columns_that_fit_uncut_and_names_the_others(folder, columns, shown):
    output = asked(folder, "--only", "mode=direct", columns=columns).output
    table = made_board().table(BoardQuery(mode="direct"))
    drawn = output.partition("A case on which")[0]
    assert "…" not in drawn and max(map(len, drawn.splitlines())) <= columns
    for row in table.rows:
        [line] = [line for line in drawn.splitlines() if line.split()[:1] == [row.shown]]
        texts = [row.text(column) for column in table.columns if column.name in shown]
        numbers = [str(row.rank or "-"), texts[0], row.interval(table.columns[0]) or "-", *texts[1:]]
        assert " ".join(line.split()).endswith(" ".join(numbers))
    told = " ".join(drawn.partition("No room for: ")[2].split())
    left_out = [column.name for column in COLUMNS if column.name not in shown]
    where = "medground board with --out FILE.csv or --json gives all numbers."
    assert told == (f"{', '.join(left_out)}. {where}" if left_out else "")


def test_a_name_is_printed_as_its_characters(tmp_path):
    cases = [reference(number, "a") for number in range(7)]
    build_board(cases, [run("[red]me[/red] :smile: [/x]", cases, LEFT_HALF)]).save(tmp_path)
    assert "[red]me[/red] :smile: [/x]" in asked(tmp_path).output


def test_a_row_that_was_not_run_on_all_lvlms_stands_in_the_tables_of_its_own(tmp_path):
    cases = [reference(number, lvlm) for lvlm in "ab" for number in range(7)]
    everywhere = [run("medfocus", [case for case in cases if case.lvlm == lvlm], LEFT_HALF) for lvlm in "ab"]
    on_a = run("occlusion", cases[:7], LEFT_HALF)
    for runs, lvlms in ((everywhere, [None]), ([*everywhere, on_a], [None, "a"]), ([on_a], ["a"])):
        build_board(cases, runs).save(tmp_path)
        tables = json.loads(asked(tmp_path, "--json").output)
        assert [table["query"].get("lvlm") for table in tables] == lvlms
    assert [row["method"] for row in tables[0]["rows"]] == ["occlusion"]


def test_json_is_the_tables_that_are_printed(folder):
    tables = json.loads(asked(folder, "--only", "size=small", "--json").output)
    queries = [BoardQuery(mode=mode, size="small") for mode in ("direct", "reason")]
    assert tables == [json.loads(EXPORTS["json"](made_board().table(query))) for query in queries]


def test_without_a_mode_every_mode_is_shown(folder):
    output = asked(folder).output
    assert "mode direct" in output and "mode reason" in output


@pytest.mark.parametrize("ending", sorted(EXPORTS))
def test_a_table_is_written_as_a_file_of_the_ending_that_is_named(folder, tmp_path, ending):
    out = tmp_path / f"table.{ending}"
    assert asked(folder, "--only", "sort=f1", "--out", out).exit_code == 0
    assert out.read_bytes() == EXPORTS[ending](made_board().table(BoardQuery(mode="direct", sort="f1")))


def test_a_store_beside_results_stands_on_the_same_board_in_every_form(tmp_path):
    store = sent_to(tmp_path / "store").store
    our_board(truth()).save(tmp_path / "results")
    words = (tmp_path / "results", "--with", store.folder)
    wanted = open_board(str(tmp_path / "results"), str(store.folder))
    [*_pooled, of_a] = json.loads(asked(*words, "--json").output)
    assert of_a == json.loads(EXPORTS["json"](wanted.table(BoardQuery(mode="direct", lvlm="a"))))
    assert {(row["method"], row["badge"]) for row in of_a["rows"]} >= {
        ("Mine", "scored"),
        ("medfocus", "reproduced"),
    }
    assert CODE in asked(*words).output
    done = asked(*words, "--only", "lvlm=a", "--out", tmp_path / "table.csv", "--static", tmp_path / "pages")
    assert done.exit_code == 0
    table = wanted.table(BoardQuery(mode="direct", lvlm="a"))
    assert (tmp_path / "table.csv").read_bytes() == EXPORTS["csv"](table)
    assert CODE in (tmp_path / "pages" / "data" / "1.js").read_text()


def test_a_choice_of_few_images_whose_boxes_are_hidden_prints_and_writes_why_it_has_no_scores(tmp_path):
    hidden = truth(source="vindr_cxr")
    store = sent_to(tmp_path / "store", hidden).store.folder
    our_board(hidden).save(tmp_path / "results")
    few = ("--only", "lvlm=a", "--only", "size=large")
    for words in ((tmp_path / "results", "--with", store), (store,)):
        output = " ".join(asked(*words, *few).output.split())
        assert f"4 cases on 4 images: {WITHHELD}" in output and "Mine" not in output
        [table] = json.loads(asked(*words, *few, "--json").output)
        assert table["rows"] == [] and WITHHELD in table["caption"]
        assert asked(*words, *few, "--out", tmp_path / "few.csv").exit_code == 0
        assert len((tmp_path / "few.csv").read_text().splitlines()) == 1
        assert "Mine" in asked(*words, "--only", "lvlm=a", "--only", "size=medium").output


def test_a_space_cannot_be_verified_and_one_that_is_away_is_not_said_to_accept_nothing():
    told = str(asked("http://127.0.0.1:9", "--verify").exception)
    assert (
        "is the address of a Space" in told
        and "Give the store itself" in told
        and "no such folder" not in told
    )
    told = str(asked("http://127.0.0.1:9").exception)
    assert "gives no answer" in told and "accepted" not in told


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--only", "lvlm=phantom_gema3"], "Did you mean phantom_gemma3"),
        (["--only", "findng=nodule"], "no filter of the board is called 'findng'. Did you mean finding"),
        (["--only", "lvlm"], "says no value"),
        (["--out", "table.xls"], "ending in .csv, .json, .parquet, .tex"),
        (["--benchmark", "bench"], "--benchmark is for --verify"),
        (["--verify", "--only", "mode=direct"], "--verify goes with --benchmark alone"),
        (["--verify"], "is no store of submissions"),
        (["--verify", "--with", "store"], "--verify goes with --benchmark alone"),
        (["--with", "nowhere"], "there is no such folder"),
        (["--with", "https://org-space.hf.space"], "Give the store itself"),
    ],
)
def test_wrong_words_are_told(folder, words, told):
    done = asked(folder, *words)
    assert done.exit_code != 0
    said = " ".join((done.output + str(done.exception or "")).replace("│", " ").split())
    assert told in said
