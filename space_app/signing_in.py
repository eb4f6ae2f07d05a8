"""Who submits: on a Space whoever is signed in to the hub, or whose token a program sends; elsewhere a name."""

from __future__ import annotations

import os
from importlib.util import find_spec
from urllib.parse import urlsplit

import gradio as gr
from gradio.utils import get_space

from medground_bench.core.errors import MedgroundError
from medground_bench.leaderboard.api import AUTHORIZATION, login_of

SIGN_IN = "Sign in with Hugging Face"
NO_SIGN_IN = (
    "Nobody can sign in here: its card lacks `hf_oauth: true`. `medground submit` works with your token."
)
NAMES_ARE_NOT_CHECKED = (
    "Names are not checked on this machine: whoever gives yours submits, and withdraws, as you."
)


class NotSignedIn(MedgroundError):
    """A call on a Space by somebody whom the hub does not vouch for."""


def is_on_a_space() -> bool:
    """Whether this is a Space of the hub, where a name that is given counts for nothing."""
    return bool(os.environ.get("SPACE_ID"))


def can_sign_in() -> bool:
    """Whether gradio can offer the hub's sign-in; without one of these it would not start."""
    parts = all(map(find_spec, ("authlib", "itsdangerous")))
    return bool(get_space() and os.environ.get("OAUTH_CLIENT_ID") and parts)


def who_field() -> gr.Textbox:
    """The button to sign in, or the field for a name; the field is there in both cases, for the calls that take it."""
    if is_on_a_space() and can_sign_in():
        gr.LoginButton(SIGN_IN, size="md")
    elif is_on_a_space():
        gr.Markdown(NO_SIGN_IN, elem_classes="note")
    return gr.Textbox(label="Your name", info=NAMES_ARE_NOT_CHECKED, max_lines=1, visible=not is_on_a_space())


def visitor(name: str | None, profile: gr.OAuthProfile | None, request: gr.Request) -> str:
    """The login of whoever uses the page; NotSignedIn on a Space for nobody, whatever name was given."""
    if not is_on_a_space():
        return (name or "").strip()
    _demand_own_page(request)
    if profile is None:
        raise NotSignedIn(f"nobody is signed in. Press `{SIGN_IN}` first, then try again.")
    return profile.username


def caller(name: str, request: gr.Request) -> str:
    """The login of whoever calls by a program: the session of a browser counts for nothing here, only a token does."""
    if not is_on_a_space():
        return name
    token = request.headers.get(AUTHORIZATION, "").removeprefix("Bearer ").strip()
    if not token:
        raise NotSignedIn(
            "the call says of nobody whose it is. Run `hf auth login`, or set HF_TOKEN, and try again."
        )
    return login_of(token)


def _demand_own_page(request: gr.Request) -> None:
    """NotSignedIn for a call that another site's page makes with the visitor's session."""
    own = os.environ.get("SPACE_HOST", "").split(",")
    if urlsplit(request.headers.get("origin", "")).hostname not in own:
        raise NotSignedIn("the call comes from another site. Open the Space's own page.")
