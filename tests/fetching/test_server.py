"""To whom the password goes, over which connections, and how fast anything is asked."""

from __future__ import annotations

import threading

import pytest

from medground_bench.fetching import pace
from medground_bench.fetching.account import Account, Password
from medground_bench.fetching.pace import Pace, Stopping
from medground_bench.fetching.server import AccessRefused, Server
from tests.fetching.conftest import NAME, PASSWORD, PROJECTS, error_of, pictures
from tests.hub.faults import Answer
from tests.kit.certificates import certificate
from tests.kit.connect_proxy import proxy
from tests.kit.physionet import PhysioNet, served


def account():
    return Account(NAME, Password(PASSWORD))


@pytest.fixture
def moved(site, mimic):
    """A picture that a case needs: its path on the site, and its content."""
    (file,) = site.folders[PROJECTS["mimic"]].rglob(f"{mimic.cases[0].image_id}.jpg")
    path = f"/files/{PROJECTS['mimic']}/{file.relative_to(site.folders[PROJECTS['mimic']]).as_posix()}"
    return path, file.read_bytes()


def test_a_redirect_to_another_server_is_followed_without_password_and_session(
    mimic, site, fetch, moved, tmp_path
):
    path, content = moved
    with served(PhysioNet({}, {})) as elsewhere:
        elsewhere.spoil(".", Answer(200, {}, content))
        site.moved[path] = f"{elsewhere.address}/signed/picture"
        code, _, err = fetch(mimic)
        assert code == 0, err
        (request,) = elsewhere.wire.requests
    assert not {"authorization", "cookie"} & set(request.headers)
    assert len(pictures(tmp_path / "copy")) == 3


def test_a_redirect_within_the_site_is_followed_with_them(mimic, site, fetch, moved, tmp_path):
    path, _content = moved
    site.folders["moved/1"] = site.folders[PROJECTS["mimic"]]
    site.moved[path] = path.replace(PROJECTS["mimic"], "moved/1")
    code, _, err = fetch(mimic)
    assert code == 0, err
    assert [each for each in site.asked if each.startswith("moved/1/")] and site.checked == 1


def test_a_redirect_to_a_page_of_the_site_is_told_and_not_taken_for_a_file(mimic, site, fetch, moved):
    site.moved[moved[0]] = f"{site.address}/login/?next={moved[0]}"
    said = error_of(fetch(mimic))
    assert "sends to one of its pages" in said and mimic.cases[0].image_id not in said


def test_a_redirect_in_a_circle_is_left(mimic, site, fetch, moved):
    site.moved[moved[0]] = moved[0]
    assert "in a circle" in error_of(fetch(mimic))


@pytest.mark.parametrize("to", ["http://example.org/picture", "ftp://127.0.0.1/picture", "file:///etc/hosts"])
def test_a_redirect_to_where_others_can_read_along_is_refused(mimic, site, fetch, moved, to):
    site.moved[moved[0]] = to
    assert "is not encrypted" in error_of(fetch(mimic))


@pytest.mark.parametrize(
    "address", ["http://physionet.org", "ftp://127.0.0.1", "127.0.0.1:80", "http://127.0.0.1.org"]
)
def test_an_address_without_encryption_is_refused_before_anything_is_sent(address):
    with pytest.raises(AccessRefused, match="not encrypted"):
        Server(account, Pace(1e9), address)


@pytest.fixture
def secure_fetch(site, fetch, monkeypatch, tmp_path, mimic):
    """Run the command against the same site over TLS, with a certificate of some years."""

    def run(first_year, last_year, *, trusted=True):
        own, key = certificate(tmp_path / "certificate", first_year, last_year)
        if trusted:
            monkeypatch.setenv("SSL_CERT_FILE", str(own))
        secure = PhysioNet(site.folders, site.passwords)
        with served(secure, ssl_certfile=str(own), ssl_keyfile=str(key)) as secure:
            monkeypatch.setattr("medground_bench.fetching.remote.PHYSIONET", secure.address)
            return fetch(mimic), secure.wire.requests

    return run


def test_over_tls_with_an_authority_of_the_environment_the_pictures_come(secure_fetch, tmp_path):
    (code, _, err), _requests = secure_fetch(2020, 2060)
    assert code == 0, err
    assert len(pictures(tmp_path / "copy")) == 3


def test_a_proxy_of_the_environment_is_used_and_sees_neither_name_nor_password(
    secure_fetch, monkeypatch, tmp_path
):
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with proxy() as (address, kept):
        monkeypatch.setenv("HTTPS_PROXY", address)
        (code, _, err), _requests = secure_fetch(2020, 2060)
    assert code == 0, err
    assert len(pictures(tmp_path / "copy")) == 3
    seen = b"".join(kept)
    assert seen.startswith(b"CONNECT ") and b"authorization" not in seen.lower() and b"Basic" not in seen


@pytest.mark.parametrize("years", [(2020, 2021), (2058, 2060)])
def test_a_clock_in_the_wrong_year_is_told_in_words_and_nothing_is_sent(secure_fetch, years):
    answer, requests = secure_fetch(*years)
    assert "is not valid at the time of this machine's clock, which says 20" in error_of(answer)
    assert not requests


def test_a_certificate_of_nobody_is_told_with_what_to_do_behind_a_proxy(secure_fetch):
    answer, requests = secure_fetch(2020, 2060, trusted=False)
    assert "SSL_CERT_FILE" in error_of(answer) and not requests


class Clock:
    """Seconds that pass when somebody waits."""

    def __init__(self):
        self.now, self.waits = 100.0, []

    def __call__(self):
        return self.now


@pytest.fixture
def paced(monkeypatch):
    """A pace of so many bytes a second, and its clock."""

    def paced(bytes_a_second):
        clock = Clock()
        made = Pace(bytes_a_second, clock=clock)

        def wait(seconds):
            clock.waits.append(seconds)
            clock.now += max(0.0, seconds)

        monkeypatch.setattr(made, "wait", wait)
        return made, clock

    return paced


def test_four_requests_a_second_begin(paced):
    made, clock = paced(1e9)
    for _ in range(41):
        made.request()
    assert clock.now == pytest.approx(100 + 40 / pace.REQUESTS_A_SECOND) and pace.REQUESTS_A_SECOND == 4


@pytest.mark.parametrize(("rate", "took_s"), [(1e6, 9), (3e6, 3)])
def test_so_many_bytes_a_second_come(paced, rate, took_s):
    made, clock = paced(rate)
    for _ in range(10):
        made.received(1_000_000)
    assert clock.now == pytest.approx(100 + took_s)


def test_after_a_rest_requests_go_on_one_after_another(paced):
    made, clock = paced(1e9)
    made.rest(60)
    made.request()
    assert clock.now == pytest.approx(160)
    made.request()
    assert clock.now == pytest.approx(160.25)


def test_the_rate_of_the_command_bounds_the_bytes_a_second(mimic, site, fetch, monkeypatch):
    rates = []
    monkeypatch.setattr(Pace, "received", lambda self, count: rates.append(self.bytes_a_second))
    fetch(mimic, "--rate", "0.5")
    assert set(rates) == {500_000}


def test_whoever_waits_is_woken_when_the_run_is_over():
    made = Pace(1e9)
    made.rest(3600)
    woken = []

    def ask():
        try:
            made.request()
        except Stopping:
            woken.append(True)

    asking = threading.Thread(target=ask)
    asking.start()
    made.stop()
    asking.join(timeout=10)
    assert woken == [True]
