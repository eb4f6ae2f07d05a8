"""An S3 server on this machine: the calls of s3fs for whole files in one bucket, over HTTP; it may misbehave.

After the S3 API reference (2006-03-01): PutObject, GetObject with ranges, HeadObject, ListObjectsV2, DeleteObject and
the multi-part upload. The secret key is not checked.
"""

from __future__ import annotations

import hashlib
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

BUCKET, KEY_ID = "bucket", "loopback"
PAGE = 50
"""Files of one page of a listing, few so that listings have several."""


@dataclass(frozen=True)
class Request:
    """What came in: `key` is the file's name within the bucket."""

    method: str
    bucket: str
    key: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What goes out: of a `cut` one only half of the bytes."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False


CUT = Answer(0)
"""The connection is closed without a word."""


@dataclass
class LoopbackS3:
    """Files by key in one bucket.

    spoil     what is answered instead, None for what is due
    requests  method and key of all that was asked, in order
    """

    files: dict[str, bytes] = field(default_factory=dict)
    spoil: Callable[[Request], Answer | None] = lambda _request: None
    requests: list[tuple[str, str]] = field(default_factory=list)
    parts: dict[str, dict[int, bytes]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, request: Request) -> Answer:
        """One request after the other, as if each took no time."""
        with self.lock:
            self.requests.append((request.method, request.key))
            spoilt = self.spoil(request)
            if spoilt is not None:
                return spoilt
            if f"Credential={KEY_ID}/" not in request.headers.get("authorization", ""):
                return refused(403, "InvalidAccessKeyId")
            if request.bucket != BUCKET:
                return refused(404, "NoSuchBucket")
            return getattr(self, f"_{request.method.lower()}")(request)

    def _put(self, request: Request) -> Answer:
        etag = {"ETag": f'"{hashlib.md5(request.body).hexdigest()}"'}  # noqa: S324  what S3 calls it
        if "uploadId" in request.query:
            self.parts[request.query["uploadId"]][int(request.query["partNumber"])] = request.body
        else:
            self.files[request.key] = request.body
        return Answer(200, headers=etag)

    def _post(self, request: Request) -> Answer:
        if "uploads" in request.query:
            upload = f"upload-{len(self.parts)}"
            self.parts[upload] = {}
            return xml(f"<InitiateMultipartUploadResult><UploadId>{upload}</UploadId>")
        parts = self.parts.pop(request.query["uploadId"])
        wanted = [int(number) for number in re.findall(rb"<PartNumber>(\d+)<", request.body)]
        self.files[request.key] = b"".join(parts[number] for number in wanted)
        return xml("<CompleteMultipartUploadResult><ETag>whole</ETag>")

    def _delete(self, request: Request) -> Answer:
        self.files.pop(request.key, None)
        return Answer(204)

    def _get(self, request: Request) -> Answer:
        if not request.key:
            return self._list(request.query)
        content = self.files.get(request.key)
        if content is None:
            return refused(404, "NoSuchKey")
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("range", ""))
        if asked is None:
            return Answer(200, content)
        start, end = int(asked[1]), min(int(asked[2] or len(content)), len(content) - 1)
        there = {"Content-Range": f"bytes {start}-{end}/{len(content)}"}
        return Answer(206, content[start : end + 1], there)

    _head = _get

    def _list(self, query: dict[str, str]) -> Answer:
        prefix, after = query.get("prefix", ""), query.get("continuation-token", "")
        slash = query.get("delimiter", "")
        found = {}
        for key in sorted(key for key in self.files if key.startswith(prefix)):
            head, stop, _ = key[len(prefix) :].partition(slash) if slash else ("", "", "")
            found[prefix + head + stop if stop else key] = bool(stop)
        rest = [name for name in found if name > after]
        said = "".join(map(self._listed, rest[:PAGE], (found[name] for name in rest)))
        more = (
            f"<NextContinuationToken>{escape(rest[PAGE - 1])}</NextContinuationToken>" if rest[PAGE:] else ""
        )
        truncated = str(bool(more)).lower()
        return xml(f"<ListBucketResult>{said}{more}<IsTruncated>{truncated}</IsTruncated>")

    def _listed(self, name: str, folder: bool) -> str:
        if folder:
            return f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>"
        return f"<Contents><Key>{escape(name)}</Key><Size>{len(self.files[name])}</Size></Contents>"


def xml(inner: str) -> Answer:
    """An answer of XML, whose outermost element is closed here."""
    return Answer(200, f"{inner}</{inner[1 : inner.index('>')]}>".encode(), {"Content-Type": "text/xml"})


def refused(status: int, code: str) -> Answer:
    """An error of S3."""
    return Answer(
        status, f"<Error><Code>{code}</Code><Message>The server says {code}.</Message></Error>".encode()
    )


@contextmanager
def served(server: LoopbackS3) -> Iterator[str]:
    """The address of a running server."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_PUT(self) -> None:
            where = urlsplit(self.path)
            bucket, _, key = unquote(where.path).lstrip("/").partition("/")
            query = {name: each[0] for name, each in parse_qs(where.query, keep_blank_values=True).items()}
            headers = {name.lower(): each for name, each in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", 0)))
            self._give(server.answer(Request(self.command, bucket, key, query, headers, body)))

        do_GET = do_HEAD = do_POST = do_DELETE = do_PUT  # noqa: N815  as http.server calls them

        def _give(self, answer: Answer) -> None:
            if answer is CUT:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.body[: len(answer.body) // 2] if answer.cut else answer.body)
            self.close_connection = self.close_connection or answer.cut

        def log_message(self, *_words: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        listening.daemon_threads = True
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()


def surroundings(address: str) -> dict[str, str]:
    """The environment variables by which boto's configuration finds the server and its key."""
    return {
        "AWS_ENDPOINT_URL": address,
        "AWS_ACCESS_KEY_ID": KEY_ID,
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    }
