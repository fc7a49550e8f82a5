"""Trivial models, which every network has to beat: logistic regression on size, border or thumbnail."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from pneumo_tf.data.datasets.dataset_source import Dataset
from pneumo_tf.data.pixels import cached_pixels
from pneumo_tf.models.logistic import score_held_out

THUMBNAIL_SIDE = 16
BORDER_SIDE = 32
BORDER_WIDTH = 2

Features = Callable[[Dataset, Path], np.ndarray]


def _nothing(dataset: Dataset, cache: Path) -> np.ndarray:
    return np.zeros((len(dataset.films), 1))


def _image_size(dataset: Dataset, cache: Path) -> np.ndarray:
    width, height = np.array([(film.width, film.height) for film in dataset.films], float).T
    return np.stack([width, height, width / height], 1)


def _thumbnail(dataset: Dataset, cache: Path) -> np.ndarray:
    pixels = cached_pixels(dataset, cache, side=THUMBNAIL_SIDE)
    return pixels.reshape(len(pixels), -1).astype(float)


def _border(dataset: Dataset, cache: Path) -> np.ndarray:
    pixels = cached_pixels(dataset, cache, side=BORDER_SIDE)
    inside = np.zeros(pixels.shape[1:], bool)
    inside[BORDER_WIDTH:-BORDER_WIDTH, BORDER_WIDTH:-BORDER_WIDTH] = True
    return pixels[:, ~inside].astype(float)


FEATURES: dict[str, Features] = {
    "majority": _nothing,
    "image_size": _image_size,
    "thumbnail": _thumbnail,
    "border": _border,
}
"""Features of all films for each trivial model, (n, features)."""


def fit_trivial(
    name: str, dataset: Dataset, cache: Path, train: np.ndarray, *elsewhere: Dataset
) -> list[np.ndarray]:
    """Fit a trivial model, and score every film of the dataset and of others.

    Args:
        name: Key of `FEATURES`.
        dataset: Dataset to fit and score.
        cache: Folder of decoded films.
        train: Indices of the training films.
        *elsewhere: Further datasets to score.

    Returns:
        For each dataset (n, 1) float32, the logit of pneumonia of every film, including training films: from
        logistic regression with balanced classes, or for `majority`, which has no features, the log odds of
        the training labels.
    """
    datasets, labels = (dataset, *elsewhere), dataset.films.labels
    if name == "majority":
        share = labels[train].mean()
        odds = np.log(share / (1 - share))
        return [np.full((len(one.films), 1), odds, np.float32) for one in datasets]
    features = [FEATURES[name](one, cache) for one in datasets]
    together = np.concatenate(features)
    # Labels of other datasets are never read: only training films are fitted.
    padded = np.concatenate([labels, np.zeros(len(together) - len(labels), labels.dtype)])
    logits = score_held_out(together, padded, train, np.arange(len(together)))[:, None].astype(np.float32)
    return np.split(logits, np.cumsum([len(one) for one in features])[:-1])
