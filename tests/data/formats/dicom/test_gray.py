"""Gray of DICOM films: LUTs, windows, polarity and odd bits, compared with pydicom's own processing."""

import io

import imagecodecs
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.pixels import apply_modality_lut, apply_voi_lut

from pneumo_tf.data.formats.dicom.dicom_format import DICOM
from pneumo_tf.data.formats.dicom.gray import apply_window
from tests.data.formats.dicom.dicom_files import depth, describe, gradient, write_dicom


def decode(content):
    return DICOM.decode(content, 8, pytest.fail)


def notes(content):
    return DICOM.read_header(content).notes


def lookup_item(curve, first, bits, kind="US"):
    """An item of a LUT sequence."""
    item = Dataset()
    item.add_new("LUTDescriptor", "SS" if first < 0 else "US", [len(curve) % 65536, first, bits])
    words = np.asarray(curve, "<u2")
    item.add_new("LUTData", kind, words.tobytes() if kind == "OW" else words.tolist())
    return item


WINDOWS = {
    "linear": {"WindowCenter": 1000, "WindowWidth": 900},
    "narrow": {"WindowCenter": 700, "WindowWidth": 1},
    "exact": {"WindowCenter": 1000, "WindowWidth": 0.5, "VOILUTFunction": "LINEAR_EXACT"},
    "sigmoid": {"WindowCenter": 2000, "WindowWidth": 800, "VOILUTFunction": "SIGMOID"},
    "steep sigmoid": {"WindowCenter": 2000, "WindowWidth": 0.01, "VOILUTFunction": "SIGMOID"},
    "rescaled": {"WindowCenter": -100, "WindowWidth": 3000, "RescaleSlope": 1.5, "RescaleIntercept": -1024},
    "two": {"WindowCenter": [600, 3000], "WindowWidth": [1200, 100]},
    "wider than the film": {"WindowCenter": 2048, "WindowWidth": 100000},
}


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed"])
@pytest.mark.parametrize("window", WINDOWS)
def test_windows_are_those_of_pydicom(window, signed, photometric):
    pixels = gradient(12, signed=signed)
    content = write_dicom(pixels, PhotometricInterpretation=photometric, **depth(12), **WINDOWS[window])
    dataset = dcmread(io.BytesIO(content))
    shown = apply_voi_lut(apply_modality_lut(dataset.pixel_array, dataset), dataset)
    slope, intercept = dataset.get("RescaleSlope", 1), dataset.get("RescaleIntercept", 0)
    low = -2048 * signed * slope + intercept
    share = (shown - low) / (4095 * slope)
    share = 1 - share if photometric == "MONOCHROME1" else share
    assert np.abs(decode(content) - share * 255).max() <= 0.5 + 1e-6
    assert any("VOI window" in note for note in notes(content))


def test_a_voi_lut_comes_before_a_window_and_the_first_of_several_is_taken():
    pixels = gradient(12)
    curve = (4095 * (np.arange(4096) / 4095) ** 2).round()
    sequence = [lookup_item(curve, 0, 12), lookup_item(curve[::-1], 0, 12)]
    content = write_dicom(pixels, **depth(12), VOILUTSequence=sequence, WindowCenter=5, WindowWidth=2)
    shown = apply_voi_lut(pixels, dcmread(io.BytesIO(content)))
    assert np.abs(decode(content) - shown / 4095 * 255).max() <= 0.5 + 1e-6
    assert notes(content) == ("brightness by the first of 2 VOI LUTs",)


@pytest.mark.parametrize("kind", ["US", "OW"])
def test_a_modality_lut_holds_its_ends_beyond_its_entries(kind):
    pixels = gradient(12)
    curve = np.linspace(65535, 0, 1000).round()
    content = write_dicom(pixels, **depth(12), ModalityLUTSequence=[lookup_item(curve, 500, 16, kind)])
    expected = np.interp(pixels, [500, 1499], [255, 0])
    assert np.abs(decode(content) - expected).max() <= 0.51


def test_a_lut_may_begin_below_zero():
    pixels = gradient(12, signed=True)
    curve = np.linspace(0, 255, 4096).round()
    content = write_dicom(pixels, **depth(12), VOILUTSequence=[lookup_item(curve, -2048, 8)])
    assert np.array_equal(decode(content), curve[pixels.astype(int) + 2048].astype(np.uint8))


def test_a_lut_of_8_bits_may_stand_two_to_a_word():
    pixels = gradient(8)
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [256, 0, 8])
    item.add_new("LUTData", "OW", bytes(range(255, -1, -1)))
    assert np.array_equal(decode(write_dicom(pixels, VOILUTSequence=[item])), 255 - pixels)


def test_a_negative_slope_turns_black_and_white():
    pixels = gradient(12)
    content = write_dicom(pixels, **depth(12), RescaleSlope=-1, RescaleIntercept=4095)
    assert np.abs(decode(content) - (255 - pixels / 4095 * 255)).max() <= 0.5 + 1e-6


def test_brightness_does_not_depend_on_the_films_own_range():
    dark = np.full((20, 20), 100, np.uint16)
    both = dark.copy()
    both[0, 0] = 4095
    alone, beside = (decode(write_dicom(film, **depth(12))) for film in (dark, both))
    assert np.array_equal(alone.ravel()[1:], beside.ravel()[1:]) and alone[1, 1] == 6


def test_bits_that_do_not_count_are_ignored():
    pixels = gradient(12)
    overlay = pixels | 0xA000
    assert np.array_equal(decode(write_dicom(overlay, **depth(12))), decode(write_dicom(pixels, **depth(12))))


@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed"])
def test_bits_may_count_from_the_top(signed):
    pixels = gradient(12, signed=signed)
    shifted = write_dicom(pixels << 4, BitsStored=12, HighBit=15)
    assert np.array_equal(decode(shifted), decode(write_dicom(pixels, **depth(12))))


def test_colour_by_plane_is_colour_by_pixel():
    colour = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    by_plane = write_dicom(
        np.moveaxis(colour, -1, 0).tobytes(),
        **describe(colour) | {"PhotometricInterpretation": "RGB", "PlanarConfiguration": 1},
    )
    by_pixel = write_dicom(colour, PhotometricInterpretation="RGB")
    assert np.array_equal(decode(by_plane), decode(by_pixel))


def test_the_first_of_several_frames_is_taken():
    frames = np.stack([np.full((20, 30), value, np.uint8) for value in (10, 200, 90)])
    content = write_dicom(frames.tobytes(), **describe(frames[0]), NumberOfFrames=3)
    assert (decode(content) == 10).all() and len(notes(content)) == 1


@pytest.mark.parametrize("bits", [12, 16])
@pytest.mark.parametrize("window", [False, True], ids=["bits", "window"])
def test_deep_and_shallow_copies_of_a_film_agree_within_one_grey_level(bits, window):
    shallow = gradient(8, shape=(64, 80))
    deep = (shallow * ((2**bits - 1) / 255)).round().astype(np.uint16)
    voi = {"WindowCenter": 2 ** (bits - 1), "WindowWidth": 2**bits} if window else {}
    gray = decode(write_dicom(deep, **depth(bits), **voi))
    assert np.abs(gray.astype(int) - decode(write_dicom(shallow))).max() <= 1


@pytest.mark.parametrize(
    ("center", "width", "function", "reason"),
    [
        (5, 0, "LINEAR", "WindowWidth 0"),
        (5, 0.5, "LINEAR", "WindowWidth 0.5"),
        (5, 0, "LINEAR_EXACT", "WindowWidth 0"),
        (5, -3, "SIGMOID", "WindowWidth -3"),
        (5, 3, "CUBIC", "VOILUTFunction CUBIC"),
    ],
)
def test_windows_that_make_no_sense_are_refused(center, width, function, reason):
    with pytest.raises(ValueError, match=reason):
        apply_window(np.arange(10.0), center, width, function)


def test_a_jpeg_of_8_bits_may_be_declared_in_16():
    pixels = gradient(8)
    elements = describe(pixels) | {"BitsAllocated": 16}
    stream = imagecodecs.jpeg8_encode(pixels, level=95)
    content = write_dicom(stream, syntax="1.2.840.10008.1.2.4.50", **elements)
    assert np.array_equal(decode(content), imagecodecs.jpeg8_decode(stream))
