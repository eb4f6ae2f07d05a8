"""Try it, as a visitor does: in a real browser, with an embedded LVLM."""

from __future__ import annotations

import json
import re
import time
import zipfile

import pytest

from tests.kit.browser import LOOKS, looks, screenshot
from tests.kit.containers import dicom, phantom
from tests.kit.served_apps import ROOT

EMBEDDED = ROOT / "medground_bench" / "phantom" / "models" / "phantom_gemma3" / "model.safetensors"
pytestmark = pytest.mark.skipif(not EMBEDDED.is_file(), reason="needs the embedded LVLM")

SLOW = ("integrated_gradients", "occlusion", "prompting", "rise", "medfocus_shapley", "medfocus_over_control")
METHOD = "#page-try .method"
RESEARCH = "Research use, not for clinical decisions."


def tried(visits, **device):
    """The page of Try it."""
    page = visits.open("?tab=try", **device)
    page.get_by_role("button", name="Ask and explain").wait_for()
    return page


def ticked(page, *methods):
    """Nothing but these methods is chosen."""
    for group in ("Extras", "Controls"):
        page.get_by_role("button", name=re.compile(group)).click()
    chosen = page.locator("input[type=checkbox][name]:checked")
    while chosen.count():
        chosen.first.uncheck()
    for method in methods:
        page.get_by_label(re.compile(rf"\b{method}\b")).check()


def asked(page):
    """Ask, and wait for the end."""
    page.get_by_role("button", name="Ask and explain").click()
    page.locator("#try-status").get_by_text("Done").wait_for()


def layers(page):
    """Method -> how many maps and boxes lie over its film."""
    return {
        each.get_attribute("data-method"): (each.locator("img.heat").count(), each.locator(".box").count())
        for each in page.locator(METHOD).all()
    }


def test_an_example_is_asked_and_every_bar_and_word_shows_what_was_hidden(visits):
    page = tried(visits)
    asked(page)
    answer = page.locator("#try-answer").inner_text()
    assert (
        "Is there evidence of cardiomegaly" in answer and answer.count(" s") and "labels of where" in answer
    )
    assert layers(page)["medfocus"] == (0, 1) and layers(page)["occlusion"][0] == 1
    trial = page.locator("[data-trial]")
    reported = trial.locator(".bar.chosen")
    assert reported.get_attribute("aria-pressed") == "true"
    shown = trial.locator("[data-picture]")
    first = shown.get_attribute("src")
    other = trial.locator(".bar").nth(3)
    name, loss = other.locator(".name").inner_text(), other.locator(".drop").inner_text()
    other.click()
    assert shown.get_attribute("src") != first and shown.get_attribute("alt").endswith(f"{name} hidden")
    cost = trial.locator("[data-cost]").inner_text()
    assert cost.startswith(f"With {name} hidden the response loses {loss} nats")
    strongest = max(
        trial.locator(".word").all(), key=lambda word: float(word.get_attribute("title").split()[0])
    )
    strongest.click()
    assert f'It took most of "{strongest.inner_text()}"' in trial.locator("[data-cost]").inner_text()
    assert strongest.get_attribute("aria-pressed") == "true"
    screenshot(page, "try-desktop")


def test_opacity_and_boxes_change_in_the_browser_without_asking_the_server(visits):
    page = tried(visits)
    asked(page)
    sent = []
    page.on("request", lambda request: sent.append(request.url))
    heat = page.locator("img.heat").first
    seen = []
    for opacity in ("0", "100"):
        page.get_by_label("Opacity of the evidence").fill(opacity)
        seen.append(heat.evaluate("each => getComputedStyle(each).opacity"))
    assert seen == ["0", "1"]
    page.get_by_label("Boxes", exact=True).uncheck()
    assert not any(box.is_visible() for box in page.locator(".box").all())
    page.get_by_label("Boxes", exact=True).check()
    assert page.locator(".box").first.is_visible()
    assert [url for url in sent if "heartbeat" not in url] == []


def test_a_dicom_file_is_read_asked_and_downloaded_as_one_zip(visits, tmp_path):
    page = tried(visits)
    file = tmp_path / "scan.dcm"
    file.write_bytes(dicom(phantom()))
    page.get_by_role("button", name=re.compile("Clear|Remove")).first.click()
    with page.expect_file_chooser() as chooser:
        page.get_by_text("Click to Upload").click()
    chooser.value.set_files(file)
    page.locator("#try-preview").get_by_text("DICOM").wait_for()
    ticked(page, "medfocus", "whole_image")
    asked(page)
    assert "mean nothing" in page.locator("#try-answer").inner_text()
    with page.expect_download() as waited:
        page.get_by_role("button", name="Download all (ZIP)").click()
    waited.value.save_as(tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        names = archive.namelist()
        record = json.loads(archive.read("attribution.json"))
    assert {"film.png", "medfocus.png", "medfocus-concepts.png", "whole_image.png"} <= set(names)
    assert sum(name.startswith("medfocus-hidden/") for name in names) == len(
        record["methods"][0]["concept_drops"]
    )
    assert record["image"] == "scan.dcm" and record["read"]["container"] == "DICOM"


def test_a_public_real_film_is_shown_with_its_licence_and_the_models_limits(visits):
    page = tried(visits)
    page.get_by_role("button", name="film: pacemaker").click()
    preview = page.locator("#try-preview")
    preview.get_by_role("link", name=re.compile("CC BY 3.0")).wait_for()
    asked(page)
    answer = page.locator("#try-answer")
    assert "mean nothing" in answer.inner_text() and "pacemaker" in answer.inner_text()
    screenshot(page, "try-real-film")


def test_methods_appear_one_after_the_other_and_a_stop_ends_the_run_and_frees_the_queue(visits):
    page, other = tried(visits), tried(visits)
    ticked(page, *SLOW)
    ticked(other, "centre_box")
    page.get_by_role("button", name="Ask and explain").click()
    page.locator(METHOD).first.wait_for()
    other.get_by_role("button", name="Ask and explain").click()
    other.locator("#try-status").get_by_text(re.compile("queue: 1")).wait_for()
    page.get_by_role("button", name="Stop").click()
    start = time.monotonic()
    other.locator("#try-status").get_by_text("Done").wait_for()
    assert time.monotonic() - start < 20
    assert "Stopped" in page.locator("#try-status").inner_text()
    assert 0 < len(layers(page)) < len(SLOW)


def test_everything_can_be_reached_and_used_by_keyboard_alone(visits):
    page = tried(visits)
    reached = set()
    page.get_by_role("tab", name="Try it").focus()
    for _press in range(60):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate(
                "(document.activeElement.innerText || document.activeElement.ariaLabel || '').trim()"
            )
        )
    assert {"nodule", "Ask and explain", "Stop", "Download all (ZIP)"} <= reached
    page.get_by_role("button", name="nodule").focus()
    page.keyboard.press("Enter")
    finding = page.get_by_role("combobox", name=re.compile("^Finding"))
    page.wait_for_function("field => field.value === 'nodule'", arg=finding.element_handle())
    page.get_by_role("button", name="Ask and explain").focus()
    page.keyboard.press("Enter")
    page.locator("#try-status").get_by_text("Done").wait_for()
    assert "nodule" in page.locator("#try-answer").inner_text()
    bar = page.locator("[data-trial] .bar").nth(2)
    bar.focus()
    page.keyboard.press("Enter")
    assert bar.get_attribute("aria-pressed") == "true"


def test_the_page_fits_is_accessible_and_always_says_what_it_is_for(visits):
    page = tried(visits)
    asked(page)
    notice, looked_at = page.get_by_text(RESEARCH), []
    for look in looks(page, "try"):
        for end in (0, "document.body.scrollHeight"):
            page.evaluate(f"window.scrollTo(0, {end})")
            box = notice.bounding_box()
            assert 0 <= box["y"] <= page.viewport_size["height"] - box["height"]
        looked_at.append(look)
    assert looked_at == [*LOOKS]
    assert "removed when you leave" in page.locator("main").inner_text()


def test_what_a_visitor_writes_stays_text(visits):
    page = tried(visits)
    written = (
        r"<img src=x onerror=window.hit=1>${window.hit=2} \x3cimg src=x onerror=window.hit\x3d3\x3e {{this}}?"
    )
    field = page.get_by_role("combobox", name=re.compile("^Finding"))
    field.fill(written)
    field.press("Enter")
    ticked(page, "whole_image")
    asked(page)
    assert written in page.locator("#try-answer").inner_text()
    assert page.evaluate("window.hit") is None


def test_an_error_is_a_sentence_on_the_page(visits):
    page = tried(visits)
    ticked(page)
    page.get_by_role("button", name="Ask and explain").click()
    page.get_by_text("No method is chosen. Tick at least one.").wait_for()
