"""The wheel in an empty environment, without a checkout: it installs with the constraints and runs the demo."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from tests.kit.ports import free_port

pytestmark = pytest.mark.index

ROOT = Path(__file__).parents[1]
SERVES_WITHIN_S = 600
METHODS = ("medfocus_plus", "attention_head", "whole_image")
"""One by hidden anatomy, one that is tuned, and a control."""


@pytest.fixture(scope="module")
def environment(tmp_path_factory) -> Path:
    """The folder of programs of a virtual environment with nothing but the wheel and what it asks for."""
    builder = pytest.importorskip("hatchling.builders.wheel").WheelBuilder(str(ROOT))
    folder = tmp_path_factory.mktemp("installed")
    (wheel,) = builder.build(directory=str(folder), versions=["standard"])
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    pip = [
        folder / "venv/bin/python",
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-compile",
        "--constraint",
        ROOT / "constraints.txt",
    ]
    subprocess.run([*pip, f"medground-bench[demo] @ {Path(wheel).as_uri()}"], check=True, cwd=folder)
    return folder / "venv" / "bin"


def run(environment: Path, folder: Path, *words: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [environment / words[0], *words[1:]],
        cwd=folder,
        env=clean(),
        capture_output=True,
        text=True,
        check=False,
    )


def clean(**more: str) -> dict[str, str]:
    """The environment of a user who knows nothing of this checkout."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")} | more


def test_the_demo_runs_and_its_space_is_served(environment, tmp_path):
    port, told = free_port(), tmp_path / "told"
    named = [word for method in METHODS for word in ("--method", method)]
    with told.open("wb") as both:
        demo = subprocess.Popen(
            [environment / "medground", "demo", "--cases", "4", *named, "--out", "demo"],
            cwd=tmp_path,
            env=clean(GRADIO_SERVER_PORT=str(port), HF_HUB_OFFLINE="1"),
            stdout=both,
            stderr=both,
            start_new_session=True,
        )
    try:
        wait_for(f"http://127.0.0.1:{port}/config", demo, told)
        shown = run(environment, tmp_path, "medground", "board", f"http://127.0.0.1:{port}", "--json")
    finally:
        os.killpg(demo.pid, signal.SIGINT)
        demo.wait(30)
    assert shown.returncode == 0, shown.stderr
    board = json.loads((tmp_path / "demo" / "board.json").read_text("utf-8"))
    methods = {row["method"] for row in board["rows"]}
    assert board["tracks"] and methods >= set(METHODS)
    assert {row["method"] for table in json.loads(shown.stdout) for row in table["rows"]} == methods


def wait_for(url: str, server: subprocess.Popen, told: Path) -> None:
    until = time.monotonic() + SERVES_WITHIN_S
    while time.monotonic() < until and server.poll() is None:
        try:
            with urlopen(url, timeout=5):  # noqa: S310  our own server
                return
        except (URLError, OSError):
            time.sleep(0.3)
    pytest.fail(f"the Space did not start ({server.poll()}): {told.read_text('utf-8')[-2000:]}")


def test_nothing_but_our_own_package_is_put_among_the_others(environment, tmp_path):
    names = ("builder", "space_app", "tests", "metrics")
    asked = f"from importlib.util import find_spec; print([name for name in {names} if find_spec(name)])"
    assert run(environment, tmp_path, "python", "-c", asked).stdout.strip() == "[]"


def test_torch_is_taken_in_the_version_that_is_locked(environment, tmp_path):
    asked = "import torch; print(torch.__version__)"
    version = run(environment, tmp_path, "python", "-c", asked).stdout.strip().partition("+")[0]
    assert f"torch=={version}" in (ROOT / "constraints.txt").read_text("utf-8").splitlines()
