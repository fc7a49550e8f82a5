"""AUC of the image score, of age, sex and view, and of both, for networks with all folds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pneumo_tf.data.films import METADATA, Films
from pneumo_tf.evaluation.intervals import Estimate, estimate_mean
from pneumo_tf.evaluation.labelled_predictions import LabelledPredictions
from pneumo_tf.evaluation.metrics import compute_metrics
from pneumo_tf.report.board import Board, Row
from pneumo_tf.report.cross_validation import CrossValidation, cross_validations


@dataclass(frozen=True)
class ImageAndMetadata:
    """AUC of a network on the test films with and without metadata: means over seeds, with intervals.

    Args:
        row: The network.
        image: AUC of the ensemble of its folds.
        metadata: AUC of the regression on metadata alone.
        both: AUC of the regression on the image score and metadata.
        gain: `both` minus `image`, paired by bootstrap replicate.
    """

    row: Row
    image: Estimate
    metadata: Estimate
    both: Estimate
    gain: Estimate


def measure_image_and_metadata(board: Board) -> list[ImageAndMetadata]:
    """Measure the networks of a board that have all folds; none if the films lack a column of `METADATA`.

    Raises:
        UserError: If an age is not a number.
    """
    if not set(METADATA) <= set(board.films.covariates):
        return []
    return [_measure(folds) for folds in cross_validations(board) if folds.complete and not folds.row.trivial]


def score_with_metadata(
    films: Films, out_of_fold: LabelledPredictions, test: LabelledPredictions
) -> tuple[np.ndarray, np.ndarray]:
    """Fit regressions to training films, and score test films.

    Args:
        films: Film table with the covariates `METADATA`.
        out_of_fold: Scores of training films, each by a model that was not trained on its patient.
        test: Scores of test films.

    Returns:
        (n,) scores of the test films: by metadata alone, and by metadata with the image score.
    """
    # Imported here: most boards have no such table, and scikit-learn takes a second.
    from pneumo_tf.models.logistic import score_held_out
    from pneumo_tf.models.metadata import (
        metadata_regression,
        read_metadata,
        score_and_metadata_regression,
    )

    train_at, test_at = films.indices(out_of_fold.ids), films.indices(test.ids)
    metadata, score = read_metadata(films), np.full(len(films), np.nan)
    score[train_at], score[test_at] = out_of_fold.score, test.score
    both = np.column_stack([metadata, score.astype(object)])
    return (
        score_held_out(metadata, films.labels, train_at, test_at, metadata_regression),
        score_held_out(both, films.labels, train_at, test_at, score_and_metadata_regression),
    )


def _measure(folds: CrossValidation) -> ImageAndMetadata:
    row = folds.row
    aucs = np.stack(
        [
            _aucs(row, test, [test.score, *score_with_metadata(row.films, out_of_fold, test)])
            for out_of_fold, test in zip(folds.out_of_fold, folds.ensembles, strict=True)
        ]
    )
    image, metadata, both = aucs[:, 0], aucs[:, 1], aucs[:, 2]
    seed, patients = row.bootstrap.seed_of(folds.ensembles), row.bootstrap.count_patients(folds.ensembles[0])

    def estimate(values: np.ndarray, bounds: tuple[float, float] = (0.0, 1.0)) -> Estimate:
        return estimate_mean(values[:, 0], values[:, 1:], patients, seed, bounds)

    gain = estimate(both - image, (-1.0, 1.0))
    return ImageAndMetadata(row, estimate(image), estimate(metadata), estimate(both), gain)


def _aucs(row: Row, test: LabelledPredictions, scores: Sequence[np.ndarray]) -> np.ndarray:
    """Return the AUC of each score of the test films, (scores, 1 + replicates)."""

    def measure(weights: np.ndarray) -> np.ndarray:
        found = (compute_metrics(test.labels, score, weights, names=["auc"]) for score in scores)
        return np.stack([values["auc"] for values in found])

    return row.bootstrap.replicate(test, measure)
