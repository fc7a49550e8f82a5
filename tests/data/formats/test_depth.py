"""Films of more than 8 bits: brought to 8 bits alike in a set, and as the same film of 8 bits."""

import cv2
import numpy as np
import pytest

from pneumo_tf.data.datasets.registry import recognise
from pneumo_tf.data.formats.gray import reduce_depth, smallest_depth
from pneumo_tf.data.formats.registry import decode, read_header
from pneumo_tf.data.formats.summary import choose_bits, describe_reading
from pneumo_tf.data.pixels import cached_pixels
from tests.conftest import SHARED
from tests.data.formats.images import colour, deep_png, deep_tiff, encode, exif, film, gray, with_chunk

REAL = SHARED / "data" / "chest_xray" / "test" / "NORMAL" / "IM-0001-0001.jpeg"


def make_pictures():
    yield pytest.param(film(), id="gradient")
    if REAL.exists():
        yield pytest.param(cv2.imread(str(REAL), cv2.IMREAD_GRAYSCALE) / 255, id="real film")


@pytest.mark.parametrize("write", [deep_png, deep_tiff])
@pytest.mark.parametrize("bits", [12, 16])
@pytest.mark.parametrize("picture", list(make_pictures()))
def test_a_deep_film_is_that_of_8_bits_within_one_grey_level(picture, bits, write):
    shallow = np.rint(picture * 255).astype(np.uint8)
    content = write(np.rint(picture * (2**bits - 1)))
    header = read_header(content)
    assert (header.bits, header.depth_stated) == (bits, False)
    assert header[:2] == shallow.shape[::-1]
    assert np.abs(decode(content, bits).astype(int) - shallow).max() <= 1
    assert np.abs(decode(content, bits).astype(int) - decode(encode(shallow, "PNG"))).max() <= 1


@pytest.mark.parametrize("bits", [9, 10, 12, 14, 16])
def test_both_ends_and_the_steps_between_are_linear(bits):
    values = np.arange(2**bits, dtype=np.uint16)[None]
    exact = values[0] * (255 / (2**bits - 1))
    assert np.abs(reduce_depth(values, bits)[0] - exact).max() <= 0.5
    with (
        pytest.raises(ValueError, match=rf"grey level {2**bits:,} does not fit into {bits} bits")
        if (bits < 16)
        else pytest.raises(OverflowError)
    ):
        reduce_depth(np.array([[2**bits]], np.uint16), bits)


def test_the_depth_is_that_of_the_set_and_not_of_a_film():
    dark, bright = (film() * top for top in (300, 4095))
    headers = [read_header(deep_png(values)) for values in (dark, bright)]
    assert choose_bits(headers) == 12
    assert decode(deep_png(dark), 12).max() == round(300 / 4095 * 255)
    headers.append(read_header(deep_png(film() * 4096)))
    assert choose_bits(headers) == 16
    assert decode(deep_png(bright), 16).max() == round(4095 / 65535 * 255)
    assert choose_bits([read_header(encode(gray(), "PNG"))]) == 16


@pytest.mark.parametrize(("largest", "bits"), [(0, 12), (4095, 12), (4096, 16), (65535, 16)])
def test_the_smallest_depth(largest, bits):
    assert smallest_depth(largest) == bits


@pytest.mark.parametrize(
    ("top", "significant", "read_as"),
    [(1023, b"\x0a", 10), (4095, b"\x0c", 12), (65535, b"\x0c", 16), (1024, b"\x0a", 16), (700, b"\x10", 16)],
)
def test_a_depth_that_a_png_states_goes_before_that_of_the_set(top, significant, read_as):
    values = np.rint(film() * top)
    content = with_chunk(deep_png(values), b"sBIT", significant)
    header = read_header(content)
    assert (header.bits, header.depth_stated) == (read_as, True)
    for bits in (12, 16):
        assert np.abs(decode(content, bits) - values * 255 / (2**read_as - 1)).max() <= 0.5
    # A depth that is stated has no part in that of the set.
    assert choose_bits([header, read_header(deep_png(film() * 4095))]) == 12


def test_deep_colour_alpha_and_rotation():
    red, green, blue = (np.rint(film(seed=seed) * 65535).astype(np.uint16) for seed in range(3))
    luminance = (0.299 * red + 0.587 * green + 0.114 * blue) / 257
    content = cv2.imencode(".png", np.dstack([blue, green, red]))[1].tobytes()
    assert np.abs(decode(content, 16) - luminance).max() <= 1
    alpha = np.full_like(red, 65535 // 2)
    content = cv2.imencode(".png", np.dstack([blue, green, red, alpha]))[1].tobytes()
    assert np.abs(decode(content, 16) - luminance / 2).max() <= 1
    assert len(read_header(content).notes) == 2
    turned = with_chunk(deep_png(red), b"eXIf", exif(6).tobytes().removeprefix(b"Exif\0\0"))
    assert np.array_equal(decode(turned), np.rot90(decode(deep_png(red)), -1))
    assert read_header(turned)[:2] == red.shape


def test_a_tiff_of_white_zero_is_turned_around():
    values = np.rint(film() * 65535).astype(np.uint16)
    content = bytearray(deep_tiff(values))
    at = content.index((262).to_bytes(2, "little") + (3).to_bytes(2, "little"))
    content[at + 8] = 0
    inverted = np.rint((65535 - values.astype(int)) / 257)
    assert np.abs(decode(bytes(content)).astype(int) - inverted).max() <= 1


def test_a_set_of_12_bits_from_folder_to_pixels_and_sentences(tmp_path):
    top = {"train/NORMAL/IM-0001-0001": 4095, "train/PNEUMONIA/person1_virus_1": 2000}
    top |= {"test/NORMAL/IM-0002-0001": 1000, "test/PNEUMONIA/person2_virus_2": 300}
    root = tmp_path / "films"
    for name, largest in top.items():
        path = root / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(deep_png(np.rint(film(32, 32) * largest)))
    dataset = recognise(root).read(root, cache=tmp_path / "cache")
    assert dataset == recognise(root).read(root, cache=tmp_path / "cache")
    assert dataset.bits == 12
    said = "4 of 4 films: more than 8 bits, read as 12 bits, the smallest of 12 and 16 that holds every such"
    assert f"{said} film of the set (such as test/NORMAL/IM-0002-0001.png)." in dataset.notes
    pixels = cached_pixels(dataset, tmp_path / "cache", side=32)
    for film_id, image in zip((row.id for row in dataset.films), pixels, strict=True):
        expected = np.rint(film(32, 32) * top[film_id.removesuffix(".png")]) * 255 / 4095
        assert np.abs(image - expected).max() <= 0.5


def test_sentences_count_what_is_done_and_name_an_example():
    contents = {
        "a.png": encode(gray(), "PNG"),
        "b.png": encode(np.dstack([gray()] * 4), "PNG"),
        "c.jpeg": encode(np.dstack([gray()] * 3), "JPEG", exif=exif(3)),
        "d.png": with_chunk(deep_png(film() * 1023), b"sBIT", b"\x0a"),
        "e.png": encode(colour(), "PNG"),
    }
    headers = [read_header(content) for content in contents.values()]
    assert describe_reading(list(contents), headers) == (
        "1 of 5 films: 10 bits, as the file states, read as 8 (such as d.png).",
        "1 of 5 films: in colour, read as luminance (such as e.png).",
        "1 of 5 films: rotated or mirrored as the EXIF tag states (such as c.jpeg).",
        "1 of 5 films: transparent in parts, read on black (such as b.png).",
    )
    assert describe_reading(["a.png"], headers[:1]) == ()
