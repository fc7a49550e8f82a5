"""Measures of maps that a run stores for the report, film by film."""

from collections.abc import Mapping

import numpy as np

from pneumo_tf.explain import localisation, shortcut
from pneumo_tf.explain.faithfulness import Score, deletion, drop_and_increase, insertion, road
from pneumo_tf.explain.maps import downsample, upsample
from pneumo_tf.explain.similarity import compare_maps

REFERENCE = "grad_cam"
"""Map with which the others are compared."""

CEILING = "opacity"
"""Name of the mask of the opacity on the grid of the maps: an upper bound for maps of that grid."""

PUBLISHED = "grad_cam_published"
"""Name of Grad-CAM at the layer of a reproduced system."""

SCORED = ("grad_cam", "layer_cam", PUBLISHED, "centre", "edges", "random", "input_gradient")
"""Maps whose faithfulness is measured, at 14 passes per film and map."""

DELETED = (0.0, 0.1, 0.2, 0.4)
"""Shares of a film that are deleted or inserted; methods hardly differ at larger ones."""

IMPUTED = (0.2, 0.4)
"""Shares of a film that are imputed for ROAD."""

SCORED_FILMS = 16
"""Most films on which faithfulness is measured, evenly spaced among those predicted positive."""

DIGITS = 3

Values = Mapping[str, np.ndarray]
"""(n,) values per film, by measure; nan if undefined."""


def measure_location(
    maps: np.ndarray, films: np.ndarray, masks: np.ndarray | None, lungs: np.ndarray | None
) -> dict[str, np.ndarray]:
    """Measure the location of maps on the film.

    Args:
        maps: (n, h, w) 0 or more, at any resolution.
        films: (n, side, side) uint8.
        masks: (n, side, side) bool: opacities; None if unknown.
        lungs: (n, side, side) bool: lung fields; None if unknown.

    Returns:
        `border`, `corners`, `empty` and `outside_body`; `lungs`, the energy in lung fields, if these are
        known; and if opacities are known, `pointing`, `near`, `energy`, `iou` and `best_iou`.
    """
    high = upsample(maps, films.shape[1])
    values = {
        "border": shortcut.border_share(maps),
        "corners": shortcut.corner_share(maps),
        "empty": (maps.max(axis=(1, 2), initial=0) == 0).astype(float),
        "outside_body": localisation.energy_outside_body(high, films),
    }
    if lungs is not None:
        values["lungs"] = localisation.energy_inside(high, lungs)
    return values if masks is None else values | measure_localisation(high, masks)


def measure_localisation(maps: np.ndarray, masks: np.ndarray) -> dict[str, np.ndarray]:
    """Measure maps against opacities, both (n, side, side).

    Returns:
        `pointing`, `near`, `energy`, `iou` and `best_iou`.
    """
    return {
        "pointing": localisation.pointing_game(maps, masks),
        "near": localisation.pointing_game(maps, masks, localisation.NEAR),
        "energy": localisation.energy_inside(maps, masks),
        "iou": localisation.iou(maps, masks),
        "best_iou": localisation.best_iou(maps, masks),
    }


def measure_faithfulness(
    score: Score, films: np.ndarray, maps: np.ndarray, chosen: np.ndarray
) -> dict[str, np.ndarray]:
    """Measure whether the score depends on what maps mark.

    Args:
        score: Scores of the model.
        films: (n, side, side) uint8.
        maps: (n, h, w) 0 or more.
        chosen: Indices of the films to measure.

    Returns:
        `deletion`, `insertion`, `road`, `drop` (Average Drop) and `rise` (Increase in Confidence), nan for
        films that are not chosen.
    """
    shown, high = films[chosen], upsample(maps[chosen], films.shape[1])
    drop, increase = drop_and_increase(score, shown, high)
    found = {
        "deletion": deletion(score, shown, high, fractions=DELETED),
        "insertion": insertion(score, shown, high, fractions=DELETED),
        "road": road(score, shown, high, fractions=IMPUTED),
        "drop": drop,
        "rise": increase,
    }
    return {name: _among(values, chosen, len(films)) for name, values in found.items()}


def choose_evenly(positive: np.ndarray, most: int) -> np.ndarray:
    """Return the indices of at most `most` of the True elements of `positive` (n,) bool, evenly spaced."""
    indices = np.flatnonzero(positive)
    at = np.linspace(0, len(indices) - 1, min(most, len(indices)))
    return indices[np.rint(at).astype(int)]


def measure_maps(
    maps: Mapping[str, np.ndarray],
    score: Score,
    films: np.ndarray,
    *,
    masks: np.ndarray | None = None,
    lungs: np.ndarray | None = None,
) -> dict[str, Values]:
    """Measure the maps of a model.

    Args:
        maps: (n, h, w) maps on one grid, by name; `REFERENCE` is one of them.
        score: Scores of the model.
        films: (n, side, side) uint8.
        masks: (n, side, side) bool: opacities; None if unknown.
        lungs: (n, side, side) bool: lung fields; None if unknown.

    Returns:
        (n,) values by map and measure: `measure_location` of all; `measure_faithfulness` of maps in `SCORED`;
        similarity with the reference of all others. With `masks`, also `measure_localisation` of `CEILING`.
    """
    chosen = choose_evenly(score(films) > 0, SCORED_FILMS)
    found = {}
    for name, low in maps.items():
        found[name] = measure_location(low, films, masks, lungs)
        if name in SCORED:
            found[name] |= measure_faithfulness(score, films, low, chosen)
        if name != REFERENCE:
            found[name] |= compare_maps(low, maps[REFERENCE])
    if masks is not None:
        found[CEILING] = measure_ceiling(masks, maps[REFERENCE].shape[1:])
    return found


def measure_ceiling(masks: np.ndarray, grid: tuple[int, int]) -> dict[str, np.ndarray]:
    """Measure masks, (n, side, side) bool, as if they were maps of a grid: an upper bound for such maps."""
    return measure_localisation(upsample(downsample(masks, grid), masks.shape[1]), masks)


def json_values(values: Values) -> dict[str, list[float | None]]:
    """Convert values for JSON: rounded to `DIGITS`, None for nan."""
    return {
        name: [round(float(value), DIGITS) if np.isfinite(value) else None for value in column]
        for name, column in values.items()
    }


def _among(values: np.ndarray, chosen: np.ndarray, count: int) -> np.ndarray:
    padded = np.full(count, np.nan)
    padded[chosen] = values
    return padded
