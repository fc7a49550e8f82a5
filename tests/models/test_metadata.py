"""The row on age, sex and view: its encoding, and that films which are not trained on never enter it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from pneumo_tf.data.datasets.csv_table import CSV_TABLE
from pneumo_tf.data.datasets.dataset import Dataset
from pneumo_tf.data.films import Film, Films
from pneumo_tf.errors import UserError
from pneumo_tf.models.trivial import fit_trivial

TRAIN = np.arange(120)
NOWHERE = Path("nowhere")


def confounded(films=160, seed=0):
    """Films whose view depends on the label, with some unknown covariates."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(2, size=films)
    ids = [f"{number}.png" for number in range(films)]
    rows = [
        Film(name, int(label), "", f"P{name}", "train", 64, 64, name)
        for name, label in zip(ids, labels, strict=True)
    ]
    ages = rng.integers(1, 90, films)
    views = np.where(rng.random(films) < 0.3 + 0.4 * labels, "AP", "PA")
    covariates = {
        "age": {name: str(age) for name, age in zip(ids, ages, strict=True) if age % 7},
        "sex": {name: "MF"[age % 2] for name, age in zip(ids, ages, strict=True)},
        "view": {name: str(view) for name, view, age in zip(ids, views, ages, strict=True) if age % 5},
    }
    return Dataset(CSV_TABLE, "films", None, Films(tuple(rows), covariates=covariates))


def changed(dataset, keep, **columns):
    """The dataset with other labels and covariates of the films that are not in `keep`."""
    films = dataset.films
    rows = tuple(
        film if at in keep else film._replace(label=1 - film.label) for at, film in enumerate(films.rows)
    )
    kept = {film.id for at, film in enumerate(films.rows) if at in keep}
    covariates = {
        name: {film.id: values.get(film.id, "") if film.id in kept else columns[name] for film in films}
        for name, values in films.covariates.items()
    }
    return replace(dataset, films=Films(rows, covariates=covariates))


def test_scores_are_those_of_a_regression_on_columns_made_by_hand():
    dataset = confounded()
    films = dataset.films
    age = np.array([float(value) if value else np.nan for value in films.column("age")])
    unknown = np.isnan(age)
    mean = np.nanmean(age[TRAIN])
    filled = np.where(unknown, mean, age)
    columns = [(filled - filled[TRAIN].mean()) / filled[TRAIN].std()]
    columns.append((unknown - unknown[TRAIN].mean()) / unknown[TRAIN].std())
    columns += [np.array(films.column("sex")) == value for value in "FM"]
    columns += [np.array(films.column("view")) == value for value in ("", "AP", "PA")]
    features = np.stack(columns, 1).astype(float)
    by_hand = LogisticRegression(class_weight="balanced", max_iter=2000)
    by_hand.fit(features[TRAIN], films.labels[TRAIN])
    (found,) = fit_trivial("metadata", dataset, NOWHERE, TRAIN)
    np.testing.assert_allclose(found[:, 0], by_hand.decision_function(features), atol=1e-5)


def test_films_that_are_not_trained_on_never_enter_the_fit():
    dataset, other = confounded(), confounded(seed=1)
    before, there = fit_trivial("metadata", dataset, NOWHERE, TRAIN, other)
    moved = changed(dataset, set(TRAIN.tolist()), age="1000", sex="unheard of", view="lateral")
    after, _ = fit_trivial("metadata", moved, NOWHERE, TRAIN, changed(other, set(), age="", sex="X", view=""))
    np.testing.assert_array_equal(before[TRAIN], after[TRAIN])
    assert (before[120:] != after[120:]).all()
    _, again = fit_trivial("metadata", moved, NOWHERE, TRAIN, other)
    np.testing.assert_array_equal(there, again)


def test_a_covariate_that_no_training_film_has_is_no_obstacle():
    dataset = confounded()
    films = dataset.films
    empty = replace(films, covariates={**films.covariates, "age": {films.rows[-1].id: "40"}})
    (found,) = fit_trivial("metadata", replace(dataset, films=empty), NOWHERE, TRAIN)
    assert np.isfinite(found).all()


def test_an_age_that_is_no_number_is_named():
    dataset = confounded()
    films = dataset.films
    odd = replace(films, covariates={**films.covariates, "age": {"3.png": "forty"}})
    with pytest.raises(UserError, match=r"the age of 3\.png is 'forty', not a number of years"):
        fit_trivial("metadata", replace(dataset, films=odd), NOWHERE, TRAIN)
