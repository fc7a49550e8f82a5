"""Maps at the resolution of films."""

import cv2
import numpy as np


def upsampled(maps: np.ndarray, side: int) -> np.ndarray:
    """Brings maps (n, h, w) to the films' resolution, bilinear, so that no peak is added.

    Returns:
        (n, side, side) float32.
    """
    resized = [cv2.resize(map_, (side, side), interpolation=cv2.INTER_LINEAR) for map_ in maps]
    return np.array(resized, np.float32).reshape(-1, side, side)
