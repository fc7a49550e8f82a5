"""Long-run behaviour on simulated clusters with a known truth: what the intervals and tests promise.

`python -m pytest -m slow -s tests/evaluation/test_simulation.py` prints the shares that were found.
"""

import numpy as np
import pytest
from scipy.stats import norm

from pneumo_tf.evaluation.auc_test import compare_auc
from pneumo_tf.evaluation.intervals import PatientBootstrap
from pneumo_tf.evaluation.proportion_test import CLASS_OF, compare_proportion
from tests.evaluation.fabricate import Study

pytestmark = pytest.mark.slow
PATIENTS = (110, 100)
"""Half of the patients of the real test set."""


def say(what: str, share: float, studies: int) -> float:
    print(f"\n{what}: {100 * share:.1f} % of {studies}")
    return share


@pytest.mark.parametrize(("skill", "seeds"), [(2.0, 1), (4.0, 1), (2.0, 3)])
def test_intervals_cover_the_truth(skill, seeds, studies=600):
    """Film and patient parts are normal, so that the true AUC and sensitivity are known."""
    rng, noise, training = np.random.default_rng([21, seeds]), 0.4, 0.1 if seeds > 1 else 0.0
    variance = 2 * (0.8**2 + 0.6**2) + noise**2
    held = dict.fromkeys(("auc", "sensitivity"), 0)
    for number in range(studies):
        rows = Study(rng, PATIENTS).model(skill).runs(seeds, training, noise)
        estimates = PatientBootstrap(1000, number).estimate(rows, held)
        # Training shifts the skill of a run by a normal number: the truth is the mean over all trainings.
        shift = norm.ppf((np.arange(2000) + 0.5) / 2000) * training
        auc = norm.cdf((skill + shift) / np.sqrt(2 * variance)).mean()
        sensitivity = norm.cdf((skill + shift) / 2 / np.sqrt(variance)).mean()
        for name, truth in (("auc", auc), ("sensitivity", sensitivity)):
            held[name] += estimates[name].low <= truth <= estimates[name].high
    for name, count in held.items():
        share = say(f"95 % interval of {name} covers, skill {skill}, {seeds} seeds", count / studies, studies)
        assert 0.92 <= share <= (0.97 if seeds == 1 else 0.99)


@pytest.mark.parametrize(("seeds", "training"), [(1, 0.0), (2, 0.0), (3, 0.0), (3, 0.3), (5, 0.3)])
def test_two_equal_models_are_told_apart_as_often_as_the_level_says(seeds, training, studies=1500):
    rng, rejected = np.random.default_rng([22, seeds]), dict.fromkeys(("auc", *CLASS_OF), 0)
    for _ in range(studies):
        study = Study(rng, PATIENTS)
        rows = [study.model(2.5).runs(seeds, training) for _ in range(2)]
        rejected["auc"] += compare_auc(rows).p[0, 1] < 0.05
        for metric in CLASS_OF:
            rejected[metric] += compare_proportion(rows, metric).p[0, 1] < 0.05
    for name, count in rejected.items():
        share = say(f"{name} of equal models, {seeds} seeds of {training}, differs", count / studies, studies)
        assert 0.03 <= share <= 0.07 or (seeds > 1 and share < 0.07)


def test_holm_keeps_the_family_wise_rate(studies=1500):
    rng, rejected = np.random.default_rng(23), 0
    for _ in range(studies):
        study = Study(rng, PATIENTS)
        rejected += compare_auc([study.model(2.5).runs() for _ in range(6)]).significant.any()
    assert say("any of the 15 pairs of six equal models differs", rejected / studies, studies) <= 0.06
