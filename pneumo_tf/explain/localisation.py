"""Localisation: agreement of maps with masks of opacities, lungs and body; without TensorFlow."""

from collections.abc import Sequence

import cv2
import numpy as np

from pneumo_tf.data.datasets.dataset import Dataset
from pneumo_tf.data.pixels import Fit, crop_edges, fit_film
from pneumo_tf.evaluation.ratio import ratio

FIXED_THRESHOLD = 0.5
"""Share of a map's largest value above which a pixel counts as marked."""

NEAR = 0.04
"""Tolerance of the pointing game as a share of the side, about the 15 pixels of the paper."""


def pointing_game(maps: np.ndarray, masks: np.ndarray, tolerance: float = 0.0) -> np.ndarray:
    """Return 1 if the largest value is in the mask, else 0.

    Zhang et al. 2018, doi:10.1007/s11263-017-1059-x.

    Args:
        maps: (n, side, side) 0 or more.
        masks: (n, side, side) bool.
        tolerance: Distance from the mask that still counts as a hit, as a share of the side.

    Returns:
        (n,) float64: 1 or 0; if several pixels have the largest value, the share of them in the mask; 0 for
        an empty map; nan for an empty mask.
    """
    radius = round(tolerance * maps.shape[-1])
    if radius:
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
        masks = np.array([cv2.dilate(mask.astype(np.uint8), disc) > 0 for mask in masks]).reshape(masks.shape)
    peaks = maps.max(axis=(1, 2), keepdims=True)
    highest = (maps == peaks) & (peaks > 0)
    hits = ratio((highest & masks).sum(axis=(1, 2)), highest.sum(axis=(1, 2)), empty=0.0)
    return np.where(masks.any(axis=(1, 2)), hits, np.nan)


def energy_inside(maps: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Return the share of a map's sum that lies in the mask (Wang et al. 2020, arXiv:1910.01279).

    Args:
        maps: (n, side, side) 0 or more.
        masks: (n, side, side) bool.

    Returns:
        (n,) float64 in 0–1; 0 for an empty map, nan for an empty mask.
    """
    inside = ratio(
        (maps * masks).sum(axis=(1, 2), dtype=float), maps.sum(axis=(1, 2), dtype=float), empty=0.0
    )
    return np.where(masks.any(axis=(1, 2)), inside, np.nan)


def iou(maps: np.ndarray, masks: np.ndarray, threshold: float = FIXED_THRESHOLD) -> np.ndarray:
    """Return the IoU of the mask and the pixels above a share of the map's largest value.

    Args:
        maps: (n, side, side) 0 or more.
        masks: (n, side, side) bool.
        threshold: Share of the largest value, in 0–1.

    Returns:
        (n,) float64: intersection over union in 0–1; 0 for an empty map, nan for an empty mask.
    """
    peaks = maps.max(axis=(1, 2), keepdims=True)
    marked = (maps > threshold * peaks) & (peaks > 0)
    shared, either = (marked & masks).sum(axis=(1, 2)), (marked | masks).sum(axis=(1, 2))
    return np.where(masks.any(axis=(1, 2)), ratio(shared, either, empty=0.0), np.nan)


def best_iou(maps: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Return `iou` at the best threshold for each film: an upper bound.

    Args:
        maps: (n, side, side) 0 or more.
        masks: (n, side, side) bool.

    Returns:
        (n,) float64, as `iou`. Pixels that are 0 never count as marked.
    """
    return np.array([_best_iou(map_, mask) for map_, mask in zip(maps, masks, strict=True)], float).reshape(
        -1
    )


def _best_iou(map_: np.ndarray, mask: np.ndarray) -> float:
    if not mask.any():
        return np.nan
    order = np.argsort(-map_, axis=None, kind="stable")
    values = map_.ravel()[order]
    shared = np.cumsum(mask.ravel()[order])
    marked = np.arange(1, len(values) + 1)
    # A threshold includes all pixels of equal value or none, so only the last of them counts.
    last = np.append(values[1:] < values[:-1], True) & (values > 0)
    return float(np.max((shared / (marked + mask.sum() - shared))[last], initial=0.0))


def segment_body(film: np.ndarray) -> np.ndarray:
    """Segment the body on a film: everything except dark regions that touch the film's edge.

    Args:
        film: (side, side) uint8.

    Returns:
        (side, side) bool; all True for a film without a dark region.
    """
    smooth = cv2.GaussianBlur(film, (0, 0), max(film.shape[0] / 100, 0.5))
    split, _ = cv2.threshold(smooth, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    # Air is darker than half of Otsu's threshold; lungs may be as dark, but the body encloses them.
    _, parts = cv2.connectedComponents((smooth < split / 2).astype(np.uint8))
    edge = np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]])
    return ~np.isin(parts, np.setdiff1d(edge, [0]))


def energy_outside_body(maps: np.ndarray, films: np.ndarray) -> np.ndarray:
    """Return the share of a map's sum that lies outside the body.

    Args:
        maps: (n, side, side) 0 or more.
        films: (n, side, side) uint8.

    Returns:
        (n,) float64 in 0–1; nan for an empty map.
    """
    outside = np.array([~segment_body(film) for film in films]).reshape(films.shape)
    return ratio(
        (maps * outside).sum(axis=(1, 2), dtype=float), maps.sum(axis=(1, 2), dtype=float), empty=np.nan
    )


def read_masks(
    dataset: Dataset, kind: str, ids: Sequence[str], side: int, fit: Fit = "squash", edge_crop: float = 0.0
) -> np.ndarray | None:
    """Read masks of a dataset, resized and cropped like its films.

    Args:
        dataset: The films.
        kind: `"masks"` for opacities or `"lungs"`.
        ids: Film ids.
        side: Side of the model's input.
        fit: Resizing of the films, as in `cached_pixels`.
        edge_crop: Share that was cropped at the edges, as in `cached_pixels`.

    Returns:
        (n, side, side) bool, all False for films without a mark; None if the dataset has no masks of that
        kind.
    """
    mask_of = dataset.masks(kind)
    if mask_of is None:
        return None
    masks = np.zeros((len(ids), side, side), bool)
    for mask, film_id in zip(masks, ids, strict=True):
        drawn = mask_of(film_id)
        if drawn is not None:
            mask[:] = fit_film(crop_edges(drawn, edge_crop), side, fit) > 127
    return masks
