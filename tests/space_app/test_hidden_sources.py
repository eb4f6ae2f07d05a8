"""Cases and Compare of sources whose expert boxes are hidden: frames for whoever has them, a reason for everybody."""

from __future__ import annotations

import json

import pytest

from medground_bench.leaderboard.folder_store import FolderStore
from medground_bench.leaderboard.query import BoardQuery
from tests.kit.case_books import book_on
from tests.kit.desks import truth_of_both
from tests.kit.joint_boards import our_board, our_runs

cases_page, compare_page = pytest.importorskip("cases_page"), pytest.importorskip("compare_page")
submission_desk = pytest.importorskip("submission_desk")
PAIR = "lvlm=a&first=medfocus&second=occlusion"
ON_HIDDEN = BoardQuery(mode="direct", lvlm="a", source="vindr_cxr")


@pytest.fixture(autouse=True)
def results(here, tmp_path):
    """Of phantoms and of a source whose boxes are hidden."""
    of = truth_of_both()
    our_board(of).save(tmp_path)
    book_on(of, our_runs(of)).save(tmp_path)
    here.setenv("MEDGROUND_RESULTS", str(tmp_path))


def by_source(shown):
    [table] = [table for table in shown["tables"] if table["head"] == "Source"]
    return {row.pop("name"): row for row in table["rows"]}


def test_on_ones_own_machine_a_case_is_a_frame_of_the_right_size_with_expert_and_found_boxes():
    case = next(each for each in truth_of_both().references if each.source == "vindr_cxr")
    shown = cases_page.case(f"case={case.case_id}&methods=medfocus,occlusion")["case"]
    assert (shown["film"], shown["width"], shown["height"]) == ("", case.native.width, case.native.height)
    assert len(shown["experts"]) == 1 and [len(each["boxes"]) for each in shown["methods"]] == [1, 1]
    sources = by_source(compare_page.compare_rows(PAIR)["comparison"])
    assert [row["cases"] for row in sources.values()] == [12, 12]


@pytest.fixture(params=["a Space", "submissions"])
def for_others(request, here, tmp_path):
    """A Space of the hub, or a machine of one's own to which others submit."""
    if request.param == "a Space":
        here.setenv("SPACE_ID", "org/space")
    else:
        here.setenv("MEDGROUND_STORE", str(FolderStore.made(tmp_path / "store").folder))
        here.setenv("MEDGROUND_BENCHMARK", "org/bench")


@pytest.mark.usefixtures("for_others")
def test_where_others_come_the_source_is_named_with_the_reason_and_with_what_the_board_tells():
    listed = cases_page.case("")
    assert "24 of vindr_cxr. Their expert boxes" in listed["withheld"] and listed["case"]["total"] == 24
    _controls, *filters, view, current = cases_page.open_cases("tab=cases&source=vindr_cxr")
    assert (filters[2].value, current) == ("vindr_cxr", "") and list(view) == ["note", "empty"]
    assert view["empty"].startswith("There is nothing to see of vindr_cxr: 24 cases.")
    compared = compare_page.compare_rows(PAIR)["comparison"]
    hidden = by_source(compared)["vindr_cxr"]
    means = {row.method: row.number("iou") for row in our_board(truth_of_both()).table(ON_HIDDEN).rows}
    difference = f"{100 * abs(means['medfocus'] - means['occlusion']):.1f}"
    assert hidden["difference"][1:] == difference and hidden["interval"] == hidden["p"] == "not told"
    assert "24 of vindr_cxr" in compared["withheld"] and "two means on the board" in compared["withheld"]
    note = compare_page.open_pair(f"{PAIR}&source=vindr_cxr")[-1]["note"]
    assert (
        note.startswith("There is nothing to see of vindr_cxr")
        and f"{difference} points of IoU on 12 cases" in note
    )
    assert "vindr_cxr/" not in json.dumps([listed, compared])


@pytest.mark.usefixtures("for_others")
def test_the_desk_compares_with_all_that_our_methods_gave_also_where_nobody_is_shown_it(here, tmp_path):
    of = truth_of_both()
    ours = submission_desk.our_boxes()
    assert ours == [run.boxes for run in book_on(of, our_runs(of)).runs]
    assert any("vindr_cxr/" in case for case in ours[0])
    here.setenv("MEDGROUND_RESULTS", str(tmp_path / "none"))
    assert submission_desk.our_boxes() == []


def test_an_address_of_what_is_gone_says_so_on_both_pages_and_programs_get_no_other_pair():
    *_rest, page = compare_page.open_pair("tab=compare&lvlm=a&first=gone&second=occlusion")
    assert "no first=gone" in page["note"] and page["comparison"]["first"] == "medfocus"
    assert compare_page.open_pair(f"tab=compare&{PAIR}")[-1]["note"] == ""
    with pytest.raises(Exception, match="no first=gone"):
        compare_page.compare_rows("lvlm=a&first=gone&second=occlusion")
    assert "no methods=gone" in cases_page.case("methods=gone,medfocus")["note"]
