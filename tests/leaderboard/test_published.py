"""A store's submissions as rows of the board: what is kept of them is all that the board is made of."""

from __future__ import annotations

import json

import numpy as np
import pytest

from medground_bench.core.protocol import PROTOCOL
from medground_bench.leaderboard import audit, published
from medground_bench.leaderboard.case_numbers import NUMBERS
from medground_bench.leaderboard.case_scores import BoardCase
from medground_bench.leaderboard.kept_files import MadeOnce
from medground_bench.leaderboard.opening import open_board
from medground_bench.leaderboard.published import KeptScores, board_of
from medground_bench.leaderboard.query import BoardQuery
from medground_bench.leaderboard.records import BadRecord
from medground_bench.storage.whole_files import sha256
from tests.kit.desks import OPERATOR, boxes, file_of, truth, upload

pytestmark = pytest.mark.usefixtures("scored_here")
ON_A = BoardQuery(mode="direct", lvlm="a")


def table(place):
    return board_of(place.store.look()).table(ON_A)


def test_a_submission_is_a_row_scored_by_us_that_says_the_seconds_of_its_file(local):
    lines = file_of(boxes(truth())).splitlines()
    timed = [json.dumps(json.loads(line) | {"seconds": 1 + number}) for number, line in enumerate(lines)]
    local.open().submit(upload(content="\n".join(timed).encode(), method="Mine"))
    (row,) = table(local).rows
    assert (row.shown, row.badge.words, row.family) == ("Mine", "scored by us", "extra")
    assert row.number("seconds") == pytest.approx(np.mean(np.arange(1, 13)))
    assert (row.number("coverage"), row.number("failure_rate"), row.number("boxes")) == (1, 0, 1)


def test_seconds_that_nobody_told_are_unknown(local):
    local.open().submit(upload(method="Mine"))
    assert table(local).rows[0].number("seconds") is None


def test_a_case_without_a_box_counts_as_zero_and_as_one_without_a_box(local):
    given = boxes(truth())
    first = next(iter(given))
    local.open().submit(upload(content=file_of(given | {first: []}), method="Mine"))
    (row,) = table(local).rows
    assert row.number("without_box") == pytest.approx(1 / 12, abs=1e-6) and row.number("failure_rate") == 0


def test_boxes_that_rest_on_neither_picture_nor_answer_are_named_so_on_the_board_and_controls_have_no_rank(
    local,
):
    whole = {
        each.case_id: [[0, 0, each.native.width, each.native.height]]
        for each in truth().references
        if each.lvlm == "a"
    }
    desk = local.open()
    desk.submit(upload(OPERATOR, content=file_of(whole), method="whole_image"))
    desk.submit(upload("ann", method="Mine"))
    shown = {row.shown: row for row in table(local).rows}
    assert set(shown) == {"whole_image (answer-independent)", "Mine"}
    assert shown["whole_image (answer-independent)"].rank is None and str(shown["Mine"].rank) == "1"


def test_the_cases_of_a_store_are_those_of_the_board_without_any_box(local):
    local.open()
    assert board_of(local.store.look()).scores.cases == tuple(
        sorted(map(BoardCase.of, local.truth.references), key=lambda case: case.case_id)
    )


def test_the_board_at_a_place_is_that_of_its_store(local):
    local.open().submit(upload(method="Mine"))
    assert open_board(str(local.store.folder)) == board_of(local.store.look())


@pytest.fixture
def kept(local):
    """The file of scores of a store's one row."""
    identity = local.open().submit(upload(method="Mine")).receipt.id
    return local.store.folder / f"scores/v{PROTOCOL}-1f2e1f2e1f2e/{identity}.json"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"scores"', b'"numbers"'),
        (b'"scores": [\n["', b'"scores": [\n[0, "'),
        (b'"phantom/000', b'7, "phantom/000'),
        (b"{", b""),
    ],
    ids=["no scores", "too many numbers", "a case that is no text", "no JSON"],
)
def test_a_damaged_file_of_scores_is_told(kept, old, new):
    whole = kept.read_bytes()
    assert old in whole and KeptScores.of(whole).numbers.shape == (12, len(NUMBERS))
    with pytest.raises(BadRecord, match="a file of scores in the store is damaged"):
        KeptScores.of(whole.replace(old, new, 1))


def test_scores_of_another_case_are_told_also_where_the_log_names_their_file(local, kept):
    whole, log = kept.read_bytes(), local.store.folder / audit.FILE
    other = whole.replace(b'["phantom/000/', b'["phantom/999/', 1)
    kept.write_bytes(other)
    log.write_bytes(log.read_bytes().replace(sha256(whole).encode(), sha256(other).encode()))
    with pytest.raises(BadRecord, match="a case that is not in its list of cases"):
        board_of(local.store.look())


def test_a_board_of_files_that_were_read_before_is_that_of_files_read_anew(local, kept, monkeypatch):
    before = board_of(local.store.look())
    local.desk.submit(upload("bob", method="Other"))
    after = board_of(local.store.look())
    made = []
    fresh = MadeOnce(lambda content: made.append(1) or KeptScores.of(content), most=2)
    monkeypatch.setattr(published, "SCORES", fresh)
    for _ in range(2):
        assert board_of(local.store.look()) == after != before
    assert len(made) == 2
    for number in range(3):
        local.desk.submit(upload(f"person{number}", method=f"M{number}"))
    assert len(fresh._made) == 2


def test_a_file_that_was_read_before_and_is_another_since_is_told_by_its_name(local, kept):
    made, whole = board_of(local.store.look()), kept.read_bytes()
    kept.write_bytes(whole.replace(b"0", b"1", 1))
    with pytest.raises(BadRecord, match=f"{kept.name} of the store is not the file that its log names"):
        board_of(local.store.look())
    kept.write_bytes(whole)
    assert board_of(local.store.look()) == made
