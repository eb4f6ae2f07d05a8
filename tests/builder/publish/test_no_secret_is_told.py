"""A token and the key of opaque ids, both made up, are looked for wherever a run could leave them."""

from __future__ import annotations

import secrets
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.hub.clients import surroundings
from tests.hub.faults import Answer, Cut, Silence
from tests.hub.forks import forks
from tests.hub.state import Token
from tests.kit.publishable import raw_folder

FAULTS = {
    "nothing goes wrong": None,
    "refused": ("POST .*/commit/", Answer(403)),
    "of another shape": ("POST .*/preupload/", Answer(200, body=b"[]")),
    "cut": ("GET .*/revision|GET /api/datasets/", Cut()),
    "lost": ("PUT /_lfs/", Silence(done=True)),
    "a server's fault with what was sent": (
        "POST .*/commit/",
        Answer(400, {"X-Error-Message": "bad request"}),
    ),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """Everything that a run can write to."""
    return tmp_path_factory.mktemp("everything")


@pytest.fixture(scope="module")
def forking(loopback_hub, place):
    (place / "home").mkdir()
    with forks(loopback_hub.address, place / "home") as started:
        yield started


def held(place: Path, secret: bytes, but: tuple[Path, ...]) -> list[str]:
    return [
        str(path)
        for path in place.rglob("*")
        if path.is_file() and path not in but and secret in path.read_bytes()
    ]


@pytest.mark.parametrize("fault", FAULTS)
def test_neither_token_nor_key_is_in_any_file_message_or_traceback(hub, org, forking, place, fault):
    token, key = f"hf_{secrets.token_hex(20)}", secrets.token_bytes(32)
    hub.state.tokens[token] = Token(f"{org}-writer")
    kept, key_file = place / "home" / "token", place / org / "ids.key"
    kept.write_text(token)
    folder = raw_folder(place / org / "bench")
    key_file.write_text(key.hex())
    key_file.chmod(0o600)
    if FAULTS[fault]:
        hub.spoil(*FAULTS[fault])
    words = ("publish", folder.path, "--to", f"{org}/bench", "--id-key", key_file, "--yes")
    code, said = forking.start(*words, MEDGROUND_TRACEBACK="1").wait()
    assert code == 0 or fault != "nothing goes wrong", said
    hub.wire.rules.clear()
    for secret in (token, key.hex()):
        assert secret not in said
        assert not held(place, secret.encode(), (kept, key_file))
    assert not held(place, key, ())
    sent = hub.state.repositories.get(("dataset", f"{org}/bench"))
    contents = b"".join(file.content for file in sent.at("main").files.values()) if sent else b""
    assert token.encode() not in contents and key.hex().encode() not in contents and key not in contents


def test_a_process_list_shows_neither(hub, org, tmp_path):
    token, folder = f"hf_{secrets.token_hex(20)}", raw_folder(tmp_path / "bench")
    hub.state.tokens[token] = Token(f"{org}-writer")
    environment = surroundings(hub.address, tmp_path / "home") | {
        "HOME": str(tmp_path / "home"),
        "XDG_CONFIG_HOME": "",
    }
    (tmp_path / "home" / "token").write_text(token)
    words = [sys.executable, "-m", "builder", "publish", str(folder.path), "--to", f"{org}/bench", "--yes"]
    shown = b""
    with subprocess.Popen(words, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        while process.poll() is None:
            shown = b"".join(_shown(process.pid, what) for what in ("cmdline", "environ")) or shown
            time.sleep(0.05)
        said = process.stdout.read() + process.stderr.read()
    key = (tmp_path / "home" / ".config" / "medground-bench" / "opaque_ids.key").read_text().strip()
    assert process.returncode == 0 and b"A new key of opaque ids" in said and b"publish" in shown
    assert not any(secret.encode() in text for secret in (token, key) for text in (shown, said))


def _shown(pid: int, what: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{what}").read_bytes()
    except OSError:
        return b""
