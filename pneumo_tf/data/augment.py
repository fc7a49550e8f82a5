"""Random augmentation: the parameters of one affine transform and one change of tone per film.

They depend only on seed, phase, epoch and film: the order of work and the number of processes do not matter,
and a resumed epoch has the same augmentation as one without interruption.
"""

import hashlib
import math
from dataclasses import dataclass

import numpy as np

from pneumo_tf.recipe import Augment

_CROP_TRIES = 10


@dataclass(frozen=True)
class Transforms:
    """Random transforms of n films.

    Args:
        warp: (n, 6) float32, the affine transform from output pixels (x′, y′) to input pixels (x, y): a, b
            and c of x = a·x′ + b·y′ + c, then those of y.
        tone: (n, 4) float32: gain, contrast factor, gamma exponent, grey levels added; None if grey levels
            do not change.
    """

    warp: np.ndarray
    tone: np.ndarray | None

    def of(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Return warp and tone of some of the films."""
        return self.warp[rows], None if self.tone is None else self.tone[rows]


def random_generator(*key: int | str) -> np.random.Generator:
    """Return a random generator seeded by `key` alone."""
    digest = hashlib.sha256(repr(key).encode()).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest[:16], "little")))


def source_side(augment: Augment, side: int) -> int:
    """Return the side at which films are decoded for training, in pixels.

    The films are so large that not even the smallest random crop is magnified; torchvision crops the
    original. Crops of films at the model's own side would be more blurred than validation and test films.

    Args:
        augment: Ranges of the augmentation.
        side: Input side of the model in pixels.
    """
    return math.ceil(side / math.sqrt(min(1.0, augment.crop_area[0])))


def random_transforms(augment: Augment, films: int, side: int, *key: int | str) -> Transforms:
    """Return random transforms of every film of a dataset for one epoch.

    Args:
        augment: Ranges of the augmentation.
        films: Number of films in the dataset; row i of the result belongs to film i.
        side: Height and width of the augmented films in pixels; the films before have `source_side`.
        *key: Seed, phase, epoch and use.
    """
    uniform = random_generator("augment", *key).random((films, 9 + 2 * _CROP_TRIES))
    signed = 2 * uniform - 1
    angle = np.radians(augment.rotation) * signed[:, 4]
    zoom = augment.zoom[0] + (augment.zoom[1] - augment.zoom[0]) * uniform[:, 5]
    mirror = np.where(uniform[:, 6] < augment.flip, -1.0, 1.0)
    width, height = _crop(augment, uniform[:, 9:].reshape(films, _CROP_TRIES, 2))
    shift_x = (augment.shift + (1 - width) / 2) * signed[:, 7]
    shift_y = (augment.shift + (1 - height) / 2) * signed[:, 8]
    sides = side, source_side(augment, side)
    warp = _compose(*sides, angle, width / zoom * mirror, height / zoom, shift_x, shift_y)
    return Transforms(
        warp.astype(np.float32), _tone(augment, signed[:, :4]) if augment.changes_tone else None
    )


def _tone(augment: Augment, signed: np.ndarray) -> np.ndarray:
    tone = [
        1 + augment.gain * signed[:, 0],
        1 + augment.contrast * signed[:, 1],
        np.exp(augment.gamma * signed[:, 2]),
        augment.brightness * signed[:, 3],
    ]
    return np.stack(tone, 1).astype(np.float32)


def _crop(augment: Augment, uniform: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return width and height of each random resized crop, as fractions of the side.

    As in torchvision's `RandomResizedCrop`, up to ten crops are tried until one fits into the film; if none
    fits, the whole film is used. A recipe whose crop area may exceed the film uses the first crop.
    """
    low, high = augment.crop_area
    area = low + (high - low) * uniform[..., 0]
    narrow, wide = np.log(augment.crop_aspect)
    aspect = np.exp(narrow + (wide - narrow) * uniform[..., 1])
    width, height = np.sqrt(area * aspect), np.sqrt(area / aspect)
    fits = (np.maximum(width, height) <= 1 + 1e-12) | (high > 1)
    first = np.argmax(fits, axis=1)
    rows = np.arange(len(first))
    fallback = ~fits.any(axis=1)
    return (
        np.where(fallback, 1.0, width[rows, first]),
        np.where(fallback, 1.0, height[rows, first]),
    )


def _compose(
    side: int,
    source: int,
    angle: np.ndarray,
    width: np.ndarray,
    height: np.ndarray,
    shift_x: np.ndarray,
    shift_y: np.ndarray,
) -> np.ndarray:
    """Compose rotation, scale, mirroring and shift about the film's centre into one transform per film."""
    cos, sin = np.cos(angle) * source / side, np.sin(angle) * source / side
    a, b = cos * width, -sin * height
    d, e = sin * width, cos * height
    centre, source_centre = (side - 1) / 2, (source - 1) / 2
    c = source_centre + source * shift_x - (a + b) * centre
    f = source_centre + source * shift_y - (d + e) * centre
    return np.stack([a, b, c, d, e, f], 1)
