"""The engine `ray`: same units, same bytes as the local one, also when workers die at work."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from builder.build import bench_at, build_track, open_source, write_questions
from builder.editors.phantom_exact import PhantomExact
from builder.engines.local import LocalEngine
from builder.place import Place
from builder.quarantine import Quarantine
from builder.units import edit_unit
from medground_bench.benchmark.folder import DatasetFolder
from medground_bench.benchmark.rows import ANSWERS, QUESTIONS
from medground_bench.core.causal_filter import Edit
from medground_bench.core.errors import SourceMissing
from medground_bench.core.types import Mode
from tests.kit.broken_lvlms import open_broken
from tests.kit.builds import build, bytes_of
from tests.kit.fakes import RuleLvlm
from tests.kit.nursery import ended, nursery_of, started

pytestmark = pytest.mark.ray
ROOT = Path(__file__).parents[2]
LIMIT = 2


@pytest.fixture
def built_by(ray_cluster, tmp_path):
    """Build with two workers that open a rule LVLM of `open_broken`; gives the folder and the quarantine."""
    from builder.engines.ray import RayEngine
    from medground_bench.runs.ray_cluster import Cluster

    def built(location, *, modes=(Mode.DIRECT,), limit=LIMIT):
        folder, source = DatasetFolder(tmp_path / "m"), open_source("phantom")
        engine = RayEngine(Cluster(2, 0), opening=open_broken)
        with contextlib.closing(engine), bench_at(tmp_path / "store", source, engine=engine) as bench:
            lvlm = engine.open(location)
            write_questions(folder, source, limit, [])
            for mode in modes:
                build_track(folder, lvlm, mode, bench)
        return folder, Quarantine(Place(tmp_path / "store") / "quarantine").entries

    return built


def test_a_served_lvlm_is_refused_since_only_here_it_is_known_what_may_be_sent_to_it(ray_cluster):
    from builder.engines.ray import RayEngine
    from medground_bench.runs.ray_cluster import Cluster, RayTrouble

    with (
        contextlib.closing(RayEngine(Cluster(1, 0))) as engine,
        pytest.raises(RayTrouble, match="--engine local"),
    ):
        engine.open("http://elsewhere.example/v1#model")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The folder of a local build."""
    return build(tmp_path_factory.mktemp("whole") / "m", modes=tuple(Mode), limit=LIMIT)


def answers(folder, mode=Mode.DIRECT):
    return [row for row in folder.read(ANSWERS, "test") if row.mode == mode]


def test_ray_gives_the_bytes_of_the_local_engine_and_each_finds_the_others_work(built_by, whole, tmp_path):
    folder, quarantine = built_by("rule", modes=tuple(Mode))
    assert not quarantine
    assert bytes_of(folder) == bytes_of(whole)
    lvlm = RuleLvlm()
    build(tmp_path / "again", lvlm=lvlm, modes=tuple(Mode), limit=LIMIT, store=tmp_path / "store")
    assert lvlm.asked == 0


def test_a_worker_killed_at_work_is_started_again_and_nothing_is_lost(built_by, whole, tmp_path):
    folder, quarantine = built_by(f"once:{tmp_path / 'killed'}")
    assert (tmp_path / "killed").exists()
    assert not quarantine
    assert answers(folder) == answers(whole)


def test_a_unit_that_raises_is_set_aside_with_the_traceback_of_its_worker(built_by, whole):
    folder, quarantine = built_by("poisoned:pacemaker")
    assert quarantine
    for entry in quarantine.values():
        assert entry.error.startswith("Traceback") and "ZeroDivisionError: poison" in entry.error
    assert answers(folder) == [row for row in answers(whole) if row.finding != "pacemaker"]


def test_a_unit_that_kills_its_worker_is_set_aside_and_its_neighbours_are_not(built_by, tmp_path):
    whole = build(tmp_path / "whole", limit=1)
    asked = [row.finding for split in ("test", "tune") for row in whole.read(QUESTIONS, split)]
    deadly = min(set(asked), key=lambda finding: (asked.count(finding), finding))
    folder, quarantine = built_by(f"deadly:{deadly}", limit=1)
    assert len(quarantine) == asked.count(deadly)
    for entry in quarantine.values():
        assert deadly.replace(" ", "-") in entry.of and "killed its worker 3 times" in entry.error
    assert answers(folder) == [row for row in answers(whole) if row.finding != deadly]


def test_an_lvlm_that_workers_cannot_open_is_said_as_the_worker_says_it(built_by):
    with pytest.raises(SourceMissing, match=r"nowhere is no folder here\."):
        built_by("nowhere")


def test_an_editor_that_is_another_version_on_a_worker_is_refused():
    workers = pytest.importorskip("builder.engines.ray")
    at_work = workers.UnitWork(RuleLvlm())
    source, editor = open_source("phantom"), PhantomExact()
    known = next(source.questions("test", 1))
    unit = edit_unit(editor, known.question, source.picture(known.question), Edit.FOREGROUND)
    assert at_work([unit], editor).outcomes == LocalEngine()._attempts([unit], editor).outcomes
    object.__setattr__(editor, "version", "of another machine")
    with pytest.raises(workers.RayTrouble, match="another version of the editor phantom_exact"):
        at_work([unit], editor)


DRIVER = """
import sys
from pathlib import Path
from builder.engines.ray import RayEngine
from medground_bench.runs.ray_cluster import Cluster
from tests.kit.broken_lvlms import open_broken
from tests.kit.builds import build
engine = RayEngine(Cluster(1, 0), opening=open_broken)
lvlm = engine.open(sys.argv[2])
build(Path(sys.argv[1]), lvlm=lvlm, limit=2, engine=engine)
"""


def test_a_builder_killed_with_ray_at_work_goes_on_by_the_same_bytes(ray_cluster, tmp_path):
    out = tmp_path / "m"
    program = [sys.executable, "-c", DRIVER, str(out), "slow"]
    with subprocess.Popen(program, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}) as driver:
        kept = out.with_name("m.store") / "answers"
        while not (kept.is_dir() and any(kept.glob("*.parquet"))):
            assert driver.poll() is None
            time.sleep(0.02)
        driver.send_signal(signal.SIGKILL)
    rest = RuleLvlm()
    folder = build(out, lvlm=rest, limit=LIMIT)
    lvlm = RuleLvlm()
    assert bytes_of(folder) == bytes_of(build(tmp_path / "whole", lvlm=lvlm, limit=LIMIT))
    assert 0 < rest.asked < lvlm.asked


def test_a_builder_with_ray_killed_at_9_of_its_writes_ends_in_the_same_bytes(ray_cluster, tmp_path, whole):
    """Before a file is renamed and before its folder is flushed, with units at a worker all the time."""
    out, killed = tmp_path / "m", 0
    with nursery_of(out, seed=1, cluster=ray_cluster) as nursery:
        for number in range(9):
            started(nursery, killed_at=4 + number % 3)
            killed += ended(nursery) == signal.SIGKILL
        started(nursery)
        assert ended(nursery) == 0
    assert killed == 9
    assert bytes_of(DatasetFolder(out)) == bytes_of(whole)


@pytest.mark.usefixtures("ray_cluster")
def test_the_command_line_builds_with_ray(run, tmp_path):
    out = tmp_path / "medground-bench"
    words = ("--limit", 1, "--lvlm", "phantom_gemma3", "--mode", "direct", "--out", out)
    engine = ("--engine", "ray", "--workers", 1, "--gpus", 0)
    code, said, err = run("build", "--source", "phantom", *words, *engine)
    assert (code, "written to" in said) == (0, True), err
    assert DatasetFolder(out).read(ANSWERS, "test")


def test_options_of_ray_are_refused_for_the_local_engine(run, tmp_path):
    words = ("--source", "phantom", "--lvlm", "x", "--mode", "direct", "--out", tmp_path / "m")
    code, _, err = run("build", *words, "--workers", 2)
    assert code == 2
    assert "are for --engine ray" in err
