"""Publishing that is killed before or after its requests, and several who publish at once."""

from __future__ import annotations

import copy
import os
import re
import signal
from dataclasses import dataclass
from pathlib import Path

import pytest

from medground_bench.benchmark.folder import DatasetFolder
from tests.hub.faults import Answer, Silence
from tests.hub.forks import Forks, Run, forks
from tests.hub.repositories import Repository
from tests.hub.serving import LoopbackHub
from tests.kit.publishable import key_file, raw_folder
from tests.kit.publishing import LVLM

OTHER = "gemma3_4b"
ANY, WRITING = " ", "^(POST|PUT|PATCH|DELETE) "
REQUESTS = {("v1", ANY): 36, ("v1", WRITING): 17, ("v2", ANY): 32, ("v2", WRITING): 12}
"""At most so many requests publishing needs; a run that is not killed because it needed fewer is done."""

KILLS = [
    pytest.param(release, kind, point, id=f"{release}-{'before' if kind is ANY else 'after writing'}-{point}")
    for (release, kind), most in REQUESTS.items()
    for point in range(0, most, 3 if kind is ANY else 1)
]
"""Before every third request, and after any that writes: one that reads leaves the hub as it was before it."""

PARALLEL = tuple(f"lvlm_{number}" for number in range(8))


@dataclass
class Organisation:
    """Who publishes folders, each as a process, and what readers see of it."""

    name: str
    hub: LoopbackHub
    forking: Forks

    def publish(self, folder: DatasetFolder) -> Run:
        """Start it."""
        key = folder.path.parent / "ids.key"
        words = ("publish", folder.path, "--to", f"{self.name}/bench", "--id-key", key, "--yes")
        return self.forking.start(*words, HF_TOKEN=f"hf_{self.name}-writer")

    def kill(self) -> None:
        """All of it."""
        for run in list(self.forking.running.values()):
            os.kill(run.pid, signal.SIGKILL)

    @property
    def repository(self) -> Repository | None:
        return self.hub.state.repositories.get(("dataset", f"{self.name}/bench"))

    def readable(self) -> dict[str, str] | None:
        """The tables that a reader who was let in has now; None while there is nothing to be seen."""
        made = self.repository
        if made is None or made.private:
            return None
        assert made.gated == "manual", "it can be seen without its gate"
        return {name: file.oid for name, file in made.at("main").files.items() if name.endswith(".parquet")}

    def releases(self) -> list[str]:
        """By the titles of the commits, newest first."""
        assert self.repository is not None
        return [commit.title.partition(":")[0] for commit in self.repository.history("main")][:-1]


@pytest.fixture(scope="module")
def forking(loopback_hub, tmp_path_factory):
    with forks(loopback_hub.address, tmp_path_factory.mktemp("home")) as started:
        yield started


def built(path: Path, *lvlms: str) -> DatasetFolder:
    folder = raw_folder(path / "bench", lvlms=lvlms)
    key_file(path)
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> dict[str, DatasetFolder]:
    place = tmp_path_factory.mktemp("built")
    return {"v1": built(place / "v1", LVLM), "v2": built(place / "v2", LVLM, OTHER)}


@pytest.fixture(scope="module")
def undisturbed(forking, loopback_hub, folders):
    """Release -> the repository as a run that nobody stopped leaves it, and the requests that it needed."""
    owner = Organisation(loopback_hub.organisation(), loopback_hub, forking)
    left = {}
    for release, folder in folders.items():
        before = len(loopback_hub.requests)
        code, said = owner.publish(folder).wait()
        assert code == 0, said
        asked = loopback_hub.requests[before:]
        left[release] = copy.deepcopy(owner.repository), asked
    return left


def of_kind(asked: list[str], kind: str) -> int:
    return sum(bool(re.search(kind, each)) for each in asked)


@pytest.fixture
def owner(hub, org, forking) -> Organisation:
    return Organisation(org, hub, forking)


def tables(repository: Repository) -> dict[str, str]:
    return {name: file.oid for name, file in repository.at("main").files.items() if name.endswith(".parquet")}


def test_no_run_needs_more_requests_than_are_tried(undisturbed):
    for (release, kind), most in REQUESTS.items():
        assert 0 < of_kind(undisturbed[release][1], kind) <= most, (release, kind)


@pytest.mark.parametrize(("release", "kind", "point"), KILLS)
def test_killed_at_a_request_readers_have_a_whole_revision_and_a_second_run_completes_it(
    owner, folders, undisturbed, release, kind, point
):
    old = None
    if release == "v2":
        old = copy.deepcopy(undisturbed["v1"][0])
        old.name = f"{owner.name}/bench"
        owner.hub.state.repositories["dataset", old.name] = copy.deepcopy(old)
    new, asked = undisturbed[release]
    owner.hub.spoil(kind, Silence(done=kind is WRITING, then=owner.kill), skip=point)
    is_killed = point < of_kind(asked, kind)
    assert owner.publish(folders[release]).wait()[0] == (-signal.SIGKILL if is_killed else 0)
    owner.hub.wire.rules.clear()
    assert owner.readable() in (old and tables(old), tables(new))
    code, said = owner.publish(folders[release]).wait()
    assert code == 0, said
    assert owner.readable() == tables(new)
    assert owner.releases() == (["v1"] if release == "v1" else ["v2", "v1"])
    assert owner.repository.tags[release] == owner.repository.branches["main"]


def test_eight_who_add_an_lvlm_at_once_lose_no_row(owner, folders, undisturbed, tmp_path):
    """Each has the answers of one LVLM alone, and knows nothing of the others."""
    assert owner.publish(folders["v1"]).wait()[0] == 0
    runs = [owner.publish(built(tmp_path / lvlm, lvlm)) for lvlm in PARALLEL]
    ended = [run.wait() for run in runs]
    assert [code for code, _said in ended] == [0] * len(PARALLEL), [said for _code, said in ended]
    names = set(tables(owner.repository))
    assert names >= {
        f"{table}/test-{lvlm}.parquet" for table in ("answers", "direct", "verdicts") for lvlm in PARALLEL
    }
    assert names >= set(tables(undisturbed["v1"][0]))
    card = owner.repository.at("main").files["README.md"].content.decode()
    assert all(lvlm in card for lvlm in PARALLEL)
    assert owner.releases() == [f"v{number}" for number in range(9, 0, -1)]
    tags = owner.repository.tags
    assert sorted(tags) == sorted(owner.releases()) and len(set(tags.values())) == 9


def test_two_who_publish_for_the_first_time_at_once_make_one_dataset_of_both(owner, tmp_path):
    runs = [owner.publish(built(tmp_path / lvlm, lvlm)) for lvlm in PARALLEL[:2]]
    assert [code for code, _said in [run.wait() for run in runs]] == [0, 0]
    assert {f"verdicts/test-{lvlm}.parquet" for lvlm in PARALLEL[:2]} <= set(tables(owner.repository))
    assert owner.releases() == ["v2", "v1"]


def test_a_storm_of_429_ends_in_one_release(owner, folders):
    owner.hub.spoil(".*", Answer(429, {"Retry-After": "0"}), times=3)
    code, said = owner.publish(folders["v1"]).wait()
    assert code == 0, said
    assert owner.releases() == ["v1"]
