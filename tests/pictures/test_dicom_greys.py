"""From stored values to greys: windows and tables as pydicom applies them, absurd ones left aside, padding black."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset, Sequence
from pydicom.pixels import apply_modality_lut, apply_voi_lut, apply_windowing

from medground_bench.pictures import Levels
from medground_bench.pictures.dicom_greys import LINEAR, LINEAR_EXACT, SIGMOID, Window
from medground_bench.pictures.reading import decoded
from tests.kit.containers import dataset, deep, dicom, phantom, window
from tests.kit.dicom_files import TWELVE, written

FUNCTIONS = [LINEAR, LINEAR_EXACT, SIGMOID]


def lut(descriptor: list[int], entries: np.ndarray) -> Sequence:
    item = Dataset()
    item.LUTDescriptor, item.LUTData = descriptor, entries.astype("<u2").tobytes()
    item["LUTData"].VR = "OW"
    item.ModalityLUTType = "US"
    return Sequence([item])


@settings(max_examples=120)
@given(
    centre=st.integers(-500, 5000) | st.floats(-100, 5000).map(lambda value: round(value, 2)),
    width=st.integers(2, 9000) | st.floats(1.5, 5000).map(lambda value: round(value, 2)),
    function=st.sampled_from(FUNCTIONS),
)
def test_a_window_is_applied_as_pydicom_applies_it(centre, width, function):
    made = dataset(TWELVE)
    made.BitsStored, made.HighBit = 12, 11
    made.WindowCenter, made.WindowWidth, made.VOILUTFunction = str(centre), str(width), function
    with np.errstate(over="ignore"):
        want = apply_windowing(TWELVE, made) / 4095
    got = Window(float(made.WindowCenter), float(made.WindowWidth), function).shade(TWELVE)
    assert np.allclose(np.clip(got, 0, 1), want, atol=1e-6)


def test_the_files_own_window_is_followed_and_recorded():
    radiograph = decoded(dicom(TWELVE, WindowCenter="1000", WindowWidth="1001"))
    assert np.array_equal(
        radiograph.picture, np.rint(np.clip((TWELVE - 499.5) / 1000, 0, 1) * 255).astype(np.uint8)
    )
    assert (radiograph.how.rule, radiograph.how.shown.black, radiograph.how.shown.white) == (
        "by its own window",
        499.5,
        1499.5,
    )
    aside = decoded(dicom(TWELVE, WindowCenter="1000", WindowWidth="1001"), Levels.MIN_MAX)
    assert np.array_equal(aside.picture, phantom()) and aside.how.rule == "min-max"


def as_medfocus_does(values, centre, width, inverted, slope=1.0, intercept=0.0):
    """The steps of the authors' own reader, one after the other, in float32."""
    greys = values.astype(np.float32) * slope + intercept
    greys = greys.max() - greys if inverted else greys
    greys = greys if width is None else np.clip(greys, centre - width / 2, centre + width / 2)
    greys = greys - greys.min()
    return (greys / (greys.max() or 1) * 255).round().astype(np.uint8)


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("window", [(1000, 1001), (3000, 500), (2000, 9000), (500, None)])
@pytest.mark.parametrize("eight", [False, True])
def test_windowed_greys_are_those_of_medfocus(eight, window, inverted):
    values, (centre, width) = phantom() if eight else TWELVE, window
    scale = 16 if eight else 1
    written = {"WindowCenter": str(centre / scale)} | (
        {} if width is None else {"WindowWidth": str(width / scale)}
    )
    colours = "MONOCHROME1" if inverted else "MONOCHROME2"
    radiograph = decoded(dicom(values, PhotometricInterpretation=colours, **written), Levels.WINDOWED)
    wanted = as_medfocus_does(values, centre / scale, width and width / scale, inverted)
    assert np.array_equal(radiograph.picture, wanted)
    assert radiograph.how.rule == "windowed min-max"


@settings(max_examples=150)
@given(
    seed=st.integers(0, 5),
    kind=st.sampled_from([np.uint8, np.uint16, np.int16]),
    inverted=st.booleans(),
    rescale=st.sampled_from([(1, 0), (2, -1024), (0.37, 11.5), (-1, 4095), (0, 3)]),
    window=st.none() | st.tuples(st.integers(-300, 5000), st.integers(1, 9000)),
    padding=st.none() | st.tuples(st.integers(0, 255), st.integers(0, 255)),
)
def test_windowed_greys_are_those_of_medfocus_with_any_rescale_and_padding(
    seed, kind, inverted, rescale, window, padding
):
    rng = np.random.default_rng(seed)
    top = 256 if kind == np.uint8 else 4096 if seed % 2 else 32_768
    values = rng.integers(
        -top // 2 if kind == np.int16 else 0, top // 2 if kind == np.int16 else top, (20, 17), kind
    )
    values[:3], values[3:5] = values.min(), values.max()
    written = {"RescaleSlope": str(rescale[0]), "RescaleIntercept": str(rescale[1])}
    if window is not None:
        written |= {"WindowCenter": [str(window[0]), "7"], "WindowWidth": [str(window[1]), "7"]}
    if padding is not None:
        written |= {"PixelPaddingValue": padding[0], "PixelPaddingRangeLimit": padding[1]}
    made = dicom(values, PhotometricInterpretation="MONOCHROME1" if inverted else "MONOCHROME2", **written)
    wanted = as_medfocus_does(values, *(window or (0, None)), inverted, *rescale)
    assert np.array_equal(decoded(made, Levels.WINDOWED).picture, wanted)


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("end", ["least", "greatest"])
def test_padding_is_a_value_like_any_other_for_windowed_greys_and_for_no_other(inverted, end):
    values = np.full((40, 40), 1000, np.uint16)
    values[10:30, 10:30] = np.arange(400).reshape(20, 20) + 2000
    values[:5] = 0 if end == "least" else 4095
    colours = "MONOCHROME1" if inverted else "MONOCHROME2"
    made = dicom(values, PhotometricInterpretation=colours, PixelPaddingValue=int(values[0, 0]))
    windowed, own = decoded(made, Levels.WINDOWED).picture, decoded(made).picture
    assert np.array_equal(windowed, as_medfocus_does(values, 0, None, inverted))
    assert set(windowed[:5].ravel()) == {0 if inverted == (end == "greatest") else 255}
    assert not own[:5].any() and np.ptp(own[10:30]) == 255 and np.ptp(windowed[10:30]) < 255


@pytest.mark.parametrize("window", [("-9000", "100"), ("60000", "200"), ("2000", "0"), ("2000", "-400")])
@pytest.mark.parametrize("inverted", [False, True])
def test_windowed_greys_of_a_window_that_shows_no_value_are_black_and_that_is_told(window, inverted):
    colours = "MONOCHROME1" if inverted else "MONOCHROME2"
    made = dicom(TWELVE, PhotometricInterpretation=colours, WindowCenter=window[0], WindowWidth=window[1])
    radiograph = decoded(made, Levels.WINDOWED)
    assert not radiograph.picture.any()
    assert not as_medfocus_does(TWELVE, *map(float, window), inverted).any()
    assert radiograph.how.notes == ("a single grey is left by its rescale and its window, so it is black",)


def test_windowed_greys_record_the_rescaled_values_that_are_black_and_white():
    made = {"RescaleSlope": "2", "RescaleIntercept": "100", "WindowCenter": "2000", "WindowWidth": "1000"}
    how = decoded(dicom(TWELVE, **made), Levels.WINDOWED).how
    assert (how.shown.black, how.shown.white) == (1500, 2500)
    turned = decoded(dicom(TWELVE, PhotometricInterpretation="MONOCHROME1", **made), Levels.WINDOWED).how
    assert (turned.shown.black, turned.shown.white) == (2 * 4080 + 100 - 1500, 2 * 4080 + 100 - 2500)


@pytest.mark.parametrize("element", ["RescaleSlope", "RescaleIntercept"])
def test_windowed_greys_leave_a_rescale_aside_that_is_no_number(element):
    radiograph = decoded(dicom(TWELVE, **{element: "1e300"}), Levels.WINDOWED)
    assert np.array_equal(radiograph.picture, phantom())
    assert radiograph.how.notes == ("its rescale is no number, so it was left aside",)


ABSURD = {
    "no width": ("2000", "0"), "negative": ("2000", "-400"), "step": ("2000", "1"), "far below": ("-9000", "100"),
    "far above": ("60000", "200"), "far too wide": ("32768", "65536"),
    "centre alone": ("2000", None), "too short": (["9000", "9000"], "1"),
}  # fmt: skip


@pytest.mark.parametrize("kind", ABSURD)
@pytest.mark.parametrize("eight", [False, True])
def test_a_window_that_shows_nothing_is_left_aside_and_told(kind, eight):
    centre, width = ABSURD[kind]
    made = dataset(phantom() if eight else TWELVE)
    made.WindowCenter = centre
    if width is not None:
        made.WindowWidth = width
    if eight and kind in ("too short", "centre alone"):
        made.WindowCenter, made.WindowWidth = "900", "10"
    radiograph = decoded(written(made))
    assert np.array_equal(radiograph.picture, phantom())
    assert radiograph.how.notes == ("its own window shows next to nothing, so it was left aside",)
    assert radiograph.how.rule == ("as stored" if eight else "robust")


def test_of_several_windows_the_first_that_shows_something_is_taken():
    good = window(TWELVE)
    radiograph = decoded(
        dicom(
            TWELVE,
            WindowCenter=["-9000", good["WindowCenter"], "100"],
            WindowWidth=["10", good["WindowWidth"], "200"],
        )
    )
    assert (
        np.array_equal(radiograph.picture, phantom()) and radiograph.how.rule == "by its own window, 2 of 3"
    )


def test_monochrome1_is_inverted_after_the_window_and_the_record_says_which_value_is_black():
    falling = 4080 - TWELVE
    radiograph = decoded(
        dicom(
            falling,
            PhotometricInterpretation="MONOCHROME1",
            WindowCenter="1500.5",
            WindowWidth="2001",
        )
    )
    want = 255 - np.rint(np.clip((falling - 500.0) / 2000, 0, 1) * 255)
    assert np.array_equal(radiograph.picture, want)
    assert (radiograph.how.shown.black, radiograph.how.shown.white) == (2500, 500)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("windowed", [False, True])
def test_padding_is_black_and_takes_no_contrast(signed, inverted, windowed):
    values = deep(phantom(), "i2" if signed else "u2", 16, -1000 if signed else 1000)
    seen = values.copy()
    padding = -2000 if signed else 65_535
    values[:20], values[20:25] = padding, padding + (1 if signed else -1)
    elements: dict = {"PixelPaddingValue": padding, "PixelPaddingRangeLimit": padding + (1 if signed else -1)}
    if windowed:
        elements |= window(seen)
    if inverted:
        values[25:] = (seen.max() - seen + seen.min())[25:]
        elements["PhotometricInterpretation"] = "MONOCHROME1"
    made = dataset(values)
    for keyword, value in elements.items():
        setattr(made, keyword, value)
    picture = decoded(written(made)).picture
    assert not picture[:25].any()
    rest = phantom()[25:].astype(float)
    want = rest if windowed else (rest - rest.min()) / (rest.max() - rest.min()) * 255
    assert np.abs(picture[25:] - want).max() <= 1


def test_a_picture_that_would_be_padding_alone_is_read_without_it():
    assert np.array_equal(
        decoded(dicom(TWELVE, PixelPaddingValue=0, PixelPaddingRangeLimit=65_535)).picture, phantom()
    )


@pytest.mark.parametrize("first", [0, 300])
def test_tables_are_applied_as_pydicom_applies_them(first):
    entries = np.rint(np.sqrt(np.linspace(0, 1, 4096)) * 4095)
    made = dataset(TWELVE)
    made.BitsStored, made.HighBit = 12, 11
    made.VOILUTSequence = lut([4096, first, 12], entries)
    want = np.rint(apply_voi_lut(TWELVE, made) / 4095 * 255)
    radiograph = decoded(written(made))
    assert np.array_equal(radiograph.picture, want) and radiograph.how.rule == "by its own table"
    del made.VOILUTSequence
    made.ModalityLUTSequence = lut([4096, first, 16], entries)
    toned = apply_modality_lut(TWELVE, made).astype(float)
    want = np.rint((toned - toned.min()) / np.ptp(toned) * 255)
    assert np.array_equal(decoded(written(made)).picture, want)


def test_a_table_without_two_greys_is_left_aside():
    made = dataset(TWELVE)
    made.VOILUTSequence = lut([4096, 0, 12], np.full(4096, 9))
    radiograph = decoded(written(made))
    assert np.array_equal(radiograph.picture, phantom()) and len(radiograph.how.notes) == 1


def test_a_falling_slope_turns_the_greys_round_at_every_depth():
    for values in (phantom(), TWELVE):
        turned = decoded(dicom(values, RescaleSlope="-2", RescaleIntercept="100")).picture
        assert np.array_equal(turned, 255 - phantom())


def test_seven_bits_reach_white_and_signed_bytes_are_as_stored():
    seven = decoded(dicom(phantom() // 2, BitsStored=7, HighBit=6)).picture
    assert np.abs(seven.astype(int) - phantom()).max() <= 2
    signed = (phantom().astype(int) - 128).astype(np.int8)
    assert np.array_equal(decoded(dicom(signed)).picture, phantom())
