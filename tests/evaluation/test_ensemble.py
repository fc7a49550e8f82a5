"""Folds pooled and models averaged: against scikit-learn on the same films put together by hand."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from benchmarks.error_rates.simulation import make_predictions
from pneumo_tf.evaluation.ensemble import average_scores, pool_folds
from pneumo_tf.evaluation.labelled_predictions import LabelledPredictions
from pneumo_tf.evaluation.metrics import compute_metrics


def drawn(films: int, seed: int) -> LabelledPredictions:
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(films) % 3 > 0).astype(int)
    return make_predictions(labels, np.round(rng.normal(labels, 1.0), 1), patients=np.arange(films) // 2)


def chosen(films: LabelledPredictions, rows: np.ndarray) -> LabelledPredictions:
    columns = ("labels", "logits", "score", "patients", "subtypes")
    ids = tuple(films.ids[row] for row in rows)
    return LabelledPredictions(ids, *(getattr(films, name)[rows] for name in columns))


def test_parts_in_any_order_are_the_whole_again():
    whole = drawn(101, 1)
    rows = np.random.default_rng(2).permutation(101)
    parts = [chosen(whole, part) for part in np.array_split(rows, 5)]
    pooled, turned = pool_folds(parts), pool_folds(parts[::-1])
    assert pooled.ids == turned.ids == tuple(sorted(whole.ids))
    place = {film: at for at, film in enumerate(whole.ids)}
    back = np.array([place[film] for film in pooled.ids])
    for name in ("labels", "logits", "score", "patients", "subtypes"):
        np.testing.assert_array_equal(getattr(pooled, name), getattr(whole, name)[back])
        np.testing.assert_array_equal(getattr(pooled, name), getattr(turned, name))
    auc = compute_metrics(pooled.labels, pooled.score, names=["auc"])["auc"][0]
    assert auc == pytest.approx(roc_auc_score(whole.labels, whole.score))


def test_a_film_in_two_parts_is_refused():
    whole = drawn(30, 1)
    with pytest.raises(ValueError, match="in two parts"):
        pool_folds([chosen(whole, np.arange(20)), chosen(whole, np.arange(19, 30))])


def test_the_ensemble_is_the_mean_score_of_each_film():
    first, second = drawn(60, 1), replace(drawn(60, 1), score=drawn(60, 5).score)
    order = np.random.default_rng(3).permutation(60)
    ensemble = average_scores([first, chosen(second, order)])
    assert ensemble.ids == first.ids
    np.testing.assert_allclose(ensemble.score, (first.score + second.score) / 2)
    np.testing.assert_allclose(ensemble.logits[:, 0], ensemble.score, rtol=1e-6)
    auc = compute_metrics(ensemble.labels, ensemble.score, names=["auc"])["auc"][0]
    assert auc == pytest.approx(roc_auc_score(first.labels, first.score + second.score))


def test_models_on_different_films_have_no_mean():
    with pytest.raises(ValueError, match="different films"):
        average_scores([drawn(30, 1), chosen(drawn(30, 1), np.arange(29))])
