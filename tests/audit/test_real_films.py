"""The published films: what is known of them is found."""

from collections import Counter

import numpy as np
import pytest

from pneumo_tf.audit.chapters.duplicates import find_exact_groups, find_near_groups
from pneumo_tf.audit.chapters.patients import count_naive_overlap, find_shared_patients
from pneumo_tf.audit.chapters.shift import measure_shifts
from pneumo_tf.audit.chapters.shortcuts import fit_trivial_models
from pneumo_tf.audit.decoded import decode_set
from pneumo_tf.audit.split_strategies import STRATEGIES, divide_alphabetically, measure_leakage
from pneumo_tf.data.datasets.kermany import KERMANY, source_series
from tests.conftest import SHARED

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def real(real_films):
    return decode_set(real_films, SHARED / "data" / "original_sizes.csv")


def test_films(real):
    assert len(real.films) == 5856 and not real.unreadable and not KERMANY.count_differences(real.films)


def test_patients(real):
    def patients(label, *folders):
        return len(set(real.patients[np.isin(real.folders, folders) & (real.films.labels == label)]))

    assert (patients(1, "train"), patients(0, "train")) == (2443, 1211)
    assert (patients(1, "train", "val"), patients(0, "train", "val")) == (2450, 1219)
    assert (patients(1, "test"), patients(0, "test")) == (203, 225)
    assert find_shared_patients(real, "train", "test") == find_shared_patients(real, "val", "test") == []
    assert count_naive_overlap(real) == (170, 202)


def test_duplicates(real):
    groups = find_exact_groups(real)
    assert (len(groups), sum(len(group.films) for group in groups)) == (30, 62)
    assert Counter(group.films[0].split for group in groups) == {"train": 24, "test": 6}
    assert not any(group.crosses_splits or group.crosses_classes for group in groups)
    two = [{film.patient for film in group.films} for group in groups if group.crosses_patients]
    assert two == [{"NORMAL2-IM-0095", "NORMAL2-IM-0096"}]
    assert find_near_groups(real) == []


def test_leakage(real):
    assert measure_leakage(real, STRATEGIES["pooled"], 20).mean() == pytest.approx(0.38, abs=0.015)
    assert measure_leakage(real, STRATEGIES["random"], 20).mean() == pytest.approx(0.42, abs=0.02)
    _, held = divide_alphabetically(real)[0]
    assert {source_series(real.films.rows[i].id) for i in held if real.films.labels[i] == 0} == {"IM"}


def test_shift(real):
    found = {shift.group.name: shift for shift in measure_shifts(real)}
    known = {"normal": 0.92, "bacteria": 0.69, "virus": 0.65}
    assert {name: shift.auc for name, shift in found.items()} == pytest.approx(known, abs=0.03)
    assert np.concatenate([shift.random_patients for shift in found.values()]).mean() == pytest.approx(
        0.5, abs=0.04
    )
    assert found["normal"].auc > found["normal"].neighbours.max()


def test_trivial_models(real):
    found = {(row.strategy, row.model.split(",")[0]): row.estimates for row in fit_trivial_models(real)}
    letterboxed = [row.estimates for row in fit_trivial_models(real) if row.model.endswith("letterboxed")][0]

    def check(estimates, accuracy, specificity, auc):
        known = {"accuracy": accuracy, "specificity": specificity, "auc": auc}
        for name, value in known.items():
            if value is not None:
                assert estimates[name].value == pytest.approx(value, abs=0.02), name

    check(found["grouped", "16×16 thumbnail"], 0.949, 0.950, 0.989)
    check(found["by_image", "16×16 thumbnail"], 0.950, 0.947, 0.989)
    check(found["alphabetical", "16×16 thumbnail"], 0.952, 0.955, 0.990)
    check(found["pooled", "16×16 thumbnail"], 0.928, None, 0.977)
    check(found["official", "16×16 thumbnail"], 0.798, 0.500, 0.910)
    check(letterboxed, 0.816, 0.594, 0.922)
    check(found["official", "image size"], 0.833, None, 0.902)
