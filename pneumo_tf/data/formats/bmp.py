"""BMP: gray, palette and colour of 8 bits."""

import struct

import numpy as np

from pneumo_tf.data.formats.gray import ALPHA, COLOUR
from pneumo_tf.data.formats.image_format import ImageFormat, ImageHeader, Warn, check_pixels
from pneumo_tf.data.formats.pillow_decoder import decode_with_pillow, shows_colour

_OLD = 12
"""Length of the header of OS/2, which stores a side in 2 bytes; later headers use 4."""

_WITH_ALPHA = 56
"""Length of the shortest header with a mask of alpha, at byte 66."""


def read_header(content: bytes) -> ImageHeader:
    """Read the header of a BMP file, as `ImageFormat` describes; pixels are decoded to find colours."""
    width, height, alpha = _read_sides(content)
    found = {COLOUR: shows_colour(content, "BMP"), ALPHA: alpha}
    notes = tuple(note for note, applies in found.items() if applies)
    return ImageHeader(width, height, notes=notes)


def decode(content: bytes, bits: int, warn: Warn) -> np.ndarray:
    """Decode a BMP file, as `ImageFormat` describes."""
    width, height, _ = _read_sides(content)
    gray = decode_with_pillow(content, "BMP")
    if gray.shape != (height, width):
        raise ValueError("damaged header")
    return gray


def _read_sides(content: bytes) -> tuple[int, int, bool]:
    """Read width, height, and whether there is transparency."""
    try:
        (length,) = struct.unpack_from("<I", content, 14)
        form = "<HHHH" if length == _OLD else "<iiHH"
        width, height, _, bits = struct.unpack_from(form, content, 18)
    except struct.error as error:
        raise ValueError("damaged header") from error
    # A negative height means that the first row is the upper one.
    check_pixels(width, abs(height), max(1, bits / 8))
    return width, abs(height), length >= _WITH_ALPHA and any(content[66:70])


BMP = ImageFormat("BMP", (".bmp",), lambda content: content.startswith(b"BM"), read_header, decode)
"""The format of screenshots and old software."""
