"""Our runs and submissions on one board: the same numbers as if all had been run together, and why not where not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from medground_bench.core.errors import SourceMissing
from medground_bench.leaderboard.board import Board, build_board
from medground_bench.leaderboard.exports import EXPORTS
from medground_bench.leaderboard.folder_store import FolderStore
from medground_bench.leaderboard.joining import joined
from medground_bench.leaderboard.opening import open_board
from medground_bench.leaderboard.page_data import page_data
from medground_bench.leaderboard.published import board_of
from medground_bench.leaderboard.query import BoardQuery
from medground_bench.leaderboard.views import WITHHELD
from tests.kit.desks import boxes, file_of, truth, truth_of_both, upload
from tests.kit.joint_boards import CODE, our_board, our_runs, sent_runs, sent_to

pytestmark = pytest.mark.usefixtures("scored_here")
ON_A = BoardQuery(mode="direct", lvlm="a")
HIDDEN = truth(source="vindr_cxr")


@pytest.fixture
def place(tmp_path):
    return sent_to(tmp_path / "store")


@pytest.fixture
def both(place) -> Board:
    return joined(our_board(place.truth), board_of(place.store.look()))


def test_every_number_and_rank_is_that_of_all_rows_run_together(place, both):
    together = build_board(place.truth.references, [*our_runs(place.truth), *sent_runs(place.truth)])
    for query in (ON_A, replace(ON_A, size="medium"), replace(ON_A, badge="scored", sort="f1")):
        found, wanted = both.table(query), together.table(query)
        assert [(row.method, row.badge, row.rank) for row in found.rows] == [
            (row.method, row.badge, row.rank) for row in wanted.rows
        ]
        own = [
            {field: row.values[field] for field in one.values}
            for row, one in zip(found.rows, wanted.rows, strict=True)
        ]
        assert own == [row.values for row in wanted.rows]
        assert (found.ranks, found.caption) == (wanted.ranks, wanted.caption)


def test_badges_are_kept_and_a_control_that_both_have_stands_there_once_as_we_ran_it(both):
    rows = both.table(ON_A).rows
    assert {(row.shown, row.badge.words) for row in rows} == {
        ("medfocus", "reproduced by us"),
        ("occlusion", "reproduced by us"),
        ("Mine", "scored by us"),
        ("Other", "scored by us"),
        ("whole_image", "reproduced by us"),
    }
    assert {row.rank.last for row in rows if row.rank} == {4}


def test_what_a_submitter_says_stands_in_columns_of_its_own_and_nothing_where_nothing_is_said(both):
    said = {
        row.shown: [row.values[key] for key in ("training_data", "code", "seed")]
        for row in both.table(ON_A).rows
    }
    assert said["Mine"] == ["overlap", CODE, "7"]
    assert said["Other"] == ["undisclosed", None, None]
    assert said["medfocus"] == said["whole_image"] == [None, None, None]
    lines = EXPORTS["csv"](both.table(ON_A)).decode().splitlines()
    [line] = [line for line in lines if line.startswith("Mine,")]
    assert line.endswith(f"overlap,{CODE},7") and lines[0].endswith("training_data,code,seed")


def test_files_of_one_method_that_say_different_things_are_told_together(place):
    more = file_of(boxes(place.truth, 23, lvlms=("b",)))
    sent = upload(
        "by-21", content=more, method="Mine", lvlms=("b",), training_data="disclosed-clean", code=CODE
    )
    assert place.desk.submit(sent).receipt
    [row] = board_of(place.store.look()).table(replace(ON_A, lvlm="b")).rows
    assert (row.values["training_data"], row.values["code"]) == ("disclosed-clean, overlap", CODE)


def test_only_a_link_to_a_known_host_leads_anywhere(both):
    [row] = [row for row in both.table(ON_A).rows if row.shown == "Mine"]
    [code] = [column for column in both.columns if column.key == "code"]
    assert row.link(code) == CODE
    for words in (
        "javascript:alert(1)",
        "http://github.com/a/b",
        f"{CODE}, {CODE}",
        "https://github.com.evil.org/a",
    ):
        assert replace(row, values={"code": words}).link(code) == ""
        assert replace(row, values={"code": words}).text(code) == words


def test_submissions_to_other_cases_stand_apart_and_the_board_says_why(place):
    ours = our_board(replace(place.truth, references=place.truth.references[:10]))
    found = joined(ours, board_of(place.store.look()))
    assert found.scores == ours.scores and found.table(ON_A) == ours.table(ON_A)
    [note] = found.notes
    assert note == (
        "3 rows of submissions cannot be compared with these and stand apart: they answer 24 cases and these rows 10, "
        "of which 10 are the same."
    )
    assert page_data(found, {})["about"][0] == note


def test_submissions_under_another_protocol_stand_apart(place):
    found = joined(our_board(place.truth), replace(board_of(place.store.look()), protocol=99))
    assert len(found.scores.entries) == 3 and "scored under protocol 99" in found.notes[0]


def test_a_store_without_a_row_leaves_the_board_as_it_is(local):
    local.open()
    ours = our_board(local.truth)
    assert joined(ours, board_of(local.store.look())) == ours


def test_results_as_they_are_published_stand_with_a_store_that_has_other_sources_too(tmp_path):
    """Where ours are known all are ranked together; of the hidden source the tables are those of submissions."""
    mixed = truth_of_both()
    place = sent_to(tmp_path / "store", mixed)
    found = joined(our_board(mixed).for_everybody(), board_of(place.store.look()))
    [note] = found.notes
    assert note.startswith("Our scores on vindr_cxr are not here")
    rows = {
        source: {(row.method, row.badge.value) for row in found.table(replace(ON_A, source=source)).rows}
        for source in ("phantom", "vindr_cxr", "all")
    }
    sent = {("Mine", "scored"), ("Other", "scored")}
    ours = {(name, "reproduced") for name in ("medfocus", "occlusion", "whole_image")}
    assert rows["phantom"] == sent | ours and rows["vindr_cxr"] == sent | {("whole_image", "scored")}
    assert rows["all"] == sent
    together = joined(our_board(mixed), board_of(place.store.look()))
    for source in ("phantom", "vindr_cxr"):
        wanted = together.table(query := replace(ON_A, source=source))
        for row in found.table(query).rows:
            if row.badge.value == "scored" and row.method != "whole_image":
                assert row.values == next(one for one in wanted.rows if one.shown == row.shown).values


def test_a_view_of_few_images_whose_boxes_are_hidden_has_no_scores_wherever_it_is_shown(tmp_path):
    place = sent_to(tmp_path / "store", HIDDEN)
    found = joined(our_board(HIDDEN), board_of(place.store.look()))
    images = {
        size: len({case.image_id for case in found.scores.cases if size in ("all", case.size)})
        for size in ("all", *found.offered["size"])
    }
    assert min(images.values()) < 6 <= max(images.values())
    for size, several in images.items():
        table = found.table(replace(ON_A, size=size))
        assert (table.withheld, bool(table.rows)) == (several < 6, several >= 6)
        if table.withheld:
            assert WITHHELD in table.caption and f"on {several} image" in table.caption
            page = page_data(found, {"lvlm": "a", "size": size, "shown": "forest"})
            assert page["rows"] == [] and page["chart"]["rows"] == [] and page["caption"] == table.caption
            assert EXPORTS["csv"](table).count(b"\n") == 1
    shown = page_data(found, {"lvlm": "a", "shown": "sizes"})["chart"]
    assert set(shown["head"][1:]) == {
        size for size, several in images.items() if size != "all" and several >= 6
    }


@pytest.mark.parametrize("kind", ["no row", "another protocol", "other cases", "joined"])
def test_that_rule_holds_whatever_becomes_of_the_submissions(tmp_path, local, kind):
    local.truth = HIDDEN
    local.open()
    empty, sent = board_of(local.store.look()), board_of(sent_to(tmp_path / "sent", HIDDEN).store.look())
    fewer = replace(HIDDEN, references=tuple(each for each in HIDDEN.references if each.image_id != "000"))
    ours, theirs = {
        "no row": (HIDDEN, empty),
        "another protocol": (HIDDEN, replace(sent, protocol=99)),
        "other cases": (fewer, sent),
        "joined": (HIDDEN, sent),
    }[kind]
    found = joined(our_board(ours), theirs)
    assert bool(found.notes) == (kind in ("another protocol", "other cases"))
    few = found.table(replace(ON_A, size="large"))
    assert 0 < few.images < 6 and few.withheld and few.rows == ()
    assert found.table(ON_A).rows


def test_the_same_views_of_phantoms_keep_their_scores(both):
    assert all(both.table(replace(ON_A, size=size)).rows for size in both.offered["size"])


def test_a_board_is_opened_with_a_store_beside_it(place, both, tmp_path):
    our_board(place.truth).save(tmp_path / "results")
    assert isinstance(place.store, FolderStore)
    assert open_board(str(tmp_path / "results"), str(place.store.folder)) == both
    with pytest.raises(SourceMissing, match="holds no results"):
        open_board(str(tmp_path), str(place.store.folder))
