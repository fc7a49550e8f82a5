"""TIFF: gray of 1 to 16 bits, colour of 8 bits."""

import numpy as np

from pneumo_tf.data.formats import tiff_tags
from pneumo_tf.data.formats.gray import ALPHA, COLOUR, FRAMES, reduce_depth, smallest_depth
from pneumo_tf.data.formats.image_format import ImageFormat, ImageHeader, Warn, check_pixels
from pneumo_tf.data.formats.orientation import ROTATED, displayed_size
from pneumo_tf.data.formats.pillow_decoder import decode_with_pillow, shows_colour
from pneumo_tf.data.formats.tiff_tags import Tags, read_tags

SIGNATURES = (b"II*\x00", b"MM\x00*")

_UNSIGNED = 1
"""Sample format of whole numbers from 0."""

_WHITE_IS_ZERO, _GRAY = 0, (0, 1)
"""Photometric interpretations without colour; in the first, 0 is white."""

_ALPHA = {1, 2}
"""Kinds of an extra channel that is alpha."""


def read_header(content: bytes) -> ImageHeader:
    """Read the header of a TIFF file, as `ImageFormat` describes; one of 16 bits or in colour is decoded."""
    tags = read_tags(content)
    size, bits = _check(tags), _bits(tags)
    found = {
        COLOUR: _first(tags, tiff_tags.PHOTOMETRIC, 1) not in _GRAY and shows_colour(content, "TIFF"),
        ALPHA: bool(_ALPHA.intersection(tags.values.get(tiff_tags.EXTRA_SAMPLES, ()))),
        ROTATED: _orientation(tags) > 1,
        FRAMES: tags.more,
    }
    notes = tuple(note for note, applies in found.items() if applies)
    if bits < 16:
        return ImageHeader(*size, max(8, bits), notes=notes)
    return ImageHeader(*size, smallest_depth(int(_decode_stored(content).max())), False, notes)


def decode(content: bytes, bits: int, warn: Warn) -> np.ndarray:
    """Decode a TIFF file, as `ImageFormat` describes."""
    tags = read_tags(content)
    width, height = _check(tags)
    gray = _decode_stored(content)
    if gray.shape != (height, width):
        raise ValueError(f"header of {width} × {height} pixels, and others in the file")
    if gray.dtype == np.uint8:
        return gray
    reduced = reduce_depth(gray, bits if _bits(tags) == 16 else _bits(tags))
    # Pillow inverts gray of 8 bits by itself, but not deeper gray.
    return 255 - reduced if _first(tags, tiff_tags.PHOTOMETRIC, 1) == _WHITE_IS_ZERO else reduced


def _decode_stored(content: bytes) -> np.ndarray:
    """Decode the first image; Pillow applies its orientation."""
    return decode_with_pillow(content, "TIFF")


def _check(tags: Tags) -> tuple[int, int]:
    """Return width and height as displayed, of a file that can be decoded."""
    width, height = _first(tags, tiff_tags.WIDTH, 0), _first(tags, tiff_tags.HEIGHT, 0)
    bits, channels = _bits(tags), _first(tags, tiff_tags.SAMPLES, 1)
    check_pixels(width, height, max(1, bits / 8) * channels)
    if _first(tags, tiff_tags.SAMPLE_FORMAT, _UNSIGNED) != _UNSIGNED:
        raise ValueError("TIFF of signed or floating-point pixels, which is not read here")
    if bits > 16 or (bits > 8 and channels > 1):
        raise ValueError(f"TIFF of {channels} × {bits} bits per pixel, which is not read here")
    return displayed_size(width, height, _orientation(tags))


def _orientation(tags: Tags) -> int:
    stated = _first(tags, tiff_tags.ORIENTATION, 1)
    return stated if 1 <= stated <= 8 else 1


def _bits(tags: Tags) -> int:
    return max(tags.values.get(tiff_tags.BITS, (1,)))


def _first(tags: Tags, tag: int, default: int) -> int:
    return tags.values.get(tag, (default,))[0]


TIFF = ImageFormat(
    "TIFF", (".tif", ".tiff"), lambda content: content.startswith(SIGNATURES), read_header, decode
)
"""The format of films that image programs export."""
