"""Opening an LVLM by key, folder or hub id; what is refused, and with which words."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from medground_bench import plugins
from medground_bench.core.errors import SourceMissing, UnknownName, Unsupported
from medground_bench.core.types import Frame
from medground_bench.lvlms import Need, checkpoints, key_of, open_lvlm
from tests.kit.tiny_lvlms import DIRECT, GEMMA_4B, QWEN_3B, radiograph, save_gemma3, save_qwen2_5_vl


def test_every_published_key_is_known_with_its_family_and_location():
    assert {key: (known.family, known.location) for key, known in checkpoints().items()} == {
        "gemma3_4b": ("gemma3", "google/gemma-3-4b-it"),
        "gemma3_12b": ("gemma3", "google/gemma-3-12b-it"),
        "medgemma_4b": ("gemma3", "google/medgemma-4b-it"),
        "medgemma1_5_4b": ("gemma3", "google/medgemma-1.5-4b-it"),
        "phantom_gemma3": ("gemma3", "embedded:phantom_gemma3"),
        "phantom_qwen2_5_vl": ("qwen2_5_vl", "embedded:phantom_qwen2_5_vl"),
        "qwen2_5_vl_3b": ("qwen2_5_vl", "Qwen/Qwen2.5-VL-3B-Instruct"),
        "qwen2_5_vl_7b": ("qwen2_5_vl", "Qwen/Qwen2.5-VL-7B-Instruct"),
    }


def test_listing_the_keys_imports_neither_torch_nor_transformers():
    program = (
        "import sys; from medground_bench.lvlms import checkpoints; assert checkpoints();"
        "assert not {'torch', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("name", [plugin.name for plugin in plugins.available("lvlms")])
def test_every_family_file_keeps_the_contract(name):
    keys = plugins.literal("lvlms", name, "KEYS")
    assert keys is not None and all(
        len(place) == 2 and all(isinstance(part, str) for part in place) for place in keys.values()
    )
    assert callable(plugins.load("lvlms", name))
    assert next(plugin for plugin in plugins.available("lvlms") if plugin.name == name).summary


def test_a_folder_opens_under_its_own_name_with_a_revision_made_of_its_content(lvlm, family, tiny_folders):
    assert lvlm.key == tiny_folders[family].name
    assert lvlm.revision.startswith("sha256:") and len(lvlm.revision) == 7 + 64
    assert lvlm.gives == frozenset(Need)
    assert lvlm.layers == 3
    assert lvlm.loaded.model.dtype == torch.float32, "float32 on a CPU"
    assert not lvlm.loaded.model.training


def test_another_byte_in_the_folder_is_another_revision(tiny_folders, tiny_lvlms, tmp_path):
    copy = shutil.copytree(tiny_folders["qwen2_5_vl"], tmp_path / "copy")
    assert open_lvlm(str(copy), device="cpu").revision == tiny_lvlms["qwen2_5_vl"].revision
    (copy / "chat_template.jinja").write_text((copy / "chat_template.jinja").read_text() + " ")
    assert open_lvlm(str(copy), device="cpu").revision != tiny_lvlms["qwen2_5_vl"].revision


@pytest.mark.parametrize("place", ["{}", "{}/", "{}/../{name}", "link"])
def test_a_folder_with_the_name_of_a_known_lvlm_is_refused_and_opens_under_another(
    tiny_folders, tmp_path, monkeypatch, place
):
    monkeypatch.chdir(tmp_path)
    name = "phantom_gemma3"
    folder = shutil.copytree(tiny_folders["gemma3"], tmp_path / "here" / name)
    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(SourceMissing, match=r"Rename the folder, for example to my_phantom_gemma3"):
        open_lvlm(place.format(folder, name=name), device="cpu")
    assert open_lvlm(str(folder.rename(tmp_path / "mine")), device="cpu").key == "mine"


@pytest.mark.parametrize(
    ("location", "key"),
    [
        ("mine", "mine"),
        ("sub/mine/", "mine"),
        ("link", "mine"),
        ("phantom_gemma3", "phantom_gemma3"),
        ("org/name@abc", "org/name@abc"),
        ("no/folder", "no/folder"),
    ],
)
def test_the_key_of_a_location_is_a_folders_name_and_anything_else_itself(
    tmp_path, monkeypatch, location, key
):
    monkeypatch.chdir(tmp_path)
    for folder in ("mine", "sub/mine", "phantom_gemma3"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "link").symlink_to("mine")
    assert key_of(location) == key


@pytest.fixture
def hub_cache(tmp_path, monkeypatch):
    """An offline hub whose cache is in a temporary folder."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    return tmp_path


COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("location", "newest"),
    [(f"clinic/tiny@{COMMIT}", False), (f"clinic/tiny@{COMMIT}", True), ("clinic/tiny", True)],
)
def test_a_hub_id_is_opened_at_a_commit_which_is_recorded(hub_cache, tiny_folders, location, newest):
    repository = hub_cache / "models--clinic--tiny"
    shutil.copytree(tiny_folders["gemma3"], repository / "snapshots" / COMMIT)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)
    lvlm = open_lvlm(location, device="cpu", newest=newest)
    assert (lvlm.key, lvlm.revision) == (f"clinic/tiny@{COMMIT}", COMMIT)


def test_a_branch_or_a_tag_is_no_revision(hub_cache):
    with pytest.raises(SourceMissing, match="a branch or a tag would name other files tomorrow"):
        open_lvlm("clinic/tiny@main")


def test_every_known_lvlm_of_the_hub_is_pinned_to_a_commit():
    of_hub = [each for each in checkpoints().values() if not each.location.startswith("embedded:")]
    assert len(of_hub) == 6
    assert all(re.fullmatch(r"[0-9a-f]{40}", checkpoint.revision) for checkpoint in of_hub)


def test_a_key_whose_weights_are_not_here_says_what_to_do(hub_cache):
    with pytest.raises(
        SourceMissing,
        match=r"google/medgemma-4b-it@\w{40} is not in the local cache, and the hub is switched off",
    ):
        open_lvlm("medgemma_4b")


@pytest.mark.parametrize(
    "location, error, words",
    [
        ("medgema_4b", UnknownName, "Did you mean medgemma_4b"),
        ("gpt", UnknownName, "Known: .*medgemma_4b"),
        ("./nowhere", SourceMissing, "no folder"),
        (
            "google/medgemma-4b-it",
            SourceMissing,
            "or take the newest one with --newest",
        ),
    ],
)
def test_a_location_that_leads_nowhere(location, error, words):
    with pytest.raises(error, match=words):
        open_lvlm(location)


def test_a_family_that_is_not_there_is_named(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llava"}))
    with pytest.raises(Unsupported, match=r"llava.*gemma3, qwen2_5_vl, qwen3_vl"):
        open_lvlm(str(tmp_path))


@pytest.mark.parametrize(
    "content, words", [(None, "no config.json"), ("{", "not valid JSON"), ("[]", "no JSON object")]
)
def test_a_folder_that_is_no_model(tmp_path, content, words):
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    with pytest.raises(SourceMissing, match=words):
        open_lvlm(str(tmp_path))


def test_a_missing_weight_is_an_error_and_not_a_random_number(tiny_folders, tmp_path):
    folder = shutil.copytree(tiny_folders["gemma3"], tmp_path / "holes")
    weights = load_file(folder / "model.safetensors")
    del weights[next(name for name in weights if name.endswith("mm_input_projection_weight"))]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(SourceMissing, match=r"1 weights are missing.*mm_input_projection_weight"):
        open_lvlm(str(folder), device="cpu")


@pytest.mark.parametrize("damage", ["pickled", "cut short"])
def test_weights_are_read_from_whole_safetensors_and_never_from_a_pickle(tiny_folders, tmp_path, damage):
    folder = shutil.copytree(tiny_folders["qwen2_5_vl"], tmp_path / "mine")
    file = folder / "model.safetensors"
    if damage == "pickled":
        torch.save(load_file(file), folder / "pytorch_model.bin")
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(SourceMissing, match=r"no weights that can be read: .* save it as safetensors"):
        open_lvlm(str(folder), device="cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_device_that_is_not_here_is_named(tiny_folders):
    with pytest.raises(Unsupported, match="device cuda is not available"):
        open_lvlm(str(tiny_folders["gemma3"]), device="cuda")


def test_bfloat16_weights_give_the_same_evidence_within_their_precision(lvlm, family, tiny_folders):
    """What a GPU runs: a checkpoint saved in bfloat16 stays in it, log-probabilities and attention come as float32."""
    half = open_lvlm(str(tiny_folders[family]), device="cpu")
    half.loaded.model.to(torch.bfloat16)
    picture = radiograph(3)
    response = lvlm.generate([picture], [DIRECT], max_new_tokens=2)[0]
    exact, rough = (one.log_probs([picture], DIRECT, response) for one in (lvlm, half))
    assert rough.dtype == np.float32 and abs(exact - rough).max() < 0.05 * abs(exact).max() + 0.1
    for call, setting in (("answer_attention", {"layers": [1]}), ("layer_gradients", {"layer": 1})):
        exact, rough = (getattr(one, call)(picture, DIRECT, response, **setting) for one in (lvlm, half))
        exact, rough = (getattr(found, "gradients", found).ravel() for found in (exact, rough))
        assert rough.dtype == np.float32 and np.corrcoef(exact, rough)[0, 1] > 0.9
    gradient = half.pixel_gradients([picture.astype(np.float32)], DIRECT, response)
    assert gradient.dtype == np.float32 and np.isfinite(gradient).all()


@pytest.mark.parametrize("save, sizes", [(save_gemma3, GEMMA_4B), (save_qwen2_5_vl, QWEN_3B)])
def test_a_model_of_the_true_widths_opens_by_the_same_code(tmp_path, save, sizes):
    lvlm = open_lvlm(str(save(tmp_path / "wide", sizes, spread=0.02)), device="cpu")
    picture = radiograph(width=224, height=224)
    response = lvlm.generate([picture], [DIRECT], max_new_tokens=2)[0]
    assert lvlm.log_probs([picture], DIRECT, response).shape == (1, len(response.token_ids))
    assert lvlm.token_grid(Frame("study", width=224, height=224)).rows == 8
