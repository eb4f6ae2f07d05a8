"""The pages of `design/` and `docs/` and the contributor's guide: what they name is there, and each has its form."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DESIGN = ROOT / "design"
GUIDE = ROOT / "CONTRIBUTING.md"
PAGES = [*sorted(DESIGN.glob("*.md")), *sorted((ROOT / "docs").glob("*.md")), GUIDE]
PLACES = (ROOT, ROOT / "medground_bench")
"""What a path in a page begins from: the repository, or the rooms."""

OUTSIDE = {"real_cxr/", "medground_release/"}
"""Folders that a page names and that stand in no checkout."""

PATH = re.compile(r"\.?\w[\w./<>-]*/[\w./<>-]*|[\w-]+\.(py|md|toml|txt)")
MOST_LINES = {"README.md": 10, "contracts.md": 265, "style.md": 150, "decisions.md": 250}
MOST_TERMS = 25


def named_paths(text: str) -> list[str]:
    """Paths between backticks, outside of blocks of code; one with a <name> in it as far as that."""
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    words = re.findall(r"`([^`\s]+)`", prose)
    return [word.partition("<")[0] for word in words if PATH.fullmatch(word) and word not in OUTSIDE]


def sections(page: Path) -> dict[str, str]:
    """Heading -> text, of the second level."""
    _, *parts = re.split(r"^## ", page.read_text("utf-8"), flags=re.MULTILINE)
    return {head: text for head, _, text in (part.partition("\n") for part in parts)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_in_a_page_exists(page):
    text = page.read_text("utf-8")
    missing = [name for name in named_paths(text) if not any((place / name).exists() for place in PLACES)]
    links = re.findall(r"\]\(([^)#]+)(?:#[\w-]+)?\)", text)
    missing += [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert not missing


def test_a_path_is_told_from_other_words():
    text = "`core/types.py` `org/name@1f2e` `<source>/<id>` `a / b` `.ci/run` `lvlms/<family>.py` `README.md` `x.y`"
    assert named_paths(text) == ["core/types.py", ".ci/run", "lvlms/", "README.md"]
    assert not named_paths("```sh\n`no/such/file.py`\n```")


def test_every_contract_has_a_home_and_a_test_that_pins_it():
    *contracts, planned = sections(DESIGN / "contracts.md").items()
    assert planned[0] == "Planned" and len(contracts) > 10
    for head, text in contracts:
        held, _, pinned = text.partition("Held in: ")[2].partition("Pinned by: ")
        tests = named_paths(pinned)
        assert named_paths(held) and tests, head
        assert all(re.fullmatch(r"tests/([\w/]+/)?test_\w+\.py", test) for test in tests), head


def test_decisions_are_dated_newest_first_and_say_why_what_was_rejected_and_where():
    decisions = sections(DESIGN / "decisions.md")
    dates = [date.fromisoformat(head.partition(": ")[0]) for head in decisions]
    assert 15 <= len(decisions) <= 25
    assert all(newer >= older for newer, older in pairwise(dates))
    for head, text in decisions.items():
        assert re.findall(r"^- (Why|Rejected|Shows in): \S", text, re.MULTILINE) == [
            "Why",
            "Rejected",
            "Shows in",
        ], head
        assert named_paths(text.partition("- Shows in: ")[2]), head


def test_the_glossary_has_a_line_a_term_and_few_terms():
    lines = sections(GUIDE)["Glossary"].strip().splitlines()
    terms = [re.fullmatch(r"- \*\*([\w ()-]+)\*\*: \S.*[^.]", line).group(1) for line in lines]
    assert 0 < len(terms) == len(set(terms)) <= MOST_TERMS
    assert all(len(line) <= 120 for line in lines)


def test_the_index_names_every_page_and_pages_are_short():
    index = (DESIGN / "README.md").read_text("utf-8")
    assert {page.name for page in DESIGN.iterdir()} == set(MOST_LINES)
    for name, most in MOST_LINES.items():
        lines = (DESIGN / name).read_text("utf-8").splitlines()
        assert name == "README.md" or f"[{name}]({name})" in index
        assert len(lines) <= most and max(map(len, lines)) <= 120, name


def test_the_numbers_of_the_style_are_those_of_the_tools():
    style = (DESIGN / "style.md").read_text("utf-8")
    ruff = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["ruff"]
    assert f"has {ruff['line-length']} characters a line" in style
    assert f"end by {ruff['lint']['pycodestyle']['max-line-length']}" in style
    assert f"refuses more than {ruff['lint']['pylint']['max-args']}" in style
