"""`medground ablate`: run the variants over a benchmark's tracks, and write tables and figures."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from medground_bench import __version__
from medground_bench.ablation import What
from medground_bench.ablation.figures import (
    concepts_figure,
    groups_figure,
    rows_figure,
    transport_figure,
)
from medground_bench.ablation.run import TrackEvidence, run, total
from medground_bench.ablation.tables import (
    VIEWS_OF_FAILURES,
    Record,
    concept_records,
    group_records,
    size_records,
    table_records,
)
from medground_bench.ablation.variants import TableRow, Variant, table_rows, variant_runs
from medground_bench.benchmark.attempts import Attempts, has_answers
from medground_bench.benchmark.opening import Benchmark
from medground_bench.core.errors import SourceMissing
from medground_bench.core.progress import Progress, silently
from medground_bench.core.types import Group, Mode, Track
from medground_bench.drawing.sheet import Figure
from medground_bench.lvlms import Lvlm, key_of, open_lvlm, pinned
from medground_bench.methods import open_method
from medground_bench.runs.code_version import library_versions
from medground_bench.storage.tables import as_csv
from medground_bench.storage.whole_files import Plain, sha256, write_whole

RESULTS = "results"
PROVENANCE = "ablation.json"
FILES = {
    What.LOCALIZERS: "table2-localizers",
    What.INTERVENTIONS: "table2-interventions",
    What.TRANSPORT: "table7",
    What.RULES: "rules",
}
"""Part -> the name of its table: parts can be run one after the other into one folder."""

BY_SIZE = "rules-by-size"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is asked for.

    base   what every variant changes one thing of
    lvlms  keys or locations; none for all of the benchmark
    modes  none for both
    split  whose cases are taken: test, or tune for a choice
    limit  at most so many questions of each group of a track; None for all
    newest  whether the LVLMs' newest commits are taken instead of the pinned ones
    """

    what: What
    base: Variant
    lvlms: Sequence[str] = ()
    modes: Sequence[Mode] = ()
    split: str = "test"
    limit: int | None = None
    newest: bool = False


@dataclass(frozen=True, slots=True)
class Ablation:
    """What was written, and for the terminal the records of every table by its file."""

    folder: Path
    tables: dict[str, list[Record]]
    files: tuple[Path, ...]


def ablate(benchmark: Benchmark, plan: Plan, folder: Path, *, progress: Progress = silently) -> Ablation:
    """Run what the plan asks for and write its tables (CSV) and figures (PNG) into a folder.

    Beside them, `ablation.json` says of every table what made it, also of those of earlier calls that are still there.
    Results are kept in the folder as they come: a killed run goes on where it was, and another part, LVLM or limit
    does not do again what it has in common with an earlier one.
    """
    plan.base.method()  # a vocabulary that cannot be used is refused before anything is opened
    locations = _locations(benchmark, plan)
    rows = table_rows(plan.what, plan.base)
    runs = variant_runs(plan.what, plan.base, chain.from_iterable(rows.values()))
    groups = frozenset().union(*runs.values())
    tracks: list[TrackEvidence] = []
    revisions: dict[str, str] = {}
    for location in locations:
        lvlm = open_lvlm(location, newest=plan.newest)
        open_method("medfocus", lvlm)  # refuses an LVLM that cannot be asked for log-probabilities
        revisions[lvlm.key] = lvlm.revision
        for mode in _modes(benchmark, lvlm, plan):
            track = Track(lvlm.key, mode)
            attempts = Attempts.of(benchmark, track, groups=groups, split=plan.split, limit=plan.limit)
            journal = folder / RESULTS / f"{track.stem}.jsonl"
            with progress(f"ablate {track}", total(attempts, runs), "results") as advance:
                tracks.append(run(attempts, lvlm, runs, journal, advance))
            # What cannot be run here is not tried again.
            runs = {variant: of for variant, of in runs.items() if variant not in tracks[-1].not_run}
    if not any(track.attempts.references for track in tracks):
        raise SourceMissing(
            f"{benchmark.folder} has no case of what was asked for. Choose other LVLMs or modes, or build more "
            "questions."
        )
    tables = _tables(plan, rows, tracks)
    contents = {
        f"{name}.csv": as_csv(_columns(records), records) for name, records in tables.items()
    } | _drawings(tables)
    origins = _origins(plan, tables, rows, {"lvlms": revisions, "benchmark_revision": benchmark.revision})
    contents[PROVENANCE] = _provenance(folder, contents, origins)
    for name, content in contents.items():
        write_whole(folder / name, content)
    return Ablation(folder, tables, tuple(folder / name for name in contents))


def _locations(benchmark: Benchmark, plan: Plan) -> list[str]:
    """Where the LVLMs are; one that the benchmark does not have is refused before any is opened."""
    named = plan.lvlms or sorted({track.lvlm for track in benchmark.tracks()})
    locations = [pinned(location, newest=plan.newest) for location in dict.fromkeys(named)]
    for location in locations:
        benchmark.references(lvlm=key_of(location))
    return locations


def _modes(benchmark: Benchmark, lvlm: Lvlm, plan: Plan) -> Sequence[Mode]:
    """Those of the plan, or those in which the benchmark's LVLM was asked."""
    return (
        tuple(dict.fromkeys(plan.modes))
        or [track.mode for track in benchmark.tracks() if track.lvlm == lvlm.key]
        or tuple(Mode)
    )


def _tables(
    plan: Plan, rows: Mapping[What, Sequence[TableRow]], tracks: Sequence[TrackEvidence]
) -> dict[str, list[Record]]:
    tables = {FILES[part]: table_records(of_part, plan.base, tracks) for part, of_part in rows.items()}
    if What.RULES in rows:
        tables[BY_SIZE] = size_records(rows[What.RULES], tracks)
    if plan.what in (What.CONCEPTS, What.ALL):
        tables["table8"] = concept_records(plan.base, tracks)
        tables["figure6"] = group_records(plan.base, tracks)
        tables["figure6"] += _absent(tracks, {record["group"] for record in tables["figure6"]})
        tables["failures"] = group_records(plan.base, tracks, VIEWS_OF_FAILURES)
    return tables


def _absent(tracks: Sequence[TrackEvidence], there: Collection[str]) -> list[Record]:
    """The groups of figure 6 without a case, with the reason."""
    reason = "no question of what was asked for is in this group"
    if not any(has_answers(track.attempts.benchmark, track.attempts.split) for track in tracks):
        reason = "this benchmark does not hold the answers to questions that were not retained; build it to have them"
    return [{"group": group.value, "not_run": reason} for group in Group if group.value not in there]


def _drawings(tables: Mapping[str, Sequence[Record]]) -> dict[str, bytes]:
    """Figures of the tables in which something was run."""
    figures: dict[str, Callable[[Sequence[Record]], Figure]] = {
        FILES[What.LOCALIZERS]: rows_figure,
        FILES[What.INTERVENTIONS]: rows_figure,
        FILES[What.TRANSPORT]: transport_figure,
        FILES[What.RULES]: rows_figure,
        "table8": concepts_figure,
        "figure6": groups_figure,
    }
    return {
        f"{name}.png": figures[name](records).png()
        for name, records in tables.items()
        if name in figures and any(row.get("cases") for row in records)
    }


def _origins(
    plan: Plan,
    tables: Collection[str],
    rows: Mapping[What, Sequence[TableRow]],
    revisions: Mapping[str, Plain],
) -> dict[str, dict[str, Plain]]:
    """Table -> what made it; `rows` has the localizer of every row by its label, none where all have the base's.

    revisions  of the LVLMs by key, and of a benchmark of the hub
    """
    common = {
        "version": __version__,
        "libraries": library_versions(),
        **revisions,
        "split": plan.split,
        "limit": plan.limit,
        "base": plan.base.record(),
    }
    localizers = {
        FILES[part]: {row.label: row.variant.record()["localizer"] for row in of_part if row.variant}
        for part, of_part in rows.items()
    }
    return {name: {**common, "rows": localizers.get(name, {})} for name in tables}


def _provenance(
    folder: Path, contents: Mapping[str, bytes], origins: Mapping[str, dict[str, Plain]]
) -> bytes:
    """What made every table by its file; a table whose bytes have another SHA-256 is not the one that is meant."""
    try:
        earlier = json.loads((folder / PROVENANCE).read_bytes())
    except (FileNotFoundError, ValueError):
        earlier = {}
    now = {f"{name}.csv": {"sha256": sha256(contents[f"{name}.csv"]), **of} for name, of in origins.items()}
    text = json.dumps({**(earlier if isinstance(earlier, dict) else {}), **now}, indent=1, sort_keys=True)
    return f"{text}\n".encode("ascii")


def _columns(records: Sequence[Record]) -> list[str]:
    """Those of any record, in the order in which they come first."""
    return list(dict.fromkeys(column for row in records for column in row))
