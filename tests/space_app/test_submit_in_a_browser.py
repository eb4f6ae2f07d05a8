"""The page of submissions in a real browser: good and bad files, receipts, withdrawal, by keys, on a phone, in dark."""

from __future__ import annotations

import json
import re

import pytest

from medground_bench.leaderboard.register import Register
from tests.kit.board_pages import rows_of, settled
from tests.kit.browser import DARK, DESKTOP, LOOKS, PHONE, looks, screenshot, serious_violations, sideways_px
from tests.kit.open_desks import answers, desk_for, run_record

DEVICES = pytest.mark.parametrize(("name", "device"), [("desktop", DESKTOP), ("phone", PHONE)])
WHILE_IT_WAITS = """panel => {
  window.told = [];
  new MutationObserver(() => window.told.push(panel.innerText)).observe(
    panel, {subtree: true, childList: true, characterData: true});
}"""
HARM = "<img src=x onerror=window.harmed=1>${window.harmed=2}"


@pytest.fixture(scope="module")
def desk(built, tmp_path_factory):
    """What the Space keeps, looked into from beside it."""
    return desk_for(built, tmp_path_factory.mktemp("kept") / "store", scored_per_week=50)


@pytest.fixture(scope="module")
def space_url(desk, built, serve, tmp_path_factory):
    settings = {"MEDGROUND_STORE": str(desk.store.folder), "MEDGROUND_BENCHMARK": str(built.path)}
    nothing = str(tmp_path_factory.mktemp("no_results"))
    with serve(MEDGROUND_RESULTS=nothing, **settings) as url:
        yield url


@pytest.fixture
def submit_page(visits):
    return opened(visits)


def opened(visits, **device):
    page = visits.open("?tab=submit", **device)
    page.get_by_role("button", name="Submit", exact=True).wait_for()
    return page


def fill(page, content, name="Mine", person="ann"):
    """Choose the file and say what must be said."""
    form = page.locator("#page-submit")
    form.get_by_label("Your name").fill(person)
    weights = form.get_by_label("LVLM and weights")
    weights.fill("")
    put(form.locator("input[type=file]").first, content)
    page.wait_for_function("field => field.value !== ''", arg=weights.element_handle())
    weights.fill("rule_lvlm=1f2e")
    form.get_by_label("Name of the method").fill(name)


def put(field, content):
    field.set_input_files({"name": "../<b>.jsonl", "mimeType": "text/plain", "buffer": content})


def press(page, button):
    page.get_by_role("button", name=button, exact=True).click()


def said(page, words):
    """Wait until the page says so."""
    page.locator("#submit .said").filter(has_text=words).wait_for()


def receipt(page):
    """What the receipt on the page says."""
    page.locator("#submit article").wait_for()
    facts = page.locator("#submit dl > div").evaluate_all(
        "all => all.map(each => [...each.children].map(part => part.textContent))"
    )
    return dict(facts)


def submissions(desk):
    return Register.read(desk.store.look().log).submissions


@DEVICES
def test_a_good_file_gets_a_receipt_and_its_row_is_on_the_board_at_once(visits, desk, built, name, device):
    page = opened(visits, **device)
    assert not serious_violations(page)
    width = {"desktop": 0.3, "phone": 0.42}[name]
    fill(page, answers(built, width), name=f"On a {name}", person=f"ann-{name}")
    page.locator("#submit").evaluate(WHILE_IT_WAITS)
    press(page, "Check")
    said(page, "No problem")
    assert re.search(r"queue: 1/1|processing", "".join(page.evaluate("window.told"))), (
        "its place in the queue"
    )
    before = len(submissions(desk))
    press(page, "Submit")
    said(page, "Its row is on the board")
    found = submissions(desk)[receipt(page)["Id"]]
    assert len(submissions(desk)) == before + 1 and found.accepted.method == f"On a {name}"
    told = {key: receipt(page)[key] for key in ("SHA-256 of the file", "Entry of the log", "Revision")}
    assert list(told.values()) == [found.accepted.file_sha256, found.accepted.hash, found.edition.revision]
    screenshot(page, f"submit-{name}")
    assert sideways_px(page) == 0
    assert not serious_violations(page)
    page.get_by_role("tab", name="Board").click()
    page.locator(".mg-board").get_by_text(f"On a {name}").first.wait_for(
        state="visible" if device != PHONE else "attached"
    )
    settled(page)


def test_a_bad_file_gets_every_problem_with_line_and_code_and_nothing_is_spent(visits, desk):
    page, before = opened(visits), desk.store.look().log
    case = desk.truth.references[0].case_id
    faulty = f'{{"case_id": "{case}", "boxes": [[9, 9, 3, NaN]], "score": 1}}\n'
    unknown = '{"case_id": "phantom/1/nodule@rule_lvlm:direct", "boxes": []}\n'
    fill(page, f'{faulty}{unknown}{{"case_id"'.encode(), name="<b>Mine</b>")
    press(page, "Check")
    said(page, "Refused")
    problems = page.locator("#submit li")
    codes = {"BAD_NAME", "UNKNOWN_KEY", "UNKNOWN_CASE", "NOT_FINITE", "BAD_JSON"}
    assert set(problems.locator("code").all_inner_texts()) >= codes
    assert any(text.startswith("line 3") for text in problems.locator("span").all_inner_texts())
    assert [*looks(page, "submit-problems")] == [*LOOKS]
    assert desk.store.look().log == before


def test_the_same_file_twice_is_one_submission_with_one_receipt(visits, desk, built):
    for _ in range(2):
        page = opened(visits)
        fill(page, answers(built, 0.62), name="Twice")
        press(page, "Submit")
        said(page, "Its row is on the board")
        told = receipt(page)
    assert [each.id for each in submissions(desk).values() if each.accepted.method == "Twice"] == [told["Id"]]


def test_a_run_file_fills_in_what_it_knows_and_the_rest_stays_the_visitors(submit_page, desk, built):
    boxes = answers(built, 0.35)
    fill(submit_page, boxes, name="Mine again")
    record = submit_page.locator("#page-submit input[type=file]").last
    put(record, run_record(b"other"))
    said(submit_page, "This is no .run.json of the prediction file")
    put(record, run_record(boxes))
    submit_page.get_by_role("button", name="More about it").click()
    seed = submit_page.get_by_label("Seed")
    submit_page.wait_for_function("field => field.value === '7'", arg=seed.element_handle())
    assert submit_page.get_by_label("LVLM and weights").input_value() == "rule_lvlm=1f2e3d"
    assert submit_page.get_by_label("Name of the method").input_value() == "Mine again"
    assert "torch=2.13.0+cpu" in submit_page.get_by_label("Packages").input_value()
    submit_page.get_by_label("A sentence or two").fill("One ${7*7} <b>.")
    press(submit_page, "Submit")
    said(submit_page, "Its row is on the board")
    told = receipt(submit_page)
    assert (told["LVLM and weights"], told["About"]) == ("rule_lvlm=1f2e3d", "One ${7*7} <b>.")
    assert "torch=2.13.0+cpu" in told["Packages"]
    record = json.loads(desk.store.look().read(f"submissions/{told['Id']}.json"))
    assert record["about"]["metadata"]["seed"] == 7


@pytest.fixture
def handed_in(submit_page, built, request):
    """A page with a receipt of its own."""
    number = sum(request.node.name.encode())
    fill(submit_page, answers(built, 0.3 + number % 97 / 300), name=f"Row {number}")
    press(submit_page, "Submit")
    said(submit_page, "Its row is on the board")
    return submit_page


def test_a_receipt_opens_by_its_link_in_another_browser_and_is_saved_as_json(handed_in, visits, desk):
    told = receipt(handed_in)
    handed_in.wait_for_url(re.compile(f"tab=submit&receipt={told['Id']}"))
    link = handed_in.get_by_role("link", name="receipt=").inner_text()
    assert link == handed_in.url
    other = visits.open(f"?{link.partition('?')[2]}", **DARK)
    assert receipt(other) == told
    with other.expect_download() as saved:
        press(other, "Save as JSON")
    assert json.loads(saved.value.path().read_bytes()) == desk.receipt(told["Id"]).as_json()
    handed_in.go_back()
    handed_in.locator("#submit article").wait_for(state="detached")


def test_withdrawing_asks_once_more_and_leaves_a_tombstone(handed_in, desk):
    told = receipt(handed_in)
    press(handed_in, "Withdraw ...")
    press(handed_in, "Keep it")
    assert submissions(desk)[told["Id"]].status == "scored"
    press(handed_in, "Withdraw ...")
    screenshot(handed_in, "submit-withdraw")
    press(handed_in, "Yes, withdraw it")
    said(handed_in, "Withdrawn. Its row is not on the board; the log keeps that it was.")
    assert submissions(desk)[told["Id"]].status == "withdrawn"
    assert handed_in.get_by_role("button", name="Withdraw ...").count() == 0
    handed_in.get_by_role("tab", name="Board").click()
    settled(handed_in)
    assert told["Row"] not in [row[0] for row in rows_of(handed_in)]


def test_another_persons_submission_is_not_withdrawn_and_its_receipt_stays(handed_in, visits, desk):
    told = receipt(handed_in)
    other = visits.open(f"?tab=submit&receipt={told['Id']}", **DARK)
    other.get_by_label("Your name").fill("mallory")
    press(other, "Withdraw ...")
    press(other, "Yes, withdraw it")
    said(other, "another person's submission")
    assert receipt(other) == told and submissions(desk)[told["Id"]].status == "scored"


def test_all_of_it_goes_by_keyboard_alone(visits, desk, built):
    page = opened(visits)
    fill(page, answers(built, 0.7), name="By keys")
    page.get_by_label("Name of the method").focus()
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim() === 'Submit'"):
            break
    page.keyboard.press("Enter")
    said(page, "Its row is on the board")
    page.get_by_role("button", name="Save as JSON").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.textContent") == "Keep it"
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Space")
    said(page, "Withdrawn")


def test_what_a_visitor_writes_stays_text(submit_page, built):
    harmful = answers(built) + json.dumps({"case_id": HARM, "boxes": []}).encode()
    fill(submit_page, harmful, name=HARM, person="ann")
    press(submit_page, "Check")
    said(submit_page, "Refused")
    assert HARM in submit_page.locator("#submit li").filter(has_text="UNKNOWN_CASE").inner_text()
    submit_page.get_by_label("Where a submission stands").fill(HARM)
    submit_page.keyboard.press("Enter")
    said(submit_page, "no submission has the id")
    assert submit_page.evaluate("window.harmed") is None
