"""What makes a picture the right one: the project's checksums, a whole file, and the greys that the LVLMs saw."""

from __future__ import annotations

import csv
import shutil
import stat

import numpy as np
import pytest
from PIL import Image

from tests.fetching.conftest import PROJECTS, error_of, pictures
from tests.kit.physionet import SUMS


@pytest.fixture
def own_site(site, tmp_path):
    """A site whose files a test may change."""
    for project, folder in site.folders.items():
        site.folders[project] = shutil.copytree(folder, tmp_path / "site" / project)
    return site


def victim(site, asked):
    """The file of a picture that a case needs."""
    image_id = asked.cases[0].image_id
    (file,) = site.folders[PROJECTS["mimic"]].rglob(f"{image_id}.jpg")
    return file


def requests_for(site, file):
    return [path for path in site.asked if path.endswith(file.name)]


def told(folder):
    """What the list of pictures that are not there says: (file's name, why)."""
    with (folder / "not-fetched.csv").open() as file:
        return [(row["file"].rpartition("/")[2], row["why"]) for row in csv.DictReader(file)]


def negative(file):
    """Another picture of the same size in its place."""
    with Image.open(file) as image:
        Image.fromarray(255 - np.asarray(image)).save(file, quality=95)


def test_a_picture_that_physionet_does_not_have_is_told_the_others_come_and_only_it_is_tried_again(
    own_site, mimic, fetch, tmp_path
):
    gone = victim(own_site, mimic)
    content = gone.read_bytes()
    gone.unlink()
    said = error_of(fetch(mimic))
    assert "1 of the pictures are not there: 1 because PhysioNet does not have it" in said
    assert gone.stem not in said
    assert told(tmp_path / "copy") == [(gone.name, "PhysioNet does not have it")]
    assert stat.S_IMODE((tmp_path / "copy" / "not-fetched.csv").stat().st_mode) == 0o600
    assert len(pictures(tmp_path / "copy")) == 2
    gone.write_bytes(content)
    own_site.wire.requests.clear()
    assert fetch(mimic)[0] == 0
    assert [path for path in own_site.asked if path.endswith(".jpg")] == requests_for(own_site, gone)
    assert not (tmp_path / "copy" / "not-fetched.csv").exists()


def test_a_table_that_physionet_does_not_have_ends_it(own_site, mimic, fetch):
    shutil.rmtree(own_site.folders[PROJECTS["gold"]] / "gold_dataset")
    assert f"{PROJECTS['gold']} has no gold_dataset/" in error_of(fetch(mimic))


def test_a_picture_that_is_damaged_is_fetched_twice_and_does_not_take_its_place(
    own_site, mimic, fetch, tmp_path
):
    damaged = victim(own_site, mimic)
    damaged.write_bytes(damaged.read_bytes()[:2000])
    said = error_of(fetch(mimic))
    assert "1 of the pictures are not there: 1 because the file" in said
    assert len(requests_for(own_site, damaged)) == 2
    assert len(pictures(tmp_path / "copy")) == 2 and not list((tmp_path / "copy").rglob("*.part*"))


def test_another_picture_in_its_place_is_known_by_its_greys_where_there_is_no_checksum(
    own_site, mimic, fetch, tmp_path
):
    other = victim(own_site, mimic)
    negative(other)
    assert "its greys are not those" in error_of(fetch(mimic))
    assert len(requests_for(own_site, other)) == 2 and len(pictures(tmp_path / "copy")) == 2


def test_a_picture_of_the_published_checksum_with_other_greys_is_fetched_once(own_site, mimic, fetch):
    other = victim(own_site, mimic)
    negative(other)
    own_site.write_sums(PROJECTS["mimic"])
    assert "though its checksum is the published one" in error_of(fetch(mimic))
    assert len(requests_for(own_site, other)) == 1


def test_the_checksums_of_the_project_are_held(own_site, mimic, fetch, tmp_path):
    """The file says the same picture in other bytes."""
    own_site.write_sums(PROJECTS["mimic"])
    changed = victim(own_site, mimic)
    changed.write_bytes(changed.read_bytes() + b"\0")
    assert "its checksum is not the published one" in error_of(fetch(mimic))
    assert (tmp_path / "copy" / PROJECTS["mimic"] / SUMS).is_file()


def test_the_table_of_vindr_is_held_to_the_checksums_of_its_project(own_site, vindr, fetch):
    own_site.write_sums(PROJECTS["vindr"])
    folder = own_site.folders[PROJECTS["vindr"]] / "annotations"
    (table,) = folder.iterdir()
    table.write_bytes(table.read_bytes() + b"\n")
    assert "came twice, and its checksum is not the published one" in error_of(fetch(vindr))


def test_a_picture_that_changed_on_the_disk_since_is_read_again_and_fetched_anew(
    own_site, mimic, fetch, tmp_path
):
    assert fetch(mimic)[0] == 0
    name = min(pictures(tmp_path / "copy"))
    whole = (tmp_path / "copy" / name).read_bytes()
    (tmp_path / "copy" / name).write_bytes(whole[:500])
    own_site.wire.requests.clear()
    assert fetch(mimic)[0] == 0
    assert [path for path in own_site.asked if path.endswith(".jpg")] == [name]
    assert (tmp_path / "copy" / name).read_bytes() == whole
