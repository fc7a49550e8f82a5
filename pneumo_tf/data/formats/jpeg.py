"""JPEG: gray and colour by libjpeg-turbo, with its warnings; CMYK as stored by Adobe."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from pneumo_tf.data.formats.gray import COLOUR, convert_rows, has_colour
from pneumo_tf.data.formats.image_format import ImageFormat, ImageHeader, Warn, check_pixels
from pneumo_tf.data.formats.orientation import ROTATED, displayed_size, read_orientation, turn

_DECODED = {0xC0, 0xC1, 0xC2, 0xC9, 0xCA}
"""Markers of frames that are decoded: baseline, extended, progressive; with arithmetic coding."""

_PROGRESSIVE = {0xC2, 0xCA}

_REFUSED = {
    0xC3: "lossless JPEG",
    0xC5: "hierarchical JPEG",
    0xC6: "hierarchical JPEG",
    0xC7: "hierarchical JPEG",
    0xCB: "lossless JPEG",
    0xCD: "hierarchical JPEG",
    0xCE: "hierarchical JPEG",
    0xCF: "hierarchical JPEG",
    0xF7: "JPEG-LS",
}
"""Markers of frames that are not decoded, with their names."""

_ALONE = {0x00, 0x01, *range(0xD0, 0xD8)}
"""Markers without a length: stuffing, TEM and restarts."""

MOST_SCANS = 100
"""Scans of a progressive file at most; each processes all pixels, and usual files have about 10."""

_INKS = 4
"""Channels of cyan, magenta, yellow and black."""

_BLOCK = 8
"""Pixels of a side of the blocks that are coded: an image reduced by as much is one of their means."""

_START_OF_SCAN, _END, _APP1 = 0xDA, 0xD9, 0xE1

_IGNORED = {0xFE, *range(0xE1, 0xEE), 0xEF}
"""Markers of segments that do not affect pixels: comments, and applications other than JFIF and Adobe."""

_START = b"\xff\xd8"
"""Marker that a file begins with."""

_SCAN_MARKER, _END_MARKER = b"\xff\xda", b"\xff\xd9"


class _Frame(NamedTuple):
    """Content of the segments before the pixels.

    Args:
        width: Pixels as stored.
        height: Pixels as stored.
        channels: 1 for gray, 3 for colour, 4 for inks.
        orientation: Orientation by EXIF.
        spans: Start and end of each segment that affects pixels.
        scan: Start of the pixels.
    """

    width: int
    height: int
    channels: int
    orientation: int
    spans: tuple[tuple[int, int], ...]
    scan: int


def read_header(content: bytes) -> ImageHeader:
    """Read the header of a JPEG file, as `ImageFormat` describes; one with colours is decoded, but small."""
    frame = _read_frame(content)
    notes = []
    if frame.channels > 1 and _in_colour(content, frame):
        notes.append(COLOUR)
    if frame.orientation > 1:
        notes.append(ROTATED)
    return ImageHeader(*displayed_size(frame.width, frame.height, frame.orientation), notes=tuple(notes))


def decode(content: bytes, bits: int, warn: Warn) -> np.ndarray:
    """Decode a JPEG file, as `ImageFormat` describes."""
    frame = _read_frame(content)
    pixels = _decode_as("CMYK" if frame.channels == _INKS else "GRAY", content, frame, warn)
    gray = convert_rows(pixels, _inks_to_gray) if frame.channels == _INKS else pixels[..., 0]
    return turn(gray, frame.orientation)


def _in_colour(content: bytes, frame: _Frame) -> bool:
    """Return whether a file of several channels shows colours: many programs store gray as colour."""
    if frame.channels == _INKS:
        return True
    small = {"min_height": 1, "min_width": 1, "min_factor": _BLOCK}
    return has_colour(_decode_as("RGB", content, frame, _ignore, **small))


def _decode_as(space: str, content: bytes, frame: _Frame, warn: Warn, **size: int) -> np.ndarray:
    """Decode to a colour space and a size of libjpeg-turbo's."""
    # Imported here: a command that reads no film starts without it.
    import simplejpeg

    if content.count(_SCAN_MARKER) > MOST_SCANS:
        raise ValueError(f"more than {MOST_SCANS} scans")
    # libjpeg also warns of other segments and of bytes between them, which do not affect pixels.
    needed = b"".join((_START, *(content[start:end] for start, end in frame.spans), content[frame.scan :]))
    try:
        return simplejpeg.decode_jpeg(needed, space, **size)
    except ValueError as fault:
        if content.rfind(_END_MARKER) < frame.scan:
            raise ValueError("cut off") from fault
        try:
            pixels = simplejpeg.decode_jpeg(needed, space, strict=False, **size)
        except ValueError as error:
            raise ValueError(f"does not decode: {error}") from error
        warn(str(fault))
    return pixels


def _ignore(warning: str) -> None:
    """Take a warning of a reading whose pixels are not used."""


def _read_frame(content: bytes) -> _Frame:
    orientation, size, scan, spans = 1, None, 0, []
    for marker, start, scan in _segments(content):
        payload = content[start + 4 : scan]
        if marker not in _IGNORED:
            spans.append((start, scan))
        if marker in _REFUSED:
            raise ValueError(f"{_REFUSED[marker]}, which is not read here")
        if marker in _DECODED:
            size = _read_size(payload, marker in _PROGRESSIVE)
        elif marker == _APP1 and orientation == 1 and payload.startswith(b"Exif\x00\x00"):
            orientation = read_orientation(payload)
    if size is None:
        raise ValueError("damaged header")
    return _Frame(*size, orientation, tuple(spans), scan)


def _read_size(payload: bytes, progressive: bool) -> tuple[int, int, int]:
    """Read width, height and number of channels from the segment of a frame."""
    if len(payload) < 6:
        raise ValueError("damaged header")
    if payload[0] != 8:
        raise ValueError(f"JPEG of {payload[0]} bits, which is not read here")
    width, height = int.from_bytes(payload[3:5], "big"), int.from_bytes(payload[1:3], "big")
    channels = payload[5]
    if channels not in (1, 3, _INKS):
        raise ValueError(f"JPEG of {channels} channels, which is not read here")
    # A progressive file needs 2 bytes for every coefficient at once, and CMYK needs all four channels.
    inks = channels if channels == _INKS else 1
    check_pixels(width, height, 2 * channels if progressive else inks)
    return width, height, channels


def _segments(content: bytes) -> Iterator[tuple[int, int, int]]:
    """List the segments up to the first scan, with its header: markers, and where they start and end.

    Bytes between two segments are skipped, as decoders do.
    """
    at = 2
    while True:
        at = content.find(b"\xff", at)
        while content[at : at + 1] == b"\xff":
            at += 1
        if not 0 < at < len(content) - 2 or content[at] == _END:
            raise ValueError("damaged header")
        marker = content[at]
        at += 1
        if marker in _ALONE:
            continue
        length = int.from_bytes(content[at : at + 2], "big")
        if length < 2:
            raise ValueError("damaged header")
        yield marker, at - 2, at + length
        if marker == _START_OF_SCAN:
            return
        at += length


def _inks_to_gray(inks: np.ndarray) -> np.ndarray:
    """Return the luminance of (height, width, 4) inks, 255 for none, as OpenCV rounds it."""
    inks = inks.astype(np.int32)
    black = inks[..., 3]
    red, green, blue = (black - ((255 - inks[..., channel]) * black >> 8) for channel in range(3))
    return ((4899 * red + 9617 * green + 1868 * blue + 8192) >> 14).astype(np.uint8)


JPEG = ImageFormat(
    "JPEG",
    (".jpeg", ".jpg", ".jpe", ".jfif"),
    lambda content: content.startswith(_START),
    read_header,
    decode,
)
"""The format of most films."""
