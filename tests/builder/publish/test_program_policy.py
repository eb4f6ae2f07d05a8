"""What may be pushed with a program: planted leaks are refused by name, the programs of the checkout pass."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest

from builder.publish.columns import CREDENTIALED
from builder.publish.folder_files import FolderFile
from builder.publish.policy import Unpublishable
from builder.publish.program_files import known_digests, metric_files, space_files
from builder.publish.program_policy import inspect_program, spoken
from medground_bench.benchmark.parquet import encoded_table
from medground_bench.storage.whole_files import sha256
from tests.kit.case_books import book_of
from tests.kit.made_boards import made_board
from tests.kit.publishing import leaks, picture_files, secrets

PICTURE = "medground_bench/anatomy/phantom_pool/phantom-7000000.png"
WEIGHTS = "medground_bench/phantom/models/phantom_gemma3/model.safetensors"


@pytest.fixture(scope="module")
def metric():
    return metric_files("org/attribution_overlap")


@pytest.fixture(scope="module")
def space():
    return space_files("org/medground-bench")


def looked(files):
    return inspect_program([FolderFile(name, files[name]) for name in sorted(files)], known_digests())


def rules_of(files):
    return {(each.file, each.rule) for each in looked(files).refusals}


def test_both_programs_pass_as_they_are(metric, space):
    for files in (metric, space):
        inspection = looked(files)
        assert inspection.refusals == ()
        assert [file.name for file in inspection.files] == sorted(files)


def test_the_cases_of_a_book_pass_as_they_are(space, built, tmp_path):
    book_of(built).save(tmp_path)
    assert rules_of(space | {"results/cases.json": (tmp_path / "cases.json").read_bytes()}) == set()


TEXTS = {
    **{f"{source}, {kind}": leak for source in CREDENTIALED for kind, leak in leaks(source).items()},
    **secrets(),
}
"""Kind of a leak -> rule and made-up text."""


@pytest.mark.parametrize("leak", TEXTS)
def test_a_leak_in_a_text_a_string_or_a_comment_is_refused_by_file_line_and_rule_without_the_value(leak):
    rule, value = TEXTS[leak]
    flat = " ".join(value.split())
    planted = {
        "README.md": f"# A Space\n\n{value}\n",
        "results/board.json": json.dumps({"rows": [], "told": value}),
        "medground_bench/core/notes.txt": value,
        "app.py": f'"""A page."""\n\nTOLD = {value!r}\n',
        "board_page.py": f"rows = []\n\n# {flat}\n",
        "medground_bench/core/types.py": f'def told():\n    """Say it.\n\n    {flat}\n    """\n',
    }
    inspection = looked({name: text.encode() for name, text in planted.items()})
    assert {each.file for each in inspection.refusals if each.rule == rule} == set(planted)
    lines = {each.file: each.row for each in inspection.refusals if each.rule == rule}
    assert (lines["board_page.py"], lines["medground_bench/core/types.py"]) == (3, 4)
    with pytest.raises(Unpublishable) as refusal:
        inspection.demand()
    assert rule in str(refusal.value) and flat not in str(refusal.value)


def test_a_password_in_a_program_is_one_that_is_written_out():
    letters = "s3cret" + "letters"
    written = [f'password = "{letters}"', f'connect(api_key="{letters}")', f"{{'token': '{letters}'}}"]
    innocent = [
        "token = words[0]", 'TOKEN = "MEDGROUND_SERVER_TOKEN"', "password = getpass()", 'token=f"{given}"',
        "secret: str", 'tokens = {"yes": 1}',
    ]  # fmt: skip
    for line in written:
        assert rules_of({"app.py": line.encode()}) == {("app.py", "PASSWORD")}, line
    for line in innocent:
        assert rules_of({"app.py": line.encode()}) == set(), line


STRAYS = {
    ".env": b"A=1\n",
    "notes.md": b"# Notes\n",
    "results/predictions.jsonl": b"{}\n",
    "results/answers.json": b"{}\n",
    "results/tuned/.hidden.json": b"{}\n",
    "medground_bench/core/.types.py.swp": b"text\n",
    "medground_bench/notebook.ipynb": b"{}\n",
    "medground_bench/run.log": b"started\n",
    "tests/test_app.py": b"\n",
    "builder/cli.py": b"\n",
    "Dockerfile": b"FROM python\n",
    "install.sh": b"ls\n",
    "packages.txt": b"git\n",
    "medground_bench/../secrets.py": b"\n",
    "results/tuned/../../up.json": b"{}\n",
}


@pytest.mark.parametrize("name", STRAYS)
def test_a_file_that_is_none_of_the_program_is_refused_whatever_it_says(name):
    assert (name, "UNEXPECTED_FILE") in rules_of({name: STRAYS[name]})


@pytest.mark.parametrize("kind", picture_files())
@pytest.mark.parametrize(
    "name", [PICTURE, "medground_bench/core/types.py", "README.md", "results/board.json"]
)
def test_a_picture_is_refused_whatever_it_is_called(kind, name):
    assert rules_of({name: picture_files()[kind]}) == {(name, "PICTURE")}


def test_pictures_and_weights_pass_by_digest_at_their_place_alone(space):
    known = known_digests()
    assert {name: sha256(space[name]) for name in known} == known
    assert {name for name in space if name.endswith((".png", ".jpg", ".safetensors", ".npz"))} == set(known)
    assert rules_of({PICTURE: space[PICTURE], WEIGHTS: space[WEIGHTS]}) == set()
    assert rules_of({WEIGHTS: space[WEIGHTS] + b"\0"}) == {(WEIGHTS, "UNREADABLE")}
    assert rules_of({"results/board.json": space[WEIGHTS]}) == {("results/board.json", "UNREADABLE")}
    assert rules_of({PICTURE.replace("0.png", "1.png"): space[PICTURE]}) != set()


@pytest.mark.parametrize("leak", TEXTS)
def test_a_leak_in_the_scores_of_the_boards_cases_is_refused_by_rule(leak):
    rule, value = TEXTS[leak]
    scores = {"results/board_cases.parquet": pa.table({"case_id": ["phantom/1/nodule@a:direct", value]})}
    content = {name: encoded_table(table) for name, table in scores.items()}
    assert rule in {found for _file, found in rules_of(content)}


def test_the_scores_of_the_boards_cases_pass_and_other_tables_and_columns_of_bytes_do_not():
    content = made_board().scores.files()
    assert not rules_of({f"results/{name}": each for name, each in content.items()})
    [name, *_] = content
    assert rules_of({f"results/other_{name}": content[name]})
    pictures = encoded_table(pa.table({"case_id": ["c"], "picture": [b"\x89PNG"]}))
    assert ("results/board_cases.parquet", "DATA_FILE") in rules_of({"results/board_cases.parquet": pictures})


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"PK\3\4", "ARCHIVE"),
        (b"PAR1", "DATA_FILE"),
        (b"\x93NUMPY", "DATA_FILE"),
        (b"\xff\xfe", "UNREADABLE"),
        (b"def broken(:\n", "UNREADABLE"),
        (b"'never closed", "UNREADABLE"),
        (None, "NOT_A_FILE"),
    ],
)
def test_what_is_not_the_text_that_its_name_says_is_refused(content, rule):
    assert rules_of({"app.py": content}) == {("app.py", rule)}


def test_what_a_program_says_is_its_strings_and_comments_where_they_stand():
    code = 'a = f"one {b} two"  # three\nc = """four\u2028five\nsix"""\nd = 7\n'
    words = spoken(code)
    assert [len(line) for line in words.split("\n")] == [len(line) for line in code.split("\n")]
    assert [line.split()[-1] for line in words.split("\n")[:3]] == ["three", "five", 'six"""']
    assert "a =" not in words and "c =" not in words and "7" not in words
