"""Trivial models, which every network has to beat: logistic regression on a few simple features."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pneumo_tf.data.datasets.dataset import Dataset
from pneumo_tf.data.films import METADATA
from pneumo_tf.data.pixels import cached_pixels

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

THUMBNAIL_SIDE = 16
BORDER_SIDE = 32
BORDER_WIDTH = 2

Features = Callable[[Dataset, Path], np.ndarray]


def _standardised() -> "Pipeline":
    # Imported here, and below: planning reads the entries, and scikit-learn takes a second.
    from pneumo_tf.models.logistic import standardised_regression

    return standardised_regression()


def _of_metadata() -> "Pipeline":
    from pneumo_tf.models.metadata import metadata_regression

    return metadata_regression()


@dataclass(frozen=True)
class TrivialModel:
    """A trivial model.

    Args:
        features: Function from a dataset and the folder of decoded films to (n, f) features of all films.
        regression: Function that returns the regression to fit.
        covariates: Columns of the film table that it needs; it is left out for films without them.
        shows_lungs: Whether its features contain pixels of the lungs; if not, it can only use shortcuts.
    """

    features: Features
    regression: Callable[[], "Pipeline"] = _standardised
    covariates: tuple[str, ...] = ()
    shows_lungs: bool = False


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


def _metadata(dataset: Dataset, cache: Path) -> np.ndarray:
    from pneumo_tf.models.metadata import read_metadata

    return read_metadata(dataset.films)


TRIVIAL_MODELS: Mapping[str, TrivialModel] = {
    "majority": TrivialModel(_nothing),
    "image_size": TrivialModel(_image_size),
    "thumbnail": TrivialModel(_thumbnail, shows_lungs=True),
    "border": TrivialModel(_border),
    "metadata": TrivialModel(_metadata, _of_metadata, covariates=METADATA),
}
"""Every trivial model by name."""


def fit_trivial(
    name: str, dataset: Dataset, cache: Path, train: np.ndarray, *external: Dataset
) -> list[np.ndarray]:
    """Fit a trivial model, and score every film of the dataset and of others.

    Args:
        name: Key of `TRIVIAL_MODELS`.
        dataset: Dataset to fit and score.
        cache: Folder of decoded films.
        train: Indices of the training films.
        *external: Further datasets to score.

    Returns:
        For each dataset (n, 1) float32, the logit of pneumonia of every film, including training films: from
        logistic regression with balanced classes, or for `majority`, which has no features, the log odds of
        the training labels.
    """
    datasets, labels = (dataset, *external), dataset.films.labels
    if name == "majority":
        share = labels[train].mean()
        odds = np.log(share / (1 - share))
        return [np.full((len(one.films), 1), odds, np.float32) for one in datasets]
    from pneumo_tf.models.logistic import score_held_out

    model = TRIVIAL_MODELS[name]
    features = [model.features(one, cache) for one in datasets]
    together = np.concatenate(features)
    # Labels of other datasets are never read: only training films are fitted.
    padded = np.concatenate([labels, np.zeros(len(together) - len(labels), labels.dtype)])
    logits = score_held_out(together, padded, train, np.arange(len(together)), model.regression)
    return np.split(logits[:, None].astype(np.float32), np.cumsum([len(one) for one in features])[:-1])
