"""What a card says, to people and in Croissant: counted by hand, quoted safely, told level by level."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from builder.publish.card.about import About, BadAbout
from builder.publish.card.changes import changes_of
from builder.publish.card.files import card_files
from builder.publish.card.markdown import code, prose, words
from builder.publish.card.sources import SOURCES, source_of
from builder.publish.columns import CREDENTIALED
from builder.publish.folder_files import files_of
from builder.publish.levels import Level
from builder.publish.policy import inspect
from builder.release import import_release
from medground_bench.benchmark.card import COLUMNS, MEANINGS
from medground_bench.benchmark.folder import DatasetFolder
from medground_bench.benchmark.rows import ANSWERS, QUESTIONS, VERDICTS
from tests.kit.publishing import SHARES, leaks, raw_rows, secrets
from tests.kit.release_folders import about_of, published_folder, with_card

ROOT = Path(__file__).parents[4]
PAGE = MarkdownIt("commonmark").enable("table")
HEADINGS = [
    "MedGround-Bench",
    "Load",
    "What is in it",
    "What is not in it",
    "Score a method",
    "What the causal filter made of the questions",
    "Licence",
    "Limits",
    "Cite",
    "Contact",
    "Changes",
]
HOSTILE = (
    "a | b",
    "`</code><script>alert(1)</script>",
    "\n# Heading\n---\nlicense: mit",
    "[click](https://evil.example)",
    "![x](https://evil.example/x.png)",
    "*bold* _it_ ~~gone~~ $$x$$",
    "- item",
    "1. item",
    "> quote",
    "+ plus",
    "=== ",
    "<b>&lt;",
    "'\"{yaml: [1]} # no",
    "```",
    "\\` \\",
    "a\u2028b\x07c",
)
RAI = {
    *("dataCollection", "dataCollectionType", "dataCollectionMissingData", "dataCollectionRawData"),
    *(
        "dataCollectionTimeframe",
        "dataImputationProtocol",
        "dataPreprocessingProtocol",
        "dataManipulationProtocol",
    ),
    *(
        "dataAnnotationProtocol",
        "dataAnnotationPlatform",
        "dataAnnotationAnalysis",
        "dataReleaseMaintenancePlan",
    ),
    *("personalSensitiveInformation", "dataSocialImpact", "dataBiases", "dataLimitations", "dataUseCases"),
    *("annotationsPerItem", "annotatorDemographics", "machineAnnotationTools"),
}
"""The properties of the Croissant RAI specification 1.0."""


def readme(folder, about) -> str:
    return card_files(folder, about)["README.md"].decode()


def body_of(text: str) -> str:
    return text.split("---\n", 2)[2]


def headings(text: str) -> list[str]:
    tokens = PAGE.parse(body_of(text))
    opened = (
        place for place, token in enumerate(tokens) if token.type == "heading_open" and token.tag != "h3"
    )
    return [tokens[place + 1].content for place in opened]


def parts(text: str) -> list:
    """Every piece of a page, those within lines too."""
    tokens = PAGE.parse(text)
    return [*tokens, *(child for token in tokens for child in token.children or [])]


def cells(text: str, first: str) -> list[list[str]]:
    """The rows of the table whose head begins with a word, below the head."""
    lines = text.splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith(f"| {first} |"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """A folder at level keys with rows of every source."""
    return published_folder(tmp_path_factory.mktemp("keys") / "bench", Level.KEYS)


@pytest.mark.parametrize("level", Level)
def test_every_level_has_all_sections_and_says_what_is_null(level, tmp_path):
    text = readme(published_folder(tmp_path / "bench", level), about_of(level))
    assert headings(text) == HEADINGS
    assert all(f"| {name} | test |" in text for name in ("direct", "questions", "verdicts", "answers"))
    assert COLUMNS in text and MEANINGS["direct"] in text
    assert 'load_dataset("org/medground-bench", "direct", split="test")' in text
    assert "medground score predictions.jsonl --benchmark org/medground-bench" in text
    null = {Level.KEYS: "`boxes`, `width`, `height` and `image` are null", Level.BOXES: "`image` is null"}
    assert null.get(level, "boxes and pictures, all of them drawn by a program") in text
    credentialed = level is not Level.FULL
    assert ("`[withheld]`" in text) == ("pic-" in text) == ("medground_bench.join" in text) == credentialed
    assert ("In the words" in text or "in the words of the maintainer" in text) == (level is Level.BOXES)


def test_the_reasons_to_share_are_told_at_level_boxes_only_and_for_sources_that_are_there(tmp_path):
    folder = published_folder(tmp_path / "bench", Level.BOXES, ("vindr_cxr",))
    text = readme(folder, about_of(Level.BOXES))
    assert f"- VinDr-CXR: {SHARES['vindr_cxr']}" in text and text.count(SHARES["vindr_cxr"]) == 1
    assert SHARES["vindr_cxr"] not in readme(folder, about_of(Level.KEYS, shares=SHARES))


def test_the_paper_and_every_source_in_the_folder_are_cited_and_no_other(tmp_path):
    for source in CREDENTIALED:
        text = readme(published_folder(tmp_path / source, Level.KEYS, (source,)), about_of(Level.KEYS))
        assert "arXiv:2605.20158" in text and "Xiong, Guangzhi" in text
        for each in SOURCES:
            for entry in each.citations:
                assert (entry in text) == (entry in source_of(source).citations), entry.splitlines()[0]
        (bibtex,) = re.findall(r"```bibtex\n(.*?)```", text, re.DOTALL)
        assert bibtex.count("{") == bibtex.count("}")


def verdict(question: str, source: str, group: str, reason: str | None, **changed):
    (row,) = raw_rows(source)["verdicts"]
    return replace(row, question_id=question, group=group, reason=reason, **changed)


def test_tables_3_and_4_the_reasons_and_the_unreadable_answers_are_those_of_the_rows(tmp_path):
    folder = published_folder(tmp_path / "bench", Level.KEYS, ())
    (question,) = raw_rows("vindr_cxr")["questions"]
    asked = [replace(question, question_id=f"q{place}") for place in range(4)]
    folder.write(QUESTIONS, "test", "vindr_cxr", [*asked, replace(question, question_id="n", answer="no")])
    said = [
        verdict("q0", "vindr_cxr", "grounded", None, mode="direct"),
        verdict("p0", "phantom", "grounded", None, mode="direct"),
        verdict("q1", "vindr_cxr", "ungrounded", "ANSWER_DID_NOT_FLIP", mode="direct"),
        verdict("q2", "vindr_cxr", "ungrounded", "BACKGROUND_MATTERED", mode="direct"),
        verdict("q3", "vindr_cxr", "incorrect", "UNREADABLE_ANSWER", mode="direct"),
        *(verdict(f"q{place}", "vindr_cxr", "grounded", None, mode="reason") for place in range(3)),
        verdict("q3", "vindr_cxr", "incorrect", "ANSWER_WRONG", mode="reason"),
    ]
    folder.write(VERDICTS, "test", "a", [replace(row, lvlm="a", editor="radedit@1.0") for row in said])
    folder.write(VERDICTS, "tune", "a", [replace(row, lvlm="a", editor="harmonic@1") for row in said])
    folder.write(VERDICTS, "test", "b", [replace(said[0], lvlm="b", lvlm_revision=None, release_index=3)])
    (answer,) = raw_rows("vindr_cxr")["answers"]
    pictures = (("original", "yes"), ("original", "unreadable"), ("foreground", "no"), ("background", "yes"))
    folder.write(
        ANSWERS, "test", "a", [replace(answer, lvlm="a", picture=each, said=word) for each, word in pictures]
    )
    text = readme(folder, about_of(Level.KEYS))
    assert cells(text, "mode | LVLM") == [
        ["`direct`", "`a`", "1", "1", "2"],
        ["`direct`", "`b`", "-", "1", "1"],
        ["`direct`", "all", "1", "2", "3"],
        ["`reason`", "`a`", "-", "3", "3"],
        ["`reason`", "all", "0", "3", "3"],
    ]
    assert cells(text, "source | LVLM | mode | questions") == [
        ["`phantom`", "`a`", "`direct`", "-", "-", "-", "1"],
        ["`vindr_cxr`", "`a`", "`direct`", "4", "1 (25.0)", "2 (50.0)", "1 (25.0)"],
        ["`vindr_cxr`", "`a`", "`reason`", "4", "1 (25.0)", "0 (0.0)", "3 (75.0)"],
        ["`vindr_cxr`", "`b`", "`direct`", "-", "-", "-", "1"],
    ]
    assert cells(text, "source | LVLM | mode | wrong answer") == [
        ["`phantom`", "`a`", "`direct`", "-", "-", "-", "-"],
        ["`vindr_cxr`", "`a`", "`direct`", "0", "1", "1", "1"],
        ["`vindr_cxr`", "`a`", "`reason`", "1", "0", "0", "0"],
        ["`vindr_cxr`", "`b`", "`direct`", "-", "-", "-", "-"],
    ]
    assert cells(text, "LVLM | mode | answers") == [["`a`", "`direct`", "4", "25.0", "50.0"]]
    assert cells(text, "LVLM | weights")[1] == ["`b`", "not said in the authors' release"]
    assert "The edits were made by `harmonic@1`, `radedit@1.0`." in text


def test_of_the_authors_release_the_card_shows_table_4_of_the_paper(medground_release, tmp_path):
    folder = DatasetFolder(tmp_path / "bench")
    import_release(medground_release / "direct.json", folder)
    rows = {
        lvlm: counts for _mode, lvlm, *counts in cells(readme(folder, about_of(Level.KEYS)), "mode | LVLM")
    }
    assert rows == {
        "`qwen2_5_vl_3b`": ["105", "64", "30", "199"],
        "`qwen2_5_vl_7b`": ["55", "43", "44", "142"],
        "`gemma3_4b`": ["42", "73", "107", "222"],
        "`gemma3_12b`": ["97", "105", "80", "282"],
        "`medgemma_4b`": ["279", "190", "93", "562"],
        "`medgemma1_5_4b`": ["226", "168", "79", "473"],
        "all": ["804", "643", "433", "1,880"],
    }


def test_how_much_the_editor_matters_is_what_its_own_card_says(keys):
    """The oracle is the table in the editor's card."""
    text = (ROOT / "model_cards" / "phantom_radedit.md").read_text("utf-8")
    told: dict[str, list[float]] = {}
    for _lvlm, editor, _answers, same, *_more in cells(text, "LVLM | editor"):
        told.setdefault(editor, []).append(float(same.rstrip("%")))
    said = " ".join(readme(keys, about_of(Level.KEYS)).split())
    for editor, shares in told.items():
        (found,) = re.findall(rf"([0-9to ]+) % \(`{editor}`\)", said)
        least, most = (int(found.split(" to ")[place]) for place in (0, -1))
        assert abs(least - min(shares)) <= 0.51 and abs(most - max(shares)) <= 0.51


@pytest.mark.parametrize("hostile", HOSTILE)
def test_words_of_others_stay_words(hostile, tmp_path):
    """An LVLM's key, its weights, an editor, a reason to share, a contact and a change: no mark-up, no new YAML."""
    level = Level.BOXES
    folder = published_folder(tmp_path / "bench", level, ("vindr_cxr",))
    clean = readme(folder, about_of(level, contact="x", changes=("x",)))
    (row,) = folder.read(VERDICTS, "test")
    named = replace(row, lvlm=hostile, lvlm_revision=hostile, editor=hostile)
    folder.write(VERDICTS, "test", row.lvlm, [named])
    shares = {"vindr_cxr": f"By word of {hostile}"}
    about = about_of(level, shares=shares, contact=hostile, changes=(hostile, "v1"))
    files = card_files(folder, about)
    text = files["README.md"].decode()
    head, plain = (yaml.safe_load(each.split("---\n")[1]) for each in (text, clean))
    assert {**head, "configs": None} == {**plain, "configs": None}
    assert headings(text) == HEADINGS
    kinds = {token.type for token in parts(body_of(text))}
    assert kinds <= {token.type for token in parts(body_of(clean))} | {"text_special"}, kinds
    links = {token.attrGet("href") for token in parts(body_of(text)) if token.type == "link_open"}
    assert not any("evil" in link for link in links)
    widths = {
        (len(re.findall(r"(?<!\\)\|", line)), line[:8])
        for line in text.splitlines()
        if line.startswith("| `")
    }
    assert widths
    json.loads(files["croissant.json"])
    assert changes_of(text)[-1] == "v1" and len(changes_of(text)) == 2


def test_a_name_that_looks_like_a_date_of_a_study_is_masked_so_that_the_card_can_be_published(tmp_path):
    name = f"served/gpt-4o-{'-'.join(('2024', '08', '06'))}"
    assert code(name) == "`served/gpt-4o-[...]`"
    assert code("google/medgemma-4b-it@" + "1f2e" * 10) == "`google/medgemma-4b-it@" + "1f2e" * 10 + "`"
    assert code("") == "`?`"
    folder = published_folder(tmp_path / "bench", Level.KEYS, lvlms=(name,))
    with_card(folder, about_of(Level.KEYS))
    assert not inspect(files_of(folder.path), Level.KEYS).refusals


@given(st.lists(st.text(max_size=80).filter(lambda text: text.isprintable() and text.strip()), max_size=4))
def test_changes_are_read_back_as_they_were_told(changes):
    from builder.publish.card.changes import changes_section

    told = tuple(" ".join(change.split()) for change in changes)
    assert changes_of("# Card\n" + changes_section(changes)) == told


@given(st.text(max_size=200))
def test_any_text_is_one_paragraph_of_words_and_comes_back(text):
    line = prose(text)
    assert "\n" not in line
    tokens = PAGE.parse(f"- {line}\n") if line else []
    allowed = {"bullet_list_open", "list_item_open", "paragraph_open", "inline"}
    assert {token.type for token in tokens if token.type != "inline" and token.nesting >= 0} <= allowed
    inner = [child for token in tokens for child in token.children or []]
    assert {child.type for child in inner} <= {"text", "text_special"}
    shown = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    assert words(line) == shown
    assert "".join(child.content for child in inner) == shown


def test_changes_of_a_release_go_on_from_those_of_the_published_card(keys):
    first = readme(keys, about_of(Level.KEYS, changes=("v1: first release",)))
    changes = ("v2: adds gemma3_4b", *changes_of(first))
    second = readme(keys, about_of(Level.KEYS, changes=changes))
    assert changes_of(second) == ("v2: adds gemma3_4b", "v1: first release")
    assert "- v2: adds gemma3_4b\n" in second
    assert changes_of(second.replace("\n", "\r\n")) == changes_of(second)
    assert changes_of(readme(keys, about_of(Level.KEYS))) == ()
    assert changes_of("") == changes_of("# Another card\n\n- with a list\n") == ()


@pytest.mark.parametrize("field", ["contact", "changes", "shares"])
@pytest.mark.parametrize("kind", ["image id", "path", "date", "hub token", "password"])
def test_facts_that_hold_what_may_not_be_published_are_refused_without_the_value(field, kind):
    rule, value = {**leaks("imagenome"), **secrets()}[kind]
    facts = {"contact": value, "changes": (value,), "shares": {"imagenome": value}}
    with pytest.raises(BadAbout, match=rule) as refusal:
        About("org/medground-bench", Level.KEYS, **{field: facts[field]})
    assert value not in str(refusal.value)


@pytest.mark.parametrize(
    "name", ["medground-bench", "org/", "a/b/c", "org/x`y", 'org/x"y', "org/x\ny", "-/x", ""]
)
def test_what_names_no_repository_is_refused(name):
    with pytest.raises(BadAbout, match="names no repository of the hub"):
        About(name, Level.KEYS)


def test_who_to_ask_is_the_contact_or_else_the_discussions(keys):
    assert "(https://huggingface.co/datasets/org/medground-bench/discussions)" in readme(
        keys, about_of(Level.KEYS)
    )
    assert "\nname@example.org\n" in readme(keys, about_of(Level.KEYS, contact="name@example.org"))


@pytest.mark.parametrize("level", Level)
def test_croissant_is_json_ld_whose_every_name_is_of_a_known_vocabulary(level, tmp_path):
    folder = published_folder(tmp_path / "bench", level)
    said = json.loads(with_card(folder, about_of(level))["croissant.json"])
    context = said["@context"]
    assert said["@type"] == "sc:Dataset" and said["conformsTo"] == "http://mlcommons.org/croissant/RAI/1.0"
    assert (
        context["rai"] == "http://mlcommons.org/croissant/RAI/" and context["@vocab"] == "https://schema.org/"
    )
    assert {name.removeprefix("rai:") for name in said if name.startswith("rai:")} <= RAI
    needed = {
        "dataCollection",
        "dataBiases",
        "dataLimitations",
        "dataUseCases",
        "personalSensitiveInformation",
    }
    assert {f"rai:{name}" for name in needed} <= said.keys()
    assert not {"distribution", "recordSet"} & said.keys()
    for name, value in said.items():
        texts = value if isinstance(value, list) else [value]
        assert name == "@context" or all(isinstance(text, (str, bool)) and text != "" for text in texts), name
        assert all(
            "`" not in str(text) and "{" not in str(text)
            for text in texts
            if name not in ("@context", "citeAs")
        ), name
    assert said["license"].startswith("https://") and said["citeAs"].startswith("@article{")
    assert ("PhysioNet" in said["conditionsOfAccess"]) == (level is not Level.FULL)
