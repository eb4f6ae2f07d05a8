"""What is counted is what the model's own modules see: hooks on their outputs are the oracle."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from medground_bench.lvlms.engine.passes import Passes
from medground_bench.methods import open_method
from tests.kit.tiny_lvlms import DIRECT, radiograph
from tests.performance.methods_speed import bench_case


@contextmanager
def seen_by_the_layers(lvlm) -> Iterator[Passes]:
    """Counts taken from the shapes that leave the decoder's layers."""
    seen, decoder = Passes(), lvlm.loaded.model.model.language_model

    def leaves(layer, _inputs, output):
        hidden = output[0] if isinstance(output, tuple) else output
        batch, length = hidden.shape[:2]
        seen.differentiate(batch / lvlm.layers if hidden.requires_grad else 0)
        if layer is decoder.layers[0]:
            seen.write(batch if length == 1 else 0)
            seen.read(batch if length > 1 else 0, continued=False)

    hooks = [layer.register_forward_hook(leaves) for layer in decoder.layers]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


@pytest.mark.parametrize(
    "method",
    ["occlusion", "rise", "attention_head", "gradcam", "integrated_gradients", "lrp", "medfocus", "tam"],
)
def test_rows_and_gradients_are_those_that_the_layers_see(lvlm, method):
    case, counted = bench_case(lvlm), Passes()
    chosen = open_method(method, lvlm)
    with seen_by_the_layers(lvlm) as seen:
        chosen.attribute(lvlm.counted_by(counted), case, np.random.default_rng(0))
    assert counted.rows + counted.rows_continued == seen.rows > 0
    assert counted.rows_backward == pytest.approx(seen.rows_backward, abs=2e-3 * lvlm.layers)


def test_tokens_are_those_that_are_written_one_at_a_time(lvlm):
    counted = Passes()
    with seen_by_the_layers(lvlm) as seen:
        lvlm.counted_by(counted).generate([radiograph(1), radiograph(2)], [DIRECT] * 2, max_new_tokens=5)
    assert (counted.steps, counted.rows) == (seen.steps, seen.rows)
    assert counted.rows == 2


def test_of_a_bounded_response_one_token_is_written_and_all_that_it_might_have_are_counted(lvlm):
    counted = Passes()
    bounded = lvlm.counted_by(counted, write_at_most=1)
    said = bounded.generate([radiograph(1), radiograph(2)], [DIRECT] * 2, max_new_tokens=5)
    assert [len(each.token_ids) for each in said] == [1, 1]
    assert counted == Passes(pictures=2, rows=2, steps=2 * 4)
    assert len(lvlm.generate([radiograph(1)], [DIRECT], max_new_tokens=5)[0].token_ids) > 1
