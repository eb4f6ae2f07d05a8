"""Signing in on a Space, through gradio's own way to a provider like the hub's, on this machine."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

gradio = pytest.importorskip("gradio")
signing_in = pytest.importorskip("signing_in")
pytest.importorskip("authlib")
starlette_client = pytest.importorskip("starlette.testclient")
openid = pytest.importorskip("tests.kit.openid_provider")

SPACE = "https://org-board.hf.space"
ON_A_SPACE = {
    "SYSTEM": "spaces",
    "SPACE_ID": "org/board",
    "SPACE_HOST": "org-board.hf.space,board.example.org",
}


def who_asks(name: str, profile: gradio.OAuthProfile | None, request: gradio.Request) -> str:
    try:
        return signing_in.visitor(name, profile, request)
    except signing_in.NotSignedIn as error:
        return str(error)


@pytest.fixture
def provider(monkeypatch) -> Iterator[object]:
    """A provider that knows bob, and this process as a Space that may send people to it."""
    with openid.openid_provider("bob") as provider:
        told = {
            "OAUTH_CLIENT_ID": openid.CLIENT,
            "OAUTH_CLIENT_SECRET": openid.SECRET,
            "OAUTH_SCOPES": "openid profile",
            "OPENID_PROVIDER_URL": provider.address,
        }
        for name, value in (told | ON_A_SPACE).items():
            monkeypatch.setenv(name, value)
        for name, value in told.items():
            monkeypatch.setattr(f"gradio.oauth.{name}", value)
        yield provider


@pytest.fixture
def visitor(provider):
    """A browser at the part of the page that says who submits."""
    with gradio.Blocks() as page:
        who, said = signing_in.who_field(), gradio.Textbox()
        gradio.Button().click(who_asks, who, said, queue=False, api_name="who")
    app = gradio.routes.App.create_app(page)
    with starlette_client.TestClient(app, base_url=SPACE, follow_redirects=False) as browser:
        yield browser


def told(visitor, origin: str = SPACE) -> str:
    answer = visitor.post("/gradio_api/run/who", json={"data": ["root"]}, headers={"origin": origin})
    return answer.json()["data"][0]


def sign_in(visitor) -> str:
    """There and back; the address of the way back."""
    there = visitor.get("/login/huggingface").headers["location"]
    back = httpx.get(there).headers["location"]
    assert visitor.get(back).headers["location"] == "/"
    return back


def test_whoever_signs_in_is_known_by_the_login_that_the_provider_vouches_for_until_they_sign_out(visitor):
    assert "nobody is signed in" in told(visitor)
    sign_in(visitor)
    assert told(visitor) == "bob", "and not the name that the call gives"
    assert "another site" in told(visitor, origin="https://evil.example.org")
    visitor.get("/logout")
    assert "nobody is signed in" in told(visitor)


def test_s30_a_way_back_that_another_browser_began_or_that_was_used_signs_nobody_in(visitor):
    back = sign_in(visitor)
    visitor.cookies.clear()
    again = visitor.get(back)
    assert again.headers["location"].startswith("/login/huggingface")
    assert "nobody is signed in" in told(visitor)
