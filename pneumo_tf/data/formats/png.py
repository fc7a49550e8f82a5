"""PNG: 1 to 16 bits, gray, colour, palette and transparency."""

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from pneumo_tf.data.formats.gray import ALPHA, COLOUR, FRAMES, flatten, reduce_depth, smallest_depth
from pneumo_tf.data.formats.image_format import ImageFormat, ImageHeader, Warn, check_pixels
from pneumo_tf.data.formats.orientation import ROTATED, displayed_size, read_orientation, turn

SIGNATURE = b"\x89PNG\r\n\x1a\n"

_COLOURED = {2, 3, 6}
"""Colour types of RGB, palette, and RGB with alpha."""

_WITH_ALPHA = {4, 6}
"""Colour types with an alpha channel."""


class _Chunks(NamedTuple):
    """What the chunks state; `significant` is the depth by sBIT, 0 if there is none."""

    width: int
    height: int
    bits: int
    coloured: bool
    transparent: bool
    significant: int
    orientation: int
    frames: int


def read_header(content: bytes) -> ImageHeader:
    """Read the header of a PNG file, as `ImageFormat` describes; one of 16 bits is decoded for its depth."""
    chunks = _read_chunks(content)
    found = {
        COLOUR: chunks.coloured,
        ALPHA: chunks.transparent,
        ROTATED: chunks.orientation > 1,
        FRAMES: chunks.frames > 1,
    }
    notes = tuple(note for note, applies in found.items() if applies)
    size = displayed_size(chunks.width, chunks.height, chunks.orientation)
    if chunks.bits < 16:
        return ImageHeader(*size, notes=notes)
    largest = int(_decode_deep(content).max())
    stated = _stated_depth(chunks, largest)
    return ImageHeader(*size, stated or smallest_depth(largest), stated > 0, notes)


def decode(content: bytes, bits: int, warn: Warn) -> np.ndarray:
    """Decode a PNG file, as `ImageFormat` describes."""
    chunks = _read_chunks(content)
    if chunks.bits == 16:
        gray = _decode_deep(content)
        gray = reduce_depth(gray, _stated_depth(chunks, int(gray.max())) or bits)
    elif chunks.transparent:
        gray = flatten(_decode_with(content, "IMREAD_UNCHANGED"))
    else:
        gray = _decode_with(content, "IMREAD_GRAYSCALE")
    return turn(gray, chunks.orientation)


def _decode_deep(content: bytes) -> np.ndarray:
    return flatten(_decode_with(content, "IMREAD_UNCHANGED"))


def _stated_depth(chunks: _Chunks, largest: int) -> int:
    """Return the depth that a file of 16 bits states, 0 if it states none.

    The standard wants values spread over 16 bits whatever their depth was; files are common that hold them as
    they were. A value that does not fit into the depth shows which of both.
    """
    if not chunks.significant:
        return 0
    return chunks.significant if largest < 2**chunks.significant else 16


def _decode_with(content: bytes, mode: str) -> np.ndarray:
    """Decode with OpenCV, as stored: `IMREAD_GRAYSCALE` to 8 bits, `IMREAD_UNCHANGED` to what it holds."""
    # Imported here: a command that reads no film starts without OpenCV.
    import cv2

    try:
        image = cv2.imdecode(
            np.frombuffer(content, np.uint8), getattr(cv2, mode) | cv2.IMREAD_IGNORE_ORIENTATION
        )
    except cv2.error as error:
        raise ValueError("does not decode") from error
    if image is None:
        raise ValueError("does not decode")
    return image


def _read_chunks(content: bytes) -> _Chunks:
    chunks = _chunks(content)
    name, header = next(chunks)
    if name != b"IHDR" or len(header) != 13:
        raise ValueError("damaged header")
    width, height, bits, colour = struct.unpack(">IIBB", header[:10])
    check_pixels(width, height)
    transparent, significant, orientation, frames = colour in _WITH_ALPHA, 0, 1, 1
    for name, body in chunks:
        if name == b"tRNS":
            transparent = True
        elif name == b"sBIT" and body:
            # One depth a channel; the last is alpha's.
            significant = max(body[:-1] if colour in _WITH_ALPHA and len(body) > 1 else body)
        elif name == b"eXIf":
            orientation = read_orientation(body)
        elif name == b"acTL":
            frames = int.from_bytes(body[:4], "big")
    return _Chunks(width, height, bits, colour in _COLOURED, transparent, significant, orientation, frames)


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """List names and content of all chunks; that of `IDAT` is left out.

    Raises:
        ValueError: If the file ends before `IEND`, or a chunk is damaged.
    """
    at, name = len(SIGNATURE), b""
    while name != b"IEND":
        length, name = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8]
        end = at + 8 + length
        if end + 4 > len(content):
            raise ValueError("damaged header" if name == b"IHDR" else "cut off")
        if zlib.crc32(memoryview(content)[at + 4 : end]) != int.from_bytes(content[end : end + 4], "big"):
            raise ValueError(f"damaged {'header' if name == b'IHDR' else 'data'}")
        yield name, b"" if name == b"IDAT" else content[at + 8 : end]
        at = end + 4


PNG = ImageFormat("PNG", (".png",), lambda content: content.startswith(SIGNATURE), read_header, decode)
