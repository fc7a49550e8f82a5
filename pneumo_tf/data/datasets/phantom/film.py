"""Rendering of a planned film: anatomy, opacity, exposure, detector."""

from typing import NamedTuple

import numpy as np

from pneumo_tf.data.datasets.phantom.anatomy import draw_chest
from pneumo_tf.data.datasets.phantom.canvas import Canvas, gaussian
from pneumo_tf.data.datasets.phantom.opacity import draw_opacity
from pneumo_tf.data.datasets.phantom.patient import Physique, Pose
from pneumo_tf.data.datasets.phantom.spec import PhantomFilm, PhantomSpec, film_size, stream

# Numbers of the random streams; film_size uses 0.
_PHYSIQUE, _OUTLINES, _DISEASE, _POSE, _COURSE, _TEXTURE, _EXPOSURE = range(1, 8)


class RenderedFilm(NamedTuple):
    """A film, with the true outlines of opacity and lungs.

    Args:
        image: (height, width) uint8, 0 black to 255 white.
        opacity: (height, width) bool, the pixels that show pneumonia.
        lungs: (height, width) bool, the lung fields outside heart and mediastinum, opacities included.
    """

    image: np.ndarray
    opacity: np.ndarray
    lungs: np.ndarray


def render_film(spec: PhantomSpec, film: PhantomFilm, healthy: bool = False) -> RenderedFilm:
    """Draw one film.

    Args:
        spec: The dataset that the film belongs to.
        film: The film, from `plan_films(spec)`.
        healthy: Leave out the disease only: patient, pose, exposure and noise are the same.

    Example:
        >>> spec = PhantomSpec()
        >>> render_film(spec, plan_films(spec)[0]).image.dtype
        dtype('uint8')
    """
    body = Physique.sample(stream(spec, film, _PHYSIQUE, of_patient=True))
    pose = Pose.sample(stream(spec, film, _POSE))
    canvas = pose.canvas(*film_size(spec, film), body.stretch)
    chest = draw_chest(canvas, body, pose, stream(spec, film, _OUTLINES, of_patient=True))
    subtype = "normal" if healthy else film.subtype
    course = stream(spec, film, _COURSE).uniform(0.85, 1.15)
    disease = draw_opacity(subtype, canvas, chest, stream(spec, film, _DISEASE, of_patient=True), course)
    attenuation = chest.tissue - chest.air * (1 - disease.filled)
    attenuation += disease.cuffs * gaussian(chest.bronchi, 0.018 * canvas.unit) * np.maximum(*chest.lungs)
    attenuation *= 1 + 0.022 * canvas.field(stream(spec, film, _TEXTURE, of_patient=True), 0.4)
    image = _expose(canvas, attenuation, stream(spec, film, _EXPOSURE))
    lungs = np.maximum(*chest.lungs) > 0.5
    return RenderedFilm(image, disease.mask() & lungs, lungs)


def _expose(canvas: Canvas, attenuation: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Turn attenuation into gray values: beam, characteristic curve of the detector, blur, noise, marker."""
    level, window, floor, ceiling = rng.uniform(0.58, 0.75), rng.uniform(0.24, 0.34), rng.uniform(0, 18), 250
    x, y = canvas.grid
    tilt = rng.normal(0, 0.03, 2).astype(np.float32)
    beam = attenuation * (1 + tilt[0] * x + tilt[1] * y)
    bright = 1 / (1 + np.exp((level - beam) / window))
    black = 1 / (1 + np.exp(level / window))
    bright = np.clip((bright - black) / (rng.uniform(0.88, 1.0) - black), 0, 1) ** rng.uniform(0.8, 1.25)
    bright = gaussian(bright, rng.uniform(0.3, 1.0) * canvas.height / 256)
    grain = gaussian(rng.standard_normal(bright.shape, dtype=np.float32), rng.uniform(0.3, 0.7))
    bright += rng.uniform(0.006, 0.024) * grain * (0.4 + bright)
    bright = _mark(canvas, bright, rng)
    return np.clip(floor + (ceiling - floor) * bright, 0, 255).astype(np.uint8)


def _mark(canvas: Canvas, bright: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Put the radiographer's side marker on most films, on the patient's right or left."""
    text = rng.choice(("R", "R", "L", ""))
    across, down, size = rng.uniform(0.02, 0.08), rng.uniform(0.1, 0.5), rng.uniform(0.04, 0.07)
    if not text:
        return bright
    letter = canvas.letter(str(text), across if text == "R" else 0.95 - across, down, size)
    return np.maximum(bright, 0.95 * letter)
