"""What a repository holds: its card, listings, history, and the files themselves with ranges."""

from __future__ import annotations

import hashlib
import re

import yaml
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from tests.hub.asking import PAGE, hub_of, instant, paged, subject
from tests.hub.leaderboards import results_in
from tests.hub.managing import front_matter, runtime_of
from tests.hub.repositories import Commit, File, Refused


async def about(request: Request) -> Response:
    repository = hub_of(request).seen(*subject(request))
    commit = repository.at(request.path_params.get("revision", "main"))
    blobs = "blobs" in request.query_params
    card = commit.files.get("README.md", File(b"")).content.decode()
    first = list(repository.history("main"))[-1]
    said = {
        "_id": hashlib.sha256(repository.name.encode()).hexdigest()[:24],
        "id": repository.name,
        "modelId": repository.name,
        "author": repository.name.partition("/")[0],
        "sha": commit.oid,
        "private": repository.private,
        "gated": repository.gated,
        "disabled": False,
        "tags": [],
        "createdAt": instant(first.date),
        "lastModified": instant(commit.date),
        "cardData": yaml.safe_load(front_matter(card)) or {},
        "siblings": [
            {"rfilename": path, **(blob(file) if blobs else {})}
            for path, file in sorted(commit.files.items())
        ],
    }
    if "evalResults" in request.query_params.getlist("expand"):
        said["evalResults"] = [row for _, row in results_in(commit)]
    if repository.kind == "space":
        said |= {"sdk": repository.sdk, "host": repository.host, "runtime": runtime_of(repository)}
    return JSONResponse(said)


def blob(file: File) -> dict[str, object]:
    """A file as the list of siblings says it."""
    large = {"lfs": {"sha256": file.oid, "size": len(file.content), "pointerSize": 134}} if file.large else {}
    return {"size": len(file.content), "blobId": file.blob, **large}


def entry(commit: Commit, path: str) -> dict[str, object] | None:
    """A file or a folder of a listing; None where there is neither."""
    last = {"id": commit.oid, "title": commit.title, "date": instant(commit.date)}
    file = commit.files.get(path)
    if file is not None:
        large = (
            {"lfs": {"oid": file.oid, "size": len(file.content), "pointerSize": 134}} if file.large else {}
        )
        size, oid = len(file.content), file.blob
        return {"type": "file", "path": path, "size": size, "oid": oid, "lastCommit": last, **large}
    inside = [name + each.blob for name, each in sorted(commit.files.items()) if name.startswith(f"{path}/")]
    oid = hashlib.sha1("".join(inside).encode()).hexdigest()  # noqa: S324  as long as git's
    return {"type": "directory", "path": path, "size": 0, "oid": oid, "lastCommit": last} if inside else None


async def tree(request: Request) -> Response:
    commit = hub_of(request).seen(*subject(request)).at(request.path_params["revision"])
    folder = request.path_params.get("path", "").strip("/")
    start = f"{folder}/" if folder else ""
    deep = request.query_params.get("recursive", "").lower() in ("1", "true")
    found: dict[str, None] = {}
    for path in sorted(path for path in commit.files if path.startswith(start)):
        parts = path.removeprefix(start).split("/")
        found |= dict.fromkeys(start + "/".join(parts[: n + 1]) for n in range(len(parts) if deep else 1))
    if folder and not found:
        raise Refused(404, f"{folder} does not exist", "EntryNotFound")
    expanded = request.query_params.get("expand", "").lower() in ("1", "true")
    return paged(request, (entry(commit, path) for path in found), PAGE // 20 if expanded else PAGE)


async def paths_info(request: Request) -> Response:
    asked = (await request.form()).getlist("paths")
    commit = hub_of(request).seen(*subject(request)).at(request.path_params["revision"])
    found = (entry(commit, str(path)) for path in asked)
    return JSONResponse([each for each in found if each is not None])


async def refs(request: Request) -> Response:
    repository = hub_of(request).seen(*subject(request))

    def said(kind: str, named: dict[str, str]) -> list[dict[str, str]]:
        return [
            {"name": name, "ref": f"refs/{kind}/{name}", "targetCommit": oid} for name, oid in named.items()
        ]

    branches, tags = said("heads", repository.branches), said("tags", repository.tags)
    return JSONResponse({"branches": branches, "tags": tags, "converts": [], "pullRequests": []})


async def commits(request: Request) -> Response:
    repository = hub_of(request).seen(*subject(request))
    history = repository.history(request.path_params["revision"])
    return paged(
        request,
        (
            {
                "id": each.oid,
                "title": each.title,
                "message": each.description,
                "date": instant(each.date),
                "authors": [{"user": each.author}],
            }
            for each in history
        ),
    )


async def resolve(request: Request) -> Response:
    """A file: a large one by a redirect to a signed address of another host, as the real hub does it."""
    kind, name, token = subject(request)
    path, hub = request.path_params["path"], hub_of(request)
    repository = (hub.seen if path == "README.md" else hub.read)(kind, name, token)
    commit = repository.at(request.path_params["revision"])
    file, headers = commit.files.get(path), {"X-Repo-Commit": commit.oid, "Accept-Ranges": "bytes"}
    if file is None:
        said = {"X-Error-Code": "EntryNotFound", "X-Error-Message": "Entry not found"}
        return JSONResponse({"error": "Entry not found"}, 404, headers | said)
    if not file.large:
        return ranged(request, file.content, headers | {"ETag": f'"{file.oid}"'})
    linked = {"X-Linked-Etag": f'"{file.oid}"', "X-Linked-Size": str(len(file.content))}
    repository.objects.setdefault(file.oid, file.content)
    at = f"http://localhost:{request.url.port}/_cdn/{kind}s/{name}/{file.oid}?signature={signature(file.oid)}"
    return RedirectResponse(at, 302, headers | linked)


def signature(oid: str) -> str:
    """Without it nobody gets a large file by its SHA-256."""
    return hashlib.sha256(f"signed {oid}".encode()).hexdigest()


async def signed_content(request: Request) -> Response:
    """The other host asks for no token."""
    kinds, name, oid = (
        request.path_params["kinds"],
        "{org}/{name}".format_map(request.path_params),
        request.path_params["oid"],
    )
    repository = hub_of(request).repositories[kinds.removesuffix("s"), name]
    if request.query_params.get("signature") != signature(oid):
        raise Refused(403, "The signature is wrong")
    return ranged(request, repository.objects[oid], {"ETag": f'"{oid}"', "Accept-Ranges": "bytes"})


def ranged(request: Request, content: bytes, headers: dict[str, str]) -> Response:
    """The bytes that were asked for; Starlette leaves the body of a HEAD away."""
    asked = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("range", ""))
    if asked is None or request.method == "HEAD":
        return Response(content, 200, headers, "application/octet-stream")
    start, end = int(asked[1]), min(int(asked[2] or len(content)), len(content) - 1)
    if start >= len(content):
        return Response(b"", 416, {"Content-Range": f"bytes */{len(content)}"})
    there = {"Content-Range": f"bytes {start}-{end}/{len(content)}"}
    return Response(content[start : end + 1], 206, headers | there, "application/octet-stream")
