"""Where a build may write: what is refused before a byte is written.

The dataset folder is what one publishes, and the store holds what one must not: patients, and edits of credentialed
pictures. So neither lies in the other, and a store elsewhere gets nothing of a credentialed source that is not named.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from builder.build import store_beside
from builder.place import Place
from builder.sources import Source
from medground_bench.benchmark.folder import DatasetFolder
from medground_bench.core.errors import MedgroundError, Unsupported
from medground_bench.lvlms.server.address import SERVERS


class StoreInDataset(MedgroundError):
    """A store that lies in the dataset folder, or the dataset folder in it."""


def store_for(folder: DatasetFolder, store: str | None, sources: Sequence[Source]) -> Place:
    """The store of a dataset folder, by default beside it; refused where one of the two may not be written to.

    sources  whose patients and edits the store will hold
    """
    place = Place(store or store_beside(folder.path))
    if place.local is not None:
        _demand_apart(folder.path, place.local)
    else:
        _demand_allowed(place, [source.name for source in sources if not source.may_show])
    folder.demand_free()
    return place


def _demand_apart(out: Path, store: Path) -> None:
    """Compared as they are on the disk, behind links."""
    published, kept = out.resolve(), store.resolve()
    if published.is_relative_to(kept) or kept.is_relative_to(published):
        raise StoreInDataset(
            f"the store {store} and the dataset folder {out} lie in one another, and the dataset folder is what gets "
            "published: patients and edits of credentialed pictures are in the store. Give a --store beside it."
        )


def _demand_allowed(store: Place, credentialed: Sequence[str]) -> None:
    """The user names the store's address for each credentialed source, as a server's that may see its pictures."""
    allowed = {entry.strip().rstrip("/") for entry in os.environ.get(SERVERS, "").split(",")}
    wanted = [f"{source}@{str(store).rstrip('/')}" for source in credentialed]
    missing = [entry for entry in wanted if entry not in allowed]
    if missing:
        raise Unsupported(
            f"{store} is not on this disk, and patients and edited pictures of a credentialed source go nowhere else "
            "unless you say so; nothing was written. Where the licence allows it: "
            f"export {SERVERS}={','.join(missing)}"
        )
