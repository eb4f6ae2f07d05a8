"""A hub on this machine that hands out repositories: what `huggingface_hub` asks for when it downloads, no more."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

NEWEST = "a" * 40
OLDER = "b" * 40


@dataclass
class LoopbackHub:
    """Repository (`models/org/name`) -> commit -> files by name; the first commit is the newest.

    refusals  repository -> (status, error code) of every answer about it
    requests  the paths that were asked for
    """

    repositories: dict[str, dict[str, dict[str, bytes]]] = field(default_factory=dict)
    refusals: dict[str, tuple[int, str]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    def answer(self, path: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body."""
        self.requests.append(path)
        words = unquote(urlsplit(path).path).strip("/").split("/")
        words = words[1:] if words[0] == "api" else words
        kind = words.pop(0) if words[0] in ("models", "datasets") else "models"
        name = f"{kind}/{'/'.join(words[:2])}"
        if name in self.refusals:
            return _refused(*self.refusals[name])
        if name not in self.repositories:
            return _refused(404, "RepoNotFound")
        return _of_repository(self.repositories[name], "/".join(words[:2]), words[2:])


def _of_repository(
    commits: dict[str, dict[str, bytes]], name: str, words: list[str]
) -> tuple[int, dict[str, str], bytes]:
    verb, wanted, *file = [*words, "revision", "main"][:2] + words[2:]
    commit = next(iter(commits)) if wanted == "main" else wanted
    if commit not in commits:
        return _refused(404, "RevisionNotFound")
    files = commits[commit]
    if verb == "resolve":
        content = files.get("/".join(file))
        if content is None:
            return _refused(404, "EntryNotFound")
        return 200, {"ETag": f'"{_etag(content)}"', "X-Repo-Commit": commit}, content
    about: object = {"id": name, "sha": commit, "siblings": [{"rfilename": each} for each in files]}
    if verb == "tree":
        about = [
            {"type": "file", "path": each, "size": len(content), "oid": _etag(content)}
            for each, content in files.items()
        ]
    return 200, {}, json.dumps(about).encode()


def _etag(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:40]


def _refused(status: int, code: str) -> tuple[int, dict[str, str], bytes]:
    return status, {"X-Error-Code": code, "X-Error-Message": code}, b"{}"


@contextmanager
def served(hub: LoopbackHub) -> Iterator[str]:
    """The address of a running hub."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = hub.answer(self.path)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815  as http.server calls it

        def log_message(self, *_words: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
