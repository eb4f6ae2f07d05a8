"""The parts of RadEdit without remote code, and where they are."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from transformers import BertForMaskedLM  # noqa: E402

from builder.diffusion import weights as places  # noqa: E402
from builder.diffusion.parts import DiffusionModel, open_parts  # noqa: E402
from builder.diffusion.weights import AUTOENCODER, NETWORK, PHANTOM, RADEDIT, TEXT_ENCODER, EmbeddedWeights  # noqa: E402
from medground_bench.core.errors import SourceMissing  # noqa: E402
from medground_bench.storage import hub  # noqa: E402
from tests.kit.tiny_diffusion import SIDE_PX, save_tiny_diffusion  # noqa: E402

PICTURE = np.random.default_rng(0).integers(0, 256, (SIDE_PX, SIDE_PX), dtype=np.uint8)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return save_tiny_diffusion(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def parts(tiny):
    return DiffusionModel.load(tiny.radedit / "unet", tiny.vae, tiny.text)


@pytest.fixture
def local(tiny, monkeypatch):
    for variable, place in tiny.environment().items():
        monkeypatch.setenv(variable, place)
    return tiny


def test_the_text_encoder_is_the_bert_within_the_checkpoint_to_the_bit_with_its_padding_attended(parts, tiny):
    whole = BertForMaskedLM.from_pretrained(tiny.text).eval()
    words = parts.tokenizer.convert_tokens_to_ids(["[CLS]", "no", "abnormality", "[SEP]"])
    ids = torch.tensor([words + [parts.tokenizer.pad_token_id] * 124])
    with torch.no_grad():
        wanted = whole(ids, output_hidden_states=True).hidden_states[-1]
    assert torch.equal(parts.text("No abnormality"), wanted)
    assert wanted.shape == (1, 128, 32)


def test_no_code_of_the_checkpoint_runs_and_no_weight_is_missing(parts, tiny):
    assert "remote code ran" in (tiny.text / "code.py").read_text()
    assert type(parts.text_encoder).__name__ == "BertModel"
    assert not parts.text_encoder.training and not any(
        parameter.requires_grad for parameter in parts.text_encoder.parameters()
    )


def test_latents_are_the_scaled_mode_and_the_same_every_time(parts):
    with torch.inference_mode():
        latents = parts.latents(PICTURE)
        assert torch.equal(latents, parts.latents(PICTURE))
        colours = torch.from_numpy(PICTURE / np.float32(127.5) - 1).expand(1, 3, SIDE_PX, SIDE_PX)
        wanted = parts.vae.encode(colours).latent_dist.mean * 0.13025
        torch.testing.assert_close(latents, wanted)
        assert latents.shape == (1, 4, 8, 8) and parts.px_per_latent == 8
        picture = parts.picture(latents)
    assert picture.shape == PICTURE.shape and picture.dtype == np.uint8


def test_noise_is_predicted_for_every_text(parts):
    with torch.inference_mode():
        texts = torch.cat([parts.text(""), parts.text("No mass")])
        latents = parts.latents(PICTURE)
        both = parts.noise(latents, 499, texts)
        alone = parts.noise(latents, 499, texts[1:])
    assert both.shape == (2, 4, 8, 8)
    torch.testing.assert_close(both[1:], alone, atol=1e-4, rtol=1e-4)


def test_a_checkpoint_without_a_weight_is_refused(tiny, tmp_path):
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(tiny.text, tmp_path / "text")
    tensors = load_file(folder / "model.safetensors")
    tensors.pop("bert.encoder.layer.1.output.dense.weight")
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(SourceMissing, match="1 weights are missing"):
        DiffusionModel.load(tiny.radedit / "unet", tiny.vae, folder)


def test_a_folder_is_known_by_the_bytes_of_its_files(local, tmp_path, monkeypatch):
    assert NETWORK.folder() == local.radedit / "unet"
    before = RADEDIT.revisions()
    assert all(revision.startswith("sha256:") for revision in before) and len(set(before)) == 3
    other = shutil.copytree(local.vae, tmp_path / "vae")
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps(config | {"scaling_factor": 0.5}))
    monkeypatch.setenv(AUTOENCODER.variable, str(other))
    changed = [now != known for now, known in zip(RADEDIT.revisions(), before, strict=True)]
    assert changed == [False, True, False]


def test_the_unet_may_be_named_by_its_own_folder(local, monkeypatch):
    monkeypatch.setenv(NETWORK.variable, str(local.radedit / "unet"))
    assert NETWORK.folder() == local.radedit / "unet"


def test_radedit_is_pinned_and_its_unet_alone_is_fetched(monkeypatch, tmp_path):
    asked = []
    (tmp_path / "unet").mkdir()
    (tmp_path / "unet" / "diffusion_pytorch_model.safetensors").touch()
    monkeypatch.delenv(NETWORK.variable, raising=False)
    monkeypatch.setattr(places.hub, "fetched", lambda *what: asked.append(what) or tmp_path)
    assert NETWORK.revision() == "e8ebd31396ff8553c34084b98b5defb8ebea2817"
    assert NETWORK.folder() == tmp_path / "unet"
    ((repository, files),) = asked
    assert repository == hub.Repository("microsoft/radedit", "e8ebd31396ff8553c34084b98b5defb8ebea2817")
    assert files == ["unet/config.json", "unet/diffusion_pytorch_model*.safetensors*"]


def test_no_part_asks_for_code_or_pickled_weights():
    for part in (NETWORK, AUTOENCODER, TEXT_ENCODER):
        assert not [file for file in part.files if file.endswith((".py", ".bin", ".pt", ".ckpt", "*"))
                    and not file.endswith(".safetensors*")]  # fmt: skip


@pytest.mark.parametrize("part", [AUTOENCODER, TEXT_ENCODER])
def test_a_part_whose_commit_nobody_named_says_which_variable_names_it(part, monkeypatch):
    monkeypatch.delenv(part.variable, raising=False)
    with pytest.raises(SourceMissing, match=rf"Set {part.variable} to {part.repository}@<40 hexadecimal"):
        part.revision()
    monkeypatch.setenv(part.variable, f"{part.repository}@{'a' * 40}")
    assert part.revision() == "a" * 40


def test_all_variables_that_are_missing_are_named_at_once_and_before_anything_is_fetched(monkeypatch):
    for part in RADEDIT.parts:
        monkeypatch.delenv(part.variable, raising=False)
    monkeypatch.setattr(places.hub, "fetched", lambda *_: pytest.fail("fetched"))
    with pytest.raises(SourceMissing) as told:
        RADEDIT.resolved()
    (sentence,) = [each for each in str(told.value).split(". ") if "Set" in each]
    assert "MEDGROUND_SDXL_VAE to stabilityai/sdxl-vae@" in sentence
    assert "MEDGROUND_BIOVIL_T to microsoft/BiomedVLP-BioViL-T@" in sentence
    assert "MEDGROUND_RADEDIT" not in sentence


def test_a_folder_with_a_config_and_no_weights_is_found_when_the_parts_are_resolved(
    local, monkeypatch, tmp_path
):
    assert RADEDIT.resolved() == tuple(part.revision() for part in RADEDIT.parts)
    shutil.copy(local.text / "config.json", tmp_path)
    monkeypatch.setenv(TEXT_ENCODER.variable, str(tmp_path))
    with pytest.raises(SourceMissing, match=r"MEDGROUND_BIOVIL_T\) holds no BioViL-T: it has no weights"):
        RADEDIT.resolved()


def test_other_weights_than_those_of_the_revisions_are_not_loaded(local, monkeypatch, tmp_path):
    opened = RADEDIT.resolved()
    other = shutil.copytree(local.vae, tmp_path / "vae")
    (other / "config.json").write_text((local.vae / "config.json").read_text() + "\n")
    monkeypatch.setenv(AUTOENCODER.variable, str(other))
    open_parts.cache_clear()
    with pytest.raises(SourceMissing, match="not those it was opened with"):
        open_parts(RADEDIT, opened)


@pytest.mark.parametrize("location", ["org/name@main", "org/name", "nowhere at all"])
def test_a_branch_a_bare_name_and_a_path_that_is_not_there_are_refused(location, monkeypatch):
    monkeypatch.setenv(NETWORK.variable, location)
    with pytest.raises(SourceMissing, match="40 hexadecimal digits"):
        NETWORK.revision()


def test_an_empty_folder_is_no_model(monkeypatch, tmp_path):
    monkeypatch.setenv(TEXT_ENCODER.variable, str(tmp_path))
    with pytest.raises(SourceMissing, match="has no config"):
        TEXT_ENCODER.revision()


def test_weights_that_cannot_be_fetched_say_what_to_set(monkeypatch):
    def refuse(*_):
        raise SourceMissing("the hub answers 403.")

    monkeypatch.delenv(NETWORK.variable, raising=False)
    monkeypatch.setattr(places.hub, "fetched", refuse)
    with pytest.raises(
        SourceMissing, match=r"403\. If you have them in a folder, set MEDGROUND_RADEDIT to it"
    ):
        NETWORK.folder()


def test_the_parts_that_come_with_the_program_are_those_recorded_and_an_exchanged_one_is_refused(tmp_path):
    for part in (PHANTOM.network, PHANTOM.autoencoder, PHANTOM.text_encoder):
        copied = EmbeddedWeights(part.name, shutil.copytree(part.root, tmp_path / part.name))
        assert copied.folder() == tmp_path / part.name / part.name and copied.revision() == part.revision()
        (copied.folder() / "config.json").write_text("{}")
        with pytest.raises(SourceMissing, match=f"{part.name} is damaged or was exchanged"):
            copied.folder()


def test_the_embedded_model_takes_6_mb_at_most():
    files = [file for file in (PHANTOM.network.root).rglob("*") if file.is_file()]
    assert 0 < sum(file.stat().st_size for file in files) <= 6_000_000
