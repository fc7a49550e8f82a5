"""Resampled patients: films of a patient go together, and blocks change nothing."""

import numpy as np
import pytest

from benchmarks.error_rates.simulation import Study
from pneumo_tf.evaluation.intervals import PatientBootstrap
from pneumo_tf.evaluation.resampling import PatientResampling, resample_patients
from tests.evaluation.test_intervals import study


def test_films_of_a_patient_are_resampled_together_and_classes_keep_their_patients():
    one = study(np.random.default_rng(0), patients=(7, 5))
    weights = resample_patients(one.labels, one.patients, replicates=50)
    first = {name: np.flatnonzero(one.patients == name)[0] for name in one.patients}
    for index, name in enumerate(one.patients):
        assert (weights[:, index] == weights[:, first[name]]).all()
    persons = np.array(sorted(first.values()))
    assert (weights[:, persons[one.labels[persons] == 0]].sum(axis=1) == 7).all()
    assert (weights[:, persons[one.labels[persons] == 1]].sum(axis=1) == 5).all()


def test_patients_with_both_classes_keep_both_in_every_replicate():
    labels, patients = np.array([0, 1, 0, 1]), np.array(["a", "a", "b", "b"])
    weights = resample_patients(labels, patients, replicates=20)
    assert (weights[:, labels == 0].sum(axis=1) == 2).all()
    assert (weights[:, labels == 1].sum(axis=1) == 2).all()


@pytest.mark.parametrize("most", [1, 1000, 10**6])
def test_replicates_do_not_depend_on_blocks(most):
    films = Study(np.random.default_rng(13), (20, 15), mixed=3).films
    blocks = list(PatientResampling(films.labels, films.patients, 30).blocks(most))
    assert max(block.size for block in blocks) <= max(most, len(films))
    np.testing.assert_array_equal(np.concatenate(blocks), resample_patients(films.labels, films.patients, 30))


def test_replicates_are_those_of_one_stream_of_random_numbers():
    films = Study(np.random.default_rng(14), (6, 5)).films
    rng, times = np.random.default_rng(3), {}
    for label in (0, 1):
        # In the order of their names, as text.
        members = sorted(set(films.patients[films.labels == label]))
        for replicate, chosen in enumerate(rng.integers(len(members), size=(40, len(members)))):
            for place, patient in enumerate(members):
                times[replicate, patient] = int((chosen == place).sum())
    found = resample_patients(films.labels, films.patients, 40, seed=3)
    expected = [[times[replicate, patient] for patient in films.patients] for replicate in range(40)]
    np.testing.assert_array_equal(found, expected)


def test_estimates_do_not_depend_on_blocks():
    runs = Study(np.random.default_rng(15), (20, 15)).model().runs(2)
    whole, in_blocks = (PatientBootstrap(50, block=block).estimate(runs) for block in (10**6, 1000))
    for name, estimate in whole.items():
        ends = (estimate.value, estimate.low, estimate.high)
        other = in_blocks[name]
        assert (other.value, other.low, other.high) == pytest.approx(ends, rel=1e-12, nan_ok=True), name
