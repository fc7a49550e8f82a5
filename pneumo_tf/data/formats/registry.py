"""The image formats that films are read from. To add one, write a module with its entry and list it here."""

from collections.abc import Mapping

import numpy as np

from pneumo_tf.data.formats.bmp import BMP
from pneumo_tf.data.formats.dicom.dicom_format import DICOM
from pneumo_tf.data.formats.image_format import ImageFormat, ImageHeader, Warn
from pneumo_tf.data.formats.jpeg import JPEG
from pneumo_tf.data.formats.png import PNG
from pneumo_tf.data.formats.tiff import TIFF
from pneumo_tf.data.formats.webp import WEBP

FORMATS: dict[str, ImageFormat] = {entry.name: entry for entry in (JPEG, PNG, TIFF, BMP, WEBP, DICOM)}
"""Formats by name."""

EXTENSIONS = tuple(extension for entry in FORMATS.values() for extension in entry.extensions)
"""Extensions of films, in lower case, by which they are found in a folder."""

DECODING = 1
"""Version of decoding; increase it if the grey levels of a file change: cached films are decoded again."""

REFUSED: Mapping[str, tuple[int, tuple[bytes, ...]]] = {
    "GIF": (0, (b"GIF8",)),
    "JPEG 2000": (0, (b"\x00\x00\x00\x0cjP  ", b"\xff\x4f\xff\x51")),
    "JPEG XL": (0, (b"\x00\x00\x00\x0cJXL ", b"\xff\x0a")),
    "HEIC or AVIF": (4, (b"ftyp",)),
    "Photoshop": (0, (b"8BPS",)),
    "BigTIFF": (0, (b"II+\x00", b"MM\x00+")),
    "portable pixmap": (0, (b"P1\n", b"P2\n", b"P3\n", b"P4\n", b"P5\n", b"P6\n")),
    "PDF": (0, (b"%PDF",)),
    "zip": (0, (b"PK\x03\x04",)),
    "gzip": (0, (b"\x1f\x8b",)),
}
"""Formats that are recognised but not read: position of their signature in a file, and its values."""


def read_header(content: bytes) -> ImageHeader:
    """Read the header of an image, whatever its file name.

    Raises:
        ValueError: With the reason if its format is not supported, or it is damaged.
    """
    return _format_of(content).read_header(content)


def decode(content: bytes, bits: int = 16, warn: Warn | None = None) -> np.ndarray:
    """Decode an image to gray, whatever its file name.

    Args:
        content: Bytes of the file.
        bits: Assumed bits of gray of a film that has more than 8 bits but does not state how many.
        warn: Called with a warning for each defect that does not stop the decoder.

    Returns:
        (height, width) uint8, 0 black to 255 white, as the image is displayed.

    Raises:
        ValueError: With the reason if it cannot be decoded.
    """
    return _format_of(content).decode(content, bits, warn or _ignore)


def _format_of(content: bytes) -> ImageFormat:
    if not content:
        raise ValueError("empty")
    for entry in FORMATS.values():
        if entry.recognise(content):
            return entry
    for name, (place, signatures) in REFUSED.items():
        if content[place:].startswith(signatures):
            raise ValueError(f"a {name} file, which is not read here")
    raise ValueError("no image of a known format")


def _ignore(warning: str) -> None:
    pass
