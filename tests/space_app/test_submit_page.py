"""The page of submissions without a browser: settings, who submits, what programs get, and what nobody can do."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from urllib.request import Request, urlopen

import pytest

from medground_bench.core.errors import MedgroundError
from medground_bench.core.types import Box
from medground_bench.leaderboard.accepting import Stage, SubmissionDesk, Upload
from medground_bench.leaderboard.api import reply_as_json, upload_as_text
from medground_bench.leaderboard.client import SpaceClient
from medground_bench.leaderboard.folder_store import FolderStore
from medground_bench.leaderboard.hub_store import HubStore
from medground_bench.leaderboard.keeping import open_edition
from medground_bench.leaderboard.register import Register
from medground_bench.leaderboard.replies import NotAccepted
from medground_bench.leaderboard.store import StoreSettings
from medground_bench.storage.hub_calls import HubCalls
from medground_bench.submission.metadata import READERS, Metadata, read_metadata
from tests.hub.clients import surroundings
from tests.hub.faults import Answer, Rule
from tests.kit.desks import boxes, file_of, stopped, truth
from tests.kit.open_desks import answers, desk_for, run_record

gradio_client = pytest.importorskip("gradio_client")
gradio = pytest.importorskip("gradio")
starlette_requests = pytest.importorskip("starlette.requests")
served_apps = pytest.importorskip("tests.kit.served_apps")
app, signing_in = pytest.importorskip("app"), pytest.importorskip("signing_in")
submission_desk, submit_page = pytest.importorskip("submission_desk"), pytest.importorskip("submit_page")
submit_view = pytest.importorskip("submit_view")
kept_board = pytest.importorskip("kept_board")
WORDS = json.dumps({"method": "Mine", "training_data": "overlap", "lvlm_revisions": {"rule_lvlm": "1f2e"}})


def before(store: str, built, **more: str) -> dict[str, str]:
    """The settings of a Space before a store."""
    return {"MEDGROUND_STORE": store, "MEDGROUND_BENCHMARK": str(built.path)} | more


@pytest.fixture(scope="module")
def desk(built, tmp_path_factory) -> SubmissionDesk:
    return desk_for(built, tmp_path_factory.mktemp("kept") / "store")


@pytest.fixture(scope="module")
def space_url(desk, built, serve):
    with serve(**before(str(desk.store.folder), built)) as url:
        yield url


def submissions(desk):
    return Register.read(desk.store.look().log).submissions


def request(**headers):
    """A call as gradio hands it to a function of a page."""
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return gradio.Request(starlette_requests.Request({"type": "http", "headers": named}))


def profile(login):
    return gradio.OAuthProfile(
        {"name": login.title(), "preferred_username": login, "profile": "", "picture": ""}
    )


@pytest.fixture
def on_a_space(monkeypatch):
    """As the hub runs it."""
    monkeypatch.setenv("SPACE_ID", "org/board")
    monkeypatch.setenv("SPACE_HOST", "org-board.hf.space,board.example.org")


def test_without_a_store_or_its_benchmark_the_page_says_how_to_open_submissions(monkeypatch):
    for named in ({}, {"MEDGROUND_STORE": "no/where"}, {"MEDGROUND_BENCHMARK": "bench"}):
        for variable in ("MEDGROUND_STORE", "MEDGROUND_BENCHMARK"):
            monkeypatch.setenv(variable, named.get(variable, ""))
        page = str(app.build_app().get_config_file())
        assert "takes no submissions yet" in page and "python -m builder board open" in page
        assert "/submit" not in page and not submission_desk.takes_submissions()
        with pytest.raises(submission_desk.NotOpen, match="MEDGROUND_BENCHMARK=BENCHMARK"):
            submission_desk.kept_desk()


def test_the_form_has_a_field_for_all_that_can_be_said_and_what_is_empty_is_left_out():
    assert set(submit_page.FIELDS) == set(READERS)
    filled = {
        "method": " Mine ",
        "training_data": "overlap",
        "lvlm_revisions": "a = 1f2e\n\norg/name@1f2e=3d4c\n",
        "code": "",
        "about": None,
        "seed": "7",
        "versions": "torch=2.13.0+cpu",
    }
    found = read_metadata(submit_view.metadata_text(filled))
    assert isinstance(found, Metadata)
    assert found.as_json() == {
        "method": "Mine", "training_data": "overlap", "seed": 7, "versions": {"torch": "2.13.0+cpu"},
        "lvlm_revisions": {"a": "1f2e", "org/name@1f2e": "3d4c"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("field", "text", "code"),
    [
        ("seed", "seven", "WRONG_FIELD_TYPE"), ("seed", "007", "WRONG_FIELD_TYPE"), ("seed", "-1", "BAD_SEED"),
        ("seed", "9" * 5000, "WRONG_FIELD_TYPE"), ("lvlm_revisions", "a", "BAD_ENTRY"),
        ("lvlm_revisions", "a=1\na=2", "NOT_READ"), ("versions", '{"a": 1}', "BAD_ENTRY"), ("method", '"', "BAD_NAME"),
        ("code", "javascript:alert(1)", "BAD_LINK"), ("about", "a\nb", "BAD_TEXT"), ("about", "\ud800", "BAD_TEXT"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_judged_by_the_one_reader_of_these_fields(field, text, code):
    good = {"method": "Mine", "training_data": "overlap", "lvlm_revisions": "a=1f2e"}
    (problem,) = read_metadata(submit_view.metadata_text(good | {field: text}))
    assert problem.code == code


def test_lvlms_of_a_file_get_a_line_and_keep_what_was_written_of_them(built):
    content = answers(built)
    assert submit_view.lvlm_lines(content, "") == "rule_lvlm="
    assert submit_view.lvlm_lines(content, "rule_lvlm=1f2e\nother=3") == "rule_lvlm=1f2e"
    assert submit_view.lvlm_lines(b"\x80\x04", "mine=1") == "mine=1"
    assert submit_view.lvlm_lines(file_of(boxes(truth(), lvlms="ab")), "") == "a=\nb="


@pytest.mark.parametrize(
    "record", [b"", b"[]", b"[" * 100_000, b'{"settings": 3}', run_record(b"other"), b'{"sha256": 1}']
)
def test_a_run_file_of_something_else_fills_in_nothing(record, built):
    with pytest.raises(MedgroundError, match=r"no \.run\.json of the prediction file"):
        submit_view.run_fields(record, answers(built))


def test_the_client_the_command_and_gradio_client_get_the_receipt_of_the_desk(
    space_url, desk, built, medground, tmp_path
):
    file = tmp_path / "mine.jsonl"
    file.write_bytes(answers(built))
    sent = Upload(person="ann", content=file.read_bytes(), metadata=WORDS)
    space = SpaceClient(space_url.rstrip("/"))
    assert space.check(sent).status == "passes" and not submissions(desk)
    words = ("--name", "Mine", "--training-data", "overlap", "--revision", "rule_lvlm=1f2e", "--json")
    code, out, _ = medground("submit", file, "--to", space.address, "--person", "ann", *words)
    receipt = json.loads(out)
    assert code == 0 and receipt == desk.receipt(receipt["id"]).as_json()
    client = gradio_client.Client(space_url, verbose=False)
    answer = client.predict(upload_as_text(sent.content), WORDS, "ann", api_name="/submit")
    assert answer == reply_as_json(desk.submit(sent)) and answer["receipt"] == receipt
    assert client.predict(receipt["id"], api_name="/receipt") == {"receipt": receipt}
    assert client.predict({"mode": "direct"}, api_name="/board_table")["rows"][0]["method"] == "Mine"
    code, out, _ = medground("withdraw", receipt["id"], "--to", space.address, "--person", "bob")
    assert code == 1 and submissions(desk)[receipt["id"]].status == "scored"
    code, out, _ = medground("withdraw", receipt["id"], "--to", space.address, "--person", "ann")
    assert code == 0 and submissions(desk)[receipt["id"]].status == "withdrawn"


def test_programs_are_told_what_they_can_call_and_page_events_are_not_among_it(space_url):
    with urlopen(f"{space_url}gradio_api/info", timeout=30) as answer:  # noqa: S310  our own server
        told = json.loads(answer.read())["named_endpoints"]
    assert {"/check", "/submit", "/withdraw", "/receipt", "/board_table"} <= set(told)
    names = {name: [each["parameter_name"] for each in told[name]["parameters"]] for name in told}
    assert names["/submit"] == names["/check"] == ["content", "metadata", "person"]
    assert names["/withdraw"] == ["identity", "person"] and names["/receipt"] == ["identity"]
    assert not [name for name in told if "sent" in name or "shown" in name or "fill" in name]


def test_what_a_program_sends_amiss_is_told_with_its_codes_and_not_kept(space_url, desk):
    client, before = gradio_client.Client(space_url, verbose=False), len(submissions(desk))
    for content, metadata, words in (
        ("/etc/passwd", WORDS, "not base64"),
        (upload_as_text(b"{}"), "{", "NOT_READ"),
        (upload_as_text(b"\x80\x04"), WORDS, "NOT_JSON_LINES"),
    ):
        answer = client.predict(content, metadata, "ann", api_name="/submit")
        assert words in json.dumps(answer) and "root:" not in json.dumps(answer)
    assert "is no login" in client.predict(upload_as_text(b"{}"), WORDS, "<b>", api_name="/check")["said"]
    assert len(submissions(desk)) == before


def test_s22_fields_and_keys_of_another_schema_are_refused_and_the_known_ones_are_told(space_url, built):
    client = gradio_client.Client(space_url, verbose=False)
    later = json.dumps(json.loads(WORDS) | {"schema": 2})
    line = answers(built).splitlines()[0].replace(b"}", b', "schema": 2}')
    answer = client.predict(upload_as_text(line), later, "ann", api_name="/check")
    problems = " ".join(answer["problems"])
    assert answer["status"] == "refused" and "[UNKNOWN_FIELD]" in problems and "[UNKNOWN_KEY]" in problems
    assert "Known: boxes, case_id" in problems and "Known: method, training_data" in problems


def page_call(url, name, data):
    """What an event of the page answers to whoever sends it by hand."""
    with urlopen(f"{url}config", timeout=30) as answer:  # noqa: S310  our own server
        events = json.loads(answer.read())["dependencies"]
    number = next(each["id"] for each in events if each["api_name"] == name)
    body = json.dumps({"fn_index": number, "data": data, "session_hash": f"by-hand-{name}"}).encode()
    sent = Request(f"{url}gradio_api/queue/join", body, {"content-type": "application/json"})  # noqa: S310
    with urlopen(sent, timeout=30) as answer:  # noqa: S310
        assert answer.status == 200
    with urlopen(f"{url}gradio_api/queue/data?session_hash=by-hand-{name}", timeout=60) as stream:  # noqa: S310
        for line in stream:
            if b"process_completed" in line:
                return line.decode()
    return ""


@pytest.mark.parametrize("path", ["/etc/passwd", str(served_apps.ROOT / "pyproject.toml")])
def test_s28_a_path_on_the_server_is_no_upload_of_the_page_either(space_url, path):
    file = {"path": path, "meta": {"_type": "gradio.FileData"}}
    told = page_call(space_url, "check_sent", [file, "ann", "Mine", "overlap", "a=1", "", "", "", "", ""])
    assert '"success": false' in told.lower() or '"success":false' in told.lower()
    assert "root:" not in told and "build-system" not in told


def test_on_a_space_whoever_is_signed_in_counts_and_a_given_name_does_not(on_a_space):
    own = request(origin="https://org-board.hf.space")
    assert signing_in.visitor("mallory", profile("ann"), own) == "ann"
    assert signing_in.visitor(None, profile("ann"), request(origin="https://board.example.org")) == "ann"
    with pytest.raises(signing_in.NotSignedIn, match="nobody is signed in"):
        signing_in.visitor("ann", None, own)


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "", "https://org-board.hf.space.evil.example"]
)
def test_s30_another_sites_page_cannot_act_with_a_visitors_session(on_a_space, origin):
    with pytest.raises(signing_in.NotSignedIn, match="another site"):
        signing_in.visitor("", profile("ann"), request(origin=origin))


def test_s30_a_program_on_a_space_is_whose_token_it_sends_and_a_session_counts_for_nothing(on_a_space, org):
    sent = request(x_hf_authorization=f"Bearer hf_{org}-reader", origin="https://org-board.hf.space")
    assert signing_in.caller("mallory", sent) == f"{org}-reader"
    for headers in ({}, {"x_hf_authorization": "Bearer "}, {"cookie": "session=ann"}):
        with pytest.raises(signing_in.NotSignedIn, match="hf auth login"):
            signing_in.caller("ann", request(**headers))


def test_off_a_space_the_name_counts_and_the_page_says_that_it_is_not_checked(monkeypatch):
    monkeypatch.delenv("SPACE_ID", raising=False)
    assert signing_in.visitor(" ann ", profile("bob"), request()) == "ann"
    assert signing_in.caller("ann", request(x_hf_authorization="Bearer hf_bob")) == "ann"
    with gradio.Blocks():
        field = signing_in.who_field()
    assert field.visible and "not checked" in field.info


def test_a_space_without_sign_in_says_so_and_offers_no_name(on_a_space):
    with gradio.Blocks() as page:
        assert not signing_in.who_field().visible
    assert "hf_oauth: true" in str(page.get_config_file())


@pytest.fixture
def hub_desk(hub, org, built):
    """A desk before a private dataset of the hub."""
    store = HubStore(f"{org}/store", HubCalls(f"hf_{org}-writer"))
    store.make()
    return desk_for(built, store)


def test_on_a_space_with_its_store_on_the_hub_a_token_submits_and_a_store_that_is_away_keeps_nothing(
    hub, org, built, hub_desk, tmp_path
):
    client = surroundings(hub.address, tmp_path / "home", f"hf_{org}-writer")
    told = {
        name: client[name]
        for name in ("HF_ENDPOINT", "HF_HOME", "HF_HUB_DISABLE_XET", "HF_TOKEN", "NO_PROXY")
    }
    told |= {"SPACE_ID": "org/board", "HF_HUB_OFFLINE": "0"}
    with served_apps.serving(served_apps.APP, **before(hub_desk.store.name, built, **told)) as url:
        by_nobody, by_reader = (
            gradio_client.Client(url, verbose=False, token=token) for token in (False, f"hf_{org}-reader")
        )
        content = upload_as_text(answers(built))
        assert (
            "hf auth login" in by_nobody.predict(content, WORDS, f"{org}-admin", api_name="/submit")["said"]
        )
        answer = by_reader.predict(content, WORDS, f"{org}-admin", api_name="/submit")
        assert answer["status"] == "scored"
        people = json.loads(hub_desk.store.look().read("people.json"))
        assert list(people.values()) == [f"{org}-reader"]
        log = hub_desk.store.look().log
        hub.wire.rules.append(Rule(f"/{org}/store", Answer(503, {"Retry-After": "60"}), times=1000))
        other = json.dumps(json.loads(WORDS) | {"method": "Other"})
        answer = by_reader.predict(upload_as_text(answers(built, 0.3)), other, "", api_name="/submit")
        assert answer["status"] == "not done" and answer["said"].startswith("not accepted, try again")
        hub.wire.rules.clear()
        assert hub_desk.store.look().log == log


@pytest.fixture
def settings(desk, built, monkeypatch):
    """This process before a desk of its own, which is made when it is first asked for."""
    forgotten = (submission_desk._desk, kept_board.watched_store)
    for each in forgotten:
        each.cache_clear()
    monkeypatch.setenv("MEDGROUND_STORE", str(desk.store.folder))
    monkeypatch.setenv("MEDGROUND_BENCHMARK", str(built.path))
    yield monkeypatch
    for each in forgotten:
        each.cache_clear()


def test_the_desk_is_made_once_however_many_ask_at_once(settings):
    with ThreadPoolExecutor(8) as visitors:
        desks = {id(each) for each in visitors.map(lambda _: submission_desk.kept_desk(), range(8))}
    assert len(desks) == 1 and submission_desk.kept_desk().ours is submission_desk.our_boxes


def test_s33_what_something_stopped_is_taken_up_beside_the_start_and_whenever_it_is_later(
    settings, desk, built
):
    """As after a kill, or where the store was away; the page waits for none of it."""
    settings.setattr(submission_desk, "AGAIN_S", 0.2)
    ended = None
    try:
        for person, width in (("eve", 0.66), ("kim", 0.71)):
            sent = Upload(
                person=person, content=answers(built, width), metadata=WORDS.replace("Mine", person)
            )
            waiting = stopped(desk, sent)
            if ended is None:
                ended = submission_desk.take_up_beside()
                assert submissions(desk)[waiting].status == "received"  # returned before it was scored
            until = time.monotonic() + 60
            while submissions(desk)[waiting].status == "received" and time.monotonic() < until:
                time.sleep(0.1)
            assert submissions(desk)[waiting].status == "scored"
    finally:
        ended.set()


def test_s34_a_store_that_is_gone_is_told_in_one_sentence_and_found_again(settings, desk, built):
    moved = desk.store.folder.rename(desk.store.folder.with_name("moved"))
    try:
        with pytest.raises(MedgroundError, match="there is no such folder"):
            submission_desk.kept_desk()
    finally:
        moved.rename(desk.store.folder)
    found = submission_desk.kept_desk()
    moved = desk.store.folder.rename(desk.store.folder.with_name("moved"))
    try:
        with pytest.raises(NotAccepted, match="not accepted, try again"):
            found.submit(Upload(person="ann", content=answers(built), metadata=WORDS))
        (panel,) = submit_page.open_receipt("tab=submit&receipt=1f2e")
        assert panel["kind"] == "error" and "cannot be reached" in panel["said"]
    finally:
        moved.rename(desk.store.folder)


@pytest.mark.usefixtures("settings")
def test_every_stage_is_shown_once_and_in_order_and_then_the_receipt(desk, built):
    sent = Upload(person="stages", content=answers(built, 0.47), metadata=WORDS.replace("Mine", "Stages"))
    steps = submit_page._stages(submission_desk.kept_desk(), sent)
    shown = [*steps]
    assert [each["done"] for each in shown] == [*range(len(Stage))]
    assert [each["stage"].rstrip(" .").lower() for each in shown] == list(Stage)


@pytest.mark.usefixtures("settings")
def test_s19_s38_s39_what_a_visitor_sees_of_a_submission_has_no_score_no_seconds_and_the_same_stages(
    desk, built
):
    """Of a benchmark with other expert boxes a visitor sees the same but for its name, revision and hashes."""
    kept = submission_desk.kept_desk()
    moved = replace(
        kept.truth,
        references=tuple(
            replace(each, boxes=(Box(1.0, 1.0, 9.0, 9.0, each.native),)) for each in kept.truth.references
        ),
    )
    sent = Upload(person="probe", content=answers(built, 0.58), metadata=WORDS.replace("Mine", "Probe"))
    seen = []
    for known, store in ((kept.truth, "one"), (moved, "two")):
        place = FolderStore.made(desk.store.folder.with_name(store))
        open_edition(place, known, StoreSettings(), "op")
        told, asked = [], SubmissionDesk(place, known)
        reply = asked.submit(sent, told.append)
        panel = submit_view.shown_reply(reply, sent.metadata)
        seen.append((told, panel["said"], [fact["name"] for fact in panel["facts"]]))
        assert not [word for word in ("iou", "second", "@") if word in json.dumps(panel).lower()]
        assert {"name": "LVLM and weights", "value": "rule_lvlm=1f2e"} in panel["facts"]
        [choice] = panel["board"]
        assert choice["address"] == "tab=board&lvlm=rule_lvlm&mode=direct" and "rule_lvlm" in choice["name"]
        receipt, said = (ask(panel["receipt"]["id"]) for ask in (asked.receipt, asked.said))
        later = submit_view.shown_receipt(receipt, said, reply.said, navigate=True)
        assert later["facts"] == panel["facts"]
    assert seen[0] == seen[1]
