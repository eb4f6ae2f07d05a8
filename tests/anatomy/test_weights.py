"""Where weights come from, and what is said when they are not there."""

from __future__ import annotations

import pytest
from transformers import SamModel

from medground_bench.anatomy import weights
from medground_bench.anatomy.refiners.medsam import medsam_at_hand
from medground_bench.anatomy.weights import GROUNDING_DINO, MEDSAM, SAM3, Weights
from medground_bench.errors import SourceMissing
from tests.tiny_localizers import save_sam

ALL = pytest.mark.parametrize("model", [MEDSAM, GROUNDING_DINO, SAM3], ids=lambda model: model.variable)


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """No network and an empty cache."""
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@ALL
def test_the_default_is_a_commit_of_the_hub_and_a_variable_replaces_it(model, monkeypatch):
    monkeypatch.delenv(model.variable, raising=False)
    assert model.location() == model.pinned
    assert weights.HUB_ID.fullmatch(model.pinned) and len(model.pinned.rpartition("@")[2]) == 40
    monkeypatch.setenv(model.variable, "/my/folder")
    assert model.location() == model.at_hand() == "/my/folder"


@ALL
def test_weights_that_cannot_be_fetched_are_one_paragraph_that_names_the_variable(model, offline):
    with pytest.raises(SourceMissing) as said:
        model.folder(model.pinned)
    message = str(said.value)
    assert message.startswith(f"{model.model}'s weights are not at hand: {model.pinned}")
    assert f"set {model.variable}" in message and "\n" not in message


@pytest.mark.parametrize("location", ["no/folder", "/no/folder", "org/name@", "org/name@main/x"])
def test_a_hub_id_without_a_commit_or_a_folder_that_is_not_there_is_refused(location, offline):
    with pytest.raises(SourceMissing, match="neither a folder here nor a hub id with its commit"):
        SAM3.folder(location)


def test_a_folder_without_a_checkpoint_is_refused(tmp_path):
    with pytest.raises(SourceMissing, match=r"no config\.json\. Set MEDGROUND_SAM3"):
        SAM3.folder(str(tmp_path))


def test_weights_are_at_hand_only_when_the_pinned_commit_is_in_the_cache(offline, monkeypatch):
    monkeypatch.delenv(MEDSAM.variable, raising=False)
    assert medsam_at_hand() is None
    repository, commit = MEDSAM.pinned.rsplit("@", 1)
    snapshot = offline / f"models--{repository.replace('/', '--')}" / "snapshots" / commit
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").touch()
    assert medsam_at_hand() is None
    (snapshot / "model.safetensors").touch()
    assert medsam_at_hand() == MEDSAM.pinned
    assert MEDSAM.folder(MEDSAM.pinned) == snapshot


def test_without_a_network_nothing_is_tried_again_and_again(monkeypatch, tmp_path, caplog):
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(SourceMissing, match="the hub cannot be reached"):
        MEDSAM.folder(MEDSAM.pinned)
    assert "Retry" not in caplog.text


def test_a_weight_that_is_missing_is_an_error_and_not_a_random_number(tmp_path):
    from safetensors.torch import load_file, save_file

    file = save_sam(tmp_path / "sam") / "model.safetensors"
    tensors = load_file(file)
    gone = "mask_decoder.iou_token.weight"
    del tensors[gone]
    save_file(tensors, file, metadata={"format": "pt"})
    with pytest.raises(SourceMissing, match=f"1 weights are missing from .*{gone}"):
        Weights("it", "VARIABLE", "a/b@c").load(SamModel, tmp_path / "sam")
