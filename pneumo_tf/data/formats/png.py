"""PNG: 1 to 16 bits, gray, colour, palette and transparency."""

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from pneumo_tf.data.formats.gray import (
    ALPHA,
    COLOUR,
    FRAMES,
    flatten,
    has_colour,
    lay_on_black,
    reduce_depth,
    smallest_depth,
)
from pneumo_tf.data.formats.image_format import ImageFormat, ImageHeader, Warn, check_pixels
from pneumo_tf.data.formats.orientation import ROTATED, displayed_size, read_orientation, turn

SIGNATURE = b"\x89PNG\r\n\x1a\n"

_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Channels of each type of colour: gray, RGB, palette, gray with alpha, RGB with alpha."""

_BITS = (1, 2, 4, 8, 16)

_COLOURED, _WITH_ALPHA, _GRAY = {2, 3, 6}, {4, 6}, 0

_PIXELS = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}
"""Chunks that pixels consist of."""

_COLOURS = {b"gAMA", b"cHRM", b"sRGB", b"iCCP"}
"""Chunks that the luminance of colours depends on."""


class _Content(NamedTuple):
    """Content of the chunks.

    Args:
        width: Pixels as stored.
        height: Pixels as stored.
        bits: Bits of a channel.
        colour: Type of colour.
        transparency: Content of tRNS, None if there is none.
        significant: Depth in sBIT, 0 if there is none.
        orientation: Orientation by EXIF.
        frames: Number of frames in the animation's header.
        spans: Start and end of each chunk that the grey levels depend on.
    """

    width: int
    height: int
    bits: int
    colour: int
    transparency: bytes | None
    significant: int
    orientation: int
    frames: int
    spans: tuple[tuple[int, int], ...]

    @property
    def transparent(self) -> bool:
        return self.colour in _WITH_ALPHA or self.transparency is not None


def read_header(content: bytes) -> ImageHeader:
    """Read the header of a PNG file, as `ImageFormat` describes; one of 16 bits or in colour is decoded."""
    read = _read_chunks(content)
    found = {
        COLOUR: read.colour in _COLOURED and has_colour(_decode_stored(content, read)),
        ALPHA: read.transparent,
        ROTATED: read.orientation > 1,
        FRAMES: read.frames > 1,
    }
    notes = tuple(note for note, applies in found.items() if applies)
    size = displayed_size(read.width, read.height, read.orientation)
    if read.bits < 16:
        return ImageHeader(*size, notes=notes)
    largest = int(_decode_gray(content, read).max())
    stated = _stated_depth(read, largest)
    return ImageHeader(*size, stated or smallest_depth(largest), stated > 0, notes)


def decode(content: bytes, bits: int, warn: Warn) -> np.ndarray:
    """Decode a PNG file, as `ImageFormat` describes."""
    read = _read_chunks(content)
    gray = _decode_gray(content, read)
    if read.bits == 16:
        gray = reduce_depth(gray, _stated_depth(read, int(gray.max())) or bits)
    return turn(gray, read.orientation)


def _stated_depth(read: _Content, largest: int) -> int:
    """Return the depth that a file of 16 bits states, 0 if it states none.

    By the standard, values are scaled to 16 bits, but many files have them unscaled. A value that does not
    fit into the depth shows that they are scaled.
    """
    if not read.significant:
        return 0
    return read.significant if largest < 2**read.significant else 16


def _decode_gray(content: bytes, read: _Content) -> np.ndarray:
    """Return the stored pixels as gray, uint8 or, of a file of 16 bits, uint16."""
    # Imported here: a command that reads no film starts without OpenCV.
    import cv2

    if read.bits == 16:
        gray = flatten(_decode_stored(content, read))
    else:
        gray = _decode_as(content, read, cv2.IMREAD_GRAYSCALE)
        if read.transparent and read.colour != _GRAY:
            gray = lay_on_black(gray, _decode_stored(content, read)[..., 3])
    if read.colour == _GRAY and read.transparency:
        # OpenCV ignores the transparency of a single grey level.
        level = int.from_bytes(read.transparency, "big")
        gray[gray == level * (255 // (2**read.bits - 1) if read.bits < 8 else 1)] = 0
    return gray


def _decode_stored(content: bytes, read: _Content) -> np.ndarray:
    """Return the stored pixels with all channels, in OpenCV's order."""
    import cv2

    return _decode_as(content, read, cv2.IMREAD_UNCHANGED)


def _decode_as(content: bytes, read: _Content, mode: int) -> np.ndarray:
    """Decode with OpenCV in one of its modes, as stored."""
    import cv2

    # libpng reports faults in other chunks on the terminal, without a name.
    content = SIGNATURE + b"".join(content[start:end] for start, end in read.spans)
    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), mode | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error as error:
        raise ValueError("does not decode") from error
    if image is None:
        raise ValueError("does not decode")
    return image


def _read_chunks(content: bytes) -> _Content:
    chunks = _chunks(content)
    name, header, *span = next(chunks)
    if name != b"IHDR" or len(header) != 13 or header[9] not in _CHANNELS:
        raise ValueError("damaged header")
    width, height, bits, colour = struct.unpack(">IIBB", header[:10])
    if bits not in _BITS:
        raise ValueError("damaged header")
    check_pixels(width, height, max(1, bits / 8) * _CHANNELS[colour])
    transparency, significant, orientation, frames, spans = None, 0, 1, 1, [tuple(span)]
    for name, body, *span in chunks:
        if name in _PIXELS or (name in _COLOURS and colour in _COLOURED):
            spans.append(tuple(span))
        if name == b"tRNS":
            transparency = body
        elif name == b"sBIT" and body:
            # One depth a channel; the last is alpha's.
            significant = max(body[:-1] if colour in _WITH_ALPHA and len(body) > 1 else body)
        elif name == b"eXIf":
            orientation = read_orientation(body)
        elif name == b"acTL":
            frames = int.from_bytes(body[:4], "big")
    return _Content(width, height, bits, colour, transparency, significant, orientation, frames, tuple(spans))


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes, int, int]]:
    """List all chunks: name, content (empty for `IDAT`), start and end.

    Damaged chunks that do not affect pixels are left out, as decoders do.

    Raises:
        ValueError: If the file ends before `IEND`, or another chunk is damaged.
    """
    at, name = len(SIGNATURE), b""
    while name != b"IEND":
        length, name = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8]
        end = at + 8 + length
        if end + 4 > len(content):
            raise ValueError("damaged header" if name == b"IHDR" else "cut off")
        whole = zlib.crc32(memoryview(content)[at + 4 : end]) == int.from_bytes(content[end : end + 4], "big")
        if not whole and name in _PIXELS:
            raise ValueError(f"damaged {'header' if name == b'IHDR' else 'data'}")
        if whole:
            yield name, b"" if name == b"IDAT" else content[at + 8 : end], at, end + 4
        at = end + 4


PNG = ImageFormat("PNG", (".png",), lambda content: content.startswith(SIGNATURE), read_header, decode)
"""The format of films that were resized or converted without loss."""
