"""What the builder costs beside model and editor: overhead, growth, batches against single calls, two workers."""

from __future__ import annotations

import resource
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.table import Table

from builder.build import bench_at
from builder.counters import Counters
from builder.editors.phantom_exact import PhantomExact
from builder.engines import Outcome, UnitEngine, batch_size
from builder.engines.local import LocalEngine
from builder.sources.phantom import Phantom
from builder.stages import answer_questions
from builder.units import AnswerUnit, Unit, answer_unit, made
from medground_bench.benchmark.rows import ORIGINAL
from medground_bench.core.prompts import prompt
from medground_bench.core.types import Mode, Picture, Question, Response
from medground_bench.lvlms import LvlmDescription
from medground_bench.lvlms.engine.local import LocalLvlm
from medground_bench.pictures import to_study
from tests.kit.fakes import RuleLvlm

SIZES, QUESTIONS = (200, 400, 800), 1000
QUICK_S, SLOW_S = 0.02, 0.05
"""Of the LVLM that sleeps, a picture: for the growth, and for the overhead; one of 4B on a GPU takes longer."""

BATCHED = 96
"""Questions of the comparison with single calls."""


@dataclass
class SleepingLvlm(RuleLvlm):
    """The rule LVLM, taking a known time for each picture; `busy_s` is what it took."""

    seconds_per_picture: float = SLOW_S
    busy_s: float = field(default=0.0, compare=False)

    def generate(
        self, pictures: Sequence[Picture], prompts: Sequence[str], *, max_new_tokens: int = 512
    ) -> list[Response]:
        start = time.perf_counter()
        time.sleep(self.seconds_per_picture * len(pictures))
        responses = super().generate(pictures, prompts, max_new_tokens=max_new_tokens)
        self.busy_s += time.perf_counter() - start
        return responses


def open_sleeping(_location: str, *, newest: bool = False) -> SleepingLvlm:
    """What a worker of Ray opens."""
    return SleepingLvlm()


@dataclass(frozen=True)
class TimedEditor(PhantomExact):
    """The exact editor, and how long it took."""

    took: list[float] = field(default_factory=list)

    def edit(self, question: Question, picture: Picture, edit: object) -> Picture:
        start = time.perf_counter()
        edited = PhantomExact.edit(self, question, picture, edit)
        self.took.append(time.perf_counter() - start)
        return edited


@dataclass(frozen=True)
class BuildCost:
    """One build: seconds in all, and those of LVLM and editor; the most memory of this process so far."""

    questions: int
    units: int
    wall_s: float
    busy_s: float
    peak_mb: float

    @property
    def overhead(self) -> float:
        """Share of the time that is neither model nor editor."""
        return 1 - self.busy_s / self.wall_s

    @property
    def overhead_per_unit_ms(self) -> float:
        """Milliseconds a response or edit."""
        return 1000 * (self.wall_s - self.busy_s) / self.units


def build_cost(number: int, lvlm: LvlmDescription, engine: UnitEngine | None = None) -> BuildCost:
    """Of the first questions of the phantom, into an empty store."""
    counters, editor = Counters(), TimedEditor()
    questions = list(islice(Phantom().questions("test", None), number))
    with TemporaryDirectory() as folder, bench_at(Path(folder), Phantom(), engine=engine) as bench:
        timed = replace(bench, editor=editor)
        start = time.perf_counter()
        for _ in answer_questions(questions, lvlm, Mode.DIRECT, timed, counters):
            pass
        wall_s = time.perf_counter() - start
    units = counters.calls_made + counters.cause_calls_made + counters.edits_made
    busy_s = lvlm.busy_s + sum(editor.took) if isinstance(lvlm, SleepingLvlm) else 0.0
    return BuildCost(
        len(questions), units, wall_s, busy_s, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    )


@dataclass(frozen=True)
class Turns:
    """Seconds of the same responses by single calls in a plain loop, and by the local engine in batches."""

    lvlm: str
    single_s: float
    batched_s: float


def batches_against_single_calls(lvlm: LocalLvlm) -> Turns:
    """Responses to the originals of some questions; the pictures are there already, and nothing is remembered."""
    source, units = Phantom(), list[Unit]()
    for known in islice(source.questions("test", None), BATCHED):
        question, study = known.question, to_study(source.picture(known.question)).picture
        asked = prompt(question.finding, Mode.DIRECT)
        units.append(answer_unit(lvlm, question.question_id, ORIGINAL, study, asked))
    lvlm.memory.forget()
    start = time.perf_counter()
    single = [made([unit], lvlm)[0] for unit in units]
    single_s = time.perf_counter() - start
    lvlm.memory.forget()
    start, batched = time.perf_counter(), list[Outcome]()
    with closing(LocalEngine()) as engine:
        size = batch_size(AnswerUnit)
        for ticket, place in enumerate(range(0, len(units), size)):
            engine.start(ticket, units[place : place + size], lvlm)
        for _ in range(0, len(units), size):
            batched += engine.finish()[1].outcomes
    assert batched == single
    return Turns(lvlm.key, single_s, time.perf_counter() - start)


def worker_costs(number: int = SIZES[0]) -> list[tuple[int, BuildCost]]:
    """One Ray worker and two, over the same questions; none where Ray is not installed."""
    if find_spec("ray") is None:
        return []
    from builder.engines.ray import RayEngine
    from medground_bench.runs.ray_cluster import Cluster

    costs = []
    for workers in (1, 2):
        engine = RayEngine(Cluster(workers, 0), opening=open_sleeping)
        with closing(engine):
            costs.append((workers, build_cost(number, engine.open("sleeping"), engine)))
    return costs


def builder_tables(lvlms: Sequence[LocalLvlm]) -> Iterator[Table]:
    """Every number of the builder; the phantom's own memory of its patients is filled before."""
    for split in Phantom().splits():
        deque(Phantom().questions(split, None), maxlen=0)
    growth = [build_cost(number, SleepingLvlm(seconds_per_picture=QUICK_S)) for number in SIZES]
    yield cost_table("Growth: phantom, an LVLM that sleeps 20 ms a picture", [(1, cost) for cost in growth])
    yield cost_table("Overhead: the same at 50 ms a picture", [(1, build_cost(QUESTIONS, SleepingLvlm()))])
    workers = worker_costs()
    if workers:
        yield cost_table("Ray workers, 50 ms a picture", workers)
    yield turns_table([batches_against_single_calls(lvlm) for lvlm in lvlms])


def cost_table(title: str, costs: Sequence[tuple[int, BuildCost]]) -> Table:
    """A build a row; with one worker, overhead is what is neither model nor editor."""
    table = Table(title=title)
    for heading in (
        "workers",
        "questions",
        "units",
        "s",
        "ms a question",
        "overhead, %",
        "ms a unit",
        "peak, MB",
    ):
        table.add_column(heading, justify="right")
    for workers, one in costs:
        known = one.busy_s > 0 and workers == 1
        shares = (f"{100 * one.overhead:.1f}", f"{one.overhead_per_unit_ms:.1f}") if known else ("-", "-")
        per_question = f"{1000 * one.wall_s / one.questions:.1f}"
        seconds = f"{one.wall_s:.1f}"
        numbers = map(str, (workers, one.questions, one.units))
        table.add_row(*numbers, seconds, per_question, *shares, f"{one.peak_mb:.0f}")
    return table


def turns_table(turns: Sequence[Turns]) -> Table:
    """Single calls against batches, an LVLM a row."""
    table = Table(
        title=f"{BATCHED} responses: single calls in a plain loop, and the local engine in batches of 16"
    )
    for heading in ("LVLM", "single, s", "batched, s", "times faster"):
        table.add_column(heading, justify="left" if heading == "LVLM" else "right")
    for one in turns:
        ratio = f"{one.single_s / one.batched_s:.1f}"
        table.add_row(one.lvlm, f"{one.single_s:.2f}", f"{one.batched_s:.2f}", ratio)
    return table
