"""The whole hub, apart from HTTP: repositories by name, who is who by token, and who may do what."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from tests.hub.repositories import Kind, Refused, Repository

Role = Literal["reader", "writer", "admin"]


@dataclass(frozen=True)
class Token:
    """A key of a person: one of role `read` changes nothing, whoever has it."""

    person: str
    role: Literal["read", "write"] = "write"
    expired: bool = False


@dataclass
class Hub:
    """All repositories by kind and name, tokens by their text, and the members of organisations.

    roles  organisation and person -> role; whoever is in none is a stranger, and everyone is admin at home
    """

    repositories: dict[tuple[Kind, str], Repository] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    roles: dict[tuple[str, str], Role] = field(default_factory=dict)

    def person(self, name: str, *, role: Role | None = None, of: str = "") -> str:
        """A token of a person, new or not, who may be a member of an organisation."""
        if role:
            self.roles[of, name] = role
        self.tokens[f"hf_{name}"] = Token(name)
        return f"hf_{name}"

    def create(self, kind: Kind, name: str, **more: object) -> Repository:
        """A new repository; Refused with 409 where there is one of that name."""
        if (kind, name) in self.repositories:
            raise Refused(409, f"You already created this {kind} repo: {name}")
        made = Repository(kind, name, **more)  # type: ignore[arg-type]
        return self.repositories.setdefault((kind, name), made)

    def caller(self, text: str | None) -> Token | None:
        """Whose token that is; None without one."""
        if text is None:
            return None
        token = self.tokens.get(text)
        if token is None or token.expired:
            raise Refused(401, "Invalid credentials in Authorization header")
        return token

    def role(self, namespace: str, token: Token | None) -> Role | None:
        """What the caller is in a namespace."""
        if token is None:
            return None
        role = "admin" if token.person == namespace else self.roles.get((namespace, token.person))
        return "reader" if role and token.role == "read" else role

    def seen(self, kind: Kind, name: str, token: Token | None) -> Repository:
        """A repository as far as all may know of it; a private one is not there for strangers."""
        repository = self.repositories.get((kind, name))
        hidden = (
            repository is not None and repository.private and not self.role(name.partition("/")[0], token)
        )
        if repository is None or hidden:
            raise Refused(404 if token else 401, "Repository not found", "RepoNotFound")
        return repository

    def changed(self, kind: Kind, name: str, token: Token | None) -> Repository:
        """A repository that the caller may change."""
        repository = self.seen(kind, name, token)
        if self.role(name.partition("/")[0], token) not in ("writer", "admin"):
            raise Refused(403 if token else 401, "You don't have the required permissions to do this", "")
        return repository

    def read(self, kind: Kind, name: str, token: Token | None) -> Repository:
        """A repository whose files the caller may read: a member, or behind a gate who was let in."""
        repository = self.seen(kind, name, token)
        if not repository.gated or self.role(name.partition("/")[0], token):
            return repository
        request = repository.requests.get(token.person) if token else None
        if request is None:
            why = f"Access to {kind} {name} is restricted. Ask for access on its page, and log in."
            raise Refused(403 if token else 401, why, "GatedRepo")
        if request.status == "pending":
            raise Refused(403, f"Your request to access {kind} {name} is awaiting a review", "GatedRepo")
        if request.status == "rejected":
            raise Refused(403, f"Your request to access {kind} {name} has been rejected", "GatedRepo")
        return repository

    def people(self) -> set[str]:
        """Everyone who has a token."""
        return {token.person for token in self.tokens.values()}
