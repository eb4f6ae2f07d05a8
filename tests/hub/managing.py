"""Accounts, new repositories, settings, Spaces, and access requests."""

from __future__ import annotations

import re

import yaml
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from tests.hub.asking import address_of, caller_of, hub_of, instant, paged, subject
from tests.hub.card_rules import card_errors
from tests.hub.repositories import AccessRequest, Refused, Repository


async def whoami(request: Request) -> Response:
    token = caller_of(request)
    if token is None:
        raise Refused(401, "Invalid username or password.")
    roles = {org: role for (org, person), role in hub_of(request).roles.items() if person == token.person}
    return JSONResponse(
        {
            "type": "user",
            "id": token.person,
            "name": token.person,
            "fullname": token.person.title(),
            "email": f"{token.person}@example.org",
            "avatarUrl": "/avatar.png",
            "orgs": [
                {"type": "org", "id": org, "name": org, "roleInOrg": role} for org, role in roles.items()
            ],
            "auth": {"type": "access_token", "accessToken": {"displayName": "token", "role": token.role}},
        }
    )


async def create(request: Request) -> Response:
    asked, token, hub = await request.json(), caller_of(request), hub_of(request)
    if token is None:
        raise Refused(401, "Invalid username or password.")
    kind, namespace = asked.get("type", "model"), asked.get("organization") or token.person
    if hub.role(namespace, token) not in ("writer", "admin"):
        raise Refused(403, f'You don\'t have the rights to create a {kind} under the namespace "{namespace}"')
    name = f"{namespace}/{asked['name']}"
    if kind == "space" and not asked.get("sdk"):
        raise Refused(400, "A Space needs an sdk")
    if (kind, name) in hub.repositories:
        page = address_of(request, hub.repositories[kind, name])
        raise Refused(409, f"You already created this {kind} repo", url=page)
    private = asked.get("visibility") == "private" or asked.get("private", False)
    made = hub.create(kind, name, private=private, sdk=asked.get("sdk", ""))
    return JSONResponse({"url": address_of(request, made), "name": name})


async def duplicate(request: Request) -> Response:
    """A copy of what the caller may read: its files in one commit of its own, none of its secrets, whoever made it."""
    asked, hub, (kind, name, token) = await request.json(), hub_of(request), subject(request)
    source, (namespace, _, _own) = hub.read(kind, name, token), asked["repository"].partition("/")
    if hub.role(namespace, token) not in ("writer", "admin"):
        raise Refused(403, f'You don\'t have the rights to create a {kind} under the namespace "{namespace}"')
    is_private = asked.get("visibility", "private") == "private"
    made = hub.create(kind, asked["repository"], private=is_private, sdk=source.sdk)
    made.commit(source.at("main").files, said=(f"Duplicate from {name}", "", token.person if token else ""))
    return JSONResponse({"url": address_of(request, made)})


async def validate_card(request: Request) -> Response:
    """Whether the YAML of a card can be read, and that of a dataset is as far as we know what the real hub takes."""
    asked = await request.json()
    try:
        said = yaml.safe_load(front_matter(asked["content"]))
    except yaml.YAMLError as error:
        return JSONResponse({"errors": [{"message": str(error)}], "warnings": []}, 400)
    found = list(card_errors(said)) if asked.get("repoType") == "dataset" and said is not None else []
    errors = [{"message": message} for message in found]
    return JSONResponse({"errors": errors, "warnings": []}, 400 if errors else 200)


def front_matter(card: str) -> str:
    """The YAML on top of a card."""
    found = re.match(r"---\s*\n(.*?)\n---", card, re.DOTALL)
    return found[1] if found else ""


async def settings(request: Request) -> Response:
    asked = await request.json()
    repository = hub_of(request).changed(*subject(request))
    repository.gated = asked.get("gated", repository.gated)
    if "visibility" in asked:
        repository.private = asked["visibility"] == "private"
    return JSONResponse({"gated": repository.gated, "private": repository.private})


def runtime_of(repository: Repository) -> dict[str, object]:
    """What runs of a Space."""
    hardware = {"current": "cpu-basic", "requested": "cpu-basic"}
    return {"stage": repository.stage, "hardware": hardware, "gcTimeout": None}


async def runtime(request: Request) -> Response:
    return JSONResponse(runtime_of(hub_of(request).seen(*subject(request))))


async def may_read(request: Request) -> Response:
    hub_of(request).read(*subject(request))
    return JSONResponse({})


async def ask_access(request: Request) -> Response:
    """The form on the page of a gated repository; no client has a call for it."""
    fields = {name: str(value) for name, value in (await request.form()).items()}
    kind, name, token = subject(request)
    if token is None:
        raise Refused(401, "Log in to ask for access")
    repository = hub_of(request).seen(kind, name, token)
    repository.ask(token.person, **fields)
    return RedirectResponse(address_of(request, repository), 303)


async def access_requests(request: Request) -> Response:
    repository = hub_of(request).changed(*subject(request))
    if not repository.gated:
        raise Refused(400, "The repository is not gated")
    asked = [each for each in repository.requests.values() if each.status == request.path_params["status"]]
    return paged(request, [access_row(each, hidden=repository.hides_user_names) for each in asked])


def access_row(asked: AccessRequest, *, hidden: bool) -> dict[str, object]:
    """A row of the queue; who asks is left out where user names are hidden."""
    person = {"user": asked.person, "fullname": asked.person.title(), "email": f"{asked.person}@example.org"}
    row = {"requestId": asked.id, "status": asked.status, "timestamp": instant(asked.date)}
    return row | {"fields": dict(asked.fields)} | ({} if hidden else {"user": person})


async def handle_access(request: Request) -> Response:
    asked = await request.json()
    repository = hub_of(request).changed(*subject(request))
    person, reason = asked.get("user", ""), asked.get("rejectionReason", "")
    if person and person not in hub_of(request).people():
        raise Refused(404, f"No such user: {person}")
    repository.decide(asked["status"], person=person, request=asked.get("requestId", ""), reason=reason)
    return JSONResponse({})


async def grant_access(request: Request) -> Response:
    person = (await request.json())["user"]
    repository = hub_of(request).changed(*subject(request))
    if person not in hub_of(request).people():
        raise Refused(404, f"No such user: {person}")
    asked = repository.ask(person)
    if asked.status == "accepted" and repository.gated == "manual":
        raise Refused(400, f"{person} already has access")
    asked.status = "accepted"
    return JSONResponse({})
