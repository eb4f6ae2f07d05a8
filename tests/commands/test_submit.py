"""`medground submit`, `withdraw` and `board` in words: to a store at hand and to a Space, with the same receipt."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from builder.cli import app as builder_app
from medground_bench.benchmark.opening import open_benchmark
from medground_bench.leaderboard.opening import open_store
from medground_bench.leaderboard.store import StoreSettings
from tests.kit.open_desks import answers


@pytest.fixture(scope="module")
def opened(built, tmp_path_factory):
    """A store that the builder opened for the small build."""
    folder = tmp_path_factory.mktemp("opened") / "store"
    words = ["board", "open", str(folder), "--benchmark", str(built.path), "--by", "op"]
    done = CliRunner().invoke(builder_app, words, catch_exceptions=False)
    assert done.exit_code == 0 and f"{folder} is open for medground-bench" in done.output.replace("\n", " ")
    return folder


@pytest.fixture(scope="module")
def file(built, tmp_path_factory):
    """A prediction file of the track direct."""
    path = tmp_path_factory.mktemp("predicted") / "mine.jsonl"
    path.write_bytes(answers(built))
    return path


@pytest.fixture
def here(opened, built):
    """The words that name the store and its truth."""
    return ("--to", opened, "--benchmark", built.path, "--person", "ann")


WORDS = ("--name", "Mine", "--revision", "rule_lvlm=1f2e", "--training-data", "disclosed-clean")


def test_a_file_is_checked_submitted_shown_verified_and_withdrawn(medground, file, here, opened, built):
    code, out, _ = medground("submit", file, *here, *WORDS, "--only-check")
    assert (code, out) == (0, "No problem. Nothing was kept, and nothing of the quota was spent.\n")
    code, out, err = medground(
        "submit", file, *here, *WORDS, "--json", "--seed", 3, "--package", "torch=2.13.0+cpu"
    )
    receipt = json.loads(out)
    assert (code, receipt["status"], receipt["method"]) == (0, "scored", "Mine")
    assert err.splitlines() == [
        "reading the file ...", "writing it down ...", "scoring ...", "comparing with other submissions ...",
        "putting it on the board ...", "Scored. Its row is on the board.",
    ]  # fmt: skip
    record = json.loads(open_store(str(opened)).look().read(f"submissions/{receipt['id']}.json"))
    assert record["about"]["metadata"] == {
        "lvlm_revisions": {"rule_lvlm": "1f2e"},
        "method": "Mine",
        "seed": 3,
        "training_data": "disclosed-clean",
        "versions": {"torch": "2.13.0+cpu"},
    }
    code, out, _ = medground("board", opened)
    assert code == 0 and "Mine" in out and "mode direct" in out
    code, out, _ = medground("board", opened, "--json")
    ((table, (row,)),) = [(each, each["rows"]) for each in json.loads(out) if each["rows"]]
    assert (row["method"], row["badge"], table["query"]) == ("Mine", "scored", {"mode": "direct"})
    code, out, _ = medground("board", opened, "--verify", "--benchmark", built.path)
    assert code == 0 and "4 entries in one chain" in out and "1 scored again from their boxes" in out
    code, out, _ = medground("withdraw", receipt["id"], *here)
    assert code == 0 and "status           withdrawn" in out
    assert "We have scored no row on all cases of this choice." in medground("board", opened)[1]


def test_a_faulty_file_is_refused_with_every_problem(medground, tmp_path, here):
    (tmp_path / "bad.jsonl").write_text('{"case_id": "x", "boxes": []}\n')
    code, out, err = medground("submit", tmp_path / "bad.jsonl", *here, "--name", "<b>")
    assert (code, out) == (1, "")
    assert "Refused. Nothing of the quota was spent." in err
    assert all(f"[{found}]" in err for found in ("BAD_NAME", "MISSING_FIELD", "UNKNOWN_CASE"))
    assert "Traceback" not in err


def test_what_the_run_file_says_need_not_be_said_again(medground, file, here, tmp_path):
    from medground_bench.storage.whole_files import sha256

    copy = tmp_path / "run.jsonl"
    copy.write_bytes(file.read_bytes())
    run = {
        "sha256": sha256(copy.read_bytes()),
        "failures": [],
        "lvlm": "rule_lvlm",
        "lvlm_revision": "0f0f",
        "seed": 5,
    }
    (tmp_path / "run.jsonl.run.json").write_text(json.dumps(run | {"libraries": {"numpy": "2.0"}}))
    code, out, err = medground("submit", copy, *here, "--name", "With a run file", "--json")
    assert code == 0, err
    record = json.loads(open_store(str(here[1])).look().read(f"submissions/{json.loads(out)['id']}.json"))
    said = record["about"]["metadata"]
    assert (said["lvlm_revisions"], said["seed"], said["versions"]) == (
        {"rule_lvlm": "0f0f"},
        5,
        {"numpy": "2.0"},
    )


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("--name", "x"), 2, "a store needs --benchmark"),
        (("--name", "x", "--revision", "rule_lvlm", "--benchmark", "b"), 2, "write name=value"),
    ],
)
def test_words_that_are_missing_are_told(medground, file, opened, words, code, told):
    got, _, err = medground("submit", file, "--to", opened, *words)
    assert got == code and told in " ".join(err.replace("│", " ").split())


def test_a_folder_that_is_no_store_and_a_store_that_is_nowhere_are_told(medground, file, tmp_path, built):
    for to, told in ((tmp_path, "is no store of submissions"), ("/no/such/place", "there is no such folder")):
        code, _, err = medground("submit", file, "--to", to, "--benchmark", built.path, "--name", "x")
        assert code == 1 and told in err
    code, _, err = medground("board", "/no/such/place")
    assert code == 1 and "there is no such folder" in err


def test_the_board_of_a_store_on_the_hub_is_printed_and_verified(medground, org, built, file, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", f"hf_{org}-writer")
    words = ["board", "open", f"{org}/store", "--benchmark", str(built.path), "--by", "op"]
    assert CliRunner().invoke(builder_app, words, catch_exceptions=False).exit_code == 0
    to = ("--to", f"{org}/store", "--benchmark", built.path, "--person", "ann")
    code, out, err = medground("submit", file, *to, *WORDS)
    assert code == 0 and f"https://huggingface.co/datasets/{org}/store/blob/main/submissions/" in out, err
    assert "Mine" in medground("board", f"{org}/store")[1]
    assert medground("board", f"{org}/store", "--verify")[0] == 0


@pytest.mark.filterwarnings("ignore:.*no_silent_downcasting")  # of pandas, by gradio's own statistics
def test_through_a_space_the_receipt_and_the_board_are_the_same(
    medground, opened, built, file, here, tmp_path
):
    pytest.importorskip("gradio")
    from medground_bench.leaderboard.accepting import SubmissionDesk
    from medground_bench.leaderboard.truth import Truth
    from tests.kit.submission_space import served

    words = ("--name", "Through a Space", "--revision", "rule_lvlm=1f2e", "--json")
    desk = SubmissionDesk(open_store(str(opened)), Truth.of(open_benchmark(built.path)))
    with served(desk) as address:
        code, through, err = medground("submit", file, "--to", address, "--person", "bob", *words)
        assert code == 0, err
        for asked in ([], ["--json"], ["--only", "mode=direct", "--json"]):
            assert medground("board", address, *asked)[:2] == medground("board", opened, *asked)[:2]
        outs = [tmp_path / name for name in ("space.csv", "store.csv")]
        for where, out in zip((address, opened), outs, strict=True):
            assert medground("board", where, "--only", "mode=direct", "--out", out)[0] == 0
        assert outs[0].read_bytes() == outs[1].read_bytes()
        code, _, err = medground("board", address, "--static", tmp_path / "static")
        assert code == 2 and "A Space tells tables" in err
        code, _, err = medground("board", address, "--only", "mode=nope")
        assert code == 1 and "no mode is called" in err
    assert medground("board", opened, "--static", tmp_path / "static")[0] == 0
    drawn = (tmp_path / "static" / "data" / "index.js").read_text()
    tables = json.loads(medground("board", opened, "--json")[1])
    assert any(table["rows"] for table in tables)
    assert all(row["shown"] in drawn for row in tables[0]["rows"])
    assert medground("submit", file, *here[:4], "--person", "bob", *words)[1] == through


@pytest.mark.parametrize("command", ["open", "list", "settle", "remove", "take-up", "forget"])
def test_every_help_of_the_builders_board_shows_an_example(command):
    shown = " ".join(CliRunner().invoke(builder_app, ["board", command, "--help"]).output.split())
    assert f"Example: python -m builder board {command}" in shown


def test_the_builder_lists_settles_removes_takes_up_and_forgets(
    medground, built, file, tmp_path, monkeypatch
):
    store = tmp_path / "store"

    def board(*words):
        done = CliRunner().invoke(builder_app, ["board", *map(str, words)], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    truth = ("--benchmark", built.path)
    board("open", store, *truth, "--by", "op", "--reserve", "Net", "--team", "ann, bob", "--team", "cid,dan")
    settings = StoreSettings.of(open_store(str(store)).look())
    assert settings.teams == (("ann", "bob"), ("cid", "dan")) and {"Net", "medfocus"} < {*settings.reserved}
    to = ("--to", store, *truth, "--revision", "rule_lvlm=1f2e", "--json")
    first = json.loads(medground("submit", file, *to, "--person", "ann", "--name", "Mine")[1])["id"]
    held = json.loads(medground("submit", file, *to, "--person", "bob", "--name", "Copy")[1])
    assert held["status"] == "held"
    why = ("--by", "op", "--reason", "looked at")
    board("settle", store, held["id"], *truth, *why, "--show")
    board("remove", store, first, *truth, *why)
    board("forget", store, "bob", "--by", "op")
    assert board("take-up", store, *truth) == "0 taken up\n"
    listed = [line.split() for line in board("list", store).splitlines()]
    assert [(line[1], line[-1]) for line in listed] == [("removed", "Mine"), ("scored", "Copy")]
    assert listed[0][3] == "ann" and listed[1][3].startswith("p-")
