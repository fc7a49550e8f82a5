"""The orientation tag of EXIF: rotation and mirroring of a stored image for display."""

import numpy as np

from pneumo_tf.data.formats.tiff_tags import ORIENTATION, read_tags

QUARTER_TURNS = 5
"""Orientations from this number on exchange width and height."""

ROTATED = "rotated or mirrored as the EXIF tag states"


def read_orientation(exif: bytes) -> int:
    """Read the orientation from an EXIF block, 1 (as stored) to 8; 1 if it states none that is valid."""
    try:
        values = read_tags(exif.removeprefix(b"Exif\x00\x00")).values.get(ORIENTATION, (1,))
    except ValueError:
        # Other programs display an image with damaged EXIF as it is stored.
        return 1
    return values[0] if 1 <= values[0] <= 8 else 1


def displayed_size(width: int, height: int, orientation: int) -> tuple[int, int]:
    """Return width and height of an image as it is displayed."""
    return (height, width) if orientation >= QUARTER_TURNS else (width, height)


def turn(image: np.ndarray, orientation: int) -> np.ndarray:
    """Turn a stored image into the displayed one."""
    if orientation >= QUARTER_TURNS:
        image = image.T
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    return np.ascontiguousarray(image)
