"""Conversion of decoded pixels to 8-bit gray: luminance, transparency, and depth."""

from collections.abc import Callable, Iterator

import numpy as np

COLOUR = "in colour, read as luminance"
ALPHA = "transparent in parts, read on black"
FRAMES = "several frames, of which the first is read"

DEPTHS = (12, 16)
"""Assumed depths of a 16-bit file that does not state one; most detectors have 12 bits."""

ROUNDING = 4
"""Levels of 256 by which red, green and blue of a gray film differ after lossy coding, at most."""

_BLOCK = 2**22
"""Pixels that are converted at a time, because intermediate values take more memory than the film."""


def smallest_depth(largest: int) -> int:
    """Return the smallest of `DEPTHS` that is enough for a grey level."""
    return next(bits for bits in DEPTHS if largest < 2**bits)


def reduce_depth(values: np.ndarray, bits: int) -> np.ndarray:
    """Convert grey levels to 8 bits linearly: 0 stays 0, and the largest level of `bits` becomes 255.

    Args:
        values: (height, width) uint16.
        bits: Depth, 9 to 16; the same for all films of a set, so not the range of one film's pixels.

    Raises:
        ValueError: If a grey level does not fit into the depth.
    """
    largest = 2**bits - 1
    if values.max() > largest:
        raise ValueError(f"grey level {values.max():,} does not fit into {bits} bits")
    levels = np.rint(np.arange(largest + 1) * (255 / largest)).astype(np.uint8)
    return levels[values]


def flatten(image: np.ndarray) -> np.ndarray:
    """Return the gray of decoded pixels.

    Args:
        image: (height, width), or (height, width, 3 or 4) in the order blue, green, red, alpha; uint8 or
            uint16.

    Returns:
        (height, width), of the same type; transparent pixels are blended with black.
    """
    if image.ndim == 2:
        return image
    return convert_rows(image, _flatten_rows)


def has_colour(image: np.ndarray) -> bool:
    """Return whether red, green and blue differ anywhere by more than a decoder's rounding.

    Args:
        image: (height, width) gray, or (height, width, 3 or 4) colours, of which a fourth channel is ignored.
    """
    if image.ndim == 2:
        return False
    most = ROUNDING * (np.iinfo(image.dtype).max // 255)
    for rows in _blocks(image):
        first, second, third = np.moveaxis(image[rows, :, :3], 2, 0)
        highest = np.maximum(np.maximum(first, second), third)
        lowest = np.minimum(np.minimum(first, second), third)
        if (highest - lowest).max() > most:
            return True
    return False


def lay_on_black(gray: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Blend a transparent image with black; both arrays have the same unsigned type."""
    opaque = np.iinfo(gray.dtype).max
    laid = np.empty_like(gray)
    for rows in _blocks(gray):
        laid[rows] = (gray[rows].astype(np.uint32) * alpha[rows] + opaque // 2) // opaque
    return laid


def convert_rows(image: np.ndarray, convert: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Convert an image of several channels to one, some rows at a time."""
    gray = np.empty(image.shape[:2], image.dtype)
    for rows in _blocks(image):
        gray[rows] = convert(image[rows])
    return gray


def _flatten_rows(rows: np.ndarray) -> np.ndarray:
    # Imported here: a command that reads no film starts without OpenCV.
    import cv2

    gray = cv2.cvtColor(np.ascontiguousarray(rows[..., :3]), cv2.COLOR_BGR2GRAY)
    return lay_on_black(gray, rows[..., 3]) if rows.shape[2] == 4 else gray


def _blocks(image: np.ndarray) -> Iterator[slice]:
    height, width = image.shape[:2]
    count = max(1, _BLOCK // width)
    for start in range(0, height, count):
        yield slice(start, start + count)
