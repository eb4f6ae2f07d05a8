"""Pictures to try are phantoms, or public films that stand here by digest, with their licence."""

from __future__ import annotations

import json
import runpy

import pytest

from tests.kit.served_apps import ROOT

pytest.importorskip("gradio")
example_pictures = pytest.importorskip("example_pictures")
complaint = runpy.run_path(str(ROOT / ".ci" / "credentialed_content.py"))["complaint"]
FILMS = json.loads((example_pictures.FILMS / "films.json").read_text("utf-8"))


@pytest.mark.parametrize("film", FILMS, ids=[film["file"] for film in FILMS])
def test_a_public_film_passes_the_guard_at_its_place_alone_and_has_a_licence(film, tmp_path):
    file = example_pictures.FILMS / film["file"]
    assert complaint(file) is None
    (tmp_path / film["file"]).write_bytes(file.read_bytes())
    assert "is a picture" in complaint(tmp_path / film["file"])
    assert film["licence"].startswith("CC BY") and film["by"] and film["changes"]
    assert film["source"].startswith("https://")


def test_no_picture_stands_among_the_films_that_has_no_licence():
    there = {path.name for path in example_pictures.FILMS.iterdir()}
    assert there == {"films.json"} | {film["file"] for film in FILMS}


def test_phantoms_are_known_by_content_whatever_they_are_called_and_films_are_none(tmp_path):
    for each in example_pictures.examples():
        copy = tmp_path / "sent.png"
        copy.write_bytes(each.file.read_bytes())
        assert example_pictures.is_phantom(copy) is (each.credit == "")
