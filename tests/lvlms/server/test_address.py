"""Where a served LVLM is, what a location may say, and that no picture leaves this machine unless somebody says so."""

from __future__ import annotations

import socket

import pytest

from medground_bench.core.errors import MedgroundError, SourceMissing, UnknownName, Unsupported
from medground_bench.lvlms import open_lvlm
from medground_bench.lvlms.server.address import SERVERS, Address, Settings, WrittenBoxes
from medground_bench.lvlms.server.served import demand_may_see
from tests.kit.chat_server import listening
from tests.kit.fakes import RuleLvlm


def test_a_location_is_a_url_with_the_model_behind_a_hash():
    address = Address.parse("http://127.0.0.1:8000/v1#google/medgemma-27b-it")
    assert (address.place, address.model) == ("127.0.0.1:8000", "google/medgemma-27b-it")
    assert (address.api, address.root) == ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000")
    assert Address.parse("http://127.0.0.1:8000#m") == Address.parse("http://127.0.0.1:8000/v1/#m")
    assert Address.parse("https://gpu/proxy/v1#m").root == "https://gpu:443/proxy"
    assert Address.parse("http://[::1]:8000/v1#m").place == "[::1]:8000"
    assert [Address.parse(each) for each in ("medgemma_4b", "org/name", "./folder", "httpx")] == [None] * 4


def test_a_location_may_say_how_the_server_is_asked():
    address = Address.parse("http://127.0.0.1:1/v1?at_once=4&timeout_s=60&per_second=2.5&boxes=thousandths#m")
    assert address.settings == Settings(4, 60.0, 2.5, WrittenBoxes.THOUSANDTHS)
    assert Address.parse("http://127.0.0.1:1/v1#m").settings == Settings()


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("http://127.0.0.1:8000/v1", "names no model"),
        ("http://127.0.0.1:8000/v1#", "names no model"),
        ("http://127.0.0.1:8000/v1#/models/mine", "cannot be part of a case id"),
        ("http://127.0.0.1:8000/v1#my model", "cannot be part of a case id"),
        ("http://127.0.0.1:8000/v1#m%0Aore", "cannot be part of a case id"),
        ("http://127.0.0.1:80000/v1#m", "is no address"),
        ("http:///v1#m", "names a host"),
        ("http://me:secret@127.0.0.1/v1#m", "nobody who logs in"),
        ("http://127.0.0.1/v1?at_once=0#m", "at_once lies between"),
        ("http://127.0.0.1/v1?timeout_s=nan#m", "timeout_s is above 0"),
        ("http://127.0.0.1/v1?boxes=inches#m", "inches"),
    ],
)
def test_a_location_that_cannot_be_is_told_in_one_sentence(location, words):
    with pytest.raises(SourceMissing, match=words) as failed:
        open_lvlm(location)
    assert "secret" not in str(failed.value)


def test_an_unknown_setting_is_answered_with_the_near_ones():
    with pytest.raises(UnknownName, match="Did you mean at_once"):
        Address.parse("http://127.0.0.1/v1?atonce=3#m")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "[::1]", "localhost", "LOCALHOST"])
def test_loopback_is_this_machine(host):
    assert Address.parse(f"http://{host}:8000/v1#m").is_this_machine


ELSEWHERE = (
    "gpu1", "gpu.hospital.example", "10.0.0.1", "[::]", "2130706433", "127.1", "localhost.example", "localhost.",
    "127.0.0.1.example", "[::ffff:127.0.0.1]", "0.0.0.0",  # noqa: S104  nothing is bound there
)  # fmt: skip
"""What is another machine, or may be one."""


@pytest.fixture
def every_name_means_this_machine(monkeypatch):
    """A name service that leads every name to this machine; returns the names that it was asked for."""
    asked = []

    def lookup(host, port, *_kinds, **_more):
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", int(port)))]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    return asked


@pytest.mark.parametrize("host", ELSEWHERE)
def test_no_byte_goes_to_another_machine_and_its_name_is_not_even_looked_up(
    host, every_name_means_this_machine
):
    with listening() as door:
        with pytest.raises(
            Unsupported, match=r"is another machine.*nothing was sent.*export MEDGROUND_SERVERS="
        ):
            open_lvlm(f"http://{host}:{door.port}/v1#m")
        assert door.connections == 0 and not every_name_means_this_machine


def test_localhost_that_means_another_machine_is_one(monkeypatch):
    elsewhere = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 8000))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: elsewhere)
    with pytest.raises(Unsupported):
        open_lvlm("http://localhost:8000/v1#m")


def test_a_host_opens_when_the_list_names_it_with_its_port(
    location, monkeypatch, every_name_means_this_machine
):
    elsewhere = location.replace("127.0.0.1", "gpu.hospital.example")
    place = Address.parse(elsewhere).place
    for others in ("", "gpu.hospital.example", "gpu.hospital.example:1", f"not-{place}", f"{place}.example"):
        monkeypatch.setenv(SERVERS, others)
        with pytest.raises(Unsupported):
            open_lvlm(elsewhere)
    assert not every_name_means_this_machine
    monkeypatch.setenv(SERVERS, f"gpu2:8000, {place.upper()}")
    assert open_lvlm(elsewhere).key == "served/tiny"


def test_credentialed_pictures_go_only_where_their_source_is_named(
    location, monkeypatch, every_name_means_this_machine
):
    elsewhere = location.replace("127.0.0.1", "gpu.hospital.example")
    place = Address.parse(elsewhere).place
    monkeypatch.setenv(SERVERS, f"{place},vindr_cxr@{place}")
    lvlm = open_lvlm(elsewhere)
    demand_may_see(lvlm, [])
    demand_may_see(lvlm, ["vindr_cxr"])
    with pytest.raises(Unsupported, match=rf"MEDGROUND_SERVERS=imagenome@{place}$"):
        demand_may_see(lvlm, ["vindr_cxr", "imagenome"])
    monkeypatch.setenv(SERVERS, f"vindr_cxr@{place}")
    demand_may_see(open_lvlm(elsewhere), ["vindr_cxr"])


def test_this_machine_and_local_lvlms_may_see_every_source(served):
    demand_may_see(served, ["imagenome"])
    demand_may_see(RuleLvlm(), ["imagenome"])


def test_what_is_refused_is_an_error_of_ours():
    with pytest.raises(MedgroundError):
        open_lvlm("HTTP://gpu1#m")
