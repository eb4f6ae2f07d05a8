"""The Space in a real browser: every page opens on a desktop, on a phone and in the dark without a complaint."""

from __future__ import annotations

import pytest

from tests.kit.browser import DARK, DESKTOP, PHONE, screenshot, sideways_px


@pytest.mark.parametrize(("name", "device"), [("desktop", DESKTOP), ("phone", PHONE), ("dark", DARK)])
def test_the_first_page_opens_without_a_complaint_or_a_sideways_scroll(visits, name, device):
    page = visits.open(**device)
    page.get_by_role("heading", name="MedGround-Bench").wait_for()
    screenshot(page, f"first-{name}")
    assert sideways_px(page) == 0


@pytest.mark.parametrize("tab", ["cases", "compare"])
def test_a_page_without_a_book_of_cases_says_how_to_get_one(visits, tab):
    page = visits.open(f"?tab={tab}")
    page.locator(f"#page-{tab}").get_by_text("No cases here yet").wait_for()
    assert "publish-space --results" in page.locator(f"#page-{tab}").inner_text()
