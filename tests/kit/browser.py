"""A real browser on a page of ours: Chromium through Playwright, what it complains of, and how it is looked at.

Chromium is the one of the machine (Debian's package, or the one that MEDGROUND_CHROMIUM names); nothing is downloaded.
Screenshots are written only to the folder that MEDGROUND_SCREENSHOTS names.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Playwright

PROGRAM, PICTURES = "MEDGROUND_CHROMIUM", "MEDGROUND_SCREENSHOTS"
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
PATIENCE_MS = 60_000
"""A busy machine is no failure."""

DESKTOP = {"viewport": {"width": 1280, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True}
DARK = {**DESKTOP, "color_scheme": "dark"}
CLOSED_STREAM = "/gradio_api/queue/data"
"""A stream of answers that the page closed itself counts as a failed request; it is none."""

LOOKS = {"desktop": (DESKTOP, "light"), "phone": (PHONE, "light"), "dark": (DESKTOP, "dark")}
"""What a page must be fit for."""

SETTLED = """scheme => {
  const ofGradio = document.querySelector(".gradio-container"), isDark = document.querySelector(".dark") !== null;
  const heard = !scheme || !ofGradio || isDark === (scheme === "dark");
  const moves = each => each.playState === "running" && each.effect.getComputedTiming().endTime < Infinity;
  return heard && !document.querySelector("[aria-busy=true]") && !document.getAnimations().some(moves);
}"""
"""Whether a page is in its colours: none of it is faint while it loads, nothing fades (a spinner that never ends may
turn), and gradio has heard of the scheme, if one is named; it does so after the browser."""

RULES = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]
SERIOUS = {"serious", "critical"}


def launched(playwright: Playwright) -> Browser:
    """Chromium without a window; the test is skipped where there is none."""
    program = os.environ.get(PROGRAM) or shutil.which("chromium") or shutil.which("google-chrome")
    if not program:
        pytest.skip(f"there is no chromium here; apt-get install chromium, or name it in {PROGRAM}")
    return playwright.chromium.launch(executable_path=program, args=list(QUIET))


@dataclass
class Visits:
    """Pages that were opened on one host, and what they complained of: none may, and none may ask another host.

    A device is a browser that all visitors of its kind use, one after the other: it keeps the scripts of the host,
    whose loading takes a page most of its time, and nothing of a visitor. Five pages may be open on one: each holds a
    connection, and a browser has six to a host.

    errors   what the console said, uncaught errors, and responses of status 400 or more
    outside  addresses of other hosts that were asked
    devices  the one of every kind that was wanted yet, also by others
    """

    browser: Browser
    url: str
    devices: dict[str, BrowserContext]
    errors: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def open(self, path: str = "", **device: object) -> Page:
        """A page of the Space, on DESKTOP unless said otherwise."""
        page = self.open_plain(path, **device)
        page.locator(".gradio-container main").wait_for()
        page.get_by_text("Loading...").first.wait_for(state="hidden")
        return page

    def open_plain(self, path: str = "", **device: object) -> Page:
        """A page of the host that is not the Space's."""
        wanted = DESKTOP | device
        if repr(wanted) not in self.devices:
            self.devices[repr(wanted)] = self.browser.new_context(**wanted)
        page = self.devices[repr(wanted)].new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda said: self._complain(said.text, said.type))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self._look_at(request.url))
        page.on("response", lambda answer: self._answered(answer.status, answer.url))
        page.goto(f"{self.url}{path}")
        return page

    def close(self) -> None:
        """Leave all pages, so that the next visitor is a stranger; AssertionError when one complained."""
        for device in self.devices.values():
            self._leave(device)
        assert not self.errors
        assert not self.outside

    def _leave(self, device: BrowserContext) -> None:
        for page in device.pages:
            kept = {"origin": self.url, "storageTypes": "cookies,indexeddb,local_storage,service_workers"}
            device.new_cdp_session(page).send("Storage.clearDataForOrigin", kept)
            page.close()

    def _complain(self, said: str, kind: str) -> None:
        if kind == "error" and CLOSED_STREAM not in said:
            self.errors.append(said)

    def _look_at(self, url: str) -> None:
        if not url.startswith((self.url, "data:", "blob:")):
            self.outside.append(url)

    def _answered(self, status: int, url: str) -> None:
        if status >= 400:
            self.errors.append(f"{status} {url}")


def screenshot(page: Page, name: str) -> None:
    """The whole page as a picture, where somebody wants to see it."""
    folder = os.environ.get(PICTURES)
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def sideways_px(page: Page) -> int:
    """By how much the page is wider than its window."""
    width = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return int(width)


def looks(page: Page, name: str) -> Iterator[str]:
    """Desktop, phone and dark in turn: the page is drawn, no wider than its window, and axe finds nothing serious."""
    for look, (device, scheme) in LOOKS.items():
        page.set_viewport_size(device["viewport"])  # type: ignore[arg-type]
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.wait_for_function(SETTLED, arg=scheme)
        screenshot(page, f"{name}-{look}")
        wrong = [f"{px} px too wide"] if (px := sideways_px(page)) else serious_violations(page)
        assert not wrong, (look, wrong)
        yield look


def serious_violations(page: Page) -> list[str]:
    """What axe-core finds serious or critical on a settled page, as rule and the elements it is about."""
    page.wait_for_function(SETTLED)
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    found = axe.run(page, options={"runOnly": RULES}).response["violations"]
    return [
        f"{each['id']}: {[node['html'][:160] for node in each['nodes']]}"
        for each in found
        if each["impact"] in SERIOUS
    ]
