"""Header of a compressed image: kind, size and depth, read before a decoder allocates memory for it."""

import struct
from collections.abc import Container
from typing import NamedTuple

JPEG, PROGRESSIVE, LOSSLESS, JPEG_LS, JPEG_2000 = (
    "JPEG",
    "progressive JPEG",
    "lossless JPEG",
    "JPEG-LS",
    "JPEG 2000",
)

KINDS = {0xC0: JPEG, 0xC1: JPEG, 0xC2: PROGRESSIVE, 0xC3: LOSSLESS, 0xF7: JPEG_LS}
"""Kind by the marker of a JPEG's frame header; other kinds cannot be decoded."""

FRAME_MARKERS = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
"""Markers of frame headers; the excluded ones belong to tables and extensions."""

ALONE = {0x01, *range(0xD0, 0xD9)}
"""Markers without a length after them."""

SCAN = 0xDA
"""Marker of the last segment before the pixels."""

JFIF, ADOBE = 0xE0, 0xEE
"""Markers of segments that state the colours of a JPEG."""

SEGMENT_START = 4
"""Bytes of marker and length before the content of a segment."""

ADOBE_LENGTH = 16
"""Bytes of a whole segment of Adobe's; the last of them states the colours, and shorter ones are found."""

NOTES = {*range(0xE0, 0xF0), 0xFE}
"""Markers of segments of applications and of comments, `JFIF` and `ADOBE` among them."""

JPEG_START = b"\xff\xd8"

JPEG_2000_START = b"\xff\x4f\xff\x51"
"""Start of a codestream and of its header with the size."""

END = b"\xff\xd9"
"""End of a codestream, in every kind of JPEG."""

SEARCHED = 4096
"""Bytes in which a JPEG 2000 codestream begins, if boxes of a JP2 file precede it."""

MAX_SEGMENTS = 1000
"""Segments and fill bytes before the pixels; a real file has some ten."""

PADDING = 8
"""Bytes after the end of a codestream that are taken for padding."""


class CodestreamHeader(NamedTuple):
    """Header of a codestream.

    Args:
        kind: `"JPEG"`, `"lossless JPEG"` and so on.
        width: Pixels.
        height: Pixels.
        samples: Values of a pixel.
        bits: Depth of a sample.
    """

    kind: str
    width: int
    height: int
    samples: int
    bits: int


def read_codestream(content: bytes) -> CodestreamHeader:
    """Read the header of a JPEG, JPEG-LS or JPEG 2000 codestream.

    Raises:
        ValueError: With the reason if there is no such header, or the end is cut off.
    """
    try:
        header = (_read_jpeg if content.startswith(JPEG_START) else _read_jpeg_2000)(content)
    except struct.error as error:
        raise ValueError("compressed pixel data are cut off") from error
    if END not in content[-PADDING:]:
        raise ValueError("compressed pixel data are cut off")
    return header


def strip_jpeg(content: bytes, kept: Container[int] = ()) -> bytes:
    """Return a JPEG without the notes of applications.

    Args:
        content: Codestream, as `read_codestream` accepts it.
        kept: Markers of notes that stay.
    """
    parts = [JPEG_START]
    for marker, start, end in _segments(content):
        if marker not in NOTES or marker in kept:
            parts.append(content[start:end])
    return b"".join(parts)


def states_colours(content: bytes) -> bool:
    """Return whether a JPEG contains a note on how its colours are stored."""
    return any(
        (marker == JFIF and content.startswith(b"JFIF", start + SEGMENT_START))
        or (
            marker == ADOBE
            and content.startswith(b"Adobe", start + SEGMENT_START)
            and end - start >= ADOBE_LENGTH
        )
        for marker, start, end in _segments(content)
    )


def _read_jpeg(content: bytes) -> CodestreamHeader:
    for marker, start, _ in _segments(content):
        if marker in FRAME_MARKERS:
            bits, height, width, samples = struct.unpack_from(">BHHB", content, start + 4)
            return CodestreamHeader(KINDS.get(marker, "unusual JPEG"), width, height, samples, bits)
    raise ValueError("compressed pixel data are damaged")


def _segments(content: bytes) -> list[tuple[int, int, int]]:
    """List marker, start and end of each segment of a JPEG; the last is the scan, with all that follows.

    Raises:
        ValueError: If something else stands between two segments, or there is no scan.
    """
    segments, at = [], len(JPEG_START)
    for _ in range(MAX_SEGMENTS):
        first, marker = struct.unpack_from(">BB", content, at)
        if first != 0xFF:
            break
        if marker == SCAN:
            return [*segments, (marker, at, len(content))]
        if marker == 0xFF:  # Any number of these may stand before a marker.
            at += 1
        elif marker in ALONE:
            at += 2
        else:
            (length,) = struct.unpack_from(">H", content, at + 2)
            segments.append((marker, at, at + 2 + length))
            at += 2 + length
    raise ValueError("compressed pixel data are damaged")


def _read_jpeg_2000(content: bytes) -> CodestreamHeader:
    start = content.find(JPEG_2000_START, 0, SEARCHED)
    if start < 0:
        raise ValueError("no compressed image in the pixel data")
    right, bottom, left, top = struct.unpack_from(">4I", content, start + 8)
    samples, depth = struct.unpack_from(">HB", content, start + 40)
    # The highest bit of the depth holds the sign.
    return CodestreamHeader(JPEG_2000, right - left, bottom - top, samples, (depth & 0x7F) + 1)
