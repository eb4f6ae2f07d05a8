"""Every card is what its program writes, its head is one the hub reads, and no number in it was typed by hand."""

from __future__ import annotations

import csv
import json
import re
import shlex

import pytest
import typer
import yaml
from huggingface_hub import ModelCard

from medground_bench.ablation.variants import RULES
from medground_bench.cards.all_cards import all_cards
from medground_bench.cards.methods import own_methods
from medground_bench.cards.own import OwnRuns
from medground_bench.cards.own_sections import SEEDS
from medground_bench.cards.records import Records
from medground_bench.lvlms import checkpoints, embedded
from medground_bench.methods.medfocus_plus import MedFocusPlus
from medground_bench.phantom.limits import TAUGHT_WHERE
from tests.hub.clients import ROOT

CARDS, REPORTED = ROOT / "model_cards", ROOT / "submissions" / "reported"
MODELS = sorted(path.stem for path in CARDS.glob("*.md"))
OF_THE_PAPER = ("gemma3_12b", "gemma3_4b", "medgemma1_5_4b", "medgemma_4b", "qwen2_5_vl_3b", "qwen2_5_vl_7b")
SOURCES = {"ImaGenome": "imagenome", "VinDr-CXR": "vindr_cxr", "PadChest-GR": "padchest_gr"}


@pytest.fixture(scope="module")
def written():
    return all_cards(Records.read(CARDS, REPORTED))


def test_the_cards_in_the_checkout_are_current_to_the_byte(written):
    for place, text in written.items():
        assert (CARDS / place).is_file(), f"{place} is missing: python -m medground_bench.cards"
        assert (CARDS / place).read_text("utf-8") == text, (
            f"{place} is stale: python -m medground_bench.cards"
        )


def test_every_lvlm_and_every_method_has_a_card_and_nothing_else_has(written):
    lvlms, others = {key for key in checkpoints()}, {"phantom_unet", "film_unet", "view", "phantom_radedit"}
    assert set(MODELS) == lvlms | others
    assert set(OF_THE_PAPER) == {key for key in lvlms if not embedded(key)}
    assert {path.stem for path in (CARDS / "methods").glob("*.md")} == set(own_methods())
    assert len(written) == len(lvlms) + 3 + len(own_methods())


def card_of(name):
    return (CARDS / f"{name}.md").read_text("utf-8")


@pytest.mark.parametrize("name", MODELS)
def test_the_head_of_a_model_card_is_read_by_the_hub_and_has_no_model_index(hub, name):
    text = card_of(name)
    card = ModelCard(text, ignore_metadata_errors=False)
    assert card.data.license and "medground-bench" in card.data.tags
    assert card.data.eval_results is None and "model-index" not in text
    named = [card.data.license_name, card.data.get("license_link")]
    assert [each is not None for each in named] == [card.data.license == "other"] * 2
    card.validate(repo_type="model")
    assert hub.requests == ["POST /api/validate-yaml"]


def rows_of(table, **wanted):
    with (REPORTED / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [row for row in rows if all(row[name] == value for name, value in wanted.items())]


def section(text, heading):
    return re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)[1]


def cells(text, heading):
    """The rows of the first table of a section, cells as they are written."""
    lines = [line for line in section(text, heading).splitlines() if line.startswith("|")]
    return [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines[2:]]


@pytest.mark.parametrize("lvlm", OF_THE_PAPER)
def test_the_retention_of_an_lvlm_is_tables_3_and_4(lvlm):
    found = {(row[0], row[1]): row[2:] for row in cells(card_of(lvlm), "Retention")}
    assert len(found) == 8
    for mode in ("direct", "reason"):
        for name, source in SOURCES.items():
            of = {"lvlm": lvlm, "source": source, "mode": mode}
            shares = {row["group"]: float(row["share"]) for row in rows_of("table3", **of)}
            (questions,) = rows_of("questions", source=source, split="test")
            (retained,) = rows_of("table4", **of)
            printed = [f"{shares[group] * 100:.2f}" for group in ("incorrect", "ungrounded", "grounded")]
            assert found[name, mode] == (questions["questions"], *printed, retained["retained"])
        cases = sum(int(row["retained"]) for row in rows_of("table4", lvlm=lvlm, mode=mode))
        assert found["all", mode] == ("6170", "-", "-", "-", str(cases))


@pytest.mark.parametrize("lvlm", OF_THE_PAPER)
def test_the_scores_of_an_lvlm_are_table_5_and_their_mean_over_cases(lvlm):
    found = {(row[0], row[1]): row[2:] for row in cells(card_of(lvlm), "MedFocus on its cases")}
    columns = ("iou", "precision", "recall", "f1")
    for mode in ("direct", "reason"):
        sums, total = dict.fromkeys(columns, 0.0), 0
        for name, source in SOURCES.items():
            of = {"lvlm": lvlm, "source": source, "mode": mode}
            (scores,) = rows_of("table5", **of)
            cases = int(rows_of("table4", **of)[0]["retained"])
            assert found[name, mode] == (
                str(cases),
                *(f"{float(scores[each]) * 100:.2f}" for each in columns),
            )
            total += cases
            sums = {each: sums[each] + cases * float(scores[each]) for each in columns}
        assert found["all", mode][0] == str(total)
        for printed, each in zip(found["all", mode][1:], columns, strict=True):
            assert float(printed) == pytest.approx(100 * sums[each] / total, abs=0.0051)


def test_the_mean_over_all_lvlms_is_what_the_paper_prints_in_table_1_but_for_its_own_rounding():
    for name, source in SOURCES.items():
        tracks = [
            {(row[0], row[1]): row[2:] for row in cells(card_of(lvlm), "MedFocus on its cases")}
            for lvlm in OF_THE_PAPER
        ]
        cases, ious = zip(
            *((int(each[name, "direct"][0]), float(each[name, "direct"][1])) for each in tracks), strict=True
        )
        (pooled,) = rows_of("table1", source=source, method="medfocus")
        mean = sum(n * iou for n, iou in zip(cases, ious, strict=True)) / sum(cases)
        assert mean == pytest.approx(100 * float(pooled["iou"]), abs=0.4)


@pytest.mark.parametrize("method", own_methods())
def test_the_reported_scores_of_a_method_are_tables_1_5_and_6(method):
    text = section((CARDS / "methods" / f"{method}.md").read_text("utf-8"), "Results")
    reported = rows_of("table1", method=method)
    if not reported:
        assert "The paper has no such method." in text and "Reported" not in text
        return
    (seconds,) = rows_of("table6", method=method)
    assert f"Table 6: {float(seconds['seconds']):.2f} s a case" in text
    for row in reported:
        name = next(name for name, source in SOURCES.items() if source == row["source"])
        scores = (f"{float(row[each]) * 100:.2f}" for each in ("iou", "precision", "recall", "f1"))
        assert f"| {' | '.join([name, *scores])} |" in text
    by_lvlm = rows_of("table5", method=method)
    for lvlm, mode in {(row["lvlm"], row["mode"]) for row in by_lvlm}:
        ious = {row["source"]: row["iou"] for row in by_lvlm if (row["lvlm"], row["mode"]) == (lvlm, mode)}
        printed = " | ".join(f"{float(ious[source]) * 100:.2f}" for source in SOURCES.values())
        assert f"| [{lvlm}](../{lvlm}.md) | {mode} | {printed} |" in text


NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.]*\w)")


def numbers_of(text):
    """All numbers of a card's results; not those in names, code and addresses, nor the numbers of tables.

    Two sentences that stand in all of them have numbers of their own, which other tests hold.
    """
    text = text.replace(SEEDS, "").replace(TAUGHT_WHERE, "").replace("95 %", "")
    bare = re.sub(r"```.*?```|`[^`]*`|\]\([^)]*\)|\[\d+\]", " ", text, flags=re.DOTALL)
    bare = re.sub(r"(?i)\btables?(?: \d(?: and \d|, \d)*)", " ", bare)
    bare = re.sub(r"\((?:\d and \d)\)|, tables \d and \d", " ", bare)
    return set(NUMBER.findall(bare))


def known_numbers():
    """Every number of the kept records and of the paper's tables, in every way in which a card writes one."""
    known: set[str] = set()

    def take(value):
        if isinstance(value, dict):
            for each in value.values():
                take(each)
        elif isinstance(value, list):
            for each in value:
                take(each)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            known.update({str(value), f"{100 * value:.1f}", f"{100 * value:.2f}", f"{value:.2f}"})
            known.add(f"{abs(value):.4f}")  # of a self-check; the sign is no part of what is looked for

    for file in ("results.json", "retention.json", "chosen.json", "rules.json", "checks.json"):
        take(json.loads((CARDS / file).read_text("utf-8")))
    known.update(str(place) for place in range(1, len(own_methods()) + 1))  # ranks
    for row in json.loads((CARDS / "retention.json").read_text("utf-8")):
        for group in ("incorrect", "ungrounded", "grounded"):
            known.add(f"{100 * row[group] / row['questions']:.1f}")
        known.update(f"{100 * away / answers:.1f}" for answers, away in row["edits"].values())
    for table in REPORTED.glob("*.csv"):
        with table.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                take([yaml.safe_load(value) for value in row.values()])
    return known


@pytest.mark.parametrize("name", [*OF_THE_PAPER, "phantom_gemma3", "phantom_qwen2_5_vl"])
def test_no_number_of_our_runs_or_of_the_paper_stands_in_a_card_that_no_record_has(name):
    text = card_of(name)
    headings = {"Retention", "Attribution on its cases", "Chosen layers, heads and baselines", "Runs of ours"}
    there = [each for each in headings if f"## {each}\n" in text]
    assert len(there) == 3
    found = numbers_of(
        "\n".join(
            line for each in there for line in section(text, each).splitlines() if "| all |" not in line
        )
    )
    assert found and found <= known_numbers(), found - known_numbers()


@pytest.mark.parametrize("method", own_methods())
def test_no_score_stands_in_the_card_of_a_method_that_no_record_has(method):
    text = section((CARDS / "methods" / f"{method}.md").read_text("utf-8"), "Results")
    counted = re.sub(r"\*\* in \d+ of \d+ rows", "", text).replace("A100", "")
    assert numbers_of(counted) <= known_numbers(), numbers_of(counted) - known_numbers()


def test_no_number_stands_in_the_table_of_rules_that_no_record_has_and_its_choice_is_the_best_there():
    rules = OwnRuns.read(CARDS).rules
    text = section((CARDS / "methods" / "medfocus_plus.md").read_text("utf-8"), "How its rule was chosen")
    found = numbers_of(re.sub(r"(below|above) 5 %|below 2 %|2 to 5 %", "", text))
    counted = {f"{each.asked:.0f}" for each in rules if each.asked is not None}
    assert found and found <= known_numbers() | counted, found - known_numbers() - counted
    assert {each.split for each in rules} == {"tune"} and {each.lvlm for each in rules} > {"all"}
    means: dict[str, float] = {}
    for each in rules:
        if each.lvlm == each.size == "all":
            means[each.label] = means.get(each.label, 0.0) + each.iou
    plus = MedFocusPlus()
    as_chosen = (plus.rule, plus.groups, plus.quadrants)
    [label] = [
        label
        for label, method in RULES.items()
        if (method().rule, method().groups, method().quadrants) == as_chosen
    ]
    assert means[f"{plus.localizer}: {label}"] == max(means.values())


def test_a_number_that_was_typed_by_hand_would_be_seen():
    assert numbers_of("IoU 61.13 of `gemma3_4b`, table 5") == {"61.13"}
    assert not {"61.13"} <= known_numbers()


@pytest.mark.parametrize("lvlm", OF_THE_PAPER)
def test_the_weights_of_a_card_are_those_that_its_key_opens(lvlm):
    known, text = checkpoints()[lvlm], card_of(lvlm)
    assert f"[{known.location}](https://huggingface.co/{known.location})" in text
    assert f"| commit that is opened | `{known.revision}` |" in text and re.fullmatch(
        r"[0-9a-f]{40}", known.revision
    )
    assert (ROOT / "medground_bench" / "lvlms" / f"{known.family}.py").is_file()
    assert "| commit of the paper | not stated" in text


@pytest.mark.parametrize("lvlm", OF_THE_PAPER)
def test_the_commands_of_a_card_are_taken_as_they_stand_and_a_gated_one_begins_with_the_login(lvlm):
    from builder.cli import app as building
    from medground_bench.commands.main import app

    shell = re.search(r"```sh\n(.*?)```", section(card_of(lvlm), "Rebuild and predict"), re.DOTALL)[1]
    lines = shell.replace("\\\n", "").splitlines()
    facts = next(
        each for each in json.loads((CARDS / "weights.json").read_text("utf-8")) if each["lvlm"] == lvlm
    )
    assert (lines[0] == "hf auth login") == facts["gated"]
    ours = [line for line in lines if line != "hf auth login"]
    assert len(ours) == 4
    for line in ours:
        builder = line.startswith("python -m builder ")
        name, *arguments = shlex.split(line.removeprefix("python -m builder " if builder else "medground "))
        group = typer.main.get_command(building if builder else app)
        group.commands[name].make_context(name, arguments)


def test_the_gate_and_the_licence_of_weights_that_others_publish_each_say_where_they_were_read():
    for facts in json.loads((CARDS / "weights.json").read_text("utf-8")):
        assert facts["seen"] and all(page.startswith("https://") for page in facts["seen"])
        text = card_of(facts["lvlm"])
        assert facts["licence"] in text and f"| gate | {facts['gate']} |" in text
        assert all(page in text for page in facts["seen"])


@pytest.mark.parametrize("method", own_methods())
def test_the_card_of_a_method_that_is_no_control_names_the_paper_it_is_from(method):
    text = (CARDS / "methods" / f"{method}.md").read_text("utf-8")
    about = text.partition("## Settings")[0]
    assert re.search(r"arXiv:\d|[Pp]aper|Control:", about)
    assert all(f"## {each}\n" in text for each in ("Settings", "Cost of one case", "Results"))
    assert "**What it gives.**" in about and "Needs of the LVLM: " in text
    settings = section(text, "Settings")
    assert settings.strip().startswith("None.") or all(meaning for *_, meaning in cells(text, "Settings"))
