"""What is kept of our own runs: scores, retention and choices, as the programs that made them say."""

from __future__ import annotations

import csv
import json
import sys
from itertools import pairwise

import pytest

from medground_bench.ablation import What
from medground_bench.ablation.ablate import Plan, ablate
from medground_bench.ablation.variants import Variant
from medground_bench.benchmark.opening import open_benchmark
from medground_bench.benchmark.rows import VERDICTS
from medground_bench.cards.__main__ import main, program
from medground_bench.cards.own import (
    OwnRuns,
    SelfCheck,
    chosen_by,
    keep_demo,
    keep_localizers,
    keep_retention,
    keep_rules,
)
from medground_bench.cards.own_sections import own_sections
from medground_bench.cards.readme import marks, with_tables
from medground_bench.cards.rules import rules_section
from medground_bench.core.types import Mode
from medground_bench.leaderboard.board import build_board
from medground_bench.runs.sweep import Candidate, Sweep
from tests.hub.clients import ROOT
from tests.kit.board_runs import ALL_OF_IT, LEFT_HALF, reference
from tests.kit.board_runs import run as run_of
from tests.kit.builds import build
from tests.kit.spot_lvlm import SpotLvlm

SWEEP = Sweep(
    method="attention_head",
    lvlm="a",
    lvlm_revision="1f2e",
    mode=Mode.DIRECT,
    benchmark="",
    code="",
    cases=5,
    pictures=1,
    as_good=1,
    candidates=(
        Candidate({"layer": 0, "head": None, "plain": 1}, 0.1, 0),
        Candidate({"layer": 3, "head": 2, "plain": 1}, 0.4, 0),
    ),
)


SHARES = {"least": 0.9, "low": 0.95, "median": 1.0, "high": 1.04, "most": 1.2000004, "cases": 2}


@pytest.fixture
def demo(tmp_path):
    """A folder as `medground demo` leaves it: MedFocus right on two cases, the whole image half right."""
    folder, track = tmp_path / "demo", [reference(1), reference(2)]
    runs = [run_of("medfocus", track, LEFT_HALF), run_of("whole_image", track, ALL_OF_IT)]
    build_board(track, runs).save(folder)
    SWEEP.save(folder / "tuned")
    (folder / "predictions").mkdir()
    for seed in (0, 1):
        run = {"method": "lrp", "lvlm": "a", "mode": "direct", "seed": seed, "self_checks": {"share": SHARES}}
        (folder / f"predictions/a-direct-lrp-{seed}.jsonl.run.json").write_text(json.dumps(run))
    return folder


def test_a_demo_is_kept_as_its_scores_and_its_choices(demo, tmp_path):
    keep_demo(demo, tmp_path / "cards")
    own = OwnRuns.read(tmp_path / "cards")
    assert {(each.method, each.lvlm, each.iou, each.cases) for each in own.results} == {
        ("medfocus", "all", 1.0, 2), ("medfocus", "a", 1.0, 2),
        ("whole_image", "all", 0.5, 2), ("whole_image", "a", 0.5, 2),
    }  # fmt: skip
    assert own.chosen == [chosen_by(SWEEP)] and own.retention == []
    assert own.checks == [SelfCheck("lrp", "share", "a", "direct", **SHARES | {"most": 1.2})], (
        "of the first seed"
    )
    first = {file.name: file.read_bytes() for file in (tmp_path / "cards").iterdir()}
    keep_demo(demo, tmp_path / "cards")
    assert {file.name: file.read_bytes() for file in (tmp_path / "cards").iterdir()} == first


def test_of_a_choice_only_what_varied_is_shown():
    chosen = chosen_by(SWEEP)
    assert (str(chosen), chosen.candidates, chosen.cases) == ("layer 3, head 2 (1 of 2)", 2, 5)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """The dataset folder of a few phantoms, asked in one mode."""
    return build(tmp_path_factory.mktemp("small") / "medground-bench", modes=(Mode.DIRECT,), limit=2)


def test_retention_is_counted_in_the_split_test_of_a_dataset_folder(small, tmp_path):
    keep_retention(small.path, tmp_path)
    own = OwnRuns.read(tmp_path)
    verdicts = small.read(VERDICTS, "test")
    for each in own.retention:
        groups = [row.group for row in verdicts if (row.lvlm, row.mode) == (each.lvlm, each.mode)]
        counted = [groups.count(group) for group in ("incorrect", "ungrounded", "grounded")]
        assert [each.incorrect, each.ungrounded, each.grounded] == counted
        assert each.questions == sum(counted) > 0
        of_edits = list(each.edits.values())
        assert list(each.edits) == ["foreground", "background", "background_normal"]
        assert (
            of_edits[0][0] == each.ungrounded + each.grounded
            and of_edits[-1][0] - of_edits[-1][1] == each.grounded
        )
        assert all(came - away == left for (came, away), (left, _) in pairwise(of_edits))
    assert [(each.mode, each.source) for each in own.retention] == [("direct", "phantom")]


@pytest.fixture(scope="module")
def ablated(small, tmp_path_factory):
    """What `medground ablate --what rules --split tune` wrote for a few phantoms."""
    plan = Plan(what=What.RULES, base=Variant(), modes=[Mode.DIRECT], split="tune", limit=2)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("medground_bench.ablation.ablate.open_lvlm", lambda _location, **_choices: SpotLvlm())
        return ablate(open_benchmark(small.path), plan, tmp_path_factory.mktemp("ablated")).folder


def test_the_table_of_rules_is_kept_and_shown_as_the_ablation_wrote_it(ablated, tmp_path):
    keep_rules(ablated, tmp_path)
    own = OwnRuns.read(tmp_path)
    written = []
    for name in ("rules", "rules-by-size"):
        with (ablated / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            written += [row for row in csv.DictReader(file) if row["source"] == "all"]
    assert len(own.rules) == len(written) and {each.size for each in own.rules} > {"all"}
    for kept, row in zip(own.rules, written, strict=True):
        assert (kept.label, kept.lvlm, kept.mode, kept.split) == (row["label"], row["lvlm"], "direct", "tune")
        assert (kept.cases, kept.low) == (int(row["cases"]), None)
        for name in ("iou", "area", "whole_image", "failed", "asked"):
            assert getattr(kept, name) == pytest.approx(float(row[name]), abs=5e-5)
    text = rules_section(own.rules)
    assert "`medground ablate --what rules --split tune`" in text and text.count("| uot: largest |") == 3
    first = own.rules[0]
    shares = " | ".join(f"{100 * each:.1f}" for each in (first.area, first.whole_image, first.failed))
    assert f"| uot: largest | 16 | {100 * first.iou:.1f} | - | {shares} | - | - | - | - | - |" in text
    assert rules_section([]) == ""


def localizers_of(folder, rows):
    """A folder as `medground ablate --what localizers` leaves it, with these labels and IoUs."""
    names = [
        "label",
        "source",
        "lvlm",
        "mode",
        "cases",
        "images",
        "iou",
        "low",
        "high",
        "area",
        "whole_image",
        "failed",
        "asked",
        "not_run",
    ]
    with (folder / "table2-localizers.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, names)
        table.writeheader()
        for label, mode, iou in rows:
            known = {"cases": 9, "images": 7, "iou": iou, "low": iou - 0.1, "high": iou + 0.1, "asked": 16}
            table.writerow({"label": label, "source": "all", "lvlm": "all", "mode": mode, **known})
        table.writerow({"label": "SAM3", "source": "all", "lvlm": "all", "not_run": "needs weights"})
    (folder / "ablation.json").write_text(json.dumps({"table2-localizers.csv": {"split": "test"}}))
    (folder / "table2-localizers.png").write_bytes(b"a figure")
    return folder


def test_readme_has_the_table_of_localizers_that_were_run_the_best_first(tmp_path):
    rows = [("UOT", "direct", 0.25), ("UOT", "reason", 0.24), ("mean_box", "direct", 0.3)]
    assert keep_localizers(localizers_of(tmp_path, rows), tmp_path / "cards") == b"a figure"
    begin, end = marks("localizers")
    text = with_tables(f"Before\n{begin}old\n{end}after\n", OwnRuns.read(tmp_path / "cards"))
    assert text.startswith(f"Before\n{begin}What anatomy is worth") and text.endswith(f"{end}after\n")
    assert "old" not in text and "9 cases in direct mode and 9 cases in reason mode, of 7 pictures" in text
    assert text.index("| mean_box | 30.0 | 20.0 to 40.0 | - | - |") < text.index(
        "| UOT | 25.0 | 15.0 to 35.0 | 24.0 | 14.0 to 34.0 |"
    )
    assert "SAM3" not in text and "(docs/localizers.png)" in text


def test_an_lvlm_of_which_nothing_is_kept_has_no_section(demo, tmp_path):
    keep_demo(demo, tmp_path / "cards")
    own = OwnRuns.read(tmp_path / "cards")
    assert own_sections("b", own) == ""
    text = own_sections("a", own)
    assert "| `medfocus` | 1 | 100.0 | - | 100.0 | - | - | - | - |" in text and "2 in direct mode" in text
    assert text.index("`medfocus`") < text.index("`whole_image`"), "the best first"
    assert "| `attention_head` | layer 3, head 2 (1 of 2) | - |" in text and "## Retention" not in text


def test_the_program_keeps_what_it_is_given_and_writes_every_card(demo, small, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("medground_bench.cards.methods.own_methods", lambda: ["whole_image"])
    cards = tmp_path / "model_cards"
    cards.mkdir()
    (cards / "weights.json").write_bytes((ROOT / "model_cards" / "weights.json").read_bytes())
    reported = ROOT / "submissions" / "reported"
    main(out=cards, reported=reported, demo=demo, benchmark=small.path)
    said = capsys.readouterr().out.splitlines()
    assert str(cards / "methods" / "whole_image.md") in said and str(cards / "gemma3_4b.md") in said
    assert len(json.loads((cards / "results.json").read_text("utf-8"))) == 4
    first = {file: file.read_bytes() for file in cards.rglob("*.*")}
    main(out=cards, reported=reported, demo=None, benchmark=None)
    assert {file: file.read_bytes() for file in cards.rglob("*.*")} == first


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "cards are written in a checkout"),
        (("--demo", "nowhere"), "nowhere holds no results"),
        (("--rules", "nowhere"), "nowhere holds no table of rules"),
        (("--localizers", "nowhere"), "nowhere holds no table of localizers"),
        (("--benchmark", "nowhere"), "nowhere is no benchmark folder"),
    ],
)
def test_a_mistake_is_a_paragraph_and_nothing_is_written(words, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["cards", *words])
    with pytest.raises(SystemExit) as left:
        program()
    assert str(left.value.code).startswith("error: ") and message in left.value.code
    assert not any(tmp_path.iterdir())
