"""The YAML on top of a published card, and eval.yaml: what the hub and `datasets` read."""

from __future__ import annotations

from collections.abc import Sequence

import yaml

from builder.publish.card.facts import SPLIT, CardFacts
from builder.publish.card.gate import gate
from builder.publish.card.licence import licence_fields
from medground_bench.benchmark.card import card_head, config_entries
from medground_bench.core.types import Mode

TAGS = (
    "medical",
    "radiology",
    "chest-x-ray",
    "visual-grounding",
    "attribution",
    "interpretability",
    "counterfactual",
    "benchmark",
)
SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (10**6, "100K<n<1M"))
LARGEST = "1M<n<10M"
TITLE = "MedGround-Bench"
MEANING = (
    "Where an LVLM looks when it answers about a chest X-ray: overlap (IoU, in percent, higher is better) of a "
    "method's boxes with the region that caused the answer. A result is of one method of attribution on one LVLM."
)


def head(facts: CardFacts) -> str:
    """Of README.md."""
    return card_head(
        {
            **licence_fields(facts.credentialed),
            "language": ["en"],
            "annotations_creators": ["expert-generated" if facts.credentialed else "machine-generated"],
            "task_categories": ["visual-question-answering"],
            "size_categories": [size_category(facts.rows)],
            "tags": list(TAGS),
            "configs": config_entries(facts.configs),
            **gate(facts.sources),
        }
    )


def size_category(rows: int) -> str:
    """As the hub calls it."""
    return next((name for end, name in SIZES if rows < end), LARGEST)


def eval_yaml(modes: Sequence[Mode]) -> str:
    """The tasks by which results of models are shown; `evaluation_framework` is a closed list that does not have us."""
    tasks = [{"id": mode.value, "config": mode.value, "split": SPLIT} for mode in modes]
    said = {"name": TITLE, "description": MEANING, "tasks": tasks}
    return str(yaml.safe_dump(said, sort_keys=False, allow_unicode=True, width=110))


def modes_of(facts: CardFacts) -> list[Mode]:
    """The modes in which there are cases to score."""
    found = ((mode, facts.config(mode)) for mode in Mode)
    return [mode for mode, config in found if config is not None and SPLIT in config.rows]
