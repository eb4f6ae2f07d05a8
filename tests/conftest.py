"""What tests share: tiny LVLMs of every family, opened once; a small build; data from outside; the command line."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.kit.outside_data import VARIABLE, outside_data

if TYPE_CHECKING:
    from tests.hub.serving import LoopbackHub

settings.register_profile("suite", deadline=None)  # a busy machine is no failure
settings.load_profile("suite")

os.environ.setdefault("RAY_worker_niceness", "0")  # at Ray's 15 its workers starve beside the other processes

LONGEST = ("test_wheel.py", "test_ray_engine.py", "test_killed_publishing.py", "test_demo_stages.py")
"""Files of tests that come first, so that no process is left alone with one at the end."""

FAMILIES = ("gemma3", "qwen2_5_vl", "qwen3_vl")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first."""
    items.sort(key=lambda item: item.path.name not in LONGEST)


@pytest.fixture(scope="session")
def tiny_folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Family -> a complete tiny random checkpoint."""
    import torch

    from tests.kit.tiny_lvlms import save_gemma3, save_qwen2_5_vl, save_qwen3_vl

    torch.set_num_threads(
        1
    )  # layers this small gain nothing from a second thread, and wait for it on a busy machine
    root = tmp_path_factory.mktemp("tiny_lvlms")
    return {
        "gemma3": save_gemma3(root / "tiny_gemma3"),
        "qwen2_5_vl": save_qwen2_5_vl(root / "tiny_qwen2_5_vl"),
        "qwen3_vl": save_qwen3_vl(root / "tiny_qwen3_vl"),
    }


@pytest.fixture(scope="session")
def tiny_lvlms(tiny_folders: dict[str, Path]) -> dict:
    """Family -> the tiny LVLM, opened as a user opens a folder."""
    from medground_bench.lvlms import open_lvlm

    return {family: open_lvlm(str(folder), device="cpu") for family, folder in tiny_folders.items()}


@pytest.fixture(params=FAMILIES)
def family(request: pytest.FixtureRequest) -> str:
    """Each family in turn."""
    return request.param


@pytest.fixture
def lvlm(family: str, tiny_lvlms: dict):
    """The tiny LVLM of each family in turn."""
    return tiny_lvlms[family]


@pytest.fixture(scope="session")
def raws(tiny_folders: dict[str, Path]) -> dict:
    """Family -> the same checkpoint as transformers itself runs it."""
    from tests.kit.tiny_lvlms import open_raw

    return {family: open_raw(folder, family) for family, folder in tiny_folders.items()}


@pytest.fixture
def raw(family: str, raws: dict):
    """The raw model of each family in turn."""
    return raws[family]


@pytest.fixture(scope="session")
def doubles(tiny_folders: dict[str, Path]) -> dict:
    """Family -> LVLM and raw model in float64, with biases on the values of Qwen's attention, as trained ones have."""
    import torch

    from medground_bench.lvlms import open_lvlm
    from tests.kit.tiny_lvlms import open_raw

    pairs = {}
    for family, folder in tiny_folders.items():
        lvlm, raw = open_lvlm(str(folder), device="cpu"), open_raw(folder, family)
        for model in (lvlm.loaded.model, raw.model):
            model.double()
            torch.manual_seed(1)
            for layer in model.model.language_model.layers:
                if layer.self_attn.v_proj.bias is not None:
                    torch.nn.init.normal_(layer.self_attn.v_proj.bias, std=0.3)
        pairs[family] = (lvlm, raw)
    return pairs


@pytest.fixture
def double(doubles: dict, family: str):
    """The two of each family in turn."""
    return doubles[family]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory):
    """The dataset folder of one small phantom build in both modes by the rule LVLM; tests must not change it."""
    from medground_bench.core.types import Mode
    from tests.kit.builds import SHARED_LIMIT, build

    out = tmp_path_factory.mktemp("built") / "medground-bench"
    return build(out, modes=tuple(Mode), limit=SHARED_LIMIT)


@pytest.fixture(scope="module")
def ray_cluster():
    """The address of a cluster of two workers on this machine."""
    workers = pytest.importorskip("medground_bench.runs.ray_workers")
    workers.connect(workers.Cluster(workers=2))
    yield workers.ray.get_runtime_context().gcs_address
    workers.ray.shutdown()


@pytest.fixture(scope="session")
def loopback_hub() -> Iterator[LoopbackHub]:
    """A running hub that all tests share; each has its own organisation there."""
    from tests.hub.serving import served

    with served() as hub:
        yield hub


@pytest.fixture
def hub(loopback_hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[LoopbackHub]:
    """The running hub, where nothing goes wrong; `huggingface_hub` finds it, with an empty cache and no token."""
    from tests.hub.clients import point_this_process

    point_this_process(monkeypatch, loopback_hub, tmp_path / "huggingface")
    loopback_hub.wire.requests.clear()
    yield loopback_hub
    loopback_hub.wire.rules.clear()


@pytest.fixture
def org(hub: LoopbackHub) -> str:
    """A new organisation on the hub: its members are ORG-admin, ORG-writer and ORG-reader, their tokens hf_MEMBER."""
    return hub.organisation()


@pytest.fixture(scope="session")
def benchmark(built):
    """The same folder, opened as whoever runs methods opens it."""
    from medground_bench.benchmark.opening import open_benchmark

    return open_benchmark(built.path)


@pytest.fixture(scope="session")
def source_copies(tmp_path_factory: pytest.TempPathFactory):
    """Small copies of the three sources of files; tests must not change them."""
    from tests.kit.source_builds import PHANTOMS
    from tests.kit.trees import write_trees

    return write_trees(tmp_path_factory.mktemp("copies"), PHANTOMS)


@pytest.fixture(scope="session")
def sources_built(source_copies, tmp_path_factory: pytest.TempPathFactory):
    """The dataset folder of a build of these copies, before anything of it is published."""
    from tests.kit.source_builds import build_of_sources

    return build_of_sources(source_copies, tmp_path_factory.mktemp("sources_built") / "bench")


@pytest.fixture(scope="session")
def published(sources_built, tmp_path_factory: pytest.TempPathFactory):
    """The folder of what is published of that build at the level `keys`: no boxes, sizes, pictures or real ids."""
    from builder.publish.levels import Level
    from tests.kit.source_builds import released_folder

    return released_folder(sources_built, Level.KEYS, tmp_path_factory.mktemp("published") / "bench").path


def _at_hand(name: str) -> Path:
    folder = outside_data(name)
    if not folder.is_dir():
        pytest.skip(f"there is no {folder}; {VARIABLE} names the folder that holds {name}/")
    return folder


@pytest.fixture(scope="session")
def real_cxr() -> Path:
    """Real chest X-rays with boxes and masks of their lungs; without them a test is skipped."""
    return _at_hand("real_cxr")


@pytest.fixture(scope="session")
def medground_release() -> Path:
    """The cases that the authors released; without them a test is skipped."""
    return _at_hand("medground_release")


@pytest.fixture
def medground(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture):
    """Run a command line in this process; returns (exit code, stdout, stderr)."""
    from medground_bench.commands import main as cli

    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def run(*arguments: object):
        monkeypatch.setattr(sys, "argv", ["medground", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            cli.main()
        said = capsys.readouterr()
        return left.value.code or 0, said.out, said.err

    yield run
    for number, handler in kept.items():
        signal.signal(number, handler)
