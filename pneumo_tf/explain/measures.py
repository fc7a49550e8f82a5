"""What a run leaves for the report: how far its maps can be believed, film by film.

All is arithmetic on maps and scores, whatever made them.
"""

from collections.abc import Mapping

import numpy as np

from pneumo_tf.explain import localisation, shortcut
from pneumo_tf.explain.faithfulness import Score, deletion, drop_and_rise, insertion, road
from pneumo_tf.explain.maps import averaged, upsampled
from pneumo_tf.explain.similarity import alike

REFERENCE = "grad_cam"
"""The map that the others are compared with."""

CEILING = "opacity"
"""Name of the map that is the opacity itself, drawn on the grid of the others: what that grid allows."""

PUBLISHED = "grad_cam_published"
"""Name of Grad-CAM at the layer that a reproduced system used."""

SCORED = ("grad_cam", "layer_cam", PUBLISHED, "centre", "edges", "random", "input_gradient")
"""Maps whose faithfulness is measured, which costs 14 passes per film and map; the others are only placed."""

DELETED = (0.0, 0.1, 0.2, 0.4)
"""Shares of a film that are deleted or inserted: past them hardly a method differs from another."""

IMPUTED = (0.2, 0.4)
"""Shares of a film that are imputed for ROAD."""

SCORED_FILMS = 16
"""Most films that faithfulness is measured on, spread evenly over those that are called pneumonia."""

DIGITS = 3

Values = Mapping[str, np.ndarray]
"""(n,) per film, by measure; nan where a film has none."""


def placed(
    maps: np.ndarray, films: np.ndarray, masks: np.ndarray | None, lungs: np.ndarray | None
) -> dict[str, np.ndarray]:
    """Measures where maps lie.

    Args:
        maps: (n, h, w), at any resolution.
        films: (n, side, side) uint8.
        masks: (n, side, side) bool: opacities; None where none are known.
        lungs: (n, side, side) bool: lung fields; None where none are known.

    Returns:
        `border`, `corners`, `empty` and `outside_body`; with `lungs` the energy in them; with `masks`
        `pointing`, `near`, `energy`, `iou` and `best_iou`.
    """
    high = upsampled(maps, films.shape[1])
    values = {
        "border": shortcut.border_share(maps),
        "corners": shortcut.corner_share(maps),
        "empty": (maps.max(axis=(1, 2), initial=0) == 0).astype(float),
        "outside_body": localisation.energy_outside_body(high, films),
    }
    if lungs is not None:
        values["lungs"] = localisation.energy_inside(high, lungs)
    return values if masks is None else values | pointed(high, masks)


def pointed(maps: np.ndarray, masks: np.ndarray) -> dict[str, np.ndarray]:
    """Measures maps against opacities, both (n, side, side).

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


def faithful(score: Score, films: np.ndarray, maps: np.ndarray, chosen: np.ndarray) -> dict[str, np.ndarray]:
    """Measures whether the score rests on what maps mark.

    Args:
        score: The model.
        films: (n, side, side) uint8.
        maps: (n, h, w).
        chosen: Films that are changed, their places among the n.

    Returns:
        `deletion`, `insertion`, `road`, `drop` and `rise`, nan for films that are not chosen.
    """
    shown, high = films[chosen], upsampled(maps[chosen], films.shape[1])
    drop, rise = drop_and_rise(score, shown, high)
    found = {
        "deletion": deletion(score, shown, high, fractions=DELETED),
        "insertion": insertion(score, shown, high, fractions=DELETED),
        "road": road(score, shown, high, fractions=IMPUTED),
        "drop": drop,
        "rise": rise,
    }
    return {name: _among(values, chosen, len(films)) for name, values in found.items()}


def spread(called: np.ndarray, most: int) -> np.ndarray:
    """Gives the places of at most so many films among those called pneumonia, (n,) bool, evenly apart."""
    places = np.flatnonzero(called)
    at = np.linspace(0, len(places) - 1, min(most, len(places)))
    return places[np.rint(at).astype(int)]


def measure(
    maps: Mapping[str, np.ndarray],
    score: Score,
    films: np.ndarray,
    *,
    masks: np.ndarray | None = None,
    lungs: np.ndarray | None = None,
) -> dict[str, Values]:
    """Measures the maps of a model.

    Args:
        maps: By name (n, h, w) on one grid; `REFERENCE` among them.
        score: The model that they are of.
        films: (n, side, side) uint8.
        masks: (n, side, side) bool: opacities; None where none are known.
        lungs: (n, side, side) bool: lung fields; None where none are known.

    Returns:
        By map and measure (n,) values: those of `placed`; of `faithful` for maps in `SCORED`; of `alike`
        with the reference. With `masks`, `CEILING` is one of the maps and has the values of `pointed`.
    """
    chosen = spread(score(films) > 0, SCORED_FILMS)
    found = {}
    for name, low in maps.items():
        found[name] = placed(low, films, masks, lungs)
        if name in SCORED:
            found[name] |= faithful(score, films, low, chosen)
        if name != REFERENCE:
            found[name] |= alike(low, maps[REFERENCE])
    if masks is not None:
        drawn = averaged(masks, maps[REFERENCE].shape[1:])
        found[CEILING] = pointed(upsampled(drawn, films.shape[1]), masks)
    return found


def listed(values: Values) -> dict[str, list[float | None]]:
    """Gives values as JSON has them: rounded, None for nan."""
    return {
        name: [round(float(value), DIGITS) if np.isfinite(value) else None for value in of]
        for name, of in values.items()
    }


def _among(values: np.ndarray, chosen: np.ndarray, count: int) -> np.ndarray:
    all_ = np.full(count, np.nan)
    all_[chosen] = values
    return all_
