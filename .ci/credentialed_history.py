"""Search every version of every file in the repository's history, and every message, for what nobody may commit.

The patterns are those of `credentialed_content.py`. A shallow clone has less to search. Exit code 1 and one line per
object when it speaks.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent))

from credentialed_content import NEVER, ROOT, TABLES, text_complaint


class Stored(NamedTuple):
    """A version of a file with a path it had; a commit or a tag has none."""

    digest: str
    path: str
    content: bytes


def stored(repository: Path) -> Iterator[Stored]:
    """Everything that any branch or tag leads to, one at a time."""
    git = shutil.which("git") or "git"
    listed = subprocess.run(  # noqa: S603
        [git, "rev-list", "--objects", "--all"], cwd=repository, check=True, capture_output=True
    ).stdout
    paths = dict(line.partition(b" ")[::2] for line in listed.splitlines())
    with tempfile.TemporaryFile() as names:
        names.write(b"\n".join(paths) + b"\n")
        names.seek(0)
        command = [git, "cat-file", "--batch", "--buffer"]
        with subprocess.Popen(command, cwd=repository, stdin=names, stdout=subprocess.PIPE) as process:  # noqa: S603
            assert process.stdout is not None
            for path in paths.values():
                digest, kind, size = process.stdout.readline().split()
                content = process.stdout.read(int(size))
                process.stdout.read(1)
                if kind != b"tree":
                    yield Stored(digest.decode(), path.decode("utf-8", "replace"), content)


def complaint(each: Stored) -> str | None:
    """Why something should not be in the history, None when nothing speaks against it."""
    path = PurePosixPath(each.path)
    if path.suffix.lower() in NEVER or each.content[128:132] == b"DICM":
        return "is a medical image file"
    if TABLES.search(path.name):
        return "is named like a table of a credentialed source"
    what = text_complaint(each.path.encode("utf-8") + b"\n" + each.content)
    return f"holds {what}" if what else None


def main(repository: Path) -> int:
    """Search a repository; 1 when something is found, 0 also for a folder without a history."""
    if not (repository / ".git").exists():
        return 0
    found = [(each, why) for each in stored(repository) if (why := complaint(each))]
    for each, why in found:
        place = each.path or "a message"
        sys.stderr.write(
            f"{each.digest[:12]} {place}: {why}. It is in the history and has to be taken out of it.\n"
        )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(ROOT))
