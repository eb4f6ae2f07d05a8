"""What others wrote, as values that a template puts in by `{{ }}` may hold it.

Gradio fills a template in two steps: Handlebars, which escapes HTML, and then the whole as a template of JavaScript, in
which `${...}` would be run. So a text is given as JavaScript writes it in such a template, which gives the text back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

Shown: TypeAlias = dict[str, object]
"""A value of a template; gradio reads the annotations of the page's functions, and knows no other word for it."""


def quoted(value: Shown) -> Shown:
    """The value with every text in it quoted, at any depth."""
    return {key: _quoted(each) for key, each in value.items()}


def _quoted(value: object) -> object:
    if isinstance(value, str):
        return value.replace("\\", "\\\\").replace("$", "\\$")
    if isinstance(value, Mapping):
        return {key: _quoted(each) for key, each in value.items()}
    return [_quoted(each) for each in value] if isinstance(value, Sequence) else value
