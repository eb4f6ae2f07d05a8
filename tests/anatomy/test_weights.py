"""Where weights come from, and what is said when they are not there."""

from __future__ import annotations

import shutil
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from transformers import SamModel

from medground_bench.anatomy import weights
from medground_bench.anatomy.refiners.medsam import medsam_at_hand
from medground_bench.anatomy.weights import GROUNDING_DINO, MEDSAM, SAM3, Weights
from medground_bench.core.errors import SourceMissing
from medground_bench.lvlms.engine.opening import local_folder
from medground_bench.storage import hub
from tests.kit.tiny_localizers import save_sam

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
    assert (
        str(hub.Repository.parse(model.pinned)) == model.pinned and len(model.pinned.rpartition("@")[2]) == 40
    )
    monkeypatch.setenv(model.variable, "/my/folder")
    assert model.location() == model.at_hand() == "/my/folder"


@ALL
def test_weights_that_cannot_be_fetched_are_one_paragraph_that_names_the_variable(model, offline):
    with pytest.raises(SourceMissing) as said:
        model.folder(model.pinned)
    message = str(said.value)
    assert message.startswith(f"{model.model}'s weights are not at hand: {model.pinned}")
    assert f"set {model.variable}" in message and "\n" not in message


@pytest.mark.parametrize("location", ["no/folder", "/no/folder", "org/name@", "org/name@main"])
def test_a_hub_id_without_a_commit_or_a_folder_that_is_not_there_is_refused(location, offline):
    for asked in (SAM3.folder, weights.revision):
        with pytest.raises(
            SourceMissing, match=r"neither a folder here nor a hub id with its commit|no commit of 40"
        ):
            asked(location)


def test_a_folder_without_a_checkpoint_is_refused(tmp_path):
    for asked in (SAM3.folder, weights.revision):
        with pytest.raises(SourceMissing, match=r"is no checkpoint, it has no config\.json"):
            asked(str(tmp_path))


def test_the_variable_is_to_be_set_only_where_the_location_came_from_it(monkeypatch):
    monkeypatch.setenv(SAM3.variable, "/nowhere")
    with pytest.raises(SourceMissing, match="set MEDGROUND_SAM3 to it"):
        SAM3.folder("/nowhere")
    with pytest.raises(SourceMissing, match="Give another location than /medsam3") as said:
        SAM3.folder("/medsam3")
    assert SAM3.variable not in str(said.value)


def test_the_revision_of_a_hub_id_is_its_commit_and_nothing_is_fetched_for_it(offline):
    assert weights.revision(MEDSAM.pinned) == MEDSAM.pinned.rpartition("@")[2]
    assert not offline.exists()


def test_the_revision_of_a_folder_follows_its_weights_and_nothing_else(tmp_path):
    folder = save_sam(tmp_path / "sam")
    before = weights.revision(str(folder))
    assert before == local_folder(folder).revision and before.startswith("sha256:")
    (folder / "README.md").write_text("where it came from")
    assert weights.revision(str(shutil.copytree(folder, tmp_path / "elsewhere"))) == before
    with (folder / "model.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x7f")
    assert weights.revision(str(folder)) != before


def test_the_revision_of_the_original_file_follows_its_bytes(tmp_path):
    file = tmp_path / "medsam_vit_b.pth"
    revisions = []
    for content in (b"one", b"two"):
        file.write_bytes(content)
        revisions.append(weights.revision(str(file)))
    assert revisions[0] != revisions[1] and all(len(each) == len("sha256:") + 64 for each in revisions)


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


@pytest.fixture
def hub_at(monkeypatch, tmp_path):
    """Make an address the hub, with an empty cache."""
    import huggingface_hub

    def use(address: str) -> None:
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", address)
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))

    return use


def test_without_a_network_nothing_is_tried_again_and_again(hub_at, caplog):
    hub_at("http://127.0.0.1:9")
    with pytest.raises(SourceMissing, match="the hub cannot be reached"):
        MEDSAM.folder(MEDSAM.pinned)
    assert "Retry" not in caplog.text


@pytest.fixture
def overloaded():
    """A server that answers 503 to everything, and the requests that it got."""
    requests = []

    class Overloaded(BaseHTTPRequestHandler):
        def do_GET(self):
            requests.append(self.path)
            self.send_error(503)

        def log_message(self, *_words):
            pass

    with HTTPServer(("127.0.0.1", 0), Overloaded) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", requests
        server.shutdown()


def test_a_hub_that_is_at_fault_itself_is_asked_once(hub_at, overloaded):
    address, requests = overloaded
    hub_at(address)
    with pytest.raises(SourceMissing, match=r"not in the local cache, and the hub answers 503\. Try later"):
        MEDSAM.folder(MEDSAM.pinned)
    assert len(requests) == 1


def test_a_weight_that_is_missing_is_an_error_and_not_a_random_number(tmp_path):
    from safetensors.torch import load_file, save_file

    file = save_sam(tmp_path / "sam") / "model.safetensors"
    tensors = load_file(file)
    gone = "mask_decoder.iou_token.weight"
    del tensors[gone]
    save_file(tensors, file, metadata={"format": "pt"})
    with pytest.raises(SourceMissing, match=f"1 weights are missing or of another shape, {gone}"):
        Weights.load(SamModel, tmp_path / "sam")
