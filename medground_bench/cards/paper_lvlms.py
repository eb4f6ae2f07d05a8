"""The cards of the paper's LVLMs, whose weights are others'; `python -m medground_bench.cards` writes them.

Nothing in a card is typed by hand: repository and commit are those of the LVLM's family file, the numbers those of
`submissions/reported`, licence and gate those of `model_cards/weights.json`, each with the pages where they were read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from medground_bench.cards.markdown import REPORTED, WORKED_OUT, percent, table
from medground_bench.cards.own_sections import own_sections
from medground_bench.cards.records import Records, WeightsFacts
from medground_bench.cards.reported import NAMES, TUNE, Reported
from medground_bench.core.types import Mode
from medground_bench.lvlms import Checkpoint, checkpoints
from medground_bench.runs.tune import tunable_names

TEMPLATE = """---
{license}
library_name: transformers
pipeline_tag: image-text-to-text
tags: [medground-bench, chest-x-ray, interpretability]
---

# {lvlm}

{name}, one of the six LVLMs of the paper. **The weights are others' and not here.** Not for clinical use of any kind.

| | |
|---|---|
| weights | [{location}]({page}) |
| commit that is opened | `{commit}` |
| commit of the paper | not stated, and neither is the repository |
| family | `medground_bench/lvlms/{family}.py` |
| licence | {licence} |
| gate | {gate} |

Licence and gate were read in stored copies of public pages, not on the hub itself: the model's own page decides.
Pages: {seen}.

## Retention

{reported}: tables 3 and 4, what the causal filter made of the questions. Grounded ones are the cases.

{retention}

## MedFocus on its cases

{reported}: table 5, percent.

{scores}

Rows "all": {worked_out} (4 and 5); means over all cases. Of other methods the paper gives
means over its six LVLMs alone; they stand in [their cards](methods/).

## Chosen layers, heads and baselines

The paper chooses them for every LVLM on {tuning} questions of {tuning_source} and does not say which they are.
`medground tune` chooses again.

| method | chosen by the paper |
|---|---|
{tunable}

## Runs of ours

{own}

## Rebuild and predict

{first}

```sh
{commands}
```

`builder/README.md` has the other sources and what each needs.
"""

SOURCE = "vindr_cxr"
"""The source of the example: it needs a single folder."""

LOG_IN = "hf auth login"


def paper_lvlm_cards(records: Records) -> dict[Path, str]:
    """A card for each of the paper's LVLMs, `<key>.md`."""
    known = checkpoints()
    return {
        Path(f"{lvlm}.md"): card(facts, known[lvlm], records)
        for lvlm, facts in sorted(records.weights.items())
    }


def card(facts: WeightsFacts, checkpoint: Checkpoint, records: Records) -> str:
    """The card as Markdown with the hub's YAML head."""
    paper, name = records.paper, facts.licence
    tuning = next(each for each in paper.questions if each.split == TUNE)
    return TEMPLATE.format(
        license="\n".join(_license(facts)),
        lvlm=facts.lvlm,
        name=facts.name,
        location=checkpoint.location,
        page=f"https://huggingface.co/{checkpoint.location}",
        commit=checkpoint.revision,
        family=checkpoint.family,
        licence=f"[{name}]({facts.license_link})" if facts.license_link else name,
        gate=facts.gate,
        seen=", ".join(f"[{number}]({page})" for number, page in enumerate(facts.seen, 1)),
        reported=REPORTED,
        worked_out=WORKED_OUT,
        retention=table(
            ("source", "mode", "questions", "incorrect, %", "ungrounded, %", "grounded, %", "cases"),
            _retention_rows(facts.lvlm, paper),
            words=2,
        ),
        scores=table(
            ("source", "mode", "cases", "IoU", "precision", "recall", "F1"),
            _score_rows(facts.lvlm, paper),
            words=2,
        ),
        tuning=tuning.questions,
        tuning_source=NAMES[tuning.source],
        tunable="\n".join(f"| `{method}` | not stated |" for method in _chosen_by_the_paper(paper)),
        own=own_sections(facts.lvlm, records.own) or "None is kept.",
        first=_first(facts, checkpoint),
        commands="\n".join(commands(facts)),
    )


def commands(facts: WeightsFacts) -> Iterator[str]:
    """Lines of a shell, from nothing to the scores of MedFocus on the LVLM's own cases."""
    modes = " ".join(f"--mode {mode.value}" for mode in Mode)
    lvlm, direct = facts.lvlm, Mode.DIRECT.value
    if facts.gated:
        yield LOG_IN
    yield f"python -m builder build --source {SOURCE} --root vindr-cxr --lvlm {lvlm} {modes} \\"
    yield "  --out medground-bench"
    yield f"medground tune --benchmark medground-bench --lvlm {lvlm} --method attention_head"
    yield f"medground predict --benchmark medground-bench --lvlm {lvlm} --method medfocus --mode {direct} \\"
    yield f"  --out {lvlm}-{direct}.jsonl"
    yield f"medground score {lvlm}-{direct}.jsonl --benchmark medground-bench"


def _license(facts: WeightsFacts) -> Iterator[str]:
    yield f"license: {facts.license}"
    if facts.license_name:
        yield f"license_name: {facts.license_name}"
        yield f"license_link: {facts.license_link}"


def _first(facts: WeightsFacts, checkpoint: Checkpoint) -> str:
    if facts.gated:
        return (
            f"First agree to the terms on [the model's page](https://huggingface.co/{checkpoint.location})."
        )
    return "The weights are fetched at their commit when the LVLM is opened."


def _retention_rows(lvlm: str, paper: Reported) -> Iterator[tuple[object, ...]]:
    for mode in Mode:
        track = [kept for kept, _ in paper.of_track(lvlm, mode)]
        for kept in track:
            shares = (percent(share, 2) for share in (kept.incorrect, kept.ungrounded, kept.grounded))
            yield (NAMES[kept.source], mode.value, kept.questions, *shares, kept.retained)
        questions, cases = sum(each.questions for each in track), sum(each.retained for each in track)
        yield ("all", mode.value, questions, "-", "-", "-", cases)


def _score_rows(lvlm: str, paper: Reported) -> Iterator[tuple[object, ...]]:
    for mode in Mode:
        track = paper.of_track(lvlm, mode)
        for kept, scores in track:
            yield (NAMES[kept.source], mode.value, kept.retained, *(percent(each, 2) for each in scores.all))
        pooled = (percent(each, 2) for each in paper.pooled_scores(lvlm, mode))
        yield ("all", mode.value, sum(kept.retained for kept, _ in track), *pooled)


def _chosen_by_the_paper(paper: Reported) -> list[str]:
    named = {each.method for each in paper.pooled}
    return [method for method in tunable_names() if method in named]
