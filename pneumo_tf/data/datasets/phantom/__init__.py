"""Phantom: synthetic frontal chest films for machines without data.

The films are schematic drawings. They carry code through every step from files to report; a score on them
says nothing about a model's worth on patients. Importing this package does not load OpenCV.

Example:
    >>> from pathlib import Path
    >>> from pneumo_tf.data.datasets.phantom import PhantomSpec, write_phantom
    >>> root = write_phantom(PhantomSpec(seed=0), Path("data/phantom"))
"""

from pneumo_tf.data.datasets.phantom.film import RenderedFilm, render_film
from pneumo_tf.data.datasets.phantom.spec import (
    PHANTOM_VERSION,
    FilmCounts,
    PhantomFilm,
    PhantomSpec,
    film_size,
    plan_films,
)
from pneumo_tf.data.datasets.phantom.writer import write_phantom

__all__ = [
    "PHANTOM_VERSION",
    "FilmCounts",
    "PhantomFilm",
    "PhantomSpec",
    "RenderedFilm",
    "film_size",
    "plan_films",
    "render_film",
    "write_phantom",
]
