"""WebP: 8 bits, with or without loss, transparency and frames."""

from collections.abc import Iterator

import numpy as np

from pneumo_tf.data.formats.gray import ALPHA, COLOUR, FRAMES
from pneumo_tf.data.formats.image_format import ImageFormat, ImageHeader, Warn, check_pixels
from pneumo_tf.data.formats.orientation import ROTATED, displayed_size, read_orientation, turn
from pneumo_tf.data.formats.pillow_decoder import decode_with_pillow, shows_colour

_ANIMATED, _TRANSPARENT = 0x02, 0x10
"""Flags of the extended header."""

_LARGEST_SIDE = 0x3FFF
"""Largest side, and mask of its bits, in the two headers that are not extended."""


def read_header(content: bytes) -> ImageHeader:
    """Read the header of a WebP file, as `ImageFormat` describes; pixels are decoded to find colours."""
    width, height, transparent, animated = _read_first(content)
    orientation = _orientation(content)
    found = {
        COLOUR: shows_colour(content, "WEBP"),
        ALPHA: transparent,
        ROTATED: orientation > 1,
        FRAMES: animated,
    }
    notes = tuple(note for note, applies in found.items() if applies)
    return ImageHeader(*displayed_size(width, height, orientation), notes=notes)


def decode(content: bytes, bits: int, warn: Warn) -> np.ndarray:
    """Decode a WebP file, as `ImageFormat` describes."""
    width, height, *_ = _read_first(content)
    gray = decode_with_pillow(content, "WEBP")
    if gray.shape != (height, width):
        raise ValueError("damaged header")
    return turn(gray, _orientation(content))


def _read_first(content: bytes) -> tuple[int, int, bool, bool]:
    """Read width, height, and whether there are transparency and frames, of a file that can be decoded."""
    width, height, *flags = _read_canvas(content)
    # Pillow holds four copies, of red, green, blue and alpha each.
    check_pixels(width, height, 16)
    return width, height, *flags


def _read_canvas(content: bytes) -> tuple[int, int, bool, bool]:
    """Read what `_read_first` returns, from the first chunk."""
    name, body = next(_chunks(content), (b"", b""))
    if name == b"VP8X" and len(body) >= 10:
        width, height = (int.from_bytes(body[at : at + 3], "little") + 1 for at in (4, 7))
        return width, height, bool(body[0] & _TRANSPARENT), bool(body[0] & _ANIMATED)
    if name == b"VP8L" and len(body) >= 5 and body[0] == 0x2F:
        stated = int.from_bytes(body[1:5], "little")
        width, height = (stated >> shift & _LARGEST_SIDE for shift in (0, 14))
        return width + 1, height + 1, bool(stated >> 28 & 1), False
    if name == b"VP8 " and body[3:6] == b"\x9d\x01\x2a" and len(body) >= 10:
        width, height = (int.from_bytes(body[at : at + 2], "little") & _LARGEST_SIDE for at in (6, 8))
        return width, height, False, False
    raise ValueError("damaged header")


def _orientation(content: bytes) -> int:
    return next((read_orientation(body) for name, body in _chunks(content) if name == b"EXIF"), 1)


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """List names and content of the chunks."""
    at = 12
    while at + 8 <= len(content):
        length = int.from_bytes(content[at + 4 : at + 8], "little")
        yield content[at : at + 4], content[at + 8 : at + 8 + length]
        at += 8 + length + length % 2


WEBP = ImageFormat(
    "WebP",
    (".webp",),
    lambda content: content.startswith(b"RIFF") and content[8:12] == b"WEBP",
    read_header,
    decode,
)
"""The format of web pages."""
