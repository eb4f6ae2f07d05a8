"""The ZIP of a run holds what the command line writes, the film, and every picture that was asked."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from medground_bench.core.types import Mode
from medground_bench.phantom.scene import Scene
from medground_bench.runs.explain import Query, ask, explain_by, read_film
from medground_bench.runs.explanation_folder import Attributed
from medground_bench.runs.explanation_zip import zipped
from medground_bench.runs.trials import trials_of
from tests.kit.spot_lvlm import SpotLvlm


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    file = tmp_path_factory.mktemp("zip") / "own.png"
    Image.fromarray(Scene.sample(6_000_101).native(["pacemaker"])).save(file)
    film, lvlm = read_film(file), SpotLvlm(key="spot")
    answered = ask(lvlm, film, Query(Mode.DIRECT, question="Is there a device?"), name="own")
    explanations = [explain_by(name, lvlm, answered.case) for name in ("medfocus", "whole_image")]
    attributed = Attributed(Path("own.png"), film.how, "spot", "1", answered, explanations, {})
    trials = {"medfocus": trials_of(explanations[0], answered.case)}
    return attributed, trials, zipped(attributed, trials)


def test_it_holds_the_record_overlays_charts_the_film_and_the_pictures_that_were_asked(made, tmp_path):
    attributed, trials, content = made
    attributed.save(tmp_path)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        for path in tmp_path.iterdir():
            assert archive.read(path.name) == path.read_bytes()
        names = {path.name for path in tmp_path.iterdir()} | {"film.png"}
        names |= {f"medfocus-hidden/{trial.name}.png" for trial in trials["medfocus"]}
        assert set(archive.namelist()) == names
        film = np.asarray(Image.open(io.BytesIO(archive.read("film.png"))))
        np.testing.assert_array_equal(film, attributed.answered.native)
        assert json.loads(archive.read("attribution.json"))["image"] == "own.png"


def test_the_same_run_gives_the_same_bytes(made):
    attributed, trials, content = made
    assert zipped(attributed, trials) == content
