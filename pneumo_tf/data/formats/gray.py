"""Decoded pixels to 8-bit gray: luminance, transparency, and depth."""

import numpy as np

COLOUR = "colour, read as luminance"
ALPHA = "transparent in parts, read on black"
FRAMES = "several frames, of which the first is read"

DEPTHS = (12, 16)
"""Depths that a 16-bit file can have if it does not state one: most detectors give 12 bits."""


def smallest_depth(largest: int) -> int:
    """Return the smallest of `DEPTHS` that holds a grey level."""
    return next(bits for bits in DEPTHS if largest < 2**bits)


def reduce_depth(values: np.ndarray, bits: int) -> np.ndarray:
    """Bring grey levels to 8 bits: 0 stays 0, the largest level of `bits` becomes 255, linear between.

    Args:
        values: uint16, of any shape.
        bits: Depth of the film, 9 to 16. Not chosen by the film's own darkest and brightest pixel: two films
            of one set must be brought to 8 bits alike.

    Raises:
        ValueError: If a grey level does not fit into the depth.
    """
    largest = 2**bits - 1
    if values.size and values.max() > largest:
        raise ValueError(f"grey level {values.max():,} does not fit into {bits} bits")
    levels = np.rint(np.arange(largest + 1) * (255 / largest)).astype(np.uint8)
    return levels[values]


def luminance(image: np.ndarray) -> np.ndarray:
    """Return the luminance of an image, (height, width, 3) in the order blue, green, red, in its own type."""
    # Imported here: a command that reads no film starts without OpenCV.
    import cv2

    return cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)


def on_black(gray: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Lay a transparent image on black; both are of one unsigned type, whose largest alpha is opaque."""
    opaque = np.iinfo(gray.dtype).max
    return ((gray.astype(np.uint32) * alpha + opaque // 2) // opaque).astype(gray.dtype)


def flatten(image: np.ndarray) -> np.ndarray:
    """Return the gray of an image as OpenCV decodes it: gray, blue-green-red, or the latter with alpha."""
    if image.ndim == 2:
        return image
    if image.shape[2] == 1:
        return image[..., 0]
    gray = luminance(np.ascontiguousarray(image[..., :3]))
    return on_black(gray, image[..., 3]) if image.shape[2] == 4 else gray
