"""A store that was changed behind its log is found out, whatever was changed."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest

from medground_bench.core.types import Mode, Track
from medground_bench.leaderboard.audit import BrokenLog, read_log
from medground_bench.leaderboard.board import MethodRun, build_board
from medground_bench.leaderboard.columns import COLUMNS, SAID
from medground_bench.leaderboard.entries import Badge
from medground_bench.leaderboard.folder_store import FolderStore
from medground_bench.leaderboard.published import board_content, board_of
from medground_bench.leaderboard.verifying import NotVerified, verify
from medground_bench.submission.read import read_submission
from tests.kit.desks import Place, boxes, file_of, folder_place, truth, upload


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A store with two rows, one held and one withdrawn; tests work on copies."""
    place = folder_place(tmp_path_factory.mktemp("kept") / "store")
    with pytest.MonkeyPatch.context() as patch:
        from medground_bench.leaderboard import examining
        from medground_bench.leaderboard.scoring_process import examine

        patch.setattr(
            examining, "_answer", lambda asked, _limits: json.dumps(examine(json.loads(asked))).encode()
        )
        desk = place.open()
        for number, person in enumerate(("ann", "bob", "cid")):
            sent = upload(person, content=file_of(boxes(truth(), number)), method=f"M{number}")
            identity = desk.submit(sent).receipt.id
        desk.withdraw(identity, "cid")
        desk.submit(upload("dan", content=file_of(boxes(truth(), 0)), method="Copy"))
    return place


@pytest.fixture
def copied(kept, tmp_path):
    shutil.copytree(kept.store.folder, tmp_path / "copy")
    return Place(FolderStore.at(tmp_path / "copy"))


def test_a_store_that_is_whole_says_what_was_found(copied):
    held = verify(copied.store.look(), copied.truth)
    assert (held.entries, held.rows, held.rescored) == (11, 2, 2)
    assert held.head == read_log(copied.store.look().log)[-1].hash


def test_the_board_can_be_made_from_nothing_and_is_the_one_that_is_kept(copied):
    kept = copied.store.look().read("board.json")
    (copied.store.folder / "board.json").unlink()
    assert board_content(copied.store.look()) == kept


def test_the_board_of_a_store_is_the_board_of_the_same_predictions_run_by_us_but_for_the_badge(copied):
    """Scored through files and a log, or by `build_board` at once: every number of every table is the same."""
    references = copied.truth.references
    runs = [
        MethodRun(
            f"M{number}",
            Track("a", Mode.DIRECT),
            read_submission(file_of(boxes(truth(), number)), references).predictions,
            badge=Badge.SCORED,
        )
        for number in range(2)
    ]
    found, wanted = board_of(copied.store.look()), build_board(references, runs)
    said = (("training_data", "undisclosed"),)
    entries = tuple(replace(entry, said=said) for entry in wanted.scores.entries)
    wanted = replace(wanted, scores=replace(wanted.scores, entries=entries), columns=(*COLUMNS, *SAID))
    assert found == wanted and found.content() == wanted.content()
    assert [row.method for row in found.view("direct", lvlm="a")] and not found.view("direct", lvlm="b")


def edit(place, name, change):
    path = next(iter(sorted(place.store.folder.glob(name))))
    path.write_bytes(change(path.read_bytes()))
    return path


@pytest.mark.parametrize("name", ["submissions/*.json", "scores/*/*.json", "cases/*.json", "settings.json"])
def test_s36_a_file_that_was_changed_is_named(copied, name):
    path = edit(copied, name, lambda content: content.replace(b"1", b"2", 1))
    with pytest.raises(NotVerified, match=f"{path.name} was changed"):
        verify(copied.store.look())


@pytest.mark.parametrize("name", ["submissions/*.json", "scores/*/*.json"])
def test_s36_a_row_whose_file_is_gone_is_named(copied, name):
    path = next(iter(sorted(copied.store.folder.glob(name))))
    path.unlink()
    with pytest.raises(NotVerified, match=f"{path.name} is missing"):
        verify(copied.store.look())


def test_a_file_that_no_entry_names_is_named(copied):
    (copied.store.folder / "submissions/extra.json").write_text("{}")
    with pytest.raises(NotVerified, match=r"submissions/extra\.json is in no entry"):
        verify(copied.store.look())


def without_line(number):
    return lambda content: b"".join(
        line for at, line in enumerate(content.splitlines(keepends=True)) if at != number
    )


@pytest.mark.parametrize(
    "change",
    [
        without_line(0),
        without_line(4),
        lambda content: content.replace(b'"M1"', b'"M9"', 1),
        lambda content: content.replace(b"2026", b"2025", 1),
        lambda content: content + content.splitlines(keepends=True)[-1],
        lambda content: content.replace(b": ", b":", 1),
        lambda content: content + b"{}\n",
        lambda content: content + b"not JSON",
    ],
    ids=["first gone", "one gone", "renamed", "redated", "one twice", "respaced", "empty entry", "no entry"],
)
def test_s36_a_log_that_was_changed_anywhere_breaks_its_chain(copied, change):
    edit(copied, "audit.jsonl", change)
    with pytest.raises(BrokenLog):
        verify(copied.store.look())


def test_s36_a_log_whose_end_was_cut_off_leaves_files_that_no_entry_names(copied):
    edit(copied, "audit.jsonl", lambda content: b"".join(content.splitlines(keepends=True)[:-2]))
    with pytest.raises(NotVerified, match="is in no entry of the log"):
        verify(copied.store.look())


def test_a_board_on_which_a_number_was_changed_does_not_follow(copied):
    def better(content):
        board = json.loads(content)
        board["rows"][0]["iou"] = 0.99
        return json.dumps(board, indent=1).encode() + b"\n"

    edit(copied, "board.json", better)
    with pytest.raises(NotVerified, match="is not the board that follows"):
        verify(copied.store.look())


def test_scores_that_the_boxes_do_not_have_are_found_with_the_truth_alone(copied):
    """Whoever may write could chain a lie; only scoring again tells."""
    from dataclasses import replace

    from medground_bench.core.types import Box

    other = truth()
    first = other.references[0]
    moved = replace(first, boxes=(Box(0, 0, 5, 5, first.native),))
    verify(copied.store.look())
    with pytest.raises(NotVerified, match="does not score what is kept of it"):
        verify(copied.store.look(), replace(other, references=(moved, *other.references[1:])))
