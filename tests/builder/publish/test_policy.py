"""What the policy refuses, by name and without the value, and the statement about what passed."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zipfile

import pytest

from builder.publish.columns import COLUMNS, CREDENTIALED, FREE
from builder.publish.contents import RULES
from builder.publish.folder_files import FolderFile, files_of
from builder.publish.levels import Level
from builder.publish.patterns import PATTERNS
from builder.publish.policy import Unpublishable, demand_unchanged, inspect, policy_version, statement
from medground_bench.benchmark.rows import TABLES
from tests.kit.publishing import (
    LVLM,
    SHARES,
    clean_files,
    image_id,
    inspected,
    leaks,
    picture_files,
    place,
    planted,
    rules,
    secrets,
)

KINDS = (
    "image id",
    "patient number",
    "study number",
    "path",
    "date",
    "compact date",
    "report",
    "mark",
    "picture",
)
TEXTS = (
    "README.md",
    "eval.yaml",
    "croissant.json",
    "build.log",
    ".cache/.notes",
    "rows.csv",
    "notebook.ipynb",
)


def refused_without(files, value, rule, file, level=Level.KEYS):
    """The rule speaks of the file, and no message holds the value."""
    inspection = inspected(files, level)
    assert rule in rules(inspection, file), [str(each) for each in inspection.refusals]
    with pytest.raises(Unpublishable) as refusal:
        inspection.demand()
    assert rule in str(refusal.value) and file in str(refusal.value)
    assert not any(part and part in str(refusal.value) for part in (value, *value.splitlines()))
    return [each for each in inspection.refusals if each.rule == rule]


@pytest.mark.parametrize("source", CREDENTIALED + FREE)
@pytest.mark.parametrize("level", Level)
def test_a_folder_of_rows_that_were_made_for_a_level_passes_it(source, level):
    inspection = inspected(clean_files(source, level), level)
    assert not inspection.refusals, [str(each) for each in inspection.refusals]
    assert {each.name: each.rows for each in inspection.files}[place("answers", source)] == (
        0 if level is Level.FULL and source in CREDENTIALED else 1
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("source", CREDENTIALED)
@pytest.mark.parametrize("name", TEXTS)
def test_what_a_source_has_is_refused_in_every_text(source, kind, name):
    rule, value = leaks(source)[kind]
    content = (
        json.dumps({"note": value}) if name.endswith(("json", "ipynb")) else f"first\n\nsecond {value} end\n"
    )
    files = {name: content.encode()}
    refused_without(files, value, rule, name)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("source", CREDENTIALED)
@pytest.mark.parametrize(("table", "column"), [("answers", "response"), ("direct", "response")])
def test_what_a_source_has_is_refused_in_responses_with_row_and_column(source, kind, table, column):
    rule, value = leaks(source)[kind]
    files = planted(table, source, **{column: f"Yes, see {value} for it."})
    (refusal,) = refused_without(files, value, rule, place(table, source))
    assert (refusal.row, refusal.column, refusal.rows) == (1, column, 1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("source", CREDENTIALED)
def test_what_is_cut_into_tokens_is_put_together_again(source, kind):
    rule, value = leaks(source)[kind]
    text = f"Yes: {value} end"
    tokens = tuple(text[at : at + 3] for at in range(0, len(text), 3))
    files = planted("answers", source, response_tokens=tokens, response_token_ids=tuple(range(len(tokens))))
    refused_without(files, value, rule, place("answers", source))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("report", "picture")])
@pytest.mark.parametrize("source", CREDENTIALED)
@pytest.mark.parametrize("column", ["finding", "lvlm", "lvlm_revision", "editor", "image_id", "question_id"])
def test_no_column_of_names_takes_what_a_source_has(source, kind, column):
    _rule, value = leaks(source)[kind]
    inspection = inspected(planted("answers", source, **{column: value}))
    spoke = {each.rule for each in inspection.refusals if each.column in (column, "question_id")}
    dates = kind in ("date", "compact date") and column in ("lvlm", "lvlm_revision")  # versions have dates
    assert dates or spoke, [str(each) for each in inspection.refusals]
    assert not any(value in str(each) for each in inspection.refusals)


@pytest.mark.parametrize("kind", ["image id", "patient number", "study number", "date"])
@pytest.mark.parametrize("source", CREDENTIALED)
def test_a_name_of_a_file_is_not_repeated_where_it_says_too_much(source, kind):
    rule, value = leaks(source)[kind]
    inspection = inspected({f"logs/{value}.log": b"x"})
    assert rule in rules(inspection) and "UNEXPECTED_FILE" in rules(inspection)
    assert not any(value in str(each) for each in inspection.refusals)


@pytest.mark.parametrize("name", ["README.md", "run.log", "croissant.json", "response"])
@pytest.mark.parametrize("kind", sorted(secrets()))
def test_what_opens_something_is_refused(kind, name):
    rule, value = secrets()[kind]
    if name == "response":
        refused_without(
            planted("answers", "phantom", response=value), value, rule, place("answers", "phantom")
        )
    else:
        refused_without({name: f"a\n{value}\n".encode()}, value, rule, name)


@pytest.mark.parametrize(
    "disguise",
    [
        lambda value: "".join(f"&#{ord(letter)};" for letter in value),
        lambda value: "".join(f"%{ord(letter):02x}" for letter in value),
        "\u200b".join,
        lambda value: value.translate({ord(digit): 0xFF10 + int(digit) for digit in "0123456789"}),
        lambda value: '{"note": "' + "".join(f"\\u{ord(letter):04x}" for letter in value) + '"}',
    ],
    ids=["entities", "percent signs", "letters that cannot be seen", "wide digits", "escapes of JSON"],
)
def test_a_value_in_disguise_is_still_found(disguise):
    value = f"p1{'2' * 7}"
    assert "MIMIC_NUMBER" in rules(inspected({"README.md": disguise(value).encode()}))


@pytest.mark.parametrize(
    "name", ["README.md", "direct/test-a.parquet", "docs/lung.bin", ".hidden", "LICENSE"]
)
@pytest.mark.parametrize("kind", sorted(picture_files()))
def test_a_picture_is_refused_whatever_its_name_says(kind, name):
    assert "PICTURE" in rules(inspected({name: picture_files()[kind]}), name)


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.txt", "nothing")
    return buffer.getvalue()


def _tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.txt"))
    return buffer.getvalue()


@pytest.mark.parametrize("name", ["README.md", "all.zip", "direct/test-a.parquet"])
@pytest.mark.parametrize("content", [_zip(), _tar(), gzip.compress(b"nothing")], ids=["zip", "tar", "gzip"])
def test_an_archive_is_refused_and_not_opened(name, content):
    assert "ARCHIVE" in rules(inspected({name: content}), name)


@pytest.mark.parametrize(
    ("name", "content", "rule"),
    [
        ("notes.txt", b"nothing", "UNEXPECTED_FILE"),
        (".gitignore", b"nothing", "UNEXPECTED_FILE"),
        ("docs/README.md", b"nothing", "UNEXPECTED_FILE"),
        ("direct/test-a.csv", b"nothing", "UNEXPECTED_FILE"),
        ("other/test-a.parquet", clean_files("phantom")["direct/test-medgemma_4b.parquet"], "DATA_FILE"),
        ("direct/train-a.parquet", clean_files("phantom")["direct/test-medgemma_4b.parquet"], "DATA_FILE"),
        ("direct/test-a.parquet", b"PAR1 is how it begins", "DAMAGED_TABLE"),
        ("direct/test-a.parquet", b"text", "UNEXPECTED_FILE"),
        ("README.md", "über".encode("utf-16"), "UNREADABLE"),
        ("README.md", b"a\0b", "UNREADABLE"),
        ("README.md", b"\x93NUMPY\1\0", "DATA_FILE"),
        ("README.md", None, "NOT_A_FILE"),
    ],
)
def test_what_was_not_looked_into_does_not_pass(name, content, rule):
    assert rule in rules(inspected({name: content}), name)


def test_a_link_is_named_and_not_followed(tmp_path):
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "a.txt").write_text("a")
    folder = tmp_path / "folder"
    (folder / "direct").mkdir(parents=True)
    (folder / "README.md").symlink_to(tmp_path / "secret" / "a.txt")
    (folder / "more").symlink_to(tmp_path / "secret")
    (folder / ".hidden").write_text("b")
    assert list(files_of(folder)) == [
        FolderFile(".hidden", b"b"),
        FolderFile("README.md", None),
        FolderFile("more", None),
    ]


def test_boxes_need_a_stated_right_for_every_source_in_the_folder():
    files = clean_files("vindr_cxr", Level.BOXES)
    assert not inspected(files, Level.BOXES).refusals
    others = {source: SHARES[source] for source in ("imagenome", "padchest_gr")}
    assert rules(inspected(files, Level.BOXES, others)) == {"SHARE_NOT_STATED"}
    assert not inspected(
        clean_files("phantom", Level.BOXES), Level.BOXES, {"imagenome": SHARES["imagenome"]}
    ).refusals
    for shares in ({**SHARES, "vindr_cxr": " "}, {**SHARES, "phantom": SHARES["vindr_cxr"]}):
        assert rules(inspected(files, Level.BOXES, shares)) == {"SHARE"}
    _rule, value = secrets()["password"]
    inspection = inspected(files, Level.BOXES, {**SHARES, "vindr_cxr": f"The owner gave me {value}"})
    assert rules(inspection) == {"PASSWORD"} and value not in str(inspection.refusals)


def test_a_statement_holds_for_the_files_and_rules_it_was_written_for():
    files = clean_files("vindr_cxr")

    def folder(changed):
        return (
            FolderFile(name, content) for name, content in {**files, **changed}.items() if content is not None
        )

    paper = statement(inspected(files))
    body = json.loads(paper)
    assert body["level"] == "keys" and body["sources"] == ["vindr_cxr"] and body["policy"] == policy_version()
    assert [file["name"] for file in body["files"]] == sorted(files)
    assert {file["name"]: file["rows"] for file in body["files"]}["README.md"] is None
    assert statement(inspected(files)) == paper
    demand_unchanged(folder({}), paper)
    for changed in ({"README.md": b"other"}, {"LICENSE": None}, {"eval.yaml": b"new"}):
        with pytest.raises(Unpublishable, match=next(iter(changed))):
            demand_unchanged(folder(changed), paper)
    for damaged in (b"", b"[]", b"{}", paper.replace(b'"keys"', b'"full"'), paper[:-9]):
        with pytest.raises(Unpublishable, match="damaged"):
            demand_unchanged(folder({}), damaged)


def test_a_statement_of_other_rules_is_refused(monkeypatch):
    files = clean_files("phantom")
    paper = statement(inspected(files))
    monkeypatch.setattr("builder.publish.policy.policy_version", lambda: "other")
    with pytest.raises(Unpublishable, match="those of today are other"):
        demand_unchanged((FolderFile(*pair) for pair in files.items()), paper)


def test_nothing_is_stated_of_what_was_refused():
    with pytest.raises(Unpublishable):
        statement(inspected({"notes.txt": b"x"}))


def test_every_column_has_a_rule_and_every_rule_a_name_of_its_own():
    assert set(COLUMNS) == {name for table in TABLES for name in table.row.__dataclass_fields__}
    assert len(RULES) >= len(PATTERNS) and len({pattern.rule for pattern in PATTERNS}) == len(PATTERNS)


def test_a_level_without_shares_is_asked_for_none():
    files = clean_files("imagenome")
    assert not inspect((FolderFile(*pair) for pair in files.items()), Level.KEYS).refusals
    assert image_id("imagenome").encode() not in b"".join(files.values()) and LVLM in place(
        "answers", "imagenome"
    )
