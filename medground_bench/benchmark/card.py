"""The README of the dataset folder, written from what is in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import yaml

MEANINGS = {
    "direct": "retained cases, asked for a bare yes or no",
    "reason": "retained cases, asked to think step by step",
    "questions": "every question of the sources",
    "verdicts": "every positive question of an LVLM and mode with the four answers and the verdict",
    "answers": "every response that was read, word for word",
}

MARK = ("---", "pretty_name: MedGround-Bench")
"""The lines with which every card begins."""

ABOUT = """\
Causally validated visual attribution for chest X-rays: yes/no questions about findings that a large vision-language
model (LVLM) answers right *because of* the region the experts marked. A retained case passed four checks: the answer is
right, it flips when the finding is edited out of the boxes, and it stays when the rest of the picture is edited, with
the same prompt and with "No abnormality"."""
"""What the benchmark is."""

COLUMNS = """\
Boxes are `[x0, y0, x1, y1]` in native image pixels, half-open, origin top-left. `case_id` is
`<source>/<image_id>/<finding>@<lvlm>:<mode>`. `verdicts` has the groups `incorrect`, `ungrounded` and `grounded` with
the reason, and an answer that was never needed is null. Boxes and pictures that may not be shared are null.

- `lvlm_revision`: which weights answered: a commit of the hub, or `sha256:` over the files of a folder; null in the
  authors' released split, which does not say
- `editor`: in `verdicts` and `answers`, who made the edited pictures, as `name@version`; null where no edit was asked
  about, and in the authors' released split
- `response_token_ids` and `response_tokens`: the response in the LVLM's own tokens; null in the authors' released
  split, so that its cases can be scored and no method can explain them
- `picture` and `said`, in `answers`: what was asked about (`original`, an edit, or a counterfactual picture of a
  phantom), and the response as it was read
- `image_sha256`: a digest of the picture's size and grey values, not of the bytes of the PNG
- `levels`: in `questions`, the source's rule by which a file deeper than 8 bits became those grey values: `min-max`
  makes its least value black and its greatest white, `windowed min-max` does so with the values in the first window
  of a DICOM file, `robust` without outliers
- `marker`: whether a side marker is planted in the picture as a shortcut; null where the source plants none
- `known_cause`: what a right "yes" rests on, known for the source `phantom` alone
- `release_index`: the question's position in the authors' own list, by which alone their released split names it; a row
  of that split that is joined with no copy of the source has a `release_index` and no `question_id`

The `known_cause` is found with exact counterfactual pictures, and is one of:

- `finding`: it rests on the finding alone
- `marker`: it rests on the side marker alone (`marker` says whether the picture has one)
- `both`: it needs the finding and the marker together
- `either`: the finding or the marker, each is enough
- `neither`: it rests on something else in the picture, or on the words of the question
- null: the answer was not a right yes, or a counterfactual answer could not be read"""
"""What the columns hold that do not explain themselves."""

EXAMPLE = """
# MedGround-Bench

{about}

```python
from datasets import load_dataset

rows = load_dataset("medground-bench", "{config}", split="{split}")
```

{table}

{columns}
"""


@dataclass(frozen=True, slots=True)
class Config:
    """A config that has files: its name, the digest of its content, and rows per split.

    >>> Config("direct", digest="1f2e", rows={"test": 240, "tune": 60}).rows["tune"]
    60
    """

    name: str
    digest: str
    rows: Mapping[str, int]


def card(configs: Sequence[Config]) -> str:
    """YAML header and text; the first config is the one that `datasets` loads when none is named.

    >>> text = card([Config("direct", digest="1f2e", rows={"test": 240})])
    >>> "| direct | test | 240 | retained cases, asked for a bare yes or no |" in text
    True
    """
    fields = {"license": "apache-2.0", "language": ["en"], "configs": config_entries(configs)}
    text = EXAMPLE.format(
        about=ABOUT,
        config=configs[0].name,
        split=next(iter(configs[0].rows)),
        table=config_table(configs),
        columns=COLUMNS,
    )
    return card_head(fields) + text


def card_head(fields: Mapping[str, object]) -> str:
    r"""The YAML on top of a card of ours; its name comes first.

    >>> card_head({"license": "apache-2.0"})
    '---\npretty_name: MedGround-Bench\nlicense: apache-2.0\n---\n'
    """
    said = yaml.safe_dump(dict(fields), sort_keys=False, allow_unicode=True, width=110)
    return "\n".join(MARK) + f"\n{said}---\n"


def config_entries(configs: Sequence[Config]) -> list[dict[str, object]]:
    """What the YAML says of each config: its files by split, and in `description` the digest of its content.

    The digest makes `datasets` forget what it cached of an earlier build in the same folder.

    >>> [entry] = config_entries([Config("direct", digest="1f2e", rows={"test": 240})])
    >>> entry["data_files"], entry["default"]
    ([{'split': 'test', 'path': 'direct/test-*.parquet'}], True)
    """
    return [
        {
            "config_name": config.name,
            **({"default": True} if config is configs[0] else {}),
            "description": f"sha256-{config.digest}",
            "data_files": [
                {"split": split, "path": f"{config.name}/{split}-*.parquet"} for split in config.rows
            ],
        }
        for config in configs
    ]


def config_table(configs: Sequence[Config]) -> str:
    """Rows per config and split, as Markdown.

    >>> config_table([Config("direct", digest="1f2e", rows={"test": 240})]).splitlines()[-1]
    '| direct | test | 240 | retained cases, asked for a bare yes or no |'
    """
    lines = ["| config | split | rows | what it holds |", "|---|---|---:|---|"]
    for config in configs:
        for split, count in config.rows.items():
            lines.append(f"| {config.name} | {split} | {count} | {MEANINGS[config.name]} |")
    return "\n".join(lines)


def is_card(text: str) -> bool:
    """Whether a README is one of ours.

    >>> is_card(card([Config("direct", digest="1f2e", rows={"test": 240})])), is_card("# MedGround-Bench")
    (True, False)
    """
    return tuple(text.splitlines()[: len(MARK)]) == MARK
