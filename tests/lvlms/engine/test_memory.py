"""A second question about pictures that were seen before: the same bits, and nothing encoded again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from medground_bench.core.types import Frame, Response
from medground_bench.lvlms import REMEMBERED, Rule, open_lvlm
from medground_bench.lvlms.engine.memory import Memory, name_of
from medground_bench.lvlms.engine.passes import Passes
from tests.kit.rounding import through
from tests.kit.tiny_lvlms import DIRECT, REASON, TINY_GEMMA, open_raw, radiograph, save_gemma3

SIZES = [(56, 56), (84, 140)]


@pytest.fixture
def bounded(lvlm):
    """Sets the bound for one test; the LVLM is shared by all."""
    usual = lvlm.memory.most_bytes
    lvlm.memory.forget()
    yield lambda most_bytes: setattr(lvlm.memory, "most_bytes", most_bytes)
    lvlm.memory.most_bytes = usual
    lvlm.memory.forget()


def counterfactuals(seed: int, *, width: int = 56, height: int = 56) -> list[np.ndarray]:
    """A picture and 15 versions of it with a part hidden."""
    picture = radiograph(seed, width=width, height=height)
    pictures = [picture]
    for place in range(15):
        hidden = picture.copy()
        hidden[place * 3 : place * 3 + 12, place * 2 : place * 2 + 20] = 0
        pictures.append(hidden)
    return pictures


@pytest.mark.usefixtures("bounded")
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("asked", [(DIRECT, REASON), (REASON, DIRECT), (DIRECT, "Is there a nodule?")])
def test_a_second_question_encodes_nothing_and_equals_a_cold_run_bit_for_bit(lvlm, response, size, asked):
    first, second = asked
    pictures = counterfactuals(1, width=size[0], height=size[1])
    cold = lvlm.log_probs(pictures, second, response)
    passes = Passes()
    watched = lvlm.counted_by(passes)
    watched.log_probs(pictures, first, response)
    assert passes == Passes(pictures=16, rows=16, rows_continued=16)
    warm = watched.log_probs([picture.copy() for picture in pictures], second, response)
    assert passes == Passes(pictures=16, rows=16, rows_continued=32)
    assert np.array_equal(warm, cold)
    assert np.ptp(warm.sum(axis=1)) > 0.01, "the pictures must matter"


@pytest.mark.parametrize("width, height", SIZES)
def test_pictures_in_parts_give_what_the_whole_row_gives(lvlm, response, width, height):
    pictures = counterfactuals(2, width=width, height=height)
    in_parts = lvlm.log_probs(pictures, REASON, response)
    many = pictures * (REMEMBERED // len(pictures) + 1)
    assert len(many) > REMEMBERED
    np.testing.assert_allclose(
        lvlm.log_probs(many, REASON, response)[:16], in_parts, atol=through(lvlm, abs(in_parts).max())
    )


def test_what_had_to_go_is_computed_again_with_the_same_bits(lvlm, response, bounded):
    first, second = counterfactuals(3), counterfactuals(4)
    lvlm.log_probs(first, DIRECT, response)
    one_picture = lvlm.memory.bytes_kept
    bounded(int(1.5 * one_picture))
    expected = [lvlm.log_probs(pictures, REASON, response) for pictures in (first, second)]
    passes = Passes()
    watched = lvlm.counted_by(passes)
    for _ in range(2):
        for pictures, values in zip((first, second), expected, strict=True):
            assert np.array_equal(watched.log_probs(pictures, REASON, response), values)
            assert 0 < watched.memory.bytes_kept <= 1.5 * one_picture
    assert passes.rows == 4 * 16, "each drove the other's keys and values out"


def test_a_memory_of_nothing_changes_no_number(lvlm, response, bounded):
    pictures = counterfactuals(5)
    values = lvlm.log_probs(pictures, DIRECT, response)
    bounded(0)
    lvlm.memory.forget()
    assert np.array_equal(lvlm.log_probs(pictures, DIRECT, response), values)
    assert lvlm.memory.bytes_kept == 0


def test_many_pictures_or_floats_are_not_remembered_and_drive_nothing_out(lvlm, response, bounded):
    pictures = counterfactuals(6)
    lvlm.log_probs(pictures, DIRECT, response)
    kept = lvlm.memory.bytes_kept
    lvlm.log_probs([radiograph(seed) for seed in range(REMEMBERED + 1)], DIRECT, response)
    lvlm.log_probs([radiograph(1).astype(np.float32)], DIRECT, response)
    assert lvlm.memory.bytes_kept == kept


def test_every_method_of_the_lvlm_shares_one_encoding_of_the_original(lvlm, response):
    picture = radiograph(7)
    passes = Passes()
    watched = lvlm.counted_by(passes)
    watched.generate([picture], [DIRECT], max_new_tokens=2)
    watched.answer_attention(picture, REASON, response, layers=[1])
    watched.walk_attention(picture, DIRECT, response, lambda layer: None)
    watched.layer_gradients(picture, DIRECT, response, layer=1)
    watched.relevance(picture, DIRECT, response, rule=Rule.CP)
    watched.token_logits(picture, DIRECT, response)
    watched.log_probs([picture], DIRECT, response)
    assert passes.pictures == 1


def test_no_two_batches_share_a_name():
    picture, flat = radiograph(1), radiograph(1).reshape(28, 112)
    other = picture.copy()
    other[-1, -1] ^= 1
    batches = [[picture], [other], [flat], [picture, other], [other, picture], [picture, picture]]
    assert len({name_of(batch) for batch in batches}) == len(batches)


def test_the_memory_lets_go_of_what_was_used_least_recently():
    memory = Memory(most_bytes=3 * 1024)
    for name in "abc":
        memory.keep(name, (torch.zeros(1024, dtype=torch.uint8),))
    memory.find("a")
    memory.keep("d", (torch.zeros(512, dtype=torch.uint8), torch.zeros(512, dtype=torch.uint8)))
    assert [name for name in "abcd" if memory.find(name) is not None] == ["a", "c", "d"]
    assert memory.bytes_kept == 3 * 1024
    memory.keep("too large", (torch.zeros(4096, dtype=torch.uint8),))
    assert memory.find("too large") is None and memory.find("a") is not None
    memory.forget()
    assert memory.find("a") is None and memory.bytes_kept == 0


def test_a_view_counts_with_all_it_holds():
    memory = Memory(most_bytes=2048)
    memory.keep("view", (torch.zeros(4096, dtype=torch.uint8)[:16],))
    assert memory.find("view") is None


@pytest.mark.parametrize("window", [8, 40])
def test_sliding_layers_see_no_further_when_the_picture_was_read_before(tmp_path, window):
    sizes = replace(TINY_GEMMA, text={**TINY_GEMMA.text, "sliding_window": window})
    folder = save_gemma3(tmp_path / "near", sizes)
    lvlm, raw = open_lvlm(str(folder), device="cpu"), open_raw(folder, "gemma3")
    ids = tuple(lvlm.loaded.tokenizer("Yes the left lung", add_special_tokens=False)["input_ids"])
    with torch.no_grad():
        logits = raw.model(**raw.inputs(radiograph(1), REASON, ids)).logits[0, -len(ids) - 1 : -1]
    expected = logits.log_softmax(-1)[range(len(ids)), list(ids)]
    for _ in range(2):
        ours = lvlm.log_probs([radiograph(1)], REASON, Response("", ids, ("",) * len(ids)))[0]
        np.testing.assert_allclose(ours, expected.numpy(), atol=through(lvlm, abs(expected.numpy()).max()))


@pytest.mark.parametrize("window", [8, 512])
def test_gemmas_masks_are_where_its_slow_attention_looks(tiny_lvlms, raws, monkeypatch, window):
    lvlm, raw = tiny_lvlms["gemma3"], raws["gemma3"]
    for model in (lvlm.loaded.model, raw.model):
        monkeypatch.setattr(model.config.get_text_config(), "sliding_window", window)
    with torch.no_grad():
        weights = raw.model(**raw.inputs(radiograph(1), DIRECT), output_attentions=True).attentions
    ours = lvlm.family.masks(lvlm.rows.of(Frame("study", width=56, height=56), DIRECT))
    for kind, layer in zip(raw.model.config.get_text_config().layer_types, weights, strict=True):
        assert torch.equal(layer[0].amax(0) > 0, ours[kind][0, 0])
