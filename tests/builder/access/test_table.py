"""Tables of decisions, whom they mean, and text of others that must neither steer a terminal nor a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.access.applicants import Status, shown
from builder.access.rulings import BadRulings, Decision, Ruling, agenda, reason_problem
from builder.access.table import as_table, read_table
from builder.access.tables import queue_table
from tests.kit.access import applicant

PAGE = Path(__file__).parents[3] / "docs" / "access_requests.md"
ESC = "\x1b"


@pytest.fixture
def table(tmp_path):
    """Reads a file with that text or these bytes."""

    def read(content):
        path = tmp_path / "decisions.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_table(path)

    return read


def named(read) -> list[tuple[tuple[str, ...], str, str]]:
    return [(each.names, each.decision.value, each.reason) for each in read.rulings]


def test_a_table_decides_row_by_row_and_a_row_without_decision_nothing(table):
    read = table('user,decision,reason\nann,approve,\nbob, Reject ,"No, not yet."\neve,,\n\n')
    assert named(read) == [(("ann",), "approve", ""), (("bob",), "reject", "No, not yet.")]
    assert (read.undecided, [each.place for each in read.rulings]) == (1, ["line 2: ", "line 3: "])


@pytest.mark.parametrize(
    "content",
    [
        "decision;reason;request_id\r\napprove;;77\r\n",
        b"\xef\xbb\xbfnote,decision,request_id\na note,approve,77",
        "request_id,user,decision,reason\n77,,approve",
    ],
    ids=["semicolons", "as a spreadsheet saves it", "a short row"],
)
def test_columns_come_in_any_order_with_either_separator(table, content):
    assert named(table(content)) == [(("77",), "approve", "")]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "line 1: it needs a column decision"),
        ("user,reason\nann,", "line 1: it needs a column decision, and user or request_id"),
        ("name,decision\nann,approve", "line 1: it needs a column decision, and user or request_id"),
        ("user,decision,user\nann,approve,bob", "line 1: there are two columns user"),
        ("user,decision\nann,accept", "line 2: 'accept' is neither approve nor reject"),
        ("user,decision\nann,approve,yes", "line 2: it has 3 cells, and the header 2"),
        ("user,decision\n,approve", "line 2: there is no user and no request_id"),
        ("user,decision\nann,reject", "line 2: a rejection needs a reason"),
        ("user,decision,reason\nann,,no", "line 2: there is a reason and no decision"),
        (f"user,decision,reason\nann,reject,{'x' * 201}", "line 2: the reason has 201 characters"),
        (f"user,decision,reason\nann,reject,{ESC}[31mno", "line 2: the reason is no plain line"),
        ('user,decision,reason\nann,reject,"no"x\n', "line 2: it is no CSV"),
        ('user,decision\nann,"approve', "line 2: it is no CSV"),
        (b"user,decision\n\xff,approve", "is no UTF-8 text"),
        (b"#" * 5_000_001, "larger than 5,000,000 bytes"),
    ],
)  # fmt: skip
def test_a_table_with_a_mistake_is_refused_with_its_line(table, content, said):
    with pytest.raises(BadRulings, match=said):
        table(content)


def test_all_mistakes_of_a_table_are_told_with_the_lines_where_they_begin(table):
    rows = ["ann,accept,", "bob,reject,No.", "", 'eve,reject,"two', 'lines"', "kim,reject,"]
    with pytest.raises(BadRulings, match=r"3 problem\(s\): line 2: .*; line 5: .*; line 7: "):
        table("\n".join(["user,decision,reason", *rows]))


def test_the_table_of_the_page_can_be_read(table):
    read = table(re.search(r"```csv\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)[1])
    assert [ruling.decision for ruling in read.rulings] == ["approve", "approve", "reject"]
    assert read.undecided == 1


def test_what_is_listed_is_decided_in_a_spreadsheet_and_comes_back(table):
    people = [applicant("ann", {"Country": "Kenya"}), applicant(None, request="77")]
    rows = list(csv.DictReader(io.StringIO(as_table(people).decode())))
    assert rows[0]["field: Country"] == "Kenya" and rows[1]["user"] == ""
    assert table(as_table(people)).undecided == 2
    rows[0]["decision"], rows[1]["decision"] = "approve", "approve"
    written = io.StringIO()
    writer = csv.DictWriter(written, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    due = agenda(table(written.getvalue()).rulings, people).due
    assert [each.applicant.name for each in due] == ["ann", "77"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r=", "\n="])
def test_no_cell_of_others_is_a_formula_of_a_spreadsheet(start):
    asked = applicant("ann", {f"{start}label": f"{start}HYPERLINK(1)"})
    for row in csv.reader(io.StringIO(as_table([asked]).decode(), newline="")):
        assert not [cell for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))]


def test_a_field_of_the_form_is_never_a_decision(table):
    asked = applicant("ann", {"decision": "approve", "user": "bob", "reason": "let me in"})
    read = table(as_table([asked]))
    assert (read.rulings, read.undecided) == ((), 1)


NASTY = st.text(st.sampled_from("\r\n,;\"'=-+@ \x1b\u2028approve" + "ann"))


@given(st.dictionaries(NASTY, NASTY, max_size=3), NASTY)
@settings(max_examples=50)
def test_whatever_people_type_a_table_of_them_decides_nothing(tmp_path_factory, fields, full_name):
    path = tmp_path_factory.mktemp("tables") / "queue.csv"
    asked = [replace(applicant("ann", fields), full_name=full_name), applicant("bob")]
    path.write_bytes(as_table(asked))
    assert (read_table(path).rulings, read_table(path).undecided) == ((), 2)


@given(st.text())
def test_nothing_that_people_type_steers_a_terminal(typed):
    line = shown(typed)
    assert line.isprintable() or set(line) - set("\u200c\u200d") == set(line) - {
        c for c in line if not c.isprintable()
    }
    assert not set(line) & {chr(code) for code in (*range(32), *range(127, 160), 0x202E, 0x2066, 0x2028)}


def test_names_of_all_scripts_stay_as_they_are_and_escapes_are_seen():
    for name in (
        "Zoë Müller-O'Neill",
        "李小龍",
        "\u0646\u0627\u0645\u200c\u062e",
        "क्\u200dष",
        "Ann [bold]Lee[/bold]",
    ):
        assert shown(name) == name
    assert shown(f"a{ESC}[2J\u202eb\r\nc") == "a\ufffd[2J\ufffdb c"


def test_markup_of_others_is_text_in_the_table():
    from rich.console import Console

    console = Console(file=io.StringIO(), width=200, force_terminal=True, color_system="truecolor")
    asked = applicant("ann", {"[red]Why": f"[link=http://x]here[/link]{ESC}]8;;http://x{ESC}\\"})
    console.print(queue_table("[bold]title", [asked]))
    said = console.file.getvalue()
    assert "[red]Why: [link=http://x]here[/link]\ufffd]8;;http://x\ufffd\\" in said and "[bold]title" in said


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("x" * 200, None),
        ("\U0001f600" * 100, None),
        ("x" * 201, "201 characters"),
        ("\U0001f600" * 101, "101 characters, and the hub takes 200 at most, where an emoji is two"),
        ("", "needs a reason"),
        ("a\nb", "no plain line"),
        (" a", "no plain line"),
        ("a\x07", "no plain line"),
    ],
)
def test_a_reason_is_one_line_of_200_characters_as_the_hub_counts_them(reason, said):
    problem = reason_problem(Decision.REJECT, reason)
    assert problem is None if said is None else said in problem
    assert reason_problem(Decision.APPROVE, "") is None


def approving(*names: str, place: str = "") -> Ruling:
    return Ruling(names, Decision.APPROVE, place=place)


def test_a_decision_means_a_request_by_user_name_by_id_or_by_both():
    people = [applicant("ann"), applicant("bob"), applicant(None, request="77")]
    for names, name in ((("ann",), "ann"), (("id-ann",), "ann"), (("bob", "id-bob"), "bob"), (("77",), "77")):
        [handling] = agenda([approving(*names)], people).due
        assert handling.applicant.name == name


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["anm"], r"anm is in no list of the hub\. Did you mean ann\?"),
        (["zzzzzz"], "zzzzzz is in no list of the hub"),
        ([f"x{ESC}"], "x\ufffd is in no list"),
        (["77"], "77 is a user name and the id of another request"),
        (["in"], "in is accepted already"),
    ],
)
def test_a_decision_that_means_nobody_or_two_is_refused(names, said):
    people = [
        applicant("ann"),
        applicant("77"),
        applicant("bob", request="77"),
        applicant("in", status=Status.ACCEPTED),
    ]
    rulings = [Ruling(tuple(names), Decision.REJECT, "No.")]
    with pytest.raises(BadRulings, match=said):
        agenda(rulings, people)


def test_both_names_of_a_row_must_mean_the_same_request():
    with pytest.raises(BadRulings, match="line 3: ann with id-bob is in no list"):
        agenda([approving("ann", "id-bob", place="line 3: ")], [applicant("ann"), applicant("bob")])


def test_nobody_is_decided_twice():
    rulings = [approving("ann", place="line 2: "), approving("id-ann", place="line 7: ")]
    with pytest.raises(BadRulings, match="line 7: ann is decided twice, first on line 2"):
        agenda(rulings, [applicant("ann")])


def test_who_is_there_already_is_settled_and_who_went_elsewhere_is_moved_on_demand_alone():
    people = [applicant("ann", status=Status.ACCEPTED), applicant("bob", status=Status.REJECTED)]
    assert [each.applicant.name for each in agenda([approving("ann")], people).settled] == ["ann"]
    with pytest.raises(BadRulings, match="bob is rejected already; --overturn changes that"):
        agenda([approving("ann"), approving("bob")], people)
    found = agenda([approving("ann"), approving("bob")], people, overturn=True)
    assert [[each.applicant.name for each in part] for part in (found.due, found.settled)] == [
        ["bob"],
        ["ann"],
    ]
