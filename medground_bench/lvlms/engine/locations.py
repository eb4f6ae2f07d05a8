"""From what a user calls an LVLM to the LVLM: a key, a local folder, a hub id, or a model of a server.

Nothing here imports torch, nor a family, before one is opened.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from medground_bench import plugins
from medground_bench.core.errors import MedgroundError, SourceMissing, UnknownName, Unsupported
from medground_bench.lvlms.server.address import SERVED, Address
from medground_bench.storage import hub

if TYPE_CHECKING:
    from medground_bench.lvlms import Lvlm
    from medground_bench.lvlms.engine.opening import CheckpointFolder

EMBEDDED = "embedded:"
"""Location prefix of the models that ship inside this package."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where a key's weights live: a hub id pinned to a commit, or a folder inside this package.

    >>> Checkpoint(family="gemma3", location="google/medgemma-4b-it", revision="").family
    'gemma3'
    """

    family: str
    location: str
    revision: str

    def __str__(self) -> str:
        """Where it is, at its commit."""
        return f"{self.location}@{self.revision}" if self.revision else self.location


def checkpoints() -> Mapping[str, Checkpoint]:
    """Key -> checkpoint for every LVLM this installation knows, sorted; imports no family.

    >>> checkpoints()["phantom_gemma3"].family
    'gemma3'
    """
    found: dict[str, Checkpoint] = {}
    for family in plugins.available("lvlms"):
        for key, (location, revision) in (plugins.literal("lvlms", family.name, "KEYS") or {}).items():
            if key in found:
                raise MedgroundError(
                    f"{key} is a key of two LVLM families: {found[key].family} and {family.name}. "
                    "Rename one of them, or uninstall the package it comes from."
                )
            found[key] = Checkpoint(family.name, location, revision)
    return dict(sorted(found.items()))


def open_lvlm(location: str, *, device: str | None = None, newest: bool = False) -> Lvlm:
    """The LVLM at a key, in a local folder, at a hub id with its commit (`org/name@commit`), or behind a server.

    A folder's name becomes the key, and so a part of every case id; one that is a known key is refused.

    device  as torch names it; by default the GPU when there is one
    newest  takes the newest commit of a key's repository, or of a hub id without one; `revision` says which it was

    >>> open_lvlm("medgema_4b")  # doctest: +IGNORE_EXCEPTION_DETAIL
    Traceback (most recent call last):
    medground_bench.core.errors.UnknownName: no LVLM is called 'medgema_4b'. Did you mean medgemma_4b, ...
    """
    from medground_bench.lvlms.engine import opening

    address = Address.parse(location)
    if address is not None:
        from medground_bench.lvlms.server.served import open_served

        return open_served(address)
    location, known = pinned(location, newest=newest), checkpoints()
    key = key_of(location)
    if key in known:
        return _of_family(opening.known_folder(known[key], newest=newest), key, device)
    if Path(location).is_dir():
        return open_folder(Path(location), key, device=device)
    repository = hub.Repository.parse(location)
    if repository is not None and repository.commit:
        return _of_family(opening.hub_folder(repository), key, device)
    if location.startswith(SERVED):
        raise SourceMissing(
            f"{location} is the key of an LVLM behind a server. Say where it is: "
            f"http://host:port/v1#{location.removeprefix(SERVED)}"
        )
    if "/" in location or location.startswith("."):
        raise SourceMissing(
            f"{location} is no folder here. For a model of the hub give its commit, org/name@<commit>, or take the "
            "newest one with --newest (newest=True in Python)."
        )
    raise UnknownName("LVLM", location, known)


def pinned(location: str, *, newest: bool) -> str:
    """The location; where the newest is wanted of a hub id without a commit, at the commit that the hub names now.

    >>> pinned("medgemma_4b", newest=True)
    'medgemma_4b'
    """
    if not newest or location in checkpoints() or Path(location).is_dir():
        return location
    repository = hub.Repository.parse(location)
    return location if repository is None or repository.commit else str(hub.newest(repository))


def key_of(location: str) -> str:
    """The key under which `open_lvlm` opens a location, and so a part of its cases' ids; nothing is opened.

    A folder's name, refused when that is a known key; `served/` and the model's name for one behind a server,
    whichever it is; anything else, such as a known key or a hub id with its commit, is its own.

    >>> key_of("medgemma_4b"), key_of("http://127.0.0.1:8000/v1#google/medgemma-27b-it")
    ('medgemma_4b', 'served/google/medgemma-27b-it')
    """
    address = Address.parse(location)
    if address is not None:
        return address.key
    known, path = checkpoints(), Path(location)
    return _key_of_folder(path, known) if location not in known and path.is_dir() else location


def _key_of_folder(path: Path, known: Iterable[str]) -> str:
    name = path.resolve().name
    if name in known:
        raise SourceMissing(
            f"{path} has the name of a known LVLM, so its cases could not be told from those of {name}. Rename the "
            f"folder, for example to my_{name}; for the known LVLM itself give its key: {name}"
        )
    return name


def embedded(key: str) -> bool:
    """Whether that LVLM ships with the package and so knows phantoms only.

    >>> embedded("phantom_gemma3"), embedded("medgemma_4b")
    (True, False)
    """
    checkpoint = checkpoints().get(key)
    return checkpoint is not None and checkpoint.location.startswith(EMBEDDED)


def open_folder(path: Path, key: str, *, device: str | None = None) -> Lvlm:
    """The LVLM in a local folder under a key of the caller's choice.

    >>> open_folder(Path("no/such/folder"), "mine")
    Traceback (most recent call last):
    medground_bench.core.errors.SourceMissing: no/such/folder is no model folder: it has no config.json.
    """
    from medground_bench.lvlms.engine import opening

    return _of_family(opening.local_folder(path), key, device)


def _of_family(folder: CheckpointFolder, key: str, device: str | None) -> Lvlm:
    families = [family.name for family in plugins.available("lvlms")]
    if folder.model_type not in families:
        raise Unsupported(
            f"{folder.path} is a {folder.model_type} model; MedGround-Bench opens: {', '.join(families)}."
        )
    lvlm: Lvlm = plugins.load("lvlms", folder.model_type)(folder, key=key, device=device)
    return lvlm
