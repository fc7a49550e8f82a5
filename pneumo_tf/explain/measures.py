"""What a run leaves for the report: how far its maps can be believed, film by film."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from pneumo_tf.explain import localisation, shortcut
from pneumo_tf.explain.explainer import METHODS_AND_BASELINES, Explainer
from pneumo_tf.explain.faithfulness import Score, deletion
from pneumo_tf.explain.maps import upsampled

MEASURED = ("grad_cam", "layer_cam", "centre", "edges", "random", "input_gradient")
"""Methods and baselines that every run is measured with: all that one backward pass gives."""

DELETED = (0.0, 0.1, 0.2, 0.4)
"""Shares of a film that are deleted: past them hardly a method differs from another."""

DELETION_FILMS = 30
"""Most films that are deleted from, which costs a pass per method and share."""

DIGITS = 4


def measure(
    explain: Explainer,
    score: Score,
    films: np.ndarray,
    ids: Sequence[str],
    *,
    masks: np.ndarray | None = None,
    lungs: np.ndarray | None = None,
) -> dict[str, Any]:
    """Measures maps.

    Args:
        explain: Made for the methods to measure.
        score: The same model's scores.
        films: (n, side, side) uint8.
        ids: (n,) their ids.
        masks: (n, side, side) bool: opacities; None where none are known.
        lungs: (n, side, side) bool: lung fields; None where none are known.

    Returns:
        `layers`, `grid` (cells of a map, down and across), `films` (the ids), and `methods`: for each its
        `title` and, measure by measure, a list of one value per film, None where it has none. `deletion` is
        of films called pneumonia. Ready for JSON.
    """
    maps = explain(films)
    called = np.flatnonzero(score(films) > 0)[:DELETION_FILMS]
    methods = {}
    for name, low in maps.items():
        high = upsampled(low, films.shape[1])
        values = _placed(high, films, masks, lungs) | {
            "border": shortcut.border_share(low),
            "corners": shortcut.corner_share(low),
            "empty": (low.max(axis=(1, 2), initial=0) == 0).astype(float),
            "deletion": np.full(len(films), np.nan),
        }
        values["deletion"][called] = deletion(score, films[called], high[called], fractions=DELETED)
        title = METHODS_AND_BASELINES[name].title
        methods[name] = {"title": title} | {key: _listed(of) for key, of in values.items()}
    about = {"layers": list(explain.layers), "grid": list(explain.grid)}
    return about | {"films": list(ids), "methods": methods}


def _placed(
    maps: np.ndarray, films: np.ndarray, masks: np.ndarray | None, lungs: np.ndarray | None
) -> dict[str, np.ndarray]:
    values = {"outside_body": localisation.energy_outside_body(maps, films)}
    if lungs is not None:
        values["lungs"] = localisation.energy_inside(maps, lungs)
    if masks is not None:
        values |= {
            "pointing": localisation.pointing_game(maps, masks),
            "near": localisation.pointing_game(maps, masks, localisation.NEAR),
            "energy": localisation.energy_inside(maps, masks),
            "iou": localisation.iou(maps, masks),
            "best_iou": localisation.best_iou(maps, masks),
        }
    return values


def _listed(values: np.ndarray) -> list[float | None]:
    return [round(float(value), DIGITS) if np.isfinite(value) else None for value in values]
