"""How the real clients find the hub of a test, and nothing of whoever runs it: no cache, no token, no settings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from huggingface_hub import HfApi
from huggingface_hub.utils import get_session

from tests.hub.serving import LoopbackHub

ROOT = Path(__file__).parents[2]
OURS = ("HF_", "HUGGING", "GRADIO_", "TRANSFORMERS_")


def surroundings(address: str, home: Path, token: str = "") -> dict[str, str]:
    """The environment of a client: everything that the hub's clients read is ours, all else as it is here.

    Xet is switched off: with `hf_xet` installed, the client would upload by it alone.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    home.mkdir(parents=True, exist_ok=True)
    ours = {
        "HF_ENDPOINT": address,
        "HF_HOME": str(home),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "GRADIO_ANALYTICS_ENABLED": "False",
        "NO_PROXY": "*",
        "PYTHONPATH": str(ROOT),
    }
    return kept | ours | ({"HF_TOKEN": token} if token else {})


def started(program: str, environment: dict[str, str], *words: str) -> subprocess.Popen[str]:
    """A child process that runs a program as a client."""
    return subprocess.Popen(
        [sys.executable, "-c", program, *words],
        cwd=environment["HF_HOME"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def said_by(program: str, environment: dict[str, str], *words: str) -> object:
    """What a program says, as JSON, in the last line that it prints."""
    with started(program, environment, *words) as process:
        out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return json.loads(out.splitlines()[-1])


def point_this_process(monkeypatch: pytest.MonkeyPatch, hub: LoopbackHub, home: Path) -> None:
    """Let `huggingface_hub`, which read its settings when it was imported, find the hub from within this process."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    settings = {
        "ENDPOINT": hub.address,
        "HUGGINGFACE_CO_URL_TEMPLATE": f"{hub.address}/{{repo_id}}/resolve/{{revision}}/{{filename}}",
        "HF_HUB_CACHE": str(home / "cache"),
        "HF_TOKEN_PATH": str(home / "token"),
        "HF_HUB_DISABLE_XET": True,
        "HF_HUB_OFFLINE": False,
    }
    for name, value in settings.items():
        monkeypatch.setattr(f"huggingface_hub.constants.{name}", value)


def api_of(hub: LoopbackHub, token: str = "") -> HfApi:
    """The client of whoever has the token; an anonymous one without."""
    return HfApi(endpoint=hub.address, token=token or False)


def ask_for_access(hub: LoopbackHub, dataset: str, token: str, fields: dict[str, str]) -> None:
    """Send the form on the page of a gated dataset, as a browser does; the clients have no call for it."""
    page, headers = f"{hub.address}/datasets/{dataset}/ask-access", {"authorization": f"Bearer {token}"}
    answer = get_session().post(page, data=fields, headers=headers, follow_redirects=False)
    assert answer.status_code == 303, answer.text
