"""Command lines of the builder as processes that start at once: one process has imported everything and forks.

`python -m tests.hub.forks` reads an order a line (JSON: words, environment) and answers twice: with the number of the
process, and, when that has ended, with its exit code and all that it said. Orders may overlap.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from queue import Queue

from tests.hub.clients import surroundings

IMPORTED = (
    "builder.build",
    "builder.cli",
    "builder.commands.publishing",
    "builder.publish.id_key",
    "builder.publish.staging",
    "datasets",
    "huggingface_hub.hf_api",
    "huggingface_hub.repocard",
    "pydantic.json_schema",
    "pydantic.type_adapter",
    "rich.emoji",
    "rich.table",
)
"""What the children would import each for itself."""


@dataclass
class Run:
    """A process that was started; `ended` gets its exit code (negative: killed by that signal) and what it said."""

    pid: int
    ended: Queue[tuple[int, str]] = field(default_factory=Queue)

    def wait(self) -> tuple[int, str]:
        """Exit code and everything on its stdout and stderr."""
        return self.ended.get(timeout=120)


class Forks:
    """The forking process and the runs it has started."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.started: Queue[Run] = Queue()
        self.running: dict[int, Run] = {}
        threading.Thread(target=self._listen, daemon=True).start()

    def start(self, *words: object, **environment: str) -> Run:
        """Run `python -m builder` with these words."""
        order = {"words": [str(word) for word in words], "environment": environment}
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return self.started.get(timeout=60)

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            told = json.loads(line)
            if "code" not in told:
                self.running[told["pid"]] = Run(told["pid"])
                self.started.put(self.running[told["pid"]])
            else:
                self.running.pop(told["pid"]).ended.put((told["code"], told["said"]))


@contextmanager
def forks(address: str, home: Path) -> Iterator[Forks]:
    """A forking process whose children are clients of the hub at that address, with an empty home."""
    environment = surroundings(address, home) | {"HOME": str(home), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.hub.forks"]
    with subprocess.Popen(
        command, cwd=home, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Forks(process)
        finally:
            process.kill()


def _child(order: dict[str, object], said: int) -> None:
    """Be the command line; never returns."""
    os.dup2(said, 1)
    os.dup2(said, 2)
    os.environ.update(order["environment"])  # type: ignore[arg-type]
    sys.argv = ["builder", *order["words"]]  # type: ignore[misc]
    code = 99
    try:
        from builder.cli import main

        main()
        code = 0
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else 0 if left.code is None else 1
    except BaseException:  # noqa: BLE001  a child never goes on as its parent
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _reap(pid: int, said: Path) -> None:
    _pid, status = os.waitpid(pid, 0)
    told = {"pid": pid, "code": os.waitstatus_to_exitcode(status), "said": said.read_text("utf-8", "replace")}
    said.unlink()
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Fork until the orders end."""
    for name in IMPORTED:
        import_module(name)
    for line in sys.stdin:
        handle, path = tempfile.mkstemp()
        pid = os.fork()
        if pid == 0:
            _child(json.loads(line), handle)
        os.close(handle)
        sys.stdout.write(json.dumps({"pid": pid}) + "\n")
        sys.stdout.flush()
        threading.Thread(target=_reap, args=(pid, Path(path)), daemon=True).start()


if __name__ == "__main__":
    main()
