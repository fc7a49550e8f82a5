"""Pneumonia in the phantom: the share of the lung's air that fluid replaces, pixel by pixel.

Bacterial pneumonia consolidates a part of one lung, viral pneumonia spreads through both along the bronchi.
Both follow the textbook and are schematic; real films overlap far more.
"""

from typing import NamedTuple

import numpy as np

from pneumo_tf.data.datasets.phantom.anatomy import Chest
from pneumo_tf.data.datasets.phantom.canvas import Canvas
from pneumo_tf.data.datasets.phantom.patient import SIDES

VISIBLE_SHARE = 0.12
"""Share of the lung's air that has to be replaced for a pixel to count as opacity."""

_LOBES = {-1: ((0.48, -0.55), (0.48, 0.12), (0.58, 0.42)), 1: ((0.48, -0.50), (0.62, 0.10), (0.70, 0.42))}
"""Centres of upper, middle and lower opacities by side, patient x (outwards) and y."""


class Opacity(NamedTuple):
    """Pneumonia on one film.

    Args:
        filled: (height, width) float32 in 0–1, share of the lung's air that is replaced.
        cuffs: Attenuation added by thickened bronchial walls, in units of soft tissue.
    """

    filled: np.ndarray
    cuffs: float

    def mask(self) -> np.ndarray:
        """Return the pixels at which opacity counts as visible, (height, width) bool."""
        return self.filled > VISIBLE_SHARE


def draw_opacity(
    subtype: str, canvas: Canvas, chest: Chest, patient: np.random.Generator, course: float
) -> Opacity:
    """Draw the opacity of a film.

    Args:
        subtype: "normal", "bacteria" or "virus".
        canvas: The film's canvas.
        chest: The chest of the same film.
        patient: The patient's random stream: place, extent and density are the same in all his films.
        course: Factor on the density, about 1, for the stage of the disease on the day of the film.
    """
    if subtype == "normal":
        return Opacity(np.zeros((canvas.height, canvas.width), np.float32), 0.0)
    draw = _consolidation if subtype == "bacteria" else _infiltrates
    return draw(canvas, chest, patient, course)


def _consolidation(canvas: Canvas, chest: Chest, rng: np.random.Generator, course: float) -> Opacity:
    """Focal opacity in one lobe, often cut off by a fissure and crossed by air-filled bronchi."""
    lung = int(rng.random() < 0.45)
    lobe = rng.choice(3, p=(0.3, 0.25, 0.45))
    centre = np.array(_LOBES[SIDES[lung]][lobe]) + rng.normal(0, (0.10, 0.08))
    radii = rng.uniform(0.31, 0.56) * rng.uniform(0.8, 1.25, 2)
    x, y = canvas.grid
    distance = ((x - SIDES[lung] * centre[0]) / radii[0]) ** 2 + ((y - centre[1]) / radii[1]) ** 2
    ragged = 1 - distance + 0.35 * canvas.field(rng, 0.22)
    density = np.clip(ragged / rng.uniform(0.5, 1.2) + 0.3, 0, 1)
    if lobe == 0 and rng.random() < 0.6:
        fissure = centre[1] + rng.uniform(0.1, 0.25) + rng.normal(0, 0.1) * x
        density *= np.clip((fissure - y) / 0.03 + 0.5, 0, 1)
    density *= 1 - rng.uniform(0, 0.6) * np.clip(chest.bronchi, 0, 1)
    strength = min(0.95, rng.uniform(0.65, 0.98) * course)
    return Opacity((strength * density * chest.lungs[lung]).astype(np.float32), 0.0)


def _infiltrates(canvas: Canvas, chest: Chest, rng: np.random.Generator, course: float) -> Opacity:
    """Diffuse opacity in both lungs: patches and haze, densest round the hila, and thick bronchial walls."""
    x, y = canvas.grid
    reach = rng.uniform(0.55, 1.0)
    perihilar = np.exp(-(((np.abs(x) - 0.3) / reach) ** 2) - ((y - rng.uniform(-0.15, 0.35)) / reach) ** 2)
    patches = np.clip(0.35 + 0.5 * canvas.field(rng, rng.uniform(0.12, 0.2)), 0, 1)
    density = perihilar * (rng.uniform(0.2, 0.5) + patches)
    strength = min(0.8, rng.uniform(0.4, 0.75) * course)
    right, left = (share * lung for share, lung in zip(rng.uniform(0.7, 1.0, 2), chest.lungs, strict=True))
    filled = np.clip(strength * density, 0, 0.9) * np.maximum(right, left)
    return Opacity(filled.astype(np.float32), rng.uniform(0.02, 0.12))
