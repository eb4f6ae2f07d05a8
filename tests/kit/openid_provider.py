"""A provider of sign-ins like the hub's, on a port of this machine: whoever is sent there agrees at once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlencode

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.hub.serving import running

CLIENT, SECRET, SIGNED_BY = "a-space", "its secret", "ES256"


@dataclass
class OpenIdProvider:
    """Knows one person, by `login`; a code is good for one token."""

    login: str
    address: str = ""
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "1"}))
    nonces: dict[str, str] = field(default_factory=dict)

    async def settings(self, _request: Request) -> Response:
        """Where everything is."""
        places = {
            "authorization_endpoint": "authorize",
            "token_endpoint": "token",
            "jwks_uri": "keys",
        }
        told = {name: f"{self.address}/{place}" for name, place in places.items()}
        return JSONResponse(
            told | {"issuer": self.address, "id_token_signing_alg_values_supported": [SIGNED_BY]}
        )

    async def authorize(self, request: Request) -> Response:
        """Back to the Space, with a code."""
        asked = request.query_params
        code = f"code-{len(self.nonces)}"
        self.nonces[code] = asked["nonce"]
        sign = "&" if "?" in asked["redirect_uri"] else "?"
        return RedirectResponse(
            f"{asked['redirect_uri']}{sign}{urlencode({'code': code, 'state': asked['state']})}", 302
        )

    async def token(self, request: Request) -> Response:
        """Who has signed in, signed by the provider."""
        form = await request.form()
        nonce = self.nonces.pop(str(form["code"]), None)
        if nonce is None:
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {
            "iss": self.address,
            "aud": CLIENT,
            "sub": "1",
            "iat": now,
            "exp": now + 600,
            "nonce": nonce,
        }
        claims |= {"preferred_username": self.login, "name": self.login.title(), "profile": "", "picture": ""}
        signed = jwt.encode({"alg": SIGNED_BY, "kid": "1"}, claims, self.key)
        return JSONResponse(
            {"access_token": "hf_oauth_x", "token_type": "bearer", "expires_in": 600, "id_token": signed}
        )

    async def keys(self, _request: Request) -> Response:
        """By which its signature is checked."""
        return JSONResponse(KeySet([self.key]).as_dict(private=False))


@contextmanager
def openid_provider(login: str) -> Iterator[OpenIdProvider]:
    """A running provider."""
    provider = OpenIdProvider(login)
    pages = {
        "/.well-known/openid-configuration": provider.settings,
        "/authorize": provider.authorize,
        "/keys": provider.keys,
    }
    routes = [Route(path, page) for path, page in pages.items()]
    with running(Starlette(routes=[*routes, Route("/token", provider.token, methods=["POST"])])) as address:
        provider.address = address
        yield provider
