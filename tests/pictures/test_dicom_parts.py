"""Run lengths and the sizes of compressed frames, against pydicom and the encoders."""

from __future__ import annotations

import imagecodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from medground_bench.pictures.codestreams import JPEG, JPEG_2000, JPEG_LS, frame_of
from medground_bench.pictures.rle import unpack_rle
from tests.kit.containers import _j2k, coloured, phantom, rle


@settings(max_examples=60)
@given(
    values=st.sampled_from(["u1", "u2", "i2", "u4"]).flatmap(
        lambda kind: hnp.arrays(kind, (9, 13), elements=st.integers(0, 3) | st.integers(0, 120))
    ),
    colours=st.booleans(),
)
def test_run_lengths_are_undone(values, colours):
    values = np.stack([values, values + 1, values + 2], -1) if colours else values
    samples = 3 if colours else 1
    got = unpack_rle(rle(values), (9, 13, samples), values.dtype.itemsize, int(values.dtype.kind == "i"))
    assert np.array_equal(got, values)


def test_a_frame_of_pydicoms_own_encoder_is_undone():
    from pydicom.pixels import get_encoder
    from pydicom.uid import RLELossless

    values = phantom().astype(np.uint16) * 200
    frame = get_encoder(RLELossless).encode(
        values, rows=values.shape[0], columns=values.shape[1], samples_per_pixel=1, bits_allocated=16,
        bits_stored=16, pixel_representation=0, number_of_frames=1, photometric_interpretation="MONOCHROME2",
    )  # fmt: skip
    assert np.array_equal(unpack_rle(frame, (*values.shape, 1), 2, 0), values)


@pytest.mark.parametrize("damage", ["cut", "segments", "bytes"])
def test_run_lengths_of_another_size_are_an_error(damage):
    frame, shape, sample_bytes = rle(phantom()), (*phantom().shape, 1), 1
    if damage == "cut":
        frame = frame[: len(frame) // 2]
    elif damage == "segments":
        shape = (*phantom().shape, 3)
    else:
        sample_bytes = 3
    with pytest.raises(ValueError, match="segment"):
        unpack_rle(frame, shape, sample_bytes, 0)
    endless = rle(phantom())[:64] + b"\x81\x07" * 1_000_000
    with pytest.raises(ValueError, match="a segment of another size"):
        unpack_rle(endless, (*phantom().shape, 1), 1, 0)


@pytest.mark.parametrize(
    ("encode", "coding", "lossless"),
    [
        (imagecodecs.jpeg8_encode, JPEG, False),
        (imagecodecs.ljpeg_encode, JPEG, True),
        (imagecodecs.jpegls_encode, JPEG_LS, True),
        (_j2k, JPEG_2000, False),
    ],
)
def test_a_frame_says_its_own_size(encode, coding, lossless):
    for values in (phantom(), coloured(phantom())):
        if values.ndim == 3 and encode is imagecodecs.ljpeg_encode:
            continue
        frame = frame_of(encode(values))
        samples = 1 if values.ndim == 2 else 3
        got = (frame.coding, frame.height, frame.width, frame.samples, frame.bits, frame.lossless)
        assert got == (coding, *phantom().shape, samples, 8, lossless)


@given(st.binary(max_size=80))
def test_bytes_that_are_no_frame_have_none_or_a_size_and_never_an_error(body):
    for start in (b"", b"\xff\xd8", b"\xff\xd8\xff\xe0\0\2", b"\xff\x4f\xff\x51"):
        frame_of(start + body)
