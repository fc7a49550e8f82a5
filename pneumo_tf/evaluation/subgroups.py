"""Subgroups of films by age, sex and view that have enough patients."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from pneumo_tf.data.films import Films

LEAST_PATIENTS = 10
"""Least number of patients of each class in a subgroup."""

AGES = {"under 18 years": (0, 18), "18 to 39": (18, 40), "40 to 64": (40, 65), "65 and above": (65, 200)}
"""Age groups: title, lowest age, and the first age above the group."""

GROUPED = ("sex", "view")
"""Covariates whose every value is a group."""


def subgroups(films: Films) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the subgroups of films that have at least `LEAST_PATIENTS` patients of each class.

    Yields:
        Title, and (n,) bool whether each film is in the group.
    """
    frame = films.to_frame()
    if "age" in frame and pd.api.types.is_numeric_dtype(frame["age"]):
        for title, (low, high) in AGES.items():
            yield from _if_large(films, title, ((frame["age"] >= low) & (frame["age"] < high)).to_numpy())
    for name in (name for name in GROUPED if name in frame):
        for value in sorted(frame[name].dropna().unique()):
            yield from _if_large(films, f"{name} {value}", (frame[name] == value).to_numpy(bool))


def _if_large(films: Films, title: str, member: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    patients = [
        {film.patient for film, inside in zip(films, member, strict=True) if inside and film.label == label}
        for label in (0, 1)
    ]
    if min(map(len, patients)) >= LEAST_PATIENTS:
        yield title, member
