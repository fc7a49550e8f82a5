"""Sizes and pixels of image files, whatever they claim to be."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from pneumo_tf.data.datasets.dataset import Dataset
from pneumo_tf.data.datasets.kermany import KERMANY
from pneumo_tf.data.films import Film, Films
from pneumo_tf.data.formats.registry import decode, read_header
from pneumo_tf.data.image_files import join_sizes
from pneumo_tf.data.pixels import cached_pixels
from pneumo_tf.errors import UserError


def chunk(kind, content):
    body = kind + content
    return len(content).to_bytes(4) + body + zlib.crc32(body).to_bytes(4)


def png_header(width, height):
    """A PNG file of one row that claims a size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = chunk(b"IDAT", zlib.compress(bytes(100)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + rows + chunk(b"IEND", b"")


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_size_and_pixels_follow_an_orientation_tag_alike(orientation, format):
    tags = Image.Exif()
    tags[0x0112] = orientation
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((20, 30), np.uint8)).save(buffer, format, exif=tags)
    assert read_header(buffer.getvalue())[:2] == decode(buffer.getvalue()).shape[::-1]
    if format == "JPEG":
        assert read_header(buffer.getvalue())[:2] == ((20, 30) if orientation >= 5 else (30, 20))


@pytest.mark.parametrize("read", [read_header, decode])
def test_a_header_of_too_many_pixels_is_refused(read):
    with pytest.raises(ValueError, match="too many pixels"):
        read(png_header(60_000, 60_000))


def test_a_film_of_too_many_pixels_is_named_when_it_is_decoded(tmp_path):
    (tmp_path / "huge.png").write_bytes(png_header(60_000, 60_000))
    films = Films((Film("huge.png", 0, "normal", "a", "train", 60_000, 60_000, "0"),))
    with pytest.raises(
        UserError, match=r"1 of 1 films in .* cannot be read: huge.png \(too many pixels: 60,000 × 60,000\)"
    ):
        cached_pixels(Dataset(KERMANY, "Huge", tmp_path, films), tmp_path / "cache", side=16)


def test_colour_becomes_its_luminance():
    colour = np.random.default_rng(0).integers(0, 255, (9, 11, 3), np.uint8)
    content = cv2.imencode(".png", colour)[1].tobytes()
    luminance = colour @ np.array([0.114, 0.587, 0.299])
    assert np.abs(decode(content) - luminance).max() <= 1


def test_bytes_between_segments_do_not_hide_the_size():
    content = cv2.imencode(".jpeg", np.zeros((5, 9), np.uint8))[1].tobytes()
    at = 4 + int.from_bytes(content[4:6])
    assert read_header(content[:at] + b"junk" + content[at:])[:2] == (9, 5)


def test_sizes_are_joined_in_the_order_of_the_films(tmp_path):
    (tmp_path / "sizes.csv").write_text("path,width,height\nb.PNG,3,4\nA.png,1,2\n")
    assert join_sizes(tmp_path / "sizes.csv", ["a.png", "b.png"]) == [(1, 2), (3, 4)]
    with pytest.raises(UserError, match="lacks 1 of 2 films, such as c.png"):
        join_sizes(tmp_path / "sizes.csv", ["a.png", "c.png"])
