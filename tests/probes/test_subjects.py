"""What is read of a folder of prediction files: names, boxes, and the methods as they were set."""

from __future__ import annotations

import json
import shutil

import pytest

from medground_bench.core.errors import BadSubmission, SourceMissing
from medground_bench.core.types import Mode
from medground_bench.methods.occlusion import Occlusion
from medground_bench.probes.subjects import read_subjects
from tests.kit.spot_lvlm import SpotLvlm


@pytest.fixture
def references(benchmark):
    return benchmark.references()


def test_each_method_of_each_track_with_its_boxes_and_settings(predicted, references):
    subjects = read_subjects(predicted, references)
    assert [(each.track.mode, each.method) for each in subjects] == [
        (mode, method) for mode in Mode for method in ("occlusion", "random_map", "whole_image")
    ]
    for each in subjects:
        assert set(each.boxes) == {truth.case_id for truth in references if truth.track == each.track}
    assert subjects[0].opened(SpotLvlm()) == Occlusion()


def test_a_method_of_other_weights_or_settings_is_not_known(predicted, references):
    subject = read_subjects(predicted, references)[0]
    assert subject.opened(SpotLvlm(revision="other")) is None
    changed = type(subject.run)(
        **{name: getattr(subject.run, name) for name in subject.run.__slots__} | {"settings": {"cells": 3}}
    )
    assert type(subject)(subject.method, subject.track, subject.boxes, changed).opened(SpotLvlm()) is None


def test_a_method_that_is_not_installed_here_has_boxes_only(predicted, references):
    subject = read_subjects(predicted, references)[0]
    gone = type(subject)("gone", subject.track, subject.boxes, subject.run)
    assert gone.opened(SpotLvlm()) is None and gone.boxes


def test_a_file_that_others_sent_is_called_as_it_is_named_and_has_boxes_only(predicted, references, tmp_path):
    shutil.copy(predicted / "rule_lvlm-direct-whole_image.jsonl", tmp_path / "ours.jsonl")
    (subject,) = read_subjects(tmp_path, references)
    assert (subject.method, subject.run, subject.opened(SpotLvlm())) == ("ours", None, None)
    assert all(subject.boxes.values())


def test_runs_of_other_seeds_are_left_aside(predicted, references, tmp_path):
    for name in ("", ".run.json"):
        source = predicted / f"rule_lvlm-direct-random_map.jsonl{name}"
        shutil.copy(source, tmp_path / f"a-seed1.jsonl{name}")
        shutil.copy(source, tmp_path / source.name)
    run = tmp_path / "a-seed1.jsonl.run.json"
    run.write_text(json.dumps(json.loads(run.read_text()) | {"seed": 1}))
    assert [each.run.seed for each in read_subjects(tmp_path, references)] == [0]


def test_an_empty_folder_and_a_bad_file_are_refused(references, tmp_path):
    with pytest.raises(SourceMissing, match="holds no prediction file"):
        read_subjects(tmp_path, references)
    (tmp_path / "bad.jsonl").write_text('{"case_id": "nobody", "boxes": []}\n')
    with pytest.raises(BadSubmission, match=r"bad\.jsonl"):
        read_subjects(tmp_path, references)
