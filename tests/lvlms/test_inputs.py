"""What the models are called with: the same bits as from transformers' own processors, and never less."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from medground_bench.core.errors import MedgroundError
from medground_bench.core.types import Frame
from tests.kit.tiny_lvlms import DIRECT, radiograph


class Overheard:
    """Arguments of the calls of two modules, by name."""

    def __init__(self, *modules) -> None:
        self.heard: dict = {}
        self.hooks = [module.register_forward_pre_hook(self._hear, with_kwargs=True) for module in modules]

    def _hear(self, module, arguments, named):
        self.heard |= {"first": arguments[0]} if arguments else {}
        self.heard |= named

    def __enter__(self):
        return self.heard

    def __exit__(self, *error):
        for hook in self.hooks:
            hook.remove()


@pytest.mark.parametrize("width, height", [(56, 56), (224, 224), (90, 140)])
def test_gemma3_is_called_with_what_its_own_processor_makes(tiny_lvlms, raws, width, height):
    lvlm, raw, picture = tiny_lvlms["gemma3"], raws["gemma3"], radiograph(width=width, height=height)
    model = lvlm.loaded.model.model
    with Overheard(model, model.vision_tower) as heard:
        response = lvlm.generate([picture], [DIRECT], max_new_tokens=1)[0]
        lvlm.memory.forget()
        lvlm.token_logits(picture, DIRECT, response)
    talk = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": DIRECT}]}]
    text = raw.processor.apply_chat_template(talk, add_generation_prompt=True)
    own = raw.processor(
        images=Image.fromarray(picture).convert("RGB"),
        text=text,
        add_special_tokens=False,
        return_tensors="pt",
    )
    length = own["input_ids"].shape[1]
    assert torch.equal(heard["pixel_values"], own["pixel_values"])
    assert torch.equal(heard["input_ids"][:, :length], own["input_ids"])
    assert torch.equal(heard["token_type_ids"][:, :length], own["token_type_ids"])
    assert (heard["input_ids"][0] == lvlm.loaded.tokenizer.bos_token_id).sum() == 1


@pytest.mark.parametrize("qwen", ["qwen2_5_vl", "qwen3_vl"])
@pytest.mark.parametrize("width, height", [(56, 56), (84, 140), (100, 75)])
def test_qwen_is_called_with_what_its_own_image_processor_makes(tiny_lvlms, raws, qwen, width, height):
    lvlm, raw, picture = tiny_lvlms[qwen], raws[qwen], radiograph(width=width, height=height)
    model = lvlm.loaded.model.model
    with Overheard(model, model.visual) as heard:
        response = lvlm.generate([picture], [DIRECT], max_new_tokens=1)[0]
        lvlm.memory.forget()
        lvlm.token_logits(picture, DIRECT, response)
    own = raw.inputs(picture, DIRECT, response.token_ids)
    assert torch.equal(heard["first"], own["pixel_values"])
    assert torch.equal(heard["image_grid_thw"], own["image_grid_thw"])
    assert torch.equal(heard["input_ids"], own["input_ids"])
    assert torch.equal(heard["mm_token_type_ids"], own["mm_token_type_ids"])
    expected = raw.model.model.get_rope_index(
        own["input_ids"], own["mm_token_type_ids"], image_grid_thw=own["image_grid_thw"]
    )[0]
    assert torch.equal(heard["position_ids"], expected)


def test_float_pictures_take_the_same_resize_without_its_rounding(lvlm):
    picture = radiograph(width=90, height=140)
    tower = lvlm.family.tower_frame(Frame("study", width=90, height=140))
    rounded = lvlm.sight.pixels.of_levels([picture], width=tower.width, height=tower.height)
    smooth = lvlm.sight.pixels.of_floats(
        torch.from_numpy(picture.astype(np.float32))[None], width=tower.width, height=tower.height
    )
    one_level = float((lvlm.sight.pixels.levels[:, 1] - lvlm.sight.pixels.levels[:, 0]).max())
    twice = (
        0.5 + 0.5 * 1.25
    )  # along rows, then along columns, where bicubic weights add up to 1.25 in size at most
    assert float((rounded - smooth).abs().max()) <= 1.01 * twice * one_level


@pytest.mark.parametrize("qwen", ["qwen2_5_vl", "qwen3_vl"])
def test_a_native_radiograph_is_held_to_1280_tokens_by_qwen(tiny_lvlms, qwen):
    grid = tiny_lvlms[qwen].token_grid(Frame.native(width=2544, height=3056))
    assert 1000 < grid.rows * grid.columns <= 1280
    assert grid.rows > grid.columns


def test_a_prompt_with_the_models_own_image_token_is_refused(lvlm):
    placeholder = lvlm.family.placeholder()
    with pytest.raises(MedgroundError, match="image token"):
        lvlm.generate([radiograph()], [f"Is there {placeholder} in the image?"])


def test_pictures_of_one_prompt_must_have_one_size(lvlm):
    response = lvlm.generate([radiograph()], [DIRECT], max_new_tokens=1)[0]
    with pytest.raises(ValueError, match="one size"):
        lvlm.log_probs([radiograph(), radiograph(width=84)], DIRECT, response)
