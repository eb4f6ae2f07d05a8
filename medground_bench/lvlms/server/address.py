"""Where a model is served, and who may be sent pictures: this machine, and what MEDGROUND_SERVERS names."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass, fields
from enum import StrEnum
from ipaddress import ip_address
from urllib.parse import parse_qsl, unquote, urlsplit

from medground_bench.core.errors import SourceMissing, UnknownName, Unsupported

SERVERS = "MEDGROUND_SERVERS"
"""Environment variable: hosts beyond this machine that pictures may go to, with commas between them. `host:port` for
pictures that anybody may see, `vindr_cxr@host:port` also for those of a credentialed source."""

SERVED = "served/"
"""With which the key of a served model begins; the host is no part of it."""

PORTS = {"http": 80, "https": 443}
MODEL = re.compile(r"[\w.+:@-]+(/[\w.+:@-]+)*")
MOST_AT_ONCE = 1024
FORM = "http://host:port/v1#model"


class WrittenBoxes(StrEnum):
    """The raster in which a served model writes boxes, which no server says: the study picture's pixels, or 0..1000."""

    PIXELS = "pixels"
    THOUSANDTHS = "thousandths"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a location may say behind a question mark, as in `http://host:port/v1?at_once=4&timeout_s=60#model`.

    at_once     requests in flight
    timeout_s   of one answer
    per_second  requests begun in a second, 0 for as many as there are
    boxes       how the model writes boxes
    """

    at_once: int = 16
    timeout_s: float = 300.0
    per_second: float = 0.0
    boxes: WrittenBoxes = WrittenBoxes.PIXELS

    def __post_init__(self) -> None:
        if not (1 <= self.at_once <= MOST_AT_ONCE and self.timeout_s > 0 and self.per_second >= 0):
            raise ValueError(
                f"at_once lies between 1 and {MOST_AT_ONCE}, timeout_s is above 0, per_second not below it"
            )


@dataclass(frozen=True, slots=True)
class Address:
    """A model of a server."""

    scheme: str
    host: str
    port: int
    path: str
    model: str
    settings: Settings = Settings()

    @classmethod
    def parse(cls, location: str) -> Address | None:
        """The address that a location means; None for one that does not begin with http:// or https://.

        SourceMissing for an address without a model, or with what does not belong there.
        """
        if not location.lower().startswith(("http://", "https://")):
            return None
        try:
            parts = urlsplit(location)
            port = parts.port
        except ValueError as error:
            raise SourceMissing(f"{location} is no address: {error}. Write {FORM}.") from error
        model = unquote(parts.fragment)
        if not parts.hostname or parts.username is not None or parts.password is not None:
            raise SourceMissing(
                f"the location of a served LVLM names a host, and nobody who logs in there: {FORM}."
            )
        if not MODEL.fullmatch(model):
            raise SourceMissing(
                f"{location} names no model{f' ({model!r} cannot be part of a case id)' if model else ''}. Write "
                f"{FORM}, with the name that the server gives it (vLLM: --served-model-name)."
            )
        path = parts.path.rstrip("/") or "/v1"
        return cls(
            parts.scheme, parts.hostname, port or PORTS[parts.scheme], path, model, _settings(parts.query)
        )

    @property
    def key(self) -> str:
        """The key of the LVLM, a part of its cases' ids."""
        return f"{SERVED}{self.model}"

    @property
    def place(self) -> str:
        """`host:port`."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def api(self) -> str:
        """The root of the OpenAI-compatible routes."""
        return f"{self.scheme}://{self.place}{self.path}"

    @property
    def root(self) -> str:
        """The root of the server's own routes."""
        return f"{self.scheme}://{self.place}{self.path.removesuffix('/v1')}"

    @property
    def is_this_machine(self) -> bool:
        """Whether the host is loopback: an address that is, or the name localhost while it means nothing else."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            pass
        if self.host != "localhost":
            return False
        try:
            meant = {str(found[4][0]) for found in socket.getaddrinfo(self.host, self.port)}
        except OSError:
            return False
        return all(ip_address(each).is_loopback for each in meant)

    def demand_may_see(self, sources: Iterable[str] = ()) -> None:
        """Unsupported where pictures must not go to this server; nothing is sent, and no name is looked up.

        sources  the credentialed ones among the sources of the pictures
        """
        if self.is_this_machine:
            return
        allowed = {entry.strip().lower() for entry in os.environ.get(SERVERS, "").split(",")}
        wanted = [f"{source}@{self.place}" for source in sorted(set(sources))]
        named = {entry.rpartition("@")[2] for entry in allowed}
        missing = [entry for entry in wanted if entry.lower() not in allowed]
        if self.place.lower() not in named:
            missing = wanted or [self.place]
        if missing:
            raise Unsupported(
                f"{self.place} is another machine, and pictures go to no other machine unless you say so; nothing "
                f"was sent. Where the pictures' licence allows it: export {SERVERS}={','.join(missing)}"
            )


def _settings(query: str) -> Settings:
    said = dict(parse_qsl(query, keep_blank_values=True))
    known = [field.name for field in fields(Settings)]
    for name in said:
        if name not in known:
            raise UnknownName("setting of a served LVLM", name, known)
    default = Settings()
    try:
        return Settings(
            at_once=int(said.get("at_once", default.at_once)),
            timeout_s=float(said.get("timeout_s", default.timeout_s)),
            per_second=float(said.get("per_second", default.per_second)),
            boxes=WrittenBoxes(said.get("boxes", default.boxes)),
        )
    except ValueError as error:
        raise SourceMissing(f"the settings {query} of a served LVLM cannot be: {error}.") from error
