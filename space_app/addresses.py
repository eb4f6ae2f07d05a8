"""Every page has an address, `?tab=...`, whose rest is the page's own: it can be sent, kept and gone back to.

A page with an address of its own opens from it; it writes it by itself as the visitor goes (`front/address.js`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

import gradio as gr
from templates import from_template


@dataclass(frozen=True)
class AddressedPage:
    """What a page shows for an address: `open` gives a value for each of its parts, and never fails."""

    open: Callable[[str], Sequence[object]]
    components: Sequence[gr.blocks.Block]


def tab_id(page: str) -> str:
    """The element of a page."""
    return f"page-{page}"


def follow_addresses(
    app: gr.Blocks, tabs: gr.Tabs, pages: Mapping[str, gr.Tab], addressed: Mapping[str, AddressedPage | None]
) -> None:
    """Turn to the page of the address when the app is opened and when the visitor goes back.

    addressed  those of the pages that open from an address; None for one that has nothing to show
    """
    first = next(iter(pages))
    address = from_template("address", {"first": first})
    open_by = {name: page for name, page in addressed.items() if page is not None}
    outputs = [tabs, *(each for page in open_by.values() for each in page.components)]

    def shown(query: str, *, all_pages: bool) -> dict[object, object]:
        page = dict(parse_qsl(query)).get("tab", "")
        values: dict[object, object] = {tabs: gr.Tabs(selected=page) if page in pages else gr.skip()}
        for name, each in open_by.items():
            if all_pages or name == page:
                values.update(zip(each.components, each.open(query if name == page else ""), strict=True))
        return values

    def at_first(request: gr.Request) -> dict[object, object]:
        return shown(str(request.query_params), all_pages=True)

    def gone_to(event: gr.EventData) -> dict[object, object]:
        return shown(event.address or f"tab={first}", all_pages=False)

    opened = app.load(at_first, None, outputs, api_visibility="private", show_progress="hidden")
    opened.then(None, js="() => { window.medgroundIsOpen = true; }", api_visibility="private")
    address.select(gone_to, None, outputs, api_visibility="private", show_progress="hidden")
    for name, tab in pages.items():
        tab.select(None, js=f"() => window.medground?.turnTo('{name}')", api_visibility="private")
