"""The trivial models: scores of films held out, and an interval or a deviation where there may be one."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from pneumo_tf.audit.chapters import shortcuts
from pneumo_tf.audit.chapters.shortcuts import fit_trivial_models
from pneumo_tf.audit.split_strategies import STRATEGIES, score_folds
from pneumo_tf.evaluation import intervals


@pytest.fixture(scope="module")
def rows(clean):
    return {(row.strategy, row.model): row for row in fit_trivial_models(clean)}


def test_every_habit_and_on_the_official_test_every_model(rows):
    assert [strategy for strategy, model in rows if model == "16×16 thumbnail"] == list(STRATEGIES)
    assert sum(strategy == "official" for strategy, _ in rows) == 3


def test_values_are_those_of_the_films_held_out(rows, clean):
    pixels = clean.copies.thumbnail.reshape(len(clean.films), -1).astype(float)
    labels, test = clean.films.labels, clean.splits == "test"
    score = score_folds(pixels, labels, [(np.flatnonzero(~test), np.flatnonzero(test))])
    assert np.isnan(score[~test]).all()
    official = rows["official", "16×16 thumbnail"]
    assert official.held_out == test.sum()
    assert official.estimates["auc"].value == pytest.approx(roc_auc_score(labels[test], score[test]))
    assert official.estimates["accuracy"].value == pytest.approx(((score > 0) == labels)[test].mean())


def test_random_divisions_have_a_deviation_and_others_an_interval(rows):
    for (strategy, _), row in rows.items():
        auc = row.estimates["auc"]
        repeated = STRATEGIES[strategy].random
        assert (len(auc.runs) == shortcuts.REPEATS) == repeated == np.isfinite(auc.sd)
        if strategy in ("grouped", "by_image", "official"):
            assert auc.low <= auc.value <= auc.high


def test_few_patients_have_no_interval(rows, clean, monkeypatch):
    assert np.isnan(rows["alphabetical", "16×16 thumbnail"].estimates["auc"].low)
    monkeypatch.setattr(intervals, "LEAST_PATIENTS", 10_000)
    assert all(np.isnan(row.estimates["accuracy"].high) for row in fit_trivial_models(clean))
