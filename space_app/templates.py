r"""Parts of the page that are HTML of our own: `front/<name>.html` with its style and its script.

What a visitor, an LVLM or a file says is never put in by the template, not even by `{{ }}`: gradio hands what
Handlebars gave to JavaScript as a template literal, in which `${...}` is run and `\x3c` becomes `<`. An element says by
`data-text` which value it shows, and by `data-label` what it is called, and `front/fill.js` puts that in as text.
Numbers, colours, addresses of our own pictures and pages, and names of our own go through `{{ }}`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

import gradio as gr

from medground_bench.drawing.layers import css_colour, css_scale
from medground_bench.drawing.palette import BRIGHT, CHOSEN, CONCEPT, GROUP, HEAT, INK, MARKER, PAPER

Shown: TypeAlias = dict[str, object]
"""A value of a template; gradio reads the annotations of the page's functions, and knows no other word for it."""

FRONT = Path(__file__).parent / "front"

COLOURS = {
    "--box": css_colour(BRIGHT[0]),
    "--chosen": css_colour(CHOSEN),
    "--concept": css_colour(CONCEPT),
    "--group": css_colour(GROUP),
    "--ink": css_colour(INK),
    "--paper": css_colour(PAPER),
    "--marker": css_colour(MARKER[-1]),
    "--heat": css_scale(HEAT),
    "--words": css_scale(MARKER),
}
"""The palette of everything that is drawn, for style sheets."""


def from_template(name: str, value: object = None) -> gr.HTML:
    """The part of that name, showing a value."""
    colours = "".join(f"{name}: {colour};" for name, colour in COLOURS.items())
    return gr.HTML(
        value,
        html_template=_read(f"{name}.html"),
        css_template=f"{colours}\n{_read(f'{name}.css')}",
        js_on_load=f"{_read('fill.js')}\n{_read(f'{name}.js')}",
        elem_id=name.replace("_", "-"),
        apply_default_css=False,
    )


def _read(file: str) -> str:
    path = FRONT / file
    return path.read_text("utf-8") if path.is_file() else ""
