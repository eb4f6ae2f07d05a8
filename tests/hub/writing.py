"""How a repository changes: where a file goes, LFS, commits, tags and branches."""

from __future__ import annotations

import base64
import hashlib
import json

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.hub.asking import address_of, caller_of, hub_of, subject
from tests.hub.repositories import PULL_REQUEST, File, Refused, Repository, is_large


async def preupload(request: Request) -> Response:
    asked = (await request.json())["files"]
    repository = committed_to(request)
    files = repository.at(request.path_params["revision"]).files
    return JSONResponse(
        {
            "files": [
                {
                    "path": each["path"],
                    "uploadMode": "lfs" if is_large(each["path"], each["size"]) else "regular",
                    "shouldIgnore": False,
                    "oid": files[each["path"]].oid if each["path"] in files else None,
                }
                for each in asked
            ]
        }
    )


async def lfs_batch(request: Request) -> Response:
    """Where each object goes; no action for one that is there. The addresses ask for no token: they are signed."""
    asked = (await request.json())["objects"]
    repository = hub_of(request).changed(*subject(request))
    to = f"{request.base_url}_lfs/{repository.kind}s/{repository.name}"
    rows = []
    for each in asked:
        actions = {"upload": {"href": f"{to}/{each['oid']}"}, "verify": {"href": f"{to}/verify"}}
        there = each["oid"] in repository.objects
        rows.append({"oid": each["oid"], "size": each["size"], **({} if there else {"actions": actions})})
    return JSONResponse({"transfer": "basic", "objects": rows})


async def lfs_put(request: Request) -> Response:
    content, oid = await request.body(), request.path_params["oid"]
    if hashlib.sha256(content).hexdigest() != oid:
        raise Refused(400, "The content is not that of the SHA-256")
    uploaded_to(request)[oid] = content
    return Response()


async def lfs_verify(request: Request) -> Response:
    asked = await request.json()
    if len(uploaded_to(request).get(asked["oid"], b"")) != asked["size"]:
        raise Refused(404, "The object is not there in that size")
    return JSONResponse({})


def uploaded_to(request: Request) -> dict[str, bytes]:
    """The LFS objects of the repository that a signed address names."""
    at = request.path_params
    return hub_of(request).repositories[at["kinds"].removesuffix("s"), f"{at['org']}/{at['name']}"].objects


async def commit(request: Request) -> Response:
    lines = [json.loads(line) for line in (await request.body()).splitlines() if line.strip()]
    repository, token = committed_to(request), caller_of(request)
    branch = branch_of(request, repository)
    head, files, deleted = {}, {}, []
    for key, value in ((line["key"], line["value"]) for line in lines):
        if key == "header":
            head = value
        elif key == "file":
            files[value["path"]] = File(base64.b64decode(value["content"]))
        elif key == "lfsFile":
            if value["oid"] not in repository.objects:
                raise Refused(400, f"The LFS object of {value['path']} was never uploaded")
            files[value["path"]] = File(repository.objects[value["oid"]], large=True)
        elif key in ("deletedFile", "deletedFolder"):
            deleted.append(value["path"].rstrip("/") + ("/" if key == "deletedFolder" else ""))
        else:
            raise Refused(400, f"Unknown operation {key}")
    said = (head.get("summary", ""), head.get("description", ""), token.person if token else "")
    made = repository.commit(
        files, deleted=deleted, branch=branch, parent=head.get("parentCommit"), said=said
    )
    page = address_of(request, repository)
    offered = branch.removeprefix(PULL_REQUEST)
    more = {"pullRequestUrl": f"{page}/discussions/{offered}"} if offered != branch else {}
    return JSONResponse(
        {"success": True, "commitUrl": f"{page}/commit/{made.oid}", "commitOid": made.oid, **more}
    )


def committed_to(request: Request) -> Repository:
    """The repository of a commit, which whoever reads it may offer as a pull request."""
    hub, (kind, name, token) = hub_of(request), subject(request)
    if "create_pr" not in request.query_params:
        return hub.changed(kind, name, token)
    if token is None:
        raise Refused(401, "Log in to open a pull request")
    return hub.read(kind, name, token)


def branch_of(request: Request, repository: Repository) -> str:
    """The branch that a commit goes to; a pull request has a new one."""
    revision = request.path_params["revision"]
    if "create_pr" not in request.query_params:
        return str(revision)
    number = 1 + sum(name.startswith(PULL_REQUEST) for name in repository.branches)
    repository.branches[f"{PULL_REQUEST}{number}"] = repository.at(revision).oid
    return f"{PULL_REQUEST}{number}"


async def tag(request: Request) -> Response:
    """POST names a revision, DELETE a tag."""
    asked = {} if request.method == "DELETE" else await request.json()
    repository, named = hub_of(request).changed(*subject(request)), request.path_params["revision"]
    if request.method == "DELETE":
        if repository.tags.pop(named, None) is None:
            raise Refused(404, f"No tag {named}", "RevisionNotFound")
    elif asked["tag"] in repository.tags:
        raise Refused(409, "Tag reference exists already")
    else:
        repository.tags[asked["tag"]] = repository.at(named).oid
    return JSONResponse({})


async def branch(request: Request) -> Response:
    """POST and DELETE name a branch."""
    asked = {} if request.method == "DELETE" else await request.json()
    repository, named = hub_of(request).changed(*subject(request)), request.path_params["revision"]
    if request.method == "DELETE":
        repository.branches.pop(named, None)
    elif named in repository.branches:
        raise Refused(409, "Reference already exists")
    else:
        repository.branches[named] = repository.at(asked.get("startingPoint", "main")).oid
    return JSONResponse({})
