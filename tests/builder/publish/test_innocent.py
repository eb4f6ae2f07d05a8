"""What is innocent passes: false alarms would teach people to look away."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from builder.publish.columns import COLUMNS
from builder.publish.contents import text_findings
from builder.publish.levels import Level
from builder.publish.tables import bad_texts, inspect_table
from medground_bench.benchmark.parquet import encoded
from tests.kit.publishing import TABLES, clean_files, inspected, planted, raw_rows
from tests.kit.trees import digits_of

ANSWERS = Path(__file__).parents[2] / "core" / "answers"
FINDINGS = (
    "s/p CABG", "airspace opacity", "lung opacity", "vascular congestion", "pulmonary edema/hazy opacity",
    "Nodule/Mass", "enlarged cardiac silhouette", "costophrenic angle blunting", "hernia",
    "mass/nodule (not otherwise specified)", "Aortic enlargement", "Atelectasis", "Calcification", "Cardiomegaly",
    "Clavicle fracture", "Consolidation", "Edema", "Emphysema", "Enlarged PA", "ILD", "Infiltration",
    "Lung Opacity", "Lung cavity", "Lung cyst", "Mediastinal shift", "Other lesion", "Pleural effusion",
    "Pleural thickening", "Pneumothorax", "Pulmonary fibrosis", "Rib fracture", "pleural effusion or atelectasis",
    "NSG tube", "central venous catheter via jugular vein", "4th rib fracture", "T7 compression fracture",
    "aortic elongation", "chilaiditi sign", "COPD signs", "interstitial pattern", "s/p sternotomy, wires intact",
    "increased density (lower lobe)", "hilar enlargement", "end on vessel", "loculated", "lobar/segmental collapse",
    "bone lesion", "cyst/bullae", "linear/patchy atelectasis", "sub-diaphragmatic air",
    "superior mediastinal mass/enlargement", "tortuous aorta", "calcified nodule", "prosthesis",
    "scoliosis & kyphosis",
)  # fmt: skip
RESPONSES = (
    "Yes", "No.", "yes, in the left lower lobe", "No evidence of pneumothorax; heart/mediastinum normal.",
    "The findings are: 1) cardiomegaly, 2) effusion.", "Yes/No", "and/or", "w/o change",
    "Step 1: look. Step 2: decide.",
    "Technique: AP.\n\n**Findings:** opacity in the right base.\n\n**Impression:** Yes", "Impression: no mass.",
    "The 65-year-old patient has an effusion.", "The cardiothoracic ratio is 0.55, above 0.50.",
    "50% of the left lung", "Patient is rotated 10 degrees.", "Ribs 8/9/10 are broken.", "Rib 9, 10-11",
    "a 3.2 x 4.5 cm mass", "**Yes**", "[120, 340, 560.25, 780.5]", "box: (0.123456789012345, 0.2)",
    "<box>12 34 56 78</box>", "Score 7/10", "3/4 of it", "Yes. The left lung shows ___________ I cannot say",
    "is it A/B or B/C?", "Answer: yes\nConfidence: 0.9", "The token says yes.",
    "the secret is simple: look at the apex", "history of surgery", "No comparison is available.",
    "Comparison with the right side: equal.", "indication of edema", "T1/T2 level", "ET tube 4 cm above the carina",
    "NG tube, PICC line; s/p CABG", "In 2 of 3 zones", "March fracture", "may 5 percent", "C7-T1", "1.5:1",
    "1,234,567", "Kerley B lines", "the heart (12 cm / 25 cm)", "12345", "123456", "2/3", "-> yes", "=> no",
    "~ 5 cm", "__init__", "\u2581Yes", "\ufffd", "胸腔积液: 是", "Sí", "Oui, épanchement à gauche", "Nein",
    "1st/2nd rib", "Ich sehe 3 Rippen.",
)  # fmt: skip
CARD_LINES = (
    "version 2026.9.0", "datasets>=5.2.0,<6", "torch 2.13.0+cpu", "arXiv:1806.07421", "arXiv 2012.15029", "v1.0.0",
    "license: apache-2.0", "| direct | test | 4,240 | retained cases |", "rows: 74040", "2026-11-27: first release",
    "27 November 2026", "https://physionet.org/content/mimic-cxr-jpg/2.1.0/",
    "https://huggingface.co/datasets/org/name", "- {split: test, path: direct/test-*.parquet}",
    "`<source>/<image_id>/<finding>@<lvlm>:<mode>`", "/direct", "a / b",
    "files/p1x/p<patient>/s<study>/<image>.jpg", "grounded_reports_20240819.json",
    "mimic-cxr-2.0.0-metadata.csv.gz", "google/medgemma-4b-it", "Qwen/Qwen2.5-VL-7B-Instruct",
    "google/gemma-3-12b-it@1f2e3d4c", "org/name@" + "1f2e" * 10, "sha256-" + "0f1e" * 16,
    "description: sha256-" + "123a5678" * 8, "Petsiuk et al., BMVC 2018", "in 2012-2015",
    "extra_gated_fields: {PhysioNet user name: text}", "subject to the terms of each source",
    "password from a prompt", "patients are never named", "study frame of 224 px",
    "Johnson et al., 2019, Sci Data 6:317", "doi:10.1038/s41597-019-0322-0",
    "*.parquet filter=lfs diff=lfs merge=lfs -text", "size: 12,345,678 bytes", "DICOM file, 8 to 16 bits",
    "MIMIC-CXR-JPG", "name@example.org", "see design/contracts.md", "--level keys|boxes|full", "`--root PATH`",
    "12.5 %", "95 % (0.41-0.52)",
)  # fmt: skip
REVISIONS = (
    "1234567890", "9876543210", "1f2e", "1f2e3d4c5b6a", "0" * 39 + "e", "1a" * 20, "sha256:" + "1234567f" * 8, "r1",
    "main", "vllm-0.33.0-1f2e3d4c", "2026.9.0", "v2.1.0+cpu", "sglang-0.5.6", "org/name@" + "ab12" * 10,
    "20260901-rc.1",
)  # fmt: skip
LVLMS = (
    "medgemma_4b", "qwen2_5_vl_7b", "google/medgemma-4b-it@" + "1f2e" * 10, "served/Qwen2.5-VL-7B",
    "phantom_gemma3", "org/name-2026-01-05", "internvl3_5_8b",
)  # fmt: skip
EDITORS = ("radedit@1.0", "harmonic@1", "phantom_exact@3", "radedit@0.42.1+cu130 steps 200")
NUMBERS = np.random.default_rng(0)
DIGESTS = tuple(digits_of(64, "digest", place) for place in range(20))
BOXES = tuple(
    (round(x, digits), y / 3, x + 1 / 7 + width, y + 70.0)
    for digits, (x, y, width) in enumerate(NUMBERS.uniform(0, 50, (15, 3)) + 1)
)


@pytest.mark.parametrize("finding", FINDINGS)
def test_ordinary_findings_pass(finding):
    content = encoded(TABLES["verdicts"].row, raw_verdicts(finding))
    report = inspect_table(content, list(TABLES["verdicts"].row.__dataclass_fields__), Level.KEYS)
    assert not report.found


def raw_verdicts(finding: str) -> list:
    """A phantom's, which needs no other id."""
    return raw_rows("phantom", finding)["verdicts"]


@pytest.mark.parametrize("response", RESPONSES)
def test_ordinary_responses_pass(response):
    assert not list(bad_texts(pa.chunked_array([pa.array([response])]), COLUMNS["response"]))


@pytest.mark.parametrize("line", CARD_LINES)
def test_ordinary_lines_of_a_card_pass(line):
    assert not text_findings(f"# A card\n\n{line}\n".encode())


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        *(("verdicts", "lvlm_revision", revision) for revision in REVISIONS),
        *(("verdicts", "lvlm", lvlm) for lvlm in LVLMS),
        *(("verdicts", "editor", editor) for editor in EDITORS),
        *(("questions", "image_sha256", digest) for digest in DIGESTS),
        *(("questions", "boxes", (box,)) for box in BOXES),
        *(("verdicts", "release_index", index) for index in (None, 0, 7, 2656)),
        *(("verdicts", "foreground", said) for said in ("no", "unreadable", None)),
        ("questions", "boxes", ()),
    ],
)
def test_ordinary_values_pass(table, column, value):
    inspection = inspected(planted(table, "vindr_cxr", Level.BOXES, **{column: value}), Level.BOXES)
    assert not inspection.refusals, [str(each) for each in inspection.refusals]


def test_more_than_two_hundred_different_variations_are_asked_about():
    assert len({*FINDINGS, *RESPONSES, *CARD_LINES, *REVISIONS, *LVLMS, *EDITORS, *DIGESTS, *BOXES}) > 200


def test_no_plain_response_that_an_lvlm_was_made_up_to_give_is_refused_and_few_adversarial_ones():
    for name, most in {"plain": 0, "adversarial": 6}.items():
        lines = (ANSWERS / f"{name}.jsonl").read_text("utf-8").splitlines()
        said = [json.loads(line)["response"].encode("utf-8", "replace").decode() for line in lines]
        assert len(said) > 1000
        found = list(bad_texts(pa.chunked_array([pa.array(said)]), COLUMNS["response"]))
        assert sum(len(bad) for _rule, bad in found) <= most, found


def test_no_response_of_the_authors_release_is_refused(medground_release):
    released = json.loads((medground_release / "direct.json").read_text("utf-8"))
    said = {str(value) for row in released for key, value in row.items() if key.startswith("prediction")}
    assert said and not list(bad_texts(pa.chunked_array([pa.array(sorted(said))]), COLUMNS["response"]))


def test_rows_of_the_release_that_name_no_question_pass():
    nothing = dict.fromkeys(("question_id", "image_id", "finding", "lvlm_revision", "editor"))
    assert not inspected(planted("verdicts", "padchest_gr", **nothing)).refusals


def test_the_licence_and_the_card_of_this_repository_pass():
    files = {**clean_files("phantom"), "LICENSE": (Path(__file__).parents[3] / "LICENSE").read_bytes()}
    assert not inspected(files).refusals
