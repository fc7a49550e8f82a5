"""Subgroups of films that have enough patients, and the test whether a model's AUC depends on them."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from pneumo_tf.data.films import Films
from pneumo_tf.data.subtypes import subtype_groups
from pneumo_tf.evaluation.intervals import LEAST_PATIENTS, mostly_undefined

AGES = {"under 18 years": (0, 18), "18 to 39": (18, 40), "40 to 64": (40, 65), "65 and above": (65, 200)}
"""Age groups: title, lowest age, and the first age above the group."""

GROUPED = ("sex", "view")
"""Covariates whose every value is a group."""

Groups = Mapping[str, np.ndarray]
"""Title of each group, and (n,) bool whether each film is in it."""


def subgroups(films: Films) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the subgroups by age, sex and view that have at least `LEAST_PATIENTS` patients of each class.

    Yields:
        Title, and (n,) bool whether each film is in the group.
    """
    for groups in _by_metadata(films).values():
        yield from _large_groups(films, groups).items()


def groupings(films: Films) -> dict[str, Groups]:
    """Return the ways to group films that leave two groups or more of enough patients.

    Groups are subtypes of pneumonia, each with all normal films; halves by the pixels of the original image;
    first and further films of a patient, by film id; and age, sex and view where they are known.

    Args:
        films: The films, in the order of the masks.
    """
    found = {
        "subtype of pneumonia": _by_subtype(films),
        "size of the image": _by_size(films),
        "film of the patient": _by_turn(films),
        **_by_metadata(films),
    }
    large = {name: _large_groups(films, groups) for name, groups in found.items()}
    return {name: groups for name, groups in large.items() if len(groups) > 1}


def interaction_p(values: np.ndarray, replicates: np.ndarray) -> float:
    """Test whether a measure is the same in all groups (Wald), with the covariance of bootstrap replicates.

    Args:
        values: (g,) measure in each group.
        replicates: (g, r) the same in each replicate; groups share the resampled patients.

    Returns:
        p-value; nan if a difference between groups has no variance, or is undefined in too many replicates.
    """
    difference, differences = values[:-1] - values[-1], replicates[:-1] - replicates[-1]
    defined = np.isfinite(differences).all(axis=0)
    if not np.isfinite(difference).all() or mostly_undefined(defined):
        return np.nan
    covariance = np.atleast_2d(np.cov(differences[:, defined]))
    if np.linalg.matrix_rank(covariance) < len(difference):
        return np.nan
    return float(chdtrc(len(difference), difference @ np.linalg.solve(covariance, difference)))


def _by_metadata(films: Films) -> dict[str, Groups]:
    frame, found = films.to_frame(), {}
    if "age" in frame and pd.api.types.is_numeric_dtype(frame["age"]):
        found["age"] = {
            title: ((frame["age"] >= low) & (frame["age"] < high)).to_numpy()
            for title, (low, high) in AGES.items()
        }
    for name in (name for name in GROUPED if name in frame):
        values = sorted(frame[name].dropna().unique())
        found[name] = {f"{name} {value}": (frame[name] == value).to_numpy(bool) for value in values}
    return found


def _by_subtype(films: Films) -> Groups:
    normal = films.labels == 0
    return {group.name: normal | group.among(films) for group in subtype_groups(films) if group.label == 1}


def _by_size(films: Films) -> Groups:
    pixels = np.array([film.width * film.height for film in films])
    large = pixels > np.median(pixels)
    return {"large image": large, "small image": ~large}


def _by_turn(films: Films) -> Groups:
    first = {film.patient: film.id for film in sorted(films, key=lambda film: film.id, reverse=True)}
    is_first = np.array([film.id == first[film.patient] for film in films])
    return {"first film": is_first, "further film": ~is_first}


def _large_groups(films: Films, groups: Groups) -> Groups:
    return {title: member for title, member in groups.items() if _has_patients(films, member)}


def _has_patients(films: Films, member: np.ndarray) -> bool:
    inside = replace(films, rows=tuple(film for film, kept in zip(films, member, strict=True) if kept))
    patients = ({film.patient for film in inside if film.label == label} for label in (0, 1))
    return min(map(len, patients)) >= LEAST_PATIENTS
