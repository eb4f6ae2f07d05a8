"""Vocabulary files: what they may say, and that every mistake is told, all at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medground_bench.anatomy.vocabulary import PAPER, Concept, ConceptGroup
from medground_bench.anatomy.vocabulary_file import MOST_REGIONS, parse_vocabulary, read_vocabulary, shipped
from medground_bench.core.errors import SHOWN, BadVocabulary, MedgroundError, UnknownName


def parsed(text: str):
    return parse_vocabulary(text.encode(), "mine")


def test_every_kind_of_entry_becomes_what_it_says():
    vocabulary = parsed("""
concepts:
  mediastinum:
  right upper zone: {of: right lung, rows: [0, 0.3333]}
  corner: {of: [left lung], columns: [0.5, 1]}
  ratio: {of: [cardiac silhouette, left lung, right lung], rows_of: cardiac silhouette}
  cell: {of: left lung, cells: [2, 1]}
groups:
  both: [right upper zone, cell 1.1]
""")
    assert vocabulary.name == "mine"
    assert vocabulary.concepts == (
        Concept("mediastinum", ("mediastinum",)),
        Concept("right upper zone", ("right lung",), rows=(0, 0.3333)),
        Concept("corner", ("left lung",), columns=(0.5, 1)),
        Concept("ratio", ("cardiac silhouette", "left lung", "right lung"), rows_of="cardiac silhouette"),
        Concept("cell 1.1", ("left lung",), rows=(0, 0.5)),
        Concept("cell 2.1", ("left lung",), rows=(0.5, 1)),
    )
    assert vocabulary.groups == (ConceptGroup("both", ("right upper zone", "cell 1.1")),)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "`concepts` needs at least one name"),
        ("concepts: {}", "`concepts` needs at least one name"),
        ("groups: {}", "`concepts` needs at least one name"),
        ("concepts: [left lung]", "each with a colon after it"),
        ("just words", "the file is no mapping"),
        ("[left lung]", "the file is no mapping"),
        ("concepts: {left lung: }\nregions: {}", "unknown key regions"),
        ("concepts: {x: {of: left lung, row: [0, 1]}}", "'x' has the unknown key row"),
        ("concepts: {x: left lung}", "'x' is no mapping"),
        ("concepts: {x: {rows: [0, 1]}}", "`of` of 'x' needs a name"),
        ("concepts: {x: {of: []}}", "`of` of 'x' needs a name"),
        ("concepts: {x: {of: [3]}}", "`of` of 'x' needs a name"),
        ("concepts: {x: {of: [left lung, left lung]}}", "says a name twice"),
        ("concepts: {left lung: , left lung: }", "line 1 says 'left lung' again"),
        ("concepts: {left lung: }\nconcepts: {right lung: }", "line 2 says 'concepts' again"),
        ("concepts: {c: {of: left lung, cells: [1, 2]}, c 1.2: {of: right lung}}", "'c 1.2' is there twice"),
        ("concepts: {x: {of: x}}", "'x' is made of 'x', which this file defines"),
        ("concepts: {x: {of: y}, y: {of: x}}", "'x' is made of 'y'"),
        ("concepts: {x: {of: y}, y: {of: left lung}}", "name the localizer's concepts"),
        ("concepts: {x: {of: left lung, rows_of: y}, y: {of: left lung}}", "'x' is made of 'y'"),
        ("concepts: {x: {of: left lung, rows_of: a, rows: [0, 1]}}", "rows from one place"),
        ("concepts: {x: {of: left lung, rows_of: [a, b]}}", "rows from one place"),
        ("concepts: {x: {of: left lung, rows: [0.5, 0.5]}}", "`rows` of 'x' is [from, to]"),
        ("concepts: {x: {of: left lung, rows: [0, 1.5]}}", "`rows` of 'x' is [from, to]"),
        ("concepts: {x: {of: left lung, rows: [0, .nan]}}", "`rows` of 'x' is [from, to]"),
        ("concepts: {x: {of: left lung, columns: [no, yes]}}", "`columns` of 'x' is [from, to]"),
        ("concepts: {x: {of: left lung, columns: 0.5}}", "`columns` of 'x' is [from, to]"),
        ("concepts: {x: {of: left lung, cells: [0, 3]}}", "`cells` of 'x' is [rows, columns]"),
        ("concepts: {x: {of: left lung, cells: [17, 3]}}", "`cells` of 'x' is [rows, columns]"),
        ("concepts: {x: {of: left lung, cells: [2, 2], rows: [0, 1]}}", "neither rows nor columns"),
        ("concepts: {x: {of: left lung, cells: [16, 16]}}", "256 concepts and 0 groups are more than 200"),
        ("concepts: {yes: }", "the name True is not text"),
        ("concepts: {'': }", "printable characters"),
        ("concepts: {whole image: {of: left lung}}", "reserved for the fallback"),
        ("concepts: {a: , b: }\ngroups: {g: [a]}", "needs at least two members"),
        ("concepts: {a: , b: }\ngroups: {g: [a, a]}", "says a name twice"),
        ("concepts: {a: , b: }\ngroups: {g: [a, c]}", "unknown member 'c'"),
        ("concepts: {a: , b: }\ngroups: {a: [a, b]}", "'a' is a concept and a group"),
        ("concepts: {a: , b: }\ngroups: {g: [a, b], h: [a, g]}", "group 'h' holds the group 'g'"),
        ("concepts: {a: , b: }\ngroups: [a, b]", "`groups` needs names"),
        ("concepts: &c {a: {of: b}, d: *c}", "used again by an alias"),
        ("concepts: !!python/object/apply:os.system ['true']", "no YAML that can be loaded safely"),
        ("concepts: {a: 2001-99-99}", "no YAML that can be loaded safely"),
        ("concepts: {a", "no YAML that can be loaded safely"),
        ("[" * 500, "no YAML that can be loaded safely"),
        ("#" * 20_001, "larger than 20,000 bytes"),
    ],
)
def test_every_mistake_is_told(text, problem):
    with pytest.raises(BadVocabulary) as told:
        parsed(text)
    assert problem in str(told.value) and "vocabulary mine: " in str(told.value)


def test_all_mistakes_are_told_at_once():
    with pytest.raises(BadVocabulary, match=r"3 problem\(s\): .*unknown key row.*rows.*not text"):
        parsed("concepts: {x: {of: left lung, row: 1, rows: 2}, 7: }")


def test_the_first_fifty_mistakes_are_shown_and_all_are_counted():
    with pytest.raises(BadVocabulary) as told:
        parsed("concepts:\n" + "".join(f"  n{number}: 3\n" for number in range(60)))
    said = str(told.value)
    assert "60 problem(s)" in said and "; and 10 more. " in said
    assert said.count("is no mapping") == SHOWN == 50


def test_as_many_regions_as_can_be_paid_for_are_taken():
    names = [f"n{number}" for number in range(MOST_REGIONS)]
    assert len(parsed("concepts:\n" + "".join(f"  {name}:\n" for name in names)).concepts) == MOST_REGIONS


def test_shipped_names_and_files_are_read_and_anything_else_is_answered_with_the_names(tmp_path):
    assert shipped() == ("imagenome", "lung_zones") and read_vocabulary("imagenome") is PAPER
    assert {len(read_vocabulary(name).concepts) for name in shipped()} == {11, 15}
    file = tmp_path / "mine.yaml"
    file.write_text("concepts: {left lung: }")
    assert read_vocabulary(str(file)).name == "mine"
    with pytest.raises(UnknownName, match="Did you mean lung_zones"):
        read_vocabulary("lungzones")


@given(
    st.binary(max_size=200)
    | st.text(alphabet="concepts:{}[], abof&*!\n-'\"?|0.", max_size=80).map(str.encode)
)
def test_whatever_bytes_come_they_are_a_vocabulary_or_one_of_our_errors(content):
    try:
        assert parse_vocabulary(content, "mine").concepts
    except MedgroundError as error:
        assert "problem" in str(error)
