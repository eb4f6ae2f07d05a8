"""Scores for the `.eval_results` of model repositories, by which the hub ranks models on a benchmark's page.

The hub knows one value a task and model and no attribution method. So one method stands for all, MedFocus: the value is
the mean IoU of its boxes in percent over all cases of a track, and a task is a mode. Numbers that the paper reports say
so in their notes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import yaml
from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml

from medground_bench.cards.own import Result, results_of
from medground_bench.cards.reported import Reported
from medground_bench.core.errors import MedgroundError, SourceMissing
from medground_bench.core.types import Mode, file_stem
from medground_bench.leaderboard.board import ALL, Board
from medground_bench.lvlms import EMBEDDED, checkpoints
from medground_bench.storage.hub import Repository
from medground_bench.storage.whole_files import write_whole

HEADLINE = "medfocus"
FOLDER = ".eval_results"


@dataclass(frozen=True, slots=True)
class Ranked:
    """One value for a model's repository.

    place  the repository, or the LVLM's key where its weights are in none
    """

    place: str
    on_the_hub: bool
    entry: EvalResultEntry

    @property
    def file(self) -> Path:
        """Where it stands in the repository: a file a benchmark and task."""
        benchmark = self.entry.dataset_id.partition("/")[2]
        return Path(FOLDER) / f"{benchmark}-{self.entry.task_id}.yaml"

    @property
    def content(self) -> bytes:
        """The file, as the hub reads it."""
        entries = eval_result_entries_to_yaml([self.entry])
        text: str = yaml.safe_dump(entries, sort_keys=False, allow_unicode=True, width=1000)
        return text.encode()


def benchmark_at(location: str) -> Repository:
    """The published benchmark, `org/name@<commit>`: a value holds for one revision."""
    repository = Repository.parse(location, kind="dataset")
    if repository is None or not repository.commit:
        raise MedgroundError(
            f"{location} names no revision of a published benchmark. A value holds for one: give org/name@<commit>, "
            "with the commit that `python -m builder publish` printed."
        )
    return repository


def values_of(
    board: Path | None, benchmark: Repository, modes: Sequence[Mode], source_url: str | None
) -> list[Ranked]:
    """Those of a folder with a board, without one the paper's; SourceMissing where there is none."""
    found = (
        reported_by_the_paper(Reported.read(), benchmark, source_url)
        if board is None
        else measured_by_us(results_of(Board.read(board)), benchmark, source_url)
    )
    values = [each for each in found if each.entry.task_id in modes]
    if not values:
        raise SourceMissing(
            f"{board} has no score of {HEADLINE}, which stands for an LVLM, in mode {' or '.join(modes)}. Run it first."
        )
    return values


def reported_by_the_paper(paper: Reported, benchmark: Repository, source_url: str | None) -> Iterator[Ranked]:
    """Of each of its LVLMs in each mode: table 5, weighted by the cases of table 4."""
    for lvlm, mode in product(sorted({each.lvlm for each in paper.by_lvlm}), Mode):
        by_source = ", ".join(
            f"{kept.source} {100 * scores.iou:.2f} of {kept.retained} cases"
            for kept, scores in paper.of_track(lvlm, mode)
        )
        notes = (
            f"MedFocus, mean IoU in percent; reported by the paper on its cases, tables 4 and 5: {by_source}"
        )
        value = 100 * paper.pooled_scores(lvlm, mode)[0]
        yield _ranked(lvlm, _entry(benchmark, mode.value, value, notes, source_url))


def measured_by_us(
    results: Iterable[Result], benchmark: Repository, source_url: str | None
) -> Iterator[Ranked]:
    """Of each LVLM in each mode that a board of ours has MedFocus for."""
    for each in results:
        if each.method == HEADLINE and each.lvlm != ALL and each.iou is not None:
            notes = (
                f"{each.shown}, mean IoU in percent over {each.cases} cases; measured with medground-bench"
            )
            yield _ranked(each.lvlm, _entry(benchmark, each.mode, 100 * each.iou, notes, source_url))


def write(values: Sequence[Ranked], out: Path) -> list[Path]:
    """Write every value to `out/<repository>/.eval_results/`."""
    files = [out / each.place / each.file for each in values]
    for each, file in zip(values, files, strict=True):
        write_whole(file, each.content)
    return files


def _entry(
    benchmark: Repository, task: str, value: float, notes: str, source_url: str | None
) -> EvalResultEntry:
    return EvalResultEntry(
        dataset_id=benchmark.name,
        task_id=task,
        value=round(value, 2),
        dataset_revision=benchmark.commit,
        source_url=source_url,
        notes=notes,
    )


def _ranked(lvlm: str, entry: EvalResultEntry) -> Ranked:
    known = checkpoints().get(lvlm)
    location = known.location if known else lvlm
    repository = None if location.startswith(EMBEDDED) else Repository.parse(location)
    if repository is None:
        return Ranked(file_stem(lvlm), on_the_hub=False, entry=entry)
    return Ranked(repository.name, on_the_hub=True, entry=entry)
