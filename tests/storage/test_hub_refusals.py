"""Why the hub does not give a benchmark: each reason has its own sentence, with the page, the form or the login."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from huggingface_hub import close_session

from medground_bench.core.errors import SourceMissing
from medground_bench.storage.hub import Repository, fetched, newest
from medground_bench.storage.hub_calls import HubAway, HubCalls
from tests.hub.clients import api_of, ask_for_access
from tests.hub.faults import Answer, Cut, Silence
from tests.hub.state import Token
from tests.kit.tiny_disks import tiny_disk as a_tiny_disk

ROWS = {
    "README.md": b"# rows",
    "direct/test-a.parquet": b"PAR1" * 1000,
    "direct/test-b.parquet": b"PAR2" * 1000,
}


@pytest.fixture
def gated(hub, org):
    """A dataset behind a gate where each request is looked at."""
    made = hub.state.create("dataset", f"{org}/bench", gated="manual")
    made.commit(ROWS)
    return made


@pytest.fixture
def bench(gated) -> Repository:
    return Repository(gated.name, gated.at("main").oid, kind="dataset")


@pytest.fixture
def ann(hub, org, monkeypatch) -> str:
    """Somebody who is in no organisation, logged in."""
    token = hub.state.person(f"{org}-ann")
    monkeypatch.setenv("HF_TOKEN", token)
    return token


def refused(repository: Repository) -> str:
    """The one paragraph of a refusal; of `load_dataset` it would be the same words for three of these reasons."""
    with pytest.raises(SourceMissing) as said:
        fetched(repository)
    assert "\n" not in str(said.value) and str(repository) in str(said.value)
    return str(said.value)


def test_whoever_is_not_logged_in_is_told_the_page_the_form_and_the_login(bench):
    said = refused(bench)
    assert "is gated, and you are not logged in" in said and "hf auth login" in said
    assert f"https://huggingface.co/datasets/{bench.name}: fill in the form there" in said


def test_each_state_of_a_request_has_its_own_sentence_and_an_accepted_one_reads(hub, org, bench, ann):
    assert "you did not ask for access yet" in refused(bench)
    ask_for_access(hub, bench.name, ann, {"PhysioNet user name": "ann"})
    assert "your request for access is not decided yet" in refused(bench)
    admin = api_of(hub, f"hf_{org}-admin")
    admin.reject_access_request(bench.name, f"{org}-ann", repo_type="dataset", rejection_reason="no training")
    said = refused(bench)
    assert "was rejected by its maintainers" in said and f"datasets/{bench.name}/discussions" in said
    admin.accept_access_request(bench.name, f"{org}-ann", repo_type="dataset")
    assert (fetched(bench) / "direct/test-a.parquet").read_bytes() == ROWS["direct/test-a.parquet"]


def test_a_token_that_may_not_read_what_is_gated_is_told_where_to_let_it(hub, bench, ann):
    words = "Please enable access to public gated repositories in your fine-grained token settings"
    hub.spoil("/resolve/", Answer(403, {"X-Error-Code": "GatedRepo", "X-Error-Message": words}), times=9)
    assert (
        "your token may not read what is gated. Switch that on at https://huggingface.co/settings/tokens"
        in (refused(bench))
    )


@pytest.mark.parametrize("kind", ["wrong", "expired", "expired, as the hub says it of a repository"])
def test_a_token_that_is_wrong_or_has_expired_is_said_and_not_called_a_missing_repository(
    hub, org, bench, monkeypatch, kind
):
    hub.state.tokens["hf_old"] = Token(f"{org}-ann", expired=True)
    monkeypatch.setenv("HF_TOKEN", "hf_wrong" if kind == "wrong" else "hf_old")
    if "," in kind:
        hub.spoil(bench.name, Answer(401, {"X-Error-Message": 'User Access Token "old" is expired'}), times=9)
    for ask in (fetched, newest):
        with pytest.raises(
            SourceMissing, match=r"does not accept your token; it is wrong or has expired"
        ) as said:
            ask(bench)
        assert "hf_wrong" not in str(said.value) and "hf_old" not in str(said.value)
        assert "https://huggingface.co/settings/tokens" in str(said.value)


def test_a_private_dataset_is_told_like_a_missing_one_and_each_reader_what_he_can_do(
    hub, org, gated, bench, ann
):
    gated.private = True
    for name in (gated.name, f"{org}/none"):
        missing = Repository(name, bench.commit, kind="dataset")
        assert "no such dataset that you may see. Check the name, or ask its owner" in refused(missing)
    os.environ.pop("HF_TOKEN")
    assert "no such dataset that you may see. Check the name, or log in with: hf auth login" in refused(bench)


def test_a_commit_that_is_not_there_offers_the_newest_of_a_dataset_without_one(bench, ann):
    with pytest.raises(SourceMissing) as error:
        fetched(Repository(bench.name, "c" * 40, kind="dataset"))
    said = str(error.value)
    assert f"take the newest one by leaving out the commit: {bench.name}," in said and "--newest" not in said


@pytest.mark.parametrize("status", [429, 503])
def test_a_hub_that_is_busy_or_at_fault_is_to_be_asked_later(hub, bench, status):
    hub.spoil(bench.name, Answer(status), times=99)
    assert f"the hub answers {status}. Try later" in refused(bench)


@pytest.fixture
def open_bench(gated, bench) -> Repository:
    gated.gated = False
    return bench


@pytest.fixture
def tiny_disk(tmp_path, monkeypatch):
    """The cache of the hub on a disk that is full after a few kilobytes; gives how to make it larger."""
    with a_tiny_disk(tmp_path / "disk", kilobytes=64) as enlarge:
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "disk"))
        yield enlarge


@pytest.mark.filterwarnings("ignore:Not enough free disk space")
def test_a_full_disk_is_said_and_what_was_fetched_is_not_fetched_again(hub, gated, tiny_disk):
    gated.gated = False
    whole = gated.commit({"direct/test-a.parquet": b"a" * 8_000, "direct/test-b.parquet": b"b" * 400_000})
    bench = Repository(gated.name, whole.oid, kind="dataset")
    said = refused(bench)
    assert said.startswith(f"the disk is full while {bench} is fetched") and "goes on from there" in said
    tiny_disk()
    hub.wire.requests.clear()
    folder = fetched(bench)
    assert (folder / "direct/test-b.parquet").read_bytes() == b"b" * 400_000
    assert not [request for request in hub.requests if "test-a.parquet" in request], "it was there already"


@pytest.mark.parametrize("fault", [Cut(), Silence(done=False)], ids=["cut", "silent"])
def test_a_connection_that_is_lost_while_files_come_is_one_sentence_and_the_rest_comes_next_time(
    hub, open_bench, fault, monkeypatch
):
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    hub.spoil("/_cdn/", fault, times=99)
    said = refused(open_bench)
    assert "was not fetched whole" in said and "What was fetched stays" in said
    hub.wire.rules.clear()
    for name, content in ROWS.items():
        assert (fetched(open_bench) / name).read_bytes() == content


def test_a_hub_that_nobody_listens_for_is_said_and_what_is_in_the_cache_serves(hub, open_bench, monkeypatch):
    other = Repository(f"{open_bench.name}-other", open_bench.commit, kind="dataset")
    folder = fetched(open_bench)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    assert fetched(open_bench) == folder
    assert "is not in the local cache, and the hub cannot be reached" in refused(other)


AUTHORITY = """[ca]
default_ca = own
[own]
new_certs_dir = .
database = index.txt
rand_serial = yes
default_md = sha256
policy = named
x509_extensions = of
[named]
commonName = supplied
[of]
subjectAltName = DNS:localhost
"""


def certificate(folder: Path, start: str, end: str) -> None:
    """`certificate.pem` of localhost, with its key, valid between two years."""
    (folder / "ca.cnf").write_text(AUTHORITY)
    (folder / "index.txt").write_text("")
    asked = "req -newkey rsa:2048 -nodes -keyout key.pem -out asked.pem -subj /CN=localhost"
    signed = "ca -batch -config ca.cnf -selfsign -keyfile key.pem -in asked.pem -out certificate.pem"
    dates = f"-startdate {start}0101000000Z -enddate {end}0101000000Z"
    for words in (asked, f"{signed} {dates}"):
        subprocess.run(["openssl", *words.split()], cwd=folder, capture_output=True, check=True)


@contextmanager
def speaking_tls(folder: Path):
    """The address of a server with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_shake_hands, args=(listening, context), daemon=True).start()
        yield f"https://localhost:{listening.getsockname()[1]}"


def _shake_hands(listening: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            connection, _address = listening.accept()
        except OSError:
            return
        try:
            context.wrap_socket(connection, server_side=True).close()
        except OSError:
            connection.close()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl to make certificates")
@pytest.mark.parametrize(("start", "end"), [(2001, 2002), (2096, 2097)], ids=["fast", "slow"])
def test_a_clock_in_the_wrong_year_is_told_as_such(hub, bench, tmp_path, monkeypatch, start, end):
    """To a clock that is wrong by decades the certificate of a right hub looks as this one does to a right clock."""
    certificate(tmp_path, start, end)
    with speaking_tls(tmp_path) as address:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", address)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
        close_session()
        said = refused(bench)
        with pytest.raises(HubAway) as told_at_once:
            HubCalls(wait=lambda _seconds: pytest.fail("it waited")).asked(
                "look", lambda api: api.dataset_info("a/b")
            )
        close_session()
    today = datetime.now(UTC).date()
    for words in (said, str(told_at_once.value)):
        assert (
            f"certificate is not valid on {today}, which is today by the clock of this machine: set it"
            in words
        )
