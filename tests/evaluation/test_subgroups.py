"""Groups of films, and the test whether a measure depends on the group."""

import numpy as np
import pytest
from scipy.stats import kstest, norm

from pneumo_tf.data.films import Film, Films
from pneumo_tf.evaluation.subgroups import groupings, interaction_p


def make_films(people=15, films=2, **columns):
    rows = []
    for subtype, label in (("normal", 0), ("bacteria", 1), ("virus", 1)):
        for person in range(people):
            for number in range(films):
                name = f"{subtype}-{person:02}-{number}.png"
                width = 100 + 10 * person + number
                rows.append(Film(name, label, subtype, f"{subtype}-{person}", "test", width, 100, name))
    return Films(tuple(rows), covariates=columns)


def test_groups_by_hand():
    films = make_films()
    found = groupings(films)
    assert list(found) == ["subtype of pneumonia", "film of the patient"]
    virus = found["subtype of pneumonia"]["virus"]
    assert {film.subtype for film, kept in zip(films, virus, strict=True) if kept} == {"normal", "virus"}
    first = found["film of the patient"]["first film"]
    assert [film.id.endswith("-0.png") for film in films] == first.tolist()


def test_halves_by_size_need_patients_of_both_classes_in_each():
    films = make_films(people=24)
    large = groupings(films)["size of the image"]["large image"]
    widths = np.array([film.width for film in films])
    assert large.sum() == len(films) / 2 and widths[large].min() > widths[~large].max()


def test_known_covariates_are_groups():
    films = make_films(people=24)
    sex = {film.id: "MF"[int(film.patient[-1]) % 2] for film in films}
    age = {film.id: str(10 + 40 * (int(film.patient[-1]) % 2)) for film in films}
    found = groupings(make_films(people=24, sex=sex, age=age))
    assert list(found["sex"]) == ["sex F", "sex M"]
    assert list(found["age"]) == ["under 18 years", "40 to 64"]


def test_p_of_two_groups_is_that_of_a_z_test():
    rng = np.random.default_rng(0)
    replicates = rng.normal([[0.9], [0.8]], [[0.02], [0.03]], (2, 4000))
    values = np.array([0.9, 0.8])
    z = 0.1 / np.std(replicates[0] - replicates[1], ddof=1)
    assert interaction_p(values, replicates) == pytest.approx(2 * norm.sf(z))


def test_p_is_uniform_where_groups_are_equal():
    rng = np.random.default_rng(1)
    found = []
    for _ in range(300):
        truth = rng.normal(0.9, 0.02, 3)
        found.append(interaction_p(truth, rng.normal(truth[:, None], 0.02, (3, 500))))
    assert kstest(found, "uniform").pvalue > 0.01


def test_replicates_without_a_value_are_left_out():
    rng = np.random.default_rng(2)
    values, replicates = np.array([0.9, 0.8]), rng.normal([[0.9], [0.8]], 0.03, (2, 2000))
    lacking = replicates.copy()
    lacking[0, :20] = np.nan
    assert interaction_p(values, lacking) == pytest.approx(interaction_p(values, replicates[:, 20:]))
    lacking[0, :200] = np.nan
    assert np.isnan(interaction_p(values, lacking))


def test_groups_without_variance_have_no_p():
    assert np.isnan(interaction_p(np.array([1.0, 1.0]), np.ones((2, 50))))
    assert np.isnan(interaction_p(np.array([1.0, np.nan]), np.full((2, 50), np.nan)))
