"""Decoding by Pillow, for the formats that few films have."""

import io
import struct
from typing import TYPE_CHECKING

import numpy as np

from pneumo_tf.data.formats.gray import flatten, lay_on_black

if TYPE_CHECKING:
    from PIL import Image

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
    # Imported here: a command that reads no film starts without Pillow.
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content), formats=(format_name,)) as image:
            image.load()
            return _to_gray(image)
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
