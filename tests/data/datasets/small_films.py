"""Small image files for tests of datasets."""

import cv2
import numpy as np


def png(number, side=24):
    """Bytes of a PNG of its own: a square whose gray depends on the number."""
    image = np.full((side, side + number % 5), number % 200, np.uint8)
    image[2:6, 2:6] = 255
    return cv2.imencode(".png", image)[1].tobytes()


def write_films(root, names):
    """Write a film of each name, and return the root."""
    for number, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(number))
    return root
