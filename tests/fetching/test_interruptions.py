"""What comes between: busy servers, cut connections, versions that change, kills and full disks."""

from __future__ import annotations

import shutil

import pytest

from medground_bench.fetching import download
from tests.fetching.conftest import PROJECTS, error_of, pictures
from tests.hub.faults import Cut, Silence
from tests.kit.physionet import busy
from tests.kit.tiny_disks import tiny_disk as a_tiny_disk

PICTURE = r"\.(jpg|dicom)$"


def picture_requests(site):
    return [request for request in site.wire.requests if request.path.endswith((".jpg", ".dicom"))]


def same(folder, site, project):
    """Whether the pictures of a copy are those of the site, byte for byte."""
    copy = folder / PROJECTS[project]
    return pictures(copy) and all(
        (copy / name).read_bytes() == (site.folders[PROJECTS[project]] / name).read_bytes()
        for name in pictures(copy)
    )


def leftovers(folder):
    return [file.name for file in folder.rglob("*") if ".part" in file.name]


@pytest.mark.parametrize("status", [429, 503, 500, 502, 504])
def test_a_server_that_is_busy_is_asked_again(mimic, site, fetch, tmp_path, status):
    site.spoil(PICTURE, busy(status=status), times=3)
    code, _, err = fetch(mimic)
    assert code == 0, err
    assert same(tmp_path / "copy", site, "mimic")


def test_a_server_that_says_how_long_is_left_alone_for_so_long_by_all_connections(
    mimic, site, fetch, monkeypatch
):
    rests = []
    monkeypatch.setattr(
        "medground_bench.fetching.pace.Pace.rest", lambda self, seconds: rests.append(seconds)
    )
    site.spoil(PICTURE, busy(7), times=1)
    site.spoil(PICTURE, busy(600), times=1)
    assert fetch(mimic)[0] == 0
    assert rests == [7, 600]


def test_a_server_that_wants_a_day_is_not_waited_for(mimic, site, fetch):
    site.spoil(PICTURE, busy(86_400))
    assert "run the same command in 86,400 s, as it asks" in error_of(fetch(mimic))


def test_a_server_that_stays_busy_is_given_up_and_the_same_command_goes_on(mimic, site, fetch, tmp_path):
    site.spoil(PICTURE, busy(0), skip=1, times=1000)
    said = error_of(fetch(mimic))
    assert "answers 429, 6 times" in said and "goes on from there" in said
    assert len(pictures(tmp_path / "copy")) == 1
    site.wire.rules.clear()
    site.wire.requests.clear()
    code, out, err = fetch(mimic)
    assert code == 0, err
    assert out.startswith("2 pictures fetched") and "1 were there before" in out


@pytest.mark.parametrize("name", ["mimic", "vindr"])
def test_a_cut_file_goes_on_from_its_last_byte(name, request, site, fetch, tmp_path):
    site.spoil(PICTURE, Cut(), times=3)
    code, _, err = fetch(request.getfixturevalue(name))
    assert code == 0, err
    ranges = [each for each in picture_requests(site) if "range" in each.headers]
    assert ranges and all(each.status == 206 and "if-range" in each.headers for each in ranges)
    assert same(tmp_path / "copy", site, name) and not leftovers(tmp_path)


def test_a_file_that_changed_meanwhile_begins_anew(mimic, trees, site, fetch, tmp_path):
    site.spoil(PICTURE, Cut(), times=1)
    site.spoil(PICTURE, busy(0), times=1000)
    error_of(fetch(mimic))
    (part,) = [file for file in (tmp_path / "copy").rglob("*.part")]
    part.write_bytes(b"x" * part.stat().st_size)
    part.with_name(part.name + ".tag").write_text('"of another version"')
    site.wire.rules.clear()
    site.wire.requests.clear()
    assert fetch(mimic)[0] == 0
    again = next(each for each in picture_requests(site) if "range" in each.headers)
    assert again.status == 200 and same(tmp_path / "copy", site, "mimic")


def test_a_server_without_ranges_begins_anew(mimic, site, fetch, tmp_path):
    site.gives_ranges = False
    site.spoil(PICTURE, Cut(), times=2)
    code, _, err = fetch(mimic)
    assert code == 0, err
    assert same(tmp_path / "copy", site, "mimic") and not leftovers(tmp_path)


def test_a_part_that_is_longer_than_the_file_begins_anew(mimic, site, fetch, tmp_path):
    site.spoil(PICTURE, Cut(), times=1)
    site.spoil(PICTURE, busy(0), times=1000)
    error_of(fetch(mimic))
    (part,) = (tmp_path / "copy").rglob("*.part")
    part.write_bytes(b"x" * 1_000_000)
    site.wire.rules.clear()
    assert fetch(mimic)[0] == 0
    assert same(tmp_path / "copy", site, "mimic") and not leftovers(tmp_path)


def test_an_answer_that_is_lost_is_asked_for_again(mimic, site, fetch, tmp_path):
    site.spoil(PICTURE, Silence(done=False), times=2)
    site.spoil(PICTURE, Silence(done=True), times=2)
    code, _, err = fetch(mimic)
    assert code == 0, err
    assert same(tmp_path / "copy", site, "mimic")


def test_a_server_that_cannot_be_reached_is_one_paragraph(mimic, site, fetch, monkeypatch):
    monkeypatch.setattr("medground_bench.fetching.remote.PHYSIONET", "http://127.0.0.1:9")
    assert "cannot be reached" in error_of(fetch(mimic))


def test_a_disk_that_would_be_full_is_told_before_a_picture_is_asked_for(vindr, site, fetch, monkeypatch):
    monkeypatch.setattr(download, "SPARE_BYTES", shutil.disk_usage("/").total)
    said = error_of(fetch(vindr))
    assert "GB are free" in said and "run the command again" in said
    assert not picture_requests(site)


@pytest.fixture
def tiny_disk(tmp_path):
    """A disk of its own at `copy`; gives how to make it larger."""
    with a_tiny_disk(tmp_path / "copy", kilobytes=100) as enlarge:
        yield enlarge


def test_a_disk_that_fills_up_is_one_paragraph_and_the_same_command_goes_on(
    mimic, site, fetch, tmp_path, tiny_disk, monkeypatch
):
    monkeypatch.setattr(download, "demand_space", lambda *_: None)
    monkeypatch.setattr("medground_bench.fetching.fetch.demand_space", lambda *_: None)
    said = error_of(fetch(mimic))
    assert "has no room" in said and "What was fetched is kept" in said
    tiny_disk()
    code, _, err = fetch(mimic)
    assert code == 0, err
    assert same(tmp_path / "copy", site, "mimic") and not leftovers(tmp_path)
