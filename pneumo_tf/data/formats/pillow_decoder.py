"""Decoding with Pillow, for the formats of few films."""

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from pneumo_tf.data.formats.gray import flatten, has_colour, lay_on_black

if TYPE_CHECKING:
    from PIL import Image

BAND = 256
"""Rows that are converted at a time."""

_FAULTS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    MemoryError,
    struct.error,
)
"""Errors that Pillow's readers raise on damaged files."""


def decode_with_pillow(content: bytes, format_name: str) -> np.ndarray:
    """Decode the first image of a file to gray.

    Args:
        content: Bytes of the file.
        format_name: Pillow's name of the format.

    Returns:
        (height, width) uint8, or uint16 if the file is deeper than 8 bits; what is transparent is laid on
        black.

    Raises:
        ValueError: With the reason if it cannot be decoded.
    """
    with _loaded(content, format_name) as image:
        return np.vstack([_to_gray(band) for band in _bands(image)])


def shows_colour(content: bytes, format_name: str) -> bool:
    """Return whether red, green and blue of the first image differ anywhere.

    Args:
        content: Bytes of the file.
        format_name: Pillow's name of the format.

    Raises:
        ValueError: With the reason if it cannot be decoded.
    """
    with _loaded(content, format_name) as image:
        if image.mode in ("1", "L", "LA") or image.mode.startswith("I;16"):
            return False
        return any(has_colour(np.asarray(band.convert("RGB"))) for band in _bands(image))


def _bands(image: "Image.Image") -> "Iterator[Image.Image]":
    """Cut an image into bands of rows: Pillow copies what it converts."""
    for top in range(0, image.height, BAND):
        yield image.crop((0, top, image.width, min(top + BAND, image.height)))


@contextmanager
def _loaded(content: bytes, format_name: str) -> "Iterator[Image.Image]":
    """Decode a file; a fault of it, or of a conversion of it, is a `ValueError` with the reason.

    Yields:
        The first image.
    """
    # Imported here: a command that reads no film starts without Pillow.
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content), formats=(format_name,)) as image:
            image.load()
            yield image
    except _FAULTS as error:
        raise ValueError("cut off" if "truncated" in str(error) else "does not decode") from error


def _to_gray(image: "Image.Image") -> np.ndarray:
    if image.mode in ("1", "L"):
        return np.array(image.convert("L"))
    if image.mode.startswith("I;16"):
        return np.array(image).astype(np.uint16)
    if image.mode == "LA":
        gray, alpha = (np.array(channel) for channel in image.split())
        return lay_on_black(gray, alpha)
    transparent = image.mode in ("RGBA", "PA") or "transparency" in image.info
    channels = np.array(image.convert("RGBA" if transparent else "RGB"))
    # OpenCV's luminance, and so the grey levels of the same film as JPEG or PNG.
    return flatten(channels[..., [2, 1, 0, 3]] if transparent else channels[..., ::-1])
