"""The text of a published card, section by section."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from builder.publish.card.about import About
from builder.publish.card.changes import changes_section
from builder.publish.card.citations import PAPER, PAPER_PAGE, PAPER_TITLE
from builder.publish.card.contact import contact_text
from builder.publish.card.facts import SPLIT, CardFacts
from builder.publish.card.head import TITLE
from builder.publish.card.licence import FILE
from builder.publish.card.limits import limits
from builder.publish.card.markdown import code, prose, table
from builder.publish.card.sources import PublishedSource
from builder.publish.card.tables import filter_section
from builder.publish.columns import WITHHELD
from builder.publish.levels import Level
from medground_bench.benchmark.card import ABOUT, COLUMNS, config_table

LEVELS = {
    Level.KEYS: "This release is at level `keys`: no pictures, no boxes. In every table `boxes`, `width`, `height` and "
    "`image` are null.",
    Level.BOXES: "This release is at level `boxes`: the experts' boxes, no pictures. In every table `image` is null.",
    Level.FULL: "This release is at level `full`: boxes and pictures, all of them drawn by a program.",
}
WHY = {
    Level.KEYS: "The agreements of these sources forbid to pass on their content, and boxes and sizes of pictures are "
    "part of it.",
    Level.BOXES: "The agreements of these sources forbid to pass on pictures. By which right their boxes are here "
    "stands under Licence.",
    Level.FULL: "",
}
OPAQUE = f"""\
- Ids of their pictures are opaque: `pic-` and 24 hexadecimal digits, a hash of the source's own id by a key that the
  maintainer keeps. The same picture has the same id in every table, and nobody can go back from it.
- `release_index`, the place of a question in the paper's order, and `image_sha256`, a digest of the grey values, lead
  whoever has the source to the question again, and nobody else anywhere.
- A response in which something looked like an identifier, a date or text of a report is `{WITHHELD}`, and its tokens
  are null; what was read from it stands.
- Edited pictures are at no level."""


FOR_PROGRAMS = (
    "How the data came about and what it cannot tell is in `croissant.json` too, for programs, in the vocabulary "
    "Croissant RAI 1.0."
)


def body(facts: CardFacts, about: About) -> str:
    """All below the YAML; the changes come last."""
    sections = (
        (TITLE, _opening(facts, about)),
        ("Load", _loading(facts, about)),
        ("What is in it", (config_table(facts.configs), _sources(facts.sources), COLUMNS, FOR_PROGRAMS)),
        ("What is not in it", _missing(facts, about)),
        ("Score a method", _scoring(facts, about)),
        ("What the causal filter made of the questions", filter_section(facts)),
        ("Licence", _licence(facts, about)),
        ("Limits", (_bullets(limits(facts.sources)),)),
        ("Cite", _citing(facts.sources)),
        ("Contact", (contact_text(about.contact, about.page),)),
    )
    texts = (_section(heading, paragraphs) for heading, paragraphs in sections)
    return "".join(texts) + changes_section(about.changes)


def _section(heading: str, paragraphs: Iterable[str]) -> str:
    marks = "#" if heading == TITLE else "##"
    return "\n\n".join([f"\n{marks} {heading}", *paragraphs]) + "\n"


def _opening(facts: CardFacts, about: About) -> Iterator[str]:
    yield ABOUT
    yield f"Questions, edits and checks are those of [{PAPER_TITLE}]({PAPER_PAGE}), by the package `medground-bench`."
    yield LEVELS[about.level]
    names = _listed([each.name for each in facts.credentialed])
    whom = f", to people who have signed the agreements of {names} themselves" if names else ""
    yield f"Access is granted by hand{whom}; the form is at the top of this page. Not for clinical use."


def _loading(facts: CardFacts, about: About) -> Iterator[str]:
    first = facts.configs[0]
    yield _python(
        "from datasets import load_dataset",
        "",
        f'rows = load_dataset("{about.repository}", "{first.name}", split="{next(iter(first.rows))}")',
    )
    yield (
        "Log in first (`hf auth login`) with the account that was granted access. To load the same rows next year, "
        "give the commit as `revision`."
    )


def _sources(sources: Sequence[PublishedSource]) -> str:
    lines = [[code(each.key), each.name, each.people, each.annotation] for each in sources]
    return table(["source", "data set", "pictures of", "boxes"], lines, texts=4)


def _missing(facts: CardFacts, about: About) -> Iterator[str]:
    if not facts.credentialed:
        yield "The package draws every phantom, with its boxes, again from its number. Edited pictures are at no level."
        return
    yield WHY[about.level]
    yield OPAQUE


def _scoring(facts: CardFacts, about: About) -> Iterator[str]:
    copies = {part: folder for each in facts.credentialed for part, folder in each.copies.items()}
    score = f"medground score predictions.jsonl --benchmark {about.repository}"
    if copies:
        missing = "Pictures and boxes" if about.level is Level.KEYS else "Pictures"
        yield f"{missing} come from your own copies of the sources:"
        yield _python(
            "import medground_bench",
            "",
            "joined = medground_bench.join(",
            "    rows,",
            "    roots={",
            *(f'        "{part}": "{folder}",' for part, folder in copies.items()),
            "    },",
            ")",
            "print(joined.report)",
            "rows = joined.dataset",
        )
        yield "The report says what could not be joined and why. Streams can be joined too."
    fetched = [list(each.copies)[-1] for each in facts.credentialed if each.on_physionet]
    if fetched:
        yield "Without a copy yet, fetch the pictures that the cases need, and no others, with your own account:"
        yield _shell(
            *(f"medground fetch --for {about.repository} --source {part} --user NAME" for part in fetched)
        )
    if copies and about.level is Level.KEYS:
        yield "A score needs the boxes, so it takes the same copies:"
        score += "".join(f" \\\n  --root {folder}" for folder in copies.values())
    yield _shell(score)
    yield (
        "A prediction file has a line a case, `case_id` and `boxes` in native pixels; the score is the mean IoU over "
        "all cases of a track, an LVLM in a mode, and a case without a prediction counts as 0. The split `tune` is "
        f"for choosing settings, `{SPLIT}` for scores."
    )


def _licence(facts: CardFacts, about: About) -> Iterator[str]:
    if not facts.credentialed:
        yield "Apache-2.0. The pictures are drawn by a program, and no patient is behind them."
        return
    yield (
        "What was made for the benchmark is under Apache-2.0. What comes from a source stays under its terms, and "
        f"responses under the licence of the model that gave them; the file `{FILE}` says it in full. You may not pass "
        "on what is here."
    )
    terms = (f"{each.name}: {each.licence}, {each.terms.page}" for each in facts.credentialed if each.terms)
    yield _bullets(terms)
    shares = [each for each in facts.credentialed if each.key in about.shares]
    if about.level is Level.BOXES and shares:
        yield "By which right boxes are shared here, in the words of the maintainer:"
        yield _bullets(f"{each.name}: {prose(about.shares[each.key])}" for each in shares)


def _citing(sources: Sequence[PublishedSource]) -> Iterator[str]:
    entries = list(dict.fromkeys(entry for each in sources for entry in each.citations))
    yield "The paper" + (", and the sources whose rows you use:" if entries else ":")
    yield "```bibtex\n" + "\n\n".join([PAPER, *entries]) + "\n```"


def _python(*lines: str) -> str:
    return "\n".join(("```python", *lines, "```"))


def _shell(*lines: str) -> str:
    return "\n".join(("```sh", *lines, "```"))


def _bullets(items: Iterable[str]) -> str:
    return "\n".join(f"- {item}" for item in items)


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))
