"""What the hub makes of the `.eval_results` of models: their own list, and the leaderboard of a benchmark.

A value that a pull request offers counts too, with the number of the request; the real hub calls it a community result.
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatch

import yaml
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.hub.asking import hub_of, subject
from tests.hub.managing import front_matter
from tests.hub.repositories import PULL_REQUEST, Commit, File, Repository

PLACE = ".eval_results/*.yaml"


def results_in(commit: Commit) -> Iterator[tuple[str, dict]]:
    """File and entry of every value in the files of a commit."""
    for path, file in sorted(commit.files.items()):
        if fnmatch(path, PLACE):
            for entry in yaml.safe_load(file.content):
                yield path, entry


async def leaderboard(request: Request) -> Response:
    """The models by value; those that declare a base model are left out unless all are asked for."""
    dataset = hub_of(request).seen(*subject(request)).name
    all_models = request.query_params.get("base_model") == "false"
    rows = [
        row
        for (kind, _), model in hub_of(request).repositories.items()
        if kind == "model" and (all_models or not has_base(model))
        for row in rows_of(model, dataset)
    ]
    rows.sort(key=lambda row: -row["value"])
    return JSONResponse([{"rank": rank, **row} for rank, row in enumerate(rows, 1)])


def has_base(model: Repository) -> bool:
    """Whether the card of a model says what it was made from."""
    card = model.at("main").files.get("README.md", File(b"")).content.decode()
    return "base_model" in (yaml.safe_load(front_matter(card)) or {})


def rows_of(model: Repository, dataset: str) -> Iterator[dict]:
    """The values of a model on a benchmark, in its main branch and in pull requests."""
    for branch in sorted(model.branches):
        offered = branch.removeprefix(PULL_REQUEST)
        for path, entry in results_in(model.at(branch)):
            if entry["dataset"]["id"] == dataset:
                yield {
                    "modelId": model.name,
                    "value": entry["value"],
                    "filename": path,
                    "verified": False,
                    "source": entry.get("source"),
                    "author": {"type": "org", "name": model.name.partition("/")[0], "avatarUrl": ""},
                    "pullRequest": int(offered) if offered != branch else None,
                    "notes": entry.get("notes"),
                }
